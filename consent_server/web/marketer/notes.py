"""The marketer's own notes: what happened on a day that the server cannot know of."""

from __future__ import annotations

import secrets
from urllib.parse import parse_qsl

from flask import Response, redirect, request

from ...rates import read
from ...rates.period import BadQuestion, read_day
from ...site import Site
from ...store import Note
from ..services import services
from .frame import blueprint, chosen_words, errors_on_page, rates_url, render_page
from .session import require_own_session, site_of

LONGEST = 200
"""Characters of a note."""

MOST = 500
"""Notes of a site: all of them are read for each page."""


@blueprint.post("/notes")
@errors_on_page
def add_note() -> Response:
    """Add a note, and go back to where it is seen."""
    site, words = site_of(require_own_session(), request.form.get("site", "")), chosen_words()
    text = " ".join(request.form.get("text", "").split())[:LONGEST]
    try:
        day = read_day(words.iso(request.form.get("day")) or "", "day")
    except BadQuestion:
        return _refused(site, words("bad_day", example=words.day(read.today(site), year=True)))
    if day > read.today(site):
        return _refused(site, words("bad_note_day"))
    if not text:
        return _refused(site, words("bad_note"))
    if len(services().store.notes.all(site)) >= MOST:
        return _refused(site, words("notes_full", most=words.number(MOST)))
    services().store.notes.add(site, Note(secrets.token_hex(8), day, text))
    return _back(site)


@blueprint.post("/notes/remove")
@errors_on_page
def remove_note() -> Response:
    """Remove a note."""
    site = site_of(require_own_session(), request.form.get("site", ""))
    services().store.notes.remove(site, request.form.get("note", ""))
    return _back(site)


def _refused(site: Site, said: str) -> Response:
    """Say why a note was not added, with what was written, to be mended and sent again."""
    return render_page("refused", 400, said=said, site=site, note=request.form)


def _back(site: Site) -> Response:
    asked = parse_qsl(request.form.get("asked", "")[:2000])
    return redirect(f"{rates_url([*asked, ('site', site.id)])}#happened", 303)  # type: ignore[return-value]
