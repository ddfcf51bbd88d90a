"""Login and logout."""

from __future__ import annotations

import secrets
from functools import cache
from urllib.parse import parse_qsl

from flask import Response, redirect, request, url_for
from werkzeug.security import check_password_hash

from ..limits import TooMany
from ..services import services
from .frame import blueprint, errors_on_page, rates_url, render_page
from .session import (
    COOKIE,
    SESSION_SECONDS,
    digest,
    hash_password,
    require_own_form,
    require_own_session,
    set_cookie,
)

TRIES = {"name and address": 5, "address": 20, "name": 30}
"""How many passwords a minute are looked at; whoever tries more waits for the next minute."""


@cache
def dummy_hash() -> str:
    """Return a hash to compare with where there is no such marketer, so that the time it takes tells nothing."""
    return hash_password(secrets.token_hex())


@blueprint.post("/login")
@errors_on_page
def login() -> Response:
    """Open a session for who knows the password."""
    require_own_form()
    name, wanted = request.form.get("name", "")[:200], request.form.get("wanted", "")[:2000]
    limits, client = services().limits, services().limits.client()
    try:
        limits.spend(TRIES["name and address"], "login", name, client)
        limits.spend(TRIES["address"], "login from", client)
        limits.spend(TRIES["name"], "login as", name)
    except TooMany:
        return render_page("login", 429, wanted=wanted, wrong="login_slow", name=name)
    marketer = services().store.marketers.find(name)
    right = check_password_hash(
        marketer.password if marketer else dummy_hash(), request.form.get("password", "")[:1000]
    )
    if not marketer or not right:
        return render_page("login", 401, wanted=wanted, wrong="login_wrong", name=name)
    cookie = secrets.token_urlsafe(32)
    services().store.marketers.open_session(digest("session", cookie), marketer, SESSION_SECONDS)
    response = redirect(rates_url(parse_qsl(wanted)), 303)
    set_cookie(response, COOKIE, cookie, SESSION_SECONDS)  # type: ignore[arg-type]
    return response  # type: ignore[return-value]


@blueprint.post("/logout")
@errors_on_page
def logout() -> Response:
    """End the session: the cookie, stolen or not, opens nothing any more."""
    require_own_session()
    services().store.marketers.close_session(digest("session", request.cookies[COOKIE]))
    response = redirect(url_for("marketer.rates_page"), 303)
    response.delete_cookie(COOKIE, path=f"{request.script_root}/")
    return response  # type: ignore[return-value]
