"""What a request says: where it comes from, what it brings, and who seems to send it."""

from __future__ import annotations

import re
from typing import cast

from flask import Response, request

from ..site import ConsentError, Site
from .services import services

# Crawlers, which run scripts and so see a banner. A program that says of itself that it showed one is believed, and
# Cubot makes telephones.
_BOT = re.compile(r"(?<!cu)bot\b|crawl|spider|slurp|preview|lighthouse|pagespeed|monitor", re.IGNORECASE)

PREFLIGHT = (
    ("Access-Control-Allow-Methods", "DELETE, GET, POST"),
    ("Access-Control-Allow-Headers", "Authorization, Content-Type"),
    ("Access-Control-Max-Age", "86400"),
)
"""What pages of a shop may do that browsers ask about first; seconds that they need not ask again."""


class ForeignOrigin(ConsentError):
    """A page of somebody else posts here."""

    problem = "foreign-origin"


class KnownBot(ConsentError):
    """A crawler decides, whose answer is nobody's."""

    problem = "known-bot"


class TooLarge(ConsentError):
    """More than is taken at once."""

    problem = "too-large"


def require_own_origin(site: Site) -> str | None:
    """Return the origin that a browser named, or None for a caller that is no browser.

    Raises:
        ForeignOrigin: it is not one of the site's.
    """
    origin = request.headers.get("Origin")
    if origin is not None and origin not in site.origins:
        services().knocks.tell(site, origin)
        raise ForeignOrigin(f"Pages of {origin[:100]} may not do this for {site.id}; its `origins` may.")
    return origin


def add_cors(response: Response, origin: str) -> Response:
    """Let pages of this origin, or of any (``*``), read the response, and answer what their browsers ask before a call.

    By hand: flask-cors, which finds out again what is known here, takes 9 % of a decision.
    """
    headers = [("Access-Control-Allow-Origin", origin)]
    if origin != "*":
        headers += (("Vary", "Origin"), ("Access-Control-Expose-Headers", "Date"))  # a page finds a wrong clock by it
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        headers += PREFLIGHT
    response.headers.extend(headers)
    return response


def read_body(most: int = 4096) -> bytes:
    """Return the request's body.

    Raises:
        TooLarge: it has over ``most`` bytes.
    """
    length = request.environ.get("CONTENT_LENGTH", "")
    if length.isdigit() and int(length) <= most:
        return cast(bytes, request.environ["wsgi.input"].read(int(length)))
    body = b"" if length else request.stream.read(most + 1)  # no length: it comes in chunks, or there is none
    if length or len(body) > most:
        raise TooLarge(f"The body may have {most} bytes at most.")
    return body


def device() -> str:
    """Return the class of device that the user agent claims; the text itself is not kept."""
    agent = request.headers.get("User-Agent", "")
    if "iPad" in agent or "Tablet" in agent or ("Android" in agent and "Mobi" not in agent):
        return "tablet"
    return "phone" if "Mobi" in agent else "desktop"


def country() -> str:
    """Return the two letters in the header that the operator named, or nothing."""
    name = services().settings.country_header
    found = request.headers.get(name, "").upper() if name else ""
    return found if re.fullmatch("[A-Z]{2}", found) else ""


def require_no_bot() -> None:
    """Return if the caller is no known bot.

    Raises:
        KnownBot: it says itself that it is one.
    """
    if _BOT.search(request.headers.get("User-Agent", "")):
        raise KnownBot("Decisions of known bots are not recorded: nobody has answered.")


def is_bot_or_prefetch() -> bool:
    """Return whether the caller is a known bot, or fetches a page ahead that perhaps nobody will see."""
    purpose = request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "")
    return "prefetch" in purpose or bool(_BOT.search(request.headers.get("User-Agent", "")))
