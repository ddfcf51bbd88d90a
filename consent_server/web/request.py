"""What a request says: where it comes from, what it brings, and who seems to send it.

All of it is read from WSGI's ``environ``, which a view gets once and hands on: Flask finds out anew, at each look
through its ``request``, whose turn it is.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, cast

from flask import Request, request

from ..site import ConsentError, Site
from .responses import Answer
from .services import services

Environ = dict[str, Any]

# Crawlers, which run scripts and so see a banner. A program that says of itself that it showed one is believed, and
# Cubot makes telephones.
_BOT = re.compile(r"(?<!cu)bot\b")
_CRAWLERS = ("crawl", "spider", "slurp", "preview", "lighthouse", "pagespeed", "monitor")

FOR_ONE = (("Vary", "Origin"), ("Access-Control-Expose-Headers", "Date"))
"""What goes with leave for one origin; a page finds by its Date that its clock is wrong."""

PREFLIGHT = (
    ("Access-Control-Allow-Methods", "DELETE, GET, POST"),
    ("Access-Control-Allow-Headers", "Authorization, Content-Type"),
    ("Access-Control-Max-Age", "86400"),
)
"""What pages of a shop may do that browsers ask about first; seconds that they need not ask again."""

FOR_PAGES = {
    "scripts.notice",
    "shopper.decisions",
    "showing.shown",
    "me.me",
    "me.my_receipt",
    "me.erase",
    "reports.seen",
    "reports.reports",
    "seals.my_proof",
    "places.place",
}
"""What pages of the shop may read from another host."""


class ForeignOrigin(ConsentError):
    """A page of somebody else posts here."""

    problem = "foreign-origin"


class KnownBot(ConsentError):
    """A crawler decides, whose answer is nobody's."""

    problem = "known-bot"


class TooLarge(ConsentError):
    """More than is taken at once."""

    problem = "too-large"


def current_request() -> Request:
    """Return the request itself, for whoever looks at it often: each look through Flask's stand-in takes half a µs."""
    return cast(Request, request._get_current_object())  # type: ignore[attr-defined]


def require_own_origin(site: Site, environ: Environ) -> str | None:
    """Return the origin that a browser named, or None for a caller that is no browser.

    Raises:
        ForeignOrigin: it is not one of the site's.
    """
    origin = cast(str | None, environ.get("HTTP_ORIGIN"))
    if origin is not None and origin not in site.all_origins:
        services().knocks.tell(site, origin, services().limits.client())
        raise ForeignOrigin(
            f"The origin {origin[:100]} is not in `origins` of {site.id} in consent.toml; if it is the shop's, add it."
        )
    return origin


def add_cors(response: Answer, origin: str) -> Answer:
    """Let pages of this origin, or of any (``*``), read the response, and answer what their browsers ask before a call.

    By hand: flask-cors, which finds out again what is known here, takes 9 % of a decision.
    """
    response.constant += (("Access-Control-Allow-Origin", origin),)
    if origin != "*":
        response.constant += FOR_ONE
    environ = current_request().environ
    if environ["REQUEST_METHOD"] == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ:
        response.constant += PREFLIGHT
    return response


def let_own_pages_read(response: Answer) -> Answer:
    """Let the shop's own pages read what is for them, refusals too."""
    asked = current_request()
    origin = asked.environ.get("HTTP_ORIGIN")
    if origin is not None and asked.endpoint in FOR_PAGES:
        site = services().sites.get((asked.view_args or {})["site_id"])
        if site and origin in site.all_origins:
            return add_cors(response, origin)
    return response


def read_body(environ: Environ, most: int = 4096) -> bytes:
    """Return the request's body.

    Raises:
        TooLarge: it has over ``most`` bytes.
    """
    length = environ.get("CONTENT_LENGTH", "")
    if len(length) < 10 and length.isascii() and length.isdigit() and int(length) <= most:
        return cast(bytes, environ["wsgi.input"].read(int(length)))
    body = b"" if length else request.stream.read(most + 1)  # no length: it comes in chunks, or there is none
    if length or len(body) > most:
        raise TooLarge(f"The body may have {most} bytes at most.")
    return body


def bearer(environ: Environ) -> str | None:
    """Return what stands in ``Authorization: Bearer``, whose scheme may be written in any case (RFC 9110)."""
    scheme, _, text = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return (text.strip() or None) if scheme.lower() == "bearer" else None


def device(environ: Environ) -> str:
    """Return the class of device that the user agent claims; the text itself is not kept."""
    agent = environ.get("HTTP_USER_AGENT", "")
    if "iPad" in agent or "Tablet" in agent or ("Android" in agent and "Mobi" not in agent):
        return "tablet"
    return "phone" if "Mobi" in agent else "desktop"


@lru_cache(maxsize=16)
def _variable(header: str) -> str:
    """Return the name under which WSGI has a header, of the few that an operator names."""
    return f"HTTP_{header.upper().replace('-', '_')}"


def country(environ: Environ, header: str | None) -> str:
    """Return the two letters in the header that the operator named, or nothing."""
    if not header:
        return ""
    found = environ.get(_variable(header), "").upper()
    return found if re.fullmatch("[A-Z]{2}", found) else ""


def place(environ: Environ, country_header: str | None, region_header: str | None) -> str:
    """Return where a request comes from, ``GB`` or ``US-CA``, by the headers that the operator named; or nothing."""
    found = country(environ, country_header)
    part = environ.get(_variable(region_header), "").upper().removeprefix(f"{found}-") if region_header else ""
    return f"{found}-{part}" if found and re.fullmatch("[A-Z0-9]{1,3}", part) else found


def _is_bot(environ: Environ) -> bool:
    agent = environ.get("HTTP_USER_AGENT", "").lower()
    return ("bot" in agent and bool(_BOT.search(agent))) or any(name in agent for name in _CRAWLERS)


def require_no_bot(environ: Environ) -> None:
    """Return if the caller is no known bot.

    Raises:
        KnownBot: it says itself that it is one.
    """
    if _is_bot(environ):
        raise KnownBot("Decisions of known bots are not recorded: nobody has answered.")


def is_bot_or_prefetch(environ: Environ) -> bool:
    """Return whether the caller is a known bot, or fetches a page ahead that perhaps nobody will see."""
    purpose = environ.get("HTTP_SEC_PURPOSE", "") + environ.get("HTTP_PURPOSE", "")
    return "prefetch" in purpose or _is_bot(environ)
