"""One sentence a finding: what to type."""

from __future__ import annotations

from ..decision import Site
from .hosts import host_of
from .watch import Sighting

ELSEWHERE = {
    "cookie": "sets it",
    "local-storage": "keeps it",
    "session-storage": "keeps it",
    "indexed-db": "opens it",
    "cache-storage": "opens it",
    "service-worker": "registers it",
    "request": "asks for it",
}


def advice(seen: Sighting, category: str | None, state: str, site: Site | None, reason: str) -> str:
    """Return what mends a finding.

    Args:
        seen: what was there.
        category: where the shop lists it, or None.
        state: in which state of consent.
        site: the shop, or None where no consent.toml was given.
        reason: ``refused`` (listed, and not allowed), ``unknown`` (not listed) or ``forwarded``.
    """
    table = f"sites.{site.id if site else 'SITE'}"
    wanted = category or "CATEGORY"
    if reason == "forwarded":
        return (
            f"Suspected: {seen.name} looks like a tracker that the shop hands on under its own name; "
            f'hold it with [[{table}.trackers]] match = "{seen.name.partition("://")[2]}", category = "CATEGORY".'
        )
    if reason == "unknown" and seen.kind != "request":
        return (
            f'Say what it is for: [[{table}.cookies.CATEGORY]] name = "{seen.name}" in consent.toml'
            + (f", and hold {_who(seen)} until it is allowed." if state != "accepted" else ".")
        )
    if reason == "unknown":
        return f'Say what it is for: [[{table}.trackers]] match = "{seen.host}", category = "CATEGORY" in consent.toml.'
    if state == "withdrawn":
        return f"{_who(seen).capitalize()} goes on after the withdrawal: mark it with data-consent=\"{wanted}\" so that it ends."
    if seen.kind == "request" and host_of(seen.initiator) == host_of(seen.page):
        return f'Mark the tag for {seen.host} in {seen.initiator}: type="text/plain" data-consent="{wanted}".'
    return f'Hold {_who(seen)}: type="text/plain" data-consent="{wanted}" on the tag that {ELSEWHERE[seen.kind]}.'


def _who(seen: Sighting) -> str:
    return seen.initiator or f"what {ELSEWHERE[seen.kind]}"
