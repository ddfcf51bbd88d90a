"""Of which type each key is: what somebody else wrote in its place is named by it, and not read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

from ...site import Site
from . import CHUNKS, LAYOUT, buckets, single

TYPES = {
    "log": "stream",
    "seen": "hash",
    "older": "hash",
    "refused": "hash",
    "erased": "hash",
    "erasures": "zset",
    "sealed": "string",
    "torn": "string",
    "told": "hash",
    "copy": "stream",
    "old": "stream",
    "count": "string",
    "values": "hash",
    "notices": "hash",
    "buckets": "string",
    "asked": "list",
    "zones": "list",
    "seals": "hash",
    "stamps": "hash",
    "cosigned": "hash",
    "restored": "set",
    "archives": "hash",
    "alarm": "string",
    "leaks": "zset",
    "api-keys": "hash",
    "account-keys": "hash",
    "links": "hash",
    "notes": "hash",
    "layout": "string",
    "endorsements": "set",
    "keys": "hash",
    "account": "string",
    "linked": "set",
    "sample": "set",
    "marketers": "hash",
    "session": "string",
}
"""By what a key's name says after ``consent:`` and the tag in braces, up to the next colon."""

_NAMED = re.compile(r"consent:(?:\{[^{}]*\}:)?([a-z-]+)(?:$|:)")

MONTHS = 3
"""Of how many months the counters are looked at: this one and those before it."""

DAYS = 31
"""Of how many days the leaks are."""


def type_of(key: str) -> str | None:
    """Return the type that Redis calls a key's value by, or None where no key of ours has that name."""
    named = _NAMED.match(key)
    return TYPES.get(named[1]) if named else None


def of_all_shops() -> list[str]:
    """Return the keys that all shops have together."""
    return [LAYOUT, single.ENDORSEMENTS, single.PUBLIC_KEYS, single.SAMPLE, single.MARKETERS]


def of_site(site: Site, today: date, *, index: bool) -> Iterator[str]:
    """Yield the keys of a site by name, but for those of single shoppers.

    ``index``: those too that say where each shopper's answers are, of which there are hundreds to a bucket.
    """
    for name in (
        *(single.notices, single.bucket_count, single.asked, single.zones, single.seals, single.stamps),
        *(single.cosigned, single.restored, single.archives, single.api_keys, single.account_keys),
        *(single.links, single.notes),
    ):
        yield name(site)
    yield from (single.leaks(site, today - timedelta(days)) for days in range(DAYS))
    months = [today.replace(day=1)]
    while len(months) < MONTHS:
        months.append((months[-1] - timedelta(1)).replace(day=1))
    for bucket in buckets(site):
        yield from (bucket.log, bucket.refused, bucket.erased, bucket.erasures, bucket.sealed, bucket.torn)
        yield from (bucket.told, bucket.copy, bucket.old, bucket.values)
        yield from (bucket.count(f"{month:%Y-%m}") for month in months)
        if index:
            yield from (bucket.seen(chunk) for chunk in range(CHUNKS))
