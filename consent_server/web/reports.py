"""What browsers report that the shop's lists do not allow: names alone, by its own pages or by its content policy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import msgspec
from flask import Blueprint, Response, request

from ..banner.lists import categories_at, known_addresses, known_hosts
from ..decision import Consent, Malformed
from ..rates.happened.leaks import Kind, State
from ..site import OPTIONAL, Site
from ..tokens import BadToken
from .cookies import is_waiting, newest
from .me import verified
from .request import is_bot_or_prefetch, let_own_pages_read, read_body, require_own_origin
from .responses import nothing
from .services import known_site, services

blueprint = Blueprint("reports", __name__)
blueprint.after_request(let_own_pages_read)

LONGEST = 65_536
"""Bytes of a report of a browser, which repeats the whole policy."""

MOST = 30
"""Names that are taken of one report, and reports of one body."""

LONGEST_NAME = 64

REPORTS = 60
"""Bodies that are taken of one address or household in a minute. A browser may send one for each thing it blocks."""

LOOKED_AT = 256
"""Characters of a name that are folded, for the time it takes grows with their square; a host has 253 at most."""

_OWN = re.compile(
    r"https?:\S*|[\w.+-]+@[\w.-]+|[A-Za-z0-9]{20,}|(?=[A-Za-z]*\d)[A-Za-z0-9]{6,}|[0-9]+|[^!-~]+", re.ASCII
)


class _Seen(msgspec.Struct, forbid_unknown_fields=True):
    """The body that a page of the shop posts."""

    state: State
    seen: list[tuple[Kind, str]]


_Known = Sequence[Sequence[Mapping[str, str]]]

_seen = msgspec.json.Decoder(_Seen)
_reports = msgspec.json.Decoder(dict[str, Any] | list[dict[str, Any]])


def fold(name: str) -> str:
    """Return a name without what may be somebody's own: addresses, long words, digits and words with digits.

    Pages fold before they post (snippet/src/watch.js); whoever posts by hand stores no more than they do.
    """
    return re.sub(r"\*{2,}", "*", _OWN.sub("*", name[:LOOKED_AT]))[:LONGEST_NAME]


@blueprint.post("/v1/<site_id>/seen")
def seen(site_id: str) -> Response:
    """Count names that a page of the shop saw and that are not allowed in its state."""
    site = known_site(site_id)
    require_own_origin(site, request.environ)
    try:
        report = _seen.decode(read_body(request.environ))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"The body must be what a watched page posts: {error}.") from None
    if site.watch:  # else an older script of it is still in some cache, or it is no page of the shop
        _count(site, report.state, report.seen, "seen")
    return nothing()


@blueprint.post("/v1/<site_id>/reports")
def reports(site_id: str) -> Response:
    """Count hosts that a Content-Security-Policy-Report-Only found, where the lists do not allow them either."""
    site = known_site(site_id)
    if request.headers.get("Origin") not in (None, "null"):  # browsers send policy reports with and without one
        require_own_origin(site, request.environ)
    try:
        found = _reports.decode(read_body(request.environ, LONGEST))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Malformed("The body must be a report in JSON, as browsers send it.") from None
    try:
        consent = None if is_waiting(site) else newest(site, partial(verified, site))[1]
    except BadToken:
        consent = None
    known = known_addresses(site), known_hosts(site)
    hosts = {host for each in _blocked(found) if (host := _leak(site, each, *known, consent))}
    _count(site, _state(consent), [("request", host) for host in sorted(hosts)], "reports")
    return nothing()


def _count(site: Site, state: str, names: Sequence[tuple[Kind, str]], call: str) -> None:
    if is_bot_or_prefetch(request.environ):
        return
    behind = services()
    behind.limits.spend_client(min(REPORTS, behind.settings.client_limit), call)
    behind.limits.spend(behind.settings.site_limit, call, site.id)
    folded = {(state, kind, fold(name)): None for kind, name in names[:MOST] if name}
    behind.store.leaks.add(site, datetime.now(UTC).date(), folded)


def _blocked(report: dict[str, Any] | list[dict[str, Any]]) -> Iterator[str]:
    """Yield the addresses in a report: ``report-uri`` sends one in an object, ``report-to`` several in a list."""
    for each in report[:MOST] if isinstance(report, list) else [report]:
        body = each.get("csp-report", each.get("body"))
        if isinstance(body, Mapping) and body.get("disposition") == "enforce":
            continue  # the page's policy has stopped it
        for key in ("blocked-uri", "blockedURL"):
            found = body.get(key) if isinstance(body, Mapping) else None
            if isinstance(found, str) and re.match(r"(https?|wss?)://[^/?#\s]", found):
                yield found


def _leak(site: Site, address: str, known: _Known, hosts: _Known, consent: Consent | None) -> str | None:
    """Return the host of a third party that is not allowed; of one that waits only an answer says whether it is.

    Of a frame and of what is redirected a browser tells the host alone.
    """
    try:
        parts = urlsplit(address)
        name = (parts.hostname or "").lower()
    except ValueError:
        return None
    host = parts.netloc.rpartition("@")[2].lower()
    if host == request.host or any(f".{name}".endswith(f".{own}") for own in site.domains):
        return None
    found = categories_at(host + (parts.path or "/"), known)
    if not found and parts.path in ("", "/"):
        found = categories_at(f"{host}/", hosts)
    may_be_allowed = found and (consent is None or any(map(consent.allows, found)))
    return None if may_be_allowed else host


def _state(consent: Consent | None) -> State:
    if consent is None:
        return "unknown"
    return "accepted" if {*OPTIONAL} <= {*consent.allow} else "some" if consent.allow else "refused"
