"""The preview for marketers: of their shops alone, behind their login."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import msgspec
from flask import Blueprint, Response, abort, redirect, request, url_for
from werkzeug.exceptions import MethodNotAllowed, NotFound

from ...store import Marketer
from ...tokens import BadToken, token
from ..marketer.frame import chosen_words, errors_on_page
from ..marketer.session import COOKIE, digest, require_marketer, sites_of
from ..services import services
from . import GUEST, Guest, create_preview


def _key(session: str) -> str:
    """Return what opens the preview to whoever has this session."""
    said = {"typ": "preview", "session": session}
    return token(said, services().keys.sign(said))


def _marketer(key: str) -> Marketer | None:
    """Return whose session a key is of, if that still is one."""
    try:
        said = msgspec.json.decode(services().keys.payload(key))
    except BadToken:
        return None
    return services().store.marketers.session(said["session"]) if said.get("typ") == "preview" else None


def blueprint_of(path: Path) -> Blueprint:
    """Return what shows the ``consent.toml`` at ``path`` to whoever is logged in, at an address of their session's own.

    The frames have no origin, so that no answer is kept in them, and send no cookie: the address says who looks. It
    leads nowhere once the session is over.
    """
    blueprint = Blueprint("preview", __name__)
    preview = create_preview(path)

    @blueprint.get("/preview")
    @errors_on_page
    def enter() -> Response:
        require_marketer()
        key = _key(digest("session", request.cookies[COOKIE]))
        return redirect(url_for("marketer.preview.show", key=key, site=request.args.get("site")), 303)  # type: ignore[return-value]

    @blueprint.route("/preview/<key>/", methods=["GET", "POST"], defaults={"rest": ""}, endpoint="show")
    @blueprint.route("/preview/<key>/<path:rest>", methods=["GET", "POST"])
    def show(key: str, rest: str) -> Response:
        marketer = _marketer(key)
        if marketer is None:
            if rest:
                raise NotFound()
            return redirect(url_for("marketer.preview.enter"), 303)  # type: ignore[return-value]
        guest = Guest(chosen_words().lang, {site.id for site in sites_of(marketer)}, f"{request.root_path}/")
        within = {"SCRIPT_NAME": f"{request.root_path}/preview/{key}", "PATH_INFO": f"/{rest}", GUEST: guest}
        shown = cast(Response, Response.from_app(preview.wsgi_app, {**request.environ, **within}))
        if shown.status_code == MethodNotAllowed.code:
            raise MethodNotAllowed(shown.allow)
        if shown.status_code >= 400:  # which is said as by all that is ours
            abort(shown.status_code)
        return shown

    return blueprint
