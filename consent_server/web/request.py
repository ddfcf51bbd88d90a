"""What both doors share: the parts they lead to, who may come in, and how the others are told no (RFC 9457)."""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import re
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

import msgspec
from flask import Flask, Response, current_app, g, has_request_context, request
from werkzeug.exceptions import HTTPException

from ..banner.scripts import Asked
from ..decision import ConsentError, Site
from ..settings.environment import Settings
from ..store import Store
from ..tokens import Keys
from .knocks import Knocks

log = logging.getLogger(__name__)

STATUS = {
    "malformed": 400,
    "bad-question": 400,
    "bad-token": 401,
    "expired-token": 401,
    "foreign-token": 401,
    "not-known": 401,
    "foreign-origin": 403,
    "not-allowed": 403,
    "not-yours": 403,
    "unknown-site": 404,
    "no-such-notice": 404,
    "other-content": 409,
    "previous-replaced": 409,
    "too-large": 413,
    "previous-refused": 422,
    "unknown-category": 422,
    "unknown-notice": 422,
    "too-many": 429,
    "store-away": 503,
    "wrong-layout": 503,
}
"""The HTTP status of each kind of problem."""

RETRY_SECONDS = {429: "60", 503: "5"}

# Crawlers, which run scripts and so see a banner. A program that says of itself that it showed one is believed.
_BOT = re.compile(r"bot\b|crawl|spider|slurp|preview|lighthouse|pagespeed|monitor", re.IGNORECASE)


class UnknownSite(ConsentError):
    """No shop of that id."""

    problem = "unknown-site"


class ForeignOrigin(ConsentError):
    """A page of somebody else posts here."""

    problem = "foreign-origin"


class TooLarge(ConsentError):
    """More than is taken at once."""

    problem = "too-large"


class TooMany(ConsentError):
    """More often than is taken."""

    problem = "too-many"


class Limits:
    """How often something may be done in a minute. Addresses are hashed with a salt of the day and never stored.

    Each worker counts for itself, in memory: nothing has to be asked for, and nothing is left after the minute.
    """

    def __init__(self) -> None:
        self._minute = 0
        self._spent: dict[tuple[str, ...], int] = {}
        self._salts: dict[int, bytes] = {}

    def spend(self, most: int, *who: str) -> None:
        """Count one more for ``who``.

        Raises:
            TooMany: it was done ``most`` times in this minute already.
        """
        minute = int(time.time() // 60)
        if minute != self._minute:
            self._minute, self._spent = minute, {}
        spent = self._spent
        spent[who] = count = spent.get(who, 0) + 1
        if count > most:
            raise TooMany("That was too often for one minute; try again in the next.")

    def client(self) -> str:
        """Return a name for the client's address that means nothing tomorrow, or on another machine."""
        day = int(time.time() // 86400)
        if day not in self._salts:
            self._salts.clear()
            self._salts[day] = secrets.token_bytes(16)
        address = request.remote_addr or ""
        if ":" in address:  # one household has a whole /64
            with suppress(ValueError):
                address = str(ipaddress.ip_network(f"{address.partition('%')[0]}/64", strict=False))
        return hashlib.blake2b(address.encode(), key=self._salts[day], digest_size=16).hexdigest()


@dataclass(frozen=True)
class Parts:
    """The rooms behind the doors."""

    settings: Settings
    sites: Mapping[str, Site]
    store: Store
    keys: Keys
    limits: Limits
    knocks: Knocks
    asked: Mapping[str, Asked]


def parts() -> Parts:
    """Return the parts of the running app."""
    return cast(Parts, current_app.extensions["consent"])


def known_site(site_id: str) -> Site:
    """Return the shop of that id.

    Raises:
        UnknownSite: there is none.
    """
    site = parts().sites.get(site_id)
    if site is None:
        raise UnknownSite(f"There is no site {site_id[:40]!r} here.")
    return site


def own_origin(site: Site) -> str | None:
    """Return the origin that a browser named, or None for a caller that is no browser.

    Raises:
        ForeignOrigin: it is not one of the site's.
    """
    origin = request.headers.get("Origin")
    if origin is not None and origin not in site.origins:
        parts().knocks.tell(site, origin)
        raise ForeignOrigin(f"Pages of {origin[:100]} may not do this for {site.id}; its `origins` may.")
    return origin


def readable_by(response: Response, origin: str | None) -> Response:
    """Let a page of this origin read the response, as flask-cors would at five times the cost, which then leaves it."""
    if origin is not None:
        # By the date a page learns that its device's clock is wrong.
        exposed = ("Access-Control-Expose-Headers", "Date")
        response.headers.extend((("Access-Control-Allow-Origin", origin), ("Vary", "Origin"), exposed))
    return response


def small_body(most: int = 4096) -> bytes:
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
    name = parts().settings.country_header
    found = request.headers.get(name, "").upper() if name else ""
    return found if re.fullmatch("[A-Z]{2}", found) else ""


def nobody_there() -> bool:
    """Return whether the caller is a known bot, or fetches a page ahead that perhaps nobody will see."""
    purpose = request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "")
    return "prefetch" in purpose or bool(_BOT.search(request.headers.get("User-Agent", "")))


def answer(content: object, status: int = 200, mimetype: str = "application/json") -> Response:
    """Return a JSON response that nobody keeps."""
    return Response(msgspec.json.encode(content), status, [("Cache-Control", "no-store")], content_type=mimetype)


def problem(kind: str, status: int, title: str, detail: str) -> Response:
    """Return problem details (RFC 9457)."""
    content = {"type": f"/problems/{kind}", "title": title, "status": status, "detail": detail}
    response = answer(content, status, "application/problem+json")
    response.headers["X-Request-ID"] = request_id()
    if status in RETRY_SECONDS:
        response.headers["Retry-After"] = RETRY_SECONDS[status]
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


class _Line(logging.Formatter):
    """A log line as JSON, with the id of the request that it belongs to."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "part": record.name,
            "request": request_id() if has_request_context() else None,
            "message": record.getMessage(),
            "error": self.formatException(record.exc_info) if record.exc_info else None,
        }
        return msgspec.json.encode({name: value for name, value in line.items() if value}).decode()


def write_logs(*, as_json: bool) -> None:
    """Write what is logged to standard error: one JSON object a line for machines, or plain lines for people."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Line() if as_json else logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def request_id() -> str:
    """Return the name of this request in logs and problems: the one that a trusted proxy gave it, or a new one."""
    if "request_id" not in g:
        given = request.headers.get("X-Request-ID", "") if parts().settings.trusted_proxies else ""
        g.request_id = given if re.fullmatch(r"[A-Za-z0-9._-]{8,64}", given) else secrets.token_hex(8)
    return cast(str, g.request_id)


def say_no(app: Flask) -> None:
    """Have every error of ``app`` answered with problem details."""

    @app.errorhandler(ConsentError)
    def refused(error: ConsentError) -> Response:
        title = error.problem.replace("-", " ").capitalize()
        return problem(error.problem, STATUS[error.problem], title, str(error))

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        response = problem(
            error.name.lower().replace(" ", "-"), error.code or 500, error.name, error.description or error.name
        )
        response.headers.extend((k, v) for k, v in error.get_headers() if k in ("Allow", "Location"))
        return response

    @app.errorhandler(Exception)
    def broken(error: Exception) -> Response:
        log.error("unexpected error in %s", request.endpoint, exc_info=error)
        return problem("internal-error", 500, "Internal error", "Something went wrong here; it has been logged.")
