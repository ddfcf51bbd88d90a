"""One sentence a finding: what to type."""

from __future__ import annotations

import json
from enum import Enum

from ..site import Site
from .hosts import host_of
from .lists import listable
from .lives import in_days
from .observed import Sighting

DOES = {
    "request": "asks for it",
    "cookie": "sets it",
    "local-storage": "keeps it",
    "session-storage": "keeps it",
    "indexed-db": "opens it",
    "cache-storage": "opens it",
    "service-worker": "registers it",
}


class Reason(Enum):
    """Why something is a finding."""

    REFUSED = "listed, and not allowed in this state"
    UNKNOWN = "not listed"
    FORWARDED = "on the shop's own host, and like a tracker"
    OUTLIVED = "listed with a shorter life"


def advice(
    seen: Sighting, state: str, site: Site | None, reason: Reason, category: str | None, service: str | None
) -> str:
    """Return what mends a finding.

    Args:
        seen: what was there.
        state: in which state of consent.
        site: the shop, or None where no consent.toml was given.
        reason: why it is a finding.
        category: where the shop lists it, or None.
        service: whose it is by the catalogue, or None.
    """
    table = f"sites.{site.id if site else 'SITE'}"
    if reason is Reason.OUTLIVED:
        return (
            f"It lives {in_days(seen.life)}, longer than the list says: end it sooner where {_who(seen)} sets it, or "
            f"write its real life: [[{table}.cookies.{category}]] name = {_quoted(seen.name)}, "
            f'life = "{in_days(seen.life)}".'
        )
    if reason is Reason.FORWARDED:
        address = seen.name.partition("://")[2]
        return (
            f"Suspected: this looks like a tracker that the shop hands on under its own name; if it is one, hold it: "
            f'[[{table}.trackers]] match = "{address}", category = "CATEGORY".'
        )
    if reason is Reason.UNKNOWN:
        return _list_it(seen, table, service) + (
            "" if state == "accepted" else f" Unless it is necessary, hold {_who(seen)} until it is allowed."
        )
    mark = f'type="text/plain" data-consent="{category}"'
    if state == "withdrawn":
        return f"It goes on after the withdrawal: mark the tag of {_who(seen)} with {mark}, so that it ends."
    if seen.kind == "request" and host_of(seen.initiator) == host_of(seen.page):
        return f"Mark the tag for {seen.host} in {seen.initiator}: {mark}."
    return f"Hold {_who(seen)}: {mark} on the tag that loads it."


def _list_it(seen: Sighting, table: str, service: str | None) -> str:
    if service:
        return f'Say so: services = ["{service}"] in [{table}] of consent.toml.'
    if seen.kind in ("request", "service-worker"):
        address = seen.host if seen.kind == "request" else seen.name.partition("://")[2]
        return f'Say what it is for: [[{table}.trackers]] match = "{address}", category = "CATEGORY" in consent.toml.'
    name = listable(seen.name)
    if name is None:
        return "No list can name it: have it named in letters by whoever makes it."
    return f"Say what it is for: [[{table}.cookies.CATEGORY]] name = {_quoted(name)} in consent.toml."


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)


def _who(seen: Sighting) -> str:
    """Return the script that did it, or a description where the page itself did."""
    return f"what {DOES[seen.kind]} in {seen.page}" if seen.initiator in ("", seen.page) else seen.initiator
