"""Links that show one report to somebody without a login: they expire, can be revoked, and open nothing else."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from flask import Response, redirect, request, url_for

from ...rates import read
from ...rates.period import BadQuestion
from ...site import Site
from ...store import ReportLink
from ...tokens import BadToken, Keys, token
from ..limits import TooMany
from ..services import services
from .frame import blueprint, chosen_words, errors_on_page, render_page
from .question import Question, kept
from .rates import show_report
from .session import require_marketer, require_own_session, site_of
from .words import Words

REPORT = "report"
"""The type of a token that opens a report."""

LIVES = (7, 30, 90, 365)
"""For how many days a link may be made on the page."""

OPENED_A_MINUTE = 60
"""How many reports a minute one address is shown by links."""

MOST = 500
"""Links of a site: all of them are read for each page."""

STATUS = {"altered": 404, "expired": 410, "revoked": 410, "slow": 429}
"""The HTTP status of each reason for which a link opens nothing."""


def make_link(site: Site, name: str, days: int, asked: dict[str, str], by: str = "") -> ReportLink:
    """Return a link to a report.

    Args:
        site: whose report it is.
        name: whom it is for.
        days: for how long it works, from now on.
        asked: the report's question.
        by: the marketer who makes it, if it is one.
    """
    now = int(time.time())
    name = _printable(name)[:80] or "?"
    return ReportLink(secrets.token_hex(8), name, now, now + days * 86400, urlencode(asked), by)


def _printable(text: str) -> str:
    """Return a name in one line, which does no more to a terminal than be read."""
    return "".join(each for each in " ".join(text.split()) if each.isprintable())


def path_of(site: Site, link: ReportLink, keys: Keys) -> str:
    """Return the address of a link below the server's own: its token, which the newest key signs."""
    payload = {"typ": REPORT, "site": site.id, "id": link.id, "exp": link.until}
    return f"/shared/{token(payload, keys.sign(payload))}"


def opened(text: str) -> tuple[Site, ReportLink] | str:
    """Return what a link's token opens, or why it opens nothing: ``altered``, ``expired`` or ``revoked``.

    Raises:
        StoreAway: the store does not answer.
    """
    try:
        said = msgspec.json.decode(services().keys.payload(text))
    except (BadToken, msgspec.DecodeError):
        return "altered"
    if said.get("typ") != REPORT:
        return "altered"
    if said["exp"] <= time.time():
        return "expired"
    site = services().sites.get(said["site"])
    link = site and services().store.marketers.link(site, said["id"])
    return (site, link) if site and link else "revoked"


def _opened_in_turn(text: str) -> tuple[Site, ReportLink] | str:
    """Return the same, or ``slow`` where one address asks too often."""
    try:
        services().limits.spend_client(OPENED_A_MINUTE, "shared report")
    except TooMany as error:
        services().refusals.add("", error.problem)
        return "slow"
    return opened(text)


@blueprint.get("/shared/<text>")
@errors_on_page
def shared_page(text: str) -> Response:
    """One report, for whoever was given the link to it."""
    found = _opened_in_turn(text)
    if isinstance(found, str):
        response = render_page("ended", STATUS[found], why=f"link_{found}")
    else:
        site, link = found
        today = read.today(site)
        try:
            question = Question.parse(dict(parse_qsl(link.query)), chosen_words(), today)
            response = show_report(site, question, link=link)
        except BadQuestion:  # its days grew too many, or another version asked it: it never shows another report
            response = render_page("ended", STATUS["expired"], why="link_expired")
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    return response


@blueprint.get("/links")
@errors_on_page
def links_page() -> Response:
    """The links of a site, and what a new one would show."""
    site = site_of(require_marketer(), request.args.get("site", ""))
    return _page(site, kept(request.args, chosen_words()))


@blueprint.post("/links")
@errors_on_page
def add_link() -> Response:
    """Make a link."""
    marketer = require_own_session()
    site = site_of(marketer, request.form.get("site", ""))
    asked = kept(dict(parse_qsl(request.form.get("asked", "")[:2000])), chosen_words())
    Question.parse(asked, chosen_words(), read.today(site))
    days = request.form.get("days", "")
    lives = int(days) if days in map(str, LIVES) else LIVES[1]
    if sum(link.until > time.time() for link in services().store.marketers.links(site)) >= MOST:
        return render_page("refused", 400, said=chosen_words()("links_full", most=chosen_words().number(MOST)))
    link = make_link(site, request.form.get("name", ""), lives, asked, marketer.name)
    services().store.marketers.add_link(site, link)
    return _page(site, asked, link, 201)


@blueprint.post("/links/revoke")
@errors_on_page
def revoke_link() -> Response:
    """Revoke a link, at once."""
    site = site_of(require_own_session(), request.form.get("site", ""))
    services().store.marketers.remove_link(site, request.form.get("link", ""))
    return redirect(url_for("marketer.links_page", site=site.id), 303)  # type: ignore[return-value]


def _page(site: Site, asked: dict[str, str], new: ReportLink | None = None, status: int = 200) -> Response:
    Question.parse(asked, chosen_words(), read.today(site))
    root = request.url_root.rstrip("/")
    links = [link for link in services().store.marketers.links(site) if link.until > time.time()]
    return render_page(
        "links",
        status,
        site=site,
        asked=asked,
        query=urlencode(asked),
        new=new,
        links=links,
        lives=LIVES,
        address=lambda link: root + path_of(site, link, services().keys),
        shows=shows(site),
        day_of=partial(read.day_of, site),
    )


def shows(site: Site) -> Callable[[Words, str], Any]:
    """Return what says in words which report a query shows."""

    def say(words: Words, query: str) -> Any:
        asked = dict(parse_qsl(query))
        try:
            question = Question.parse(asked, words, read.today(site))
        except BadQuestion:
            return words("link_expired")
        first, last = question.period.first, question.period.last
        if asked.get("to"):
            parts = [words.days(first, last)]
        elif asked.get("from"):
            parts = [words("links_since", day=words.day(first, year=True))]
        else:
            parts = [words("links_moving")]
        parts.append(words(f"rate_{question.goal}"))
        return " · ".join([*map(str, parts), *(words.named(by, value) for by, value in question.only.items())])

    return say
