"""One sentence a finding: what to type."""

from __future__ import annotations

import json
from enum import Enum

from ..catalogue import missing_language
from ..catalogue.addresses import is_pattern
from ..site import Site
from .hosts import host_of, is_third_party, without_port
from .lists import listable
from .lives import in_days
from .observed import UNMARKABLE, Sighting

DOES = {
    "request": "asks for it",
    "cookie": "sets it",
    "local-storage": "keeps it",
    "session-storage": "keeps it",
    "indexed-db": "opens it",
    "cache-storage": "opens it",
    "service-worker": "registers it",
}

NO_ENTRY = "No list can name it: have it named in letters by whoever makes it."
NO_PATTERN = "No list can name it: have it asked for at a host with a name, and without * in its path."
"""What is said of what consent.toml cannot have."""

OUTLIVES = "It lives"
"""How the advice for what lives longer than the list says begins."""


class Reason(Enum):
    """Why something is a finding."""

    REFUSED = "listed, and not allowed in this state"
    UNKNOWN = "not listed"
    FORWARDED = "on the shop's own host, and like a tracker"
    OUTLIVED = "listed with a shorter life"


def advice(
    seen: Sighting,
    state: str,
    site: Site | None,
    reason: Reason,
    category: str | None,
    service: str | None,
    *,
    attribute: str = "",
) -> str:
    """Return what mends a finding.

    Args:
        seen: what was there.
        state: in which state of consent.
        site: the shop, or None where no consent.toml was given.
        reason: why it is a finding.
        category: where the shop lists it, or None.
        service: whose it is by the catalogue, or None.
        attribute: ``src`` or ``href`` where an element that is no script brings it; it waits under another name.
            ``UNMARKABLE`` where no mark holds that element.
    """
    table = f"sites.{site.id if site else 'SITE'}"
    if reason is Reason.OUTLIVED:
        return (
            f"{OUTLIVES} {in_days(seen.life)}, longer than the list says: end it sooner where {_who(seen)} sets it, or "
            f"write its real life: [[{table}.cookies.{category}]] name = {_quoted(seen.name)}{_at(seen)}, "
            f'life = "{in_days(seen.life)}".'
        )
    if reason is Reason.FORWARDED:
        address = seen.name.partition("://")[2]
        hold = f'hold it: [[{table}.trackers]] match = "{address}", category = "CATEGORY".'
        return "Suspected: this looks like a tracker that the shop hands on under its own name; if it is one, " + (
            hold if is_pattern(address) else f"mark its tag. {NO_PATTERN}"
        )
    if reason is Reason.UNKNOWN:
        unless = f" Unless it is necessary, {_held_back(seen) or f'hold {_who(seen)} until it is allowed'}."
        return _list_it(seen, table, service, site) + ("" if state == "accepted" else unless)
    if held_back := _held_back(seen):
        return f"{held_back[0].upper()}{held_back[1:]}."
    mark = f'type="text/plain" data-consent="{category}"'
    if attribute == UNMARKABLE:
        what = f"the tag for {seen.host} in {seen.initiator}" if _is_pages_own(seen) else _who(seen)
        return f"Have a script add {what}, as no mark holds an object, embed or track, and mark that script: {mark}."
    if attribute:
        mark = f'data-consent="{category}", with data-{attribute} in place of {attribute}'
    if state == "withdrawn" and seen.kind == "service-worker":
        ends = "have it unregister() the worker at consentchange, as no mark ends one"
        return f"It stays after the withdrawal: mark the tag of {_who(seen)} with {mark}, and {ends}."
    if state == "withdrawn":
        return f"It goes on after the withdrawal: mark the tag of {_who(seen)} with {mark}, so that it ends."
    if _is_pages_own(seen):
        return f"Mark the tag for {seen.host} in {seen.initiator}: {mark}."
    return f"Hold {_who(seen)}: {mark} on the tag that loads it."


def _is_pages_own(seen: Sighting) -> bool:
    """Return whether the shop's own page or script asks for it."""
    return seen.kind == "request" and host_of(seen.initiator) == host_of(seen.page)


def _held_back(seen: Sighting) -> str:
    """Return how a cookie of the shop's own back end is held back, which no mark in a page does; else nothing."""
    if not seen.by_response or is_third_party(seen.host, host_of(seen.page)):
        return ""
    return f"let consent_server.enforce hold the cookie back where the shop's own {seen.initiator} is answered"


def _at(seen: Sighting) -> str:
    """Return where a cookie or an entry lies, for its row, if that is not with the shop."""
    foreign = is_third_party(seen.host, host_of(seen.page))
    return f", host = {_quoted(without_port(seen.host))}" if foreign else ""


def _list_it(seen: Sighting, table: str, service: str | None, site: Site | None) -> str:
    if service and (lang := missing_language(service, site.languages if site else ())):
        return (
            f"It is of the catalogue's {service}, which has no words in {lang!r}: list what it sets and asks "
            f"yourself, in [[{table}.cookies.CATEGORY]] and [[{table}.trackers]] of consent.toml."
        )
    if service:
        services = json.dumps([*(site.services if site else ()), service])
        return f"Say so: services = {services} in [{table}] of consent.toml."
    if seen.kind in ("request", "service-worker"):
        address = seen.host if seen.kind == "request" else seen.name.partition("://")[2]
        if not is_pattern(address):
            return NO_PATTERN
        return f'Say what it is for: [[{table}.trackers]] match = "{address}", category = "CATEGORY" in consent.toml.'
    name = listable(seen.name)
    if name is None:
        return NO_ENTRY
    return f"Say what it is for: [[{table}.cookies.CATEGORY]] name = {_quoted(name)}{_at(seen)} in consent.toml."


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)


def _who(seen: Sighting) -> str:
    """Return the script that did it, or a description where the page itself did."""
    return f"what {DOES[seen.kind]} in {seen.page}" if seen.initiator in ("", seen.page) else seen.initiator
