"""What a request says: where it comes from, what it brings, and who seems to send it."""

from __future__ import annotations

import re
from typing import cast

from flask import Request, request

from ..site import ConsentError, Site
from .responses import Answer
from .services import services

# Crawlers, which run scripts and so see a banner. A program that says of itself that it showed one is believed, and
# Cubot makes telephones.
_BOT = re.compile(r"(?<!cu)bot\b|crawl|spider|slurp|preview|lighthouse|pagespeed|monitor", re.IGNORECASE)

FOR_ONE = (("Vary", "Origin"), ("Access-Control-Expose-Headers", "Date"))
"""What goes with leave for one origin; a page finds by its Date that its clock is wrong."""

PREFLIGHT = (
    ("Access-Control-Allow-Methods", "DELETE, GET, POST"),
    ("Access-Control-Allow-Headers", "Authorization, Content-Type"),
    ("Access-Control-Max-Age", "86400"),
)
"""What pages of a shop may do that browsers ask about first; seconds that they need not ask again."""

FOR_PAGES = {f"shopper.{name}" for name in ("notice", "decisions", "shown", "me", "my_receipt", "erase")} | {
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


def header(name: str) -> str | None:
    """Return a header as it came; ``name`` is WSGI's, ``HTTP_ORIGIN``, which takes a third of what Flask's does."""
    return cast(str | None, request.environ.get(name))


def require_own_origin(site: Site) -> str | None:
    """Return the origin that a browser named, or None for a caller that is no browser.

    Raises:
        ForeignOrigin: it is not one of the site's.
    """
    origin = header("HTTP_ORIGIN")
    if origin is not None and origin not in site.all_origins:
        services().knocks.tell(site, origin)
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
    if request.method == "OPTIONS" and header("HTTP_ACCESS_CONTROL_REQUEST_METHOD") is not None:
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


def read_body(most: int = 4096) -> bytes:
    """Return the request's body.

    Raises:
        TooLarge: it has over ``most`` bytes.
    """
    environ = request.environ
    length = environ.get("CONTENT_LENGTH", "")
    if len(length) < 10 and length.isascii() and length.isdigit() and int(length) <= most:
        return cast(bytes, environ["wsgi.input"].read(int(length)))
    body = b"" if length else request.stream.read(most + 1)  # no length: it comes in chunks, or there is none
    if length or len(body) > most:
        raise TooLarge(f"The body may have {most} bytes at most.")
    return body


def bearer() -> str | None:
    """Return what stands in ``Authorization: Bearer``, whose scheme may be written in any case (RFC 9110)."""
    scheme, _, text = (header("HTTP_AUTHORIZATION") or "").partition(" ")
    return (text.strip() or None) if scheme.lower() == "bearer" else None


def device() -> str:
    """Return the class of device that the user agent claims; the text itself is not kept."""
    agent = header("HTTP_USER_AGENT") or ""
    if "iPad" in agent or "Tablet" in agent or ("Android" in agent and "Mobi" not in agent):
        return "tablet"
    return "phone" if "Mobi" in agent else "desktop"


def country(name: str | None) -> str:
    """Return the two letters in the header that the operator named, or nothing."""
    if not name:
        return ""
    found = request.headers.get(name, "").upper()
    return found if re.fullmatch("[A-Z]{2}", found) else ""


def place(country_header: str | None, region_header: str | None) -> str:
    """Return where a request comes from, ``GB`` or ``US-CA``, by the headers that the operator named; or nothing."""
    found = country(country_header)
    part = request.headers.get(region_header, "").upper().removeprefix(f"{found}-") if region_header else ""
    return f"{found}-{part}" if found and re.fullmatch("[A-Z0-9]{1,3}", part) else found


def require_no_bot() -> None:
    """Return if the caller is no known bot.

    Raises:
        KnownBot: it says itself that it is one.
    """
    if _BOT.search(request.headers.get("User-Agent", "")):
        raise KnownBot("Decisions of known bots are not recorded: nobody has answered.")


def is_bot_or_prefetch() -> bool:
    """Return whether the caller is a known bot, or fetches a page ahead that perhaps nobody will see."""
    purpose = (header("HTTP_SEC_PURPOSE") or "") + (header("HTTP_PURPOSE") or "")
    return "prefetch" in purpose or bool(_BOT.search(header("HTTP_USER_AGENT") or ""))
