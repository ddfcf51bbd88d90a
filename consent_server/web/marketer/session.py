"""Who is there: passwords, sessions, whose form it is, and whose site."""

from __future__ import annotations

import hashlib
import re
import secrets

from flask import Response, g, request
from werkzeug.security import generate_password_hash

from ...site import ConsentError, Site
from ...store import Marketer
from ..request import bearer
from ..services import known_site, services

COOKIE = "marketer"
SESSION_SECONDS = 12 * 3600

MOST = 8192
"""Bytes of a form."""

SHORTEST, LONGEST = 10, 1000
"""Characters of a password."""

_WORD = hashlib.sha256().digest_size

LONGEST_NAME = 200
"""Characters of a marketer's name."""


class NotKnown(ConsentError):
    """Neither a session nor an API key says who asks."""

    problem = "not-known"


class NotYours(ConsentError):
    """The site belongs to other marketers."""

    problem = "not-yours"


class ForeignForm(ConsentError):
    """A form that this server did not hand out to this session."""

    problem = "foreign-form"


def hash_password(password: str) -> str:
    """Return what is kept of a password: its scrypt hash, with a salt of its own."""
    return generate_password_hash(password, method="scrypt")


def digest(kind: str, secret: str) -> str:
    """Return the name under which a session or an API key is kept: whoever reads the store cannot use it."""
    return hashlib.sha256(f"{kind}\0{secret}".encode()).hexdigest()


def current_marketer() -> Marketer | None:
    """Return whose session the cookie opens, if any."""
    cookie = request.cookies.get(COOKIE)
    g.marketer = services().store.marketers.session(digest("session", cookie)) if cookie else None
    marketer: Marketer | None = g.marketer
    return marketer


def require_marketer() -> Marketer:
    """Return whose session the cookie opens.

    Raises:
        NotKnown: it opens none.
    """
    marketer = current_marketer()
    if marketer is None:
        raise NotKnown("Log in first.")
    return marketer


def csrf_token() -> str:
    """Return the word that only the pages of this session know.

    It is another one on each page, so that the length of a page that is compressed tells nothing of it.
    """
    mask = secrets.token_bytes(_WORD)
    return (mask + _masked(mask)).hex()


def _masked(mask: bytes) -> bytes:
    """Return the word of this session, hidden by a mask."""
    word = bytes.fromhex(digest("form", request.cookies.get(COOKIE, "")))
    return bytes(one ^ other for one, other in zip(word, mask, strict=True))


def _is_own(text: str) -> bool:
    """Return whether a form sent a word of this session."""
    if not re.fullmatch(f"[0-9a-f]{{{4 * _WORD}}}", text):
        return False
    sent = bytes.fromhex(text)
    return secrets.compare_digest(sent[_WORD:], _masked(sent[:_WORD]))


def require_own_form() -> None:
    """Check that a form comes from a page of ours: browsers say so, in one header or an older one.

    Raises:
        ForeignForm: it does not.
    """
    said, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    own = said == "same-origin" if said else origin is None or origin.partition("://")[2] == request.host
    if not own:
        raise ForeignForm("This form was not sent by a page of this server.")


def require_own_session() -> Marketer:
    """Return whose form this is.

    Raises:
        NotKnown: nobody is logged in.
        ForeignForm: it comes from elsewhere, or from another session.
    """
    require_own_form()
    request.max_content_length = MOST
    # All of it, before anybody is looked up: a form takes as long as its sender likes.
    word = request.form.get("form", "")
    marketer = current_marketer()
    if marketer is None:
        raise NotKnown("The session is over; log in again.")
    if not _is_own(word):
        raise ForeignForm("This form belongs to another session; load the page again.")
    return marketer


def sites_of(marketer: Marketer) -> list[Site]:
    """Return the sites that a marketer may read and that there still are."""
    return [services().sites[name] for name in marketer.sites if name in services().sites]


def site_of(marketer: Marketer, name: str) -> Site:
    """Return one of a marketer's sites.

    Raises:
        NotYours: it belongs to others, or is none.
    """
    site = next((site for site in sites_of(marketer) if site.id == name), None)
    if site is None:
        raise NotYours("This site is not among yours.")
    return site


def site_to_read(site_id: str) -> Site:
    """Return the site of that id, whose rates an API key or a session opens.

    Raises:
        UnknownSite: there is none.
        NotKnown: neither opens anything.
        NotYours: it opens other sites only.
    """
    site = known_site(site_id)
    key = bearer(request.environ)
    if key is not None:
        if not services().store.rates_keys.knows(site, digest("api-key", key)):
            raise NotKnown(f"This API key does not open {site.id}.")
    else:
        marketer = current_marketer()
        if marketer is None:
            raise NotKnown("Log in, or send an API key: `Authorization: Bearer KEY`.")
        site_of(marketer, site.id)
    return site


def set_cookie(response: Response, name: str, value: str, seconds: int) -> None:
    """Set a cookie that comes back to this server alone, and never to a script."""
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path=f"{request.script_root}/",
        secure=request.is_secure,
        httponly=True,
        samesite="Strict",
    )
