"""What erasures have left, also those of versions before there were statements."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import cast

from msgspec.structs import replace

from ...decision import Entry
from ...site import Site
from ..connection import Connection
from ..connection.foreign import ours
from ..keys import DAY, buckets, midnight, place
from ..packing import pack_erased, unpack_erased
from .notices import Notices
from .remains import Remains

EVER = 1 << 52
"""Milliseconds."""


class Erasures:
    """Finds what is left of an entry, and what was erased without a statement, to which one can be added."""

    def __init__(self, connection: Connection, notices: Notices) -> None:
        self._redis = connection.client
        self._reached = connection.reached
        self._write = connection.write
        self._notices = notices
        self._remains = Remains(connection)

    def unstated(self, site: Site) -> Iterator[Entry]:
        """Yield what is left of each entry without a statement, with its whole notice hash."""
        whole = self._notices.names(site)
        for bucket in buckets(site):
            with self._reached(bucket.erased):
                left = cast(dict[bytes, bytes], self._redis.hgetall(bucket.erased))
            for where, packed in left.items():
                with ours(bucket.erased):
                    at, seq = map(int, where.split(b"-"))
                    entry = unpack_erased(packed, bucket.number, at, seq)
                if not entry.statement:
                    yield replace(entry, notice=whole.get(entry.notice, entry.notice))

    def between(self, site: Site, first: date, last: date) -> list[Entry]:
        """Return what is left of the entries of some UTC days, both included, with their whole notice hashes."""
        whole, found = self._notices.names(site), []
        for bucket in buckets(site):
            left = self._remains.between(bucket, midnight(first), midnight(last) + DAY)
            with ours(bucket.erased):
                found += [unpack_erased(packed, bucket.number, *where) for where, packed in left.items()]
        return [replace(entry, notice=whole.get(entry.notice, entry.notice)) for entry in found]

    def of(self, site: Site, subject: str, second: int | None = None) -> list[Entry]:
        """Return what is left of what was answered in a second, or ever, where the decisions of a subject are."""
        bucket = place(site, subject).bucket
        first, last = (0, EVER) if second is None else (second * 1000, (second + 1) * 1000)
        left = self._remains.between(bucket, first, last)
        with ours(bucket.erased):
            return [unpack_erased(packed, bucket.number, *where) for where, packed in left.items()]

    def state(self, site: Site, entry: Entry, statement: bytes) -> None:
        """Add a statement to what is left of an entry."""
        bucket = next(bucket for bucket in buckets(site) if bucket.number == entry.bucket)
        self._write(bucket.erased, "HSET", f"{entry.at}-{entry.seq}", pack_erased(entry, statement))
