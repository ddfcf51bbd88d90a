"""Login, logout, and another password."""

from __future__ import annotations

import secrets
from functools import cache
from urllib.parse import parse_qsl

import msgspec
from flask import Response, redirect, request, url_for
from werkzeug.security import check_password_hash

from ...store import Marketer
from ...tokens import BadToken, token
from ..limits import TooMany
from ..services import services
from .frame import blueprint, errors_on_page, rates_url, render_page
from .session import (
    COOKIE,
    LONGEST,
    LONGEST_NAME,
    MOST,
    SESSION_SECONDS,
    SHORTEST,
    NotKnown,
    digest,
    hash_password,
    require_marketer,
    require_own_form,
    require_own_session,
    set_cookie,
)

TRIES = {"name and address": 5, "address": 20, "name": 30, "browser": 5}
"""How many passwords a minute are looked at; whoever tries more waits for the next minute."""

KNOWN = "known"
"""Cookie of a browser in which somebody has logged in: it has tries of its own, and no stranger spends them.

https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
"""

KNOWN_SECONDS = 180 * 86400


@cache
def dummy_hash() -> str:
    """Return a hash to compare with where there is no such marketer, so that the time it takes tells nothing."""
    return hash_password(secrets.token_hex())


@blueprint.post("/login")
@errors_on_page
def login() -> Response:
    """Open a session for who knows the password."""
    request.max_content_length = MOST
    require_own_form()
    name, wanted = request.form.get("name", "")[:LONGEST_NAME], request.form.get("wanted", "")[:2000]
    try:
        _spend_try(name)
    except TooMany:
        return render_page("login", 429, wanted=wanted, wrong="login_slow", name=name)
    marketer = services().store.marketers.find(name)
    right = check_password_hash(
        marketer.password if marketer else dummy_hash(), request.form.get("password", "")[:LONGEST]
    )
    if not marketer or not right:
        return render_page("login", 401, wanted=wanted, wrong="login_wrong", name=name)
    response = redirect(rates_url(parse_qsl(wanted)), 303)
    _open_session(response, marketer)  # type: ignore[arg-type]
    browser = {"typ": KNOWN, "name": name, "id": secrets.token_urlsafe(16)}
    set_cookie(response, KNOWN, token(browser, services().keys.sign(browser)), KNOWN_SECONDS)  # type: ignore[arg-type]
    return response  # type: ignore[return-value]


def _spend_try(name: str) -> None:
    """Count a try to log in as ``name``.

    Raises:
        TooMany: this browser, or strangers at this address or anywhere, tried too often in this minute.
    """
    limits = services().limits
    browser = _known_as(name)
    if browser:
        return limits.spend(TRIES["browser"], "login in", browser)
    limits.spend(TRIES["name and address"], "login", name, limits.client())
    limits.spend_client(TRIES["address"], "login from")
    limits.spend(TRIES["name"], "login as", name)


def _known_as(name: str) -> str | None:
    """Return the id of the caller's browser, if ``name`` has logged in in it."""
    try:
        said = msgspec.json.decode(services().keys.payload(request.cookies.get(KNOWN)))
    except (BadToken, msgspec.DecodeError):
        return None
    return str(said["id"]) if said.get("typ") == KNOWN and said.get("name") == name else None


@blueprint.get("/password")
@errors_on_page
def password_page() -> Response:
    """The form for another password."""
    require_marketer()
    return render_page("password", changed="changed" in request.args)


@blueprint.post("/password")
@errors_on_page
def change_password() -> Response:
    """Take another password from who knows the old one, and end the marketer's sessions everywhere but here."""
    marketer = require_own_session()
    old, new = request.form.get("old", "")[:LONGEST], request.form.get("new", "")
    try:
        _spend_try(marketer.name)
    except TooMany:
        return render_page("password", 429, wrong="login_slow")
    if not check_password_hash(marketer.password, old):
        return render_page("password", 403, wrong="password_wrong")
    if not SHORTEST <= len(new) <= LONGEST:
        return render_page("password", 400, wrong="password_short")
    if new != request.form.get("again", ""):
        return render_page("password", 400, wrong="password_differs")
    store = services().store.marketers
    changed = store.change(marketer, hash_password(new))
    if changed is None:
        raise NotKnown("The session is over; log in again.")
    store.close_session(digest("session", request.cookies[COOKIE]))
    response = redirect(url_for("marketer.password_page", changed=1), 303)
    _open_session(response, changed)  # type: ignore[arg-type]
    return response  # type: ignore[return-value]


def _open_session(response: Response, marketer: Marketer) -> None:
    """Let the browser that gets this response in, as the marketer whose password was looked at."""
    cookie = secrets.token_urlsafe(32)
    services().store.marketers.open_session(digest("session", cookie), marketer, SESSION_SECONDS)
    set_cookie(response, COOKIE, cookie, SESSION_SECONDS)


@blueprint.post("/logout")
@errors_on_page
def logout() -> Response:
    """End the session: the cookie, stolen or not, opens nothing any more."""
    require_own_session()
    services().store.marketers.close_session(digest("session", request.cookies[COOKIE]))
    response = redirect(url_for("marketer.rates_page"), 303)
    response.delete_cookie(COOKIE, path=f"{request.script_root}/")
    return response  # type: ignore[return-value]
