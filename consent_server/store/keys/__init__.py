"""The names of keys in Redis, and what each of them holds: here of a bucket, in ``single`` of what is in one piece.

Keys of one shopper share a cluster slot: ``{TAG}`` is ``{SITE.BUCKET.n}``, the bucket taken from a hash of the
subject, ``n`` chosen so that a site's buckets lie evenly over all slots.

=================================  ======  ==============================================================
key                                type    meaning
=================================  ======  ==============================================================
consent:layout                     string  version of this table
consent:{TAG}:log                  stream  ``e`` -> packed entry; the id's time is the decision's
consent:{TAG}:seen:CHUNK           hash    8-byte digest of a subject -> its latest 64 places in the log
consent:{TAG}:older:DIGEST         hash    a decision's id, as packed -> its place, of a subject's before those
consent:{TAG}:refused              hash    hour and notice -> the signature that refusals of the hour share
consent:{TAG}:erased               hash    place -> what an erasure left of the entry, and its statement
consent:{TAG}:erasures             zset    these places by their time in ms
consent:{TAG}:sealed               string  end of the last sealed day in ms: no banner is counted before it
consent:{TAG}:torn                 string  when something was last erased that is in the log still; after
                                           ``rewritten``: it is not, but in the append-only file
consent:{TAG}:told                 hash    ``position`` of the last entry that a webhook was told; ``of``: digest
                                           of its address, ``taken``: that took some; ``holder``: who tells it, and
                                           ``until`` when nobody else does, in ms
consent:{TAG}:copy                 stream  the log, as far as it is being written anew; ``old``: for a moment
consent:{TAG}:count:MONTH          string  counters of 32 bits: a row of decision.COLUMNS for each of 31 days, first
                                           of everything, then of each value of a dimension, by its number
consent:{TAG}:values               hash    ``language=az``, ``how=accept`` … -> its number, from 1; ``parts=…``: of
                                           language, variant and device together
=================================  ======  ==============================================================
"""

from __future__ import annotations

import hashlib
from binascii import crc_hqx
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import count

import msgspec

from ...site import Site

LAYOUT = "consent:layout"

CHUNKS = 512
"""Hashes a bucket's index is spread over: under 512 subjects each, Redis packs them tightly."""

DAY = 86_400_000
"""Milliseconds."""


class Bucket:
    """A part of a site's data, of which all keys lie in one cluster slot; ``number`` is in the entries of its log."""

    __slots__ = (
        "_start",
        "copy",
        "erased",
        "erasures",
        "log",
        "number",
        "old",
        "refused",
        "sealed",
        "tag",
        "told",
        "torn",
        "values",
    )

    def __init__(self, number: int, tag: str) -> None:
        self.number = number
        self.tag = tag
        self._start = start = f"consent:{{{tag}}}"
        self.log = f"{start}:log"
        self.refused = f"{start}:refused"
        self.erased = f"{start}:erased"
        self.erasures = f"{start}:erasures"
        self.sealed = f"{start}:sealed"
        self.torn = f"{start}:torn"
        self.told = f"{start}:told"
        self.copy = f"{start}:copy"
        self.old = f"{start}:old"
        self.values = f"{start}:values"

    def seen(self, chunk: int) -> str:
        """Return the key of a part of the index."""
        return f"{self._start}:seen:{chunk}"

    def older(self, digest: bytes) -> str:
        """Return the key of a subject's places that are not in the index any more."""
        return f"{self._start}:older:{digest.hex()}"

    def count(self, month: str) -> str:
        """Return the key of the counters of a month, ``2026-11``."""
        return f"{self._start}:count:{month}"


class Place(msgspec.Struct, frozen=True):
    """Where a subject's decisions are: in which bucket, and under which key and field their index."""

    bucket: Bucket
    seen: str
    older: str
    digest: bytes


def buckets(site: Site) -> tuple[Bucket, ...]:
    """Return a site's buckets, in order of the stripe of cluster slots in which each lies."""
    return _buckets(site.id, site.buckets)


@lru_cache(maxsize=1024)
def _buckets(site: str, many: int) -> tuple[Bucket, ...]:
    def tag(bucket: int) -> str:
        for n in count():
            name = f"{site}.{bucket}.{n}"
            # CRC-16/XMODEM is what Redis Cluster maps a key's tag to its slot by.
            if crc_hqx(name.encode(), 0) % 16384 * many // 16384 == bucket:
                return name
        raise AssertionError

    return tuple(Bucket(number, tag(number)) for number in range(many))


def place(site: Site, subject: str) -> Place:
    """Return where the decisions of a subject are."""
    digest = hashlib.sha256(subject.encode()).digest()
    bucket = buckets(site)[int.from_bytes(digest[8:12]) % site.buckets]
    return Place(bucket, bucket.seen(int.from_bytes(digest[12:16]) % CHUNKS), bucket.older(digest[:8]), digest[:8])


def midnight(day: date) -> int:
    """Return the start of a UTC day in ms since 1970."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


@lru_cache(maxsize=64)
def month_and_day(number: int) -> tuple[str, int]:
    """Return the month, ``2026-11``, and the day of it, from 0, of the day with this number since 1970."""
    moment = datetime.fromtimestamp(number * 86400, UTC)
    return f"{moment:%Y-%m}", moment.day - 1
