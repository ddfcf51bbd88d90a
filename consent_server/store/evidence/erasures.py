"""What erasures of versions before there were statements have left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from ...decision import Entry
from ...site import Site
from ..connection import Connection
from ..keys import buckets
from ..notices import Notices
from ..packing import pack_erased, unpack_erased


class Erasures:
    """Finds what was erased without a statement, and lets one be added."""

    def __init__(self, connection: Connection, notices: Notices) -> None:
        self._redis = connection.client
        self._reached = connection.reached
        self._write = connection.write
        self._notices = notices

    def unstated(self, site: Site) -> Iterator[Entry]:
        """Yield what is left of each entry without a statement, with its whole notice hash."""
        whole = self._notices.names(site)
        for bucket in buckets(site):
            with self._reached():
                left = cast(dict[bytes, bytes], self._redis.hgetall(bucket.erased))
            for place, packed in left.items():
                entry = unpack_erased(packed, bucket.number, *map(int, place.split(b"-")))
                if not entry.statement:
                    yield replace(entry, notice=whole.get(entry.notice, entry.notice))

    def state(self, site: Site, entry: Entry, statement: bytes) -> None:
        """Add a statement to what is left of an entry."""
        bucket = next(bucket for bucket in buckets(site) if bucket.number == entry.bucket)
        self._write(bucket.erased, "HSET", f"{entry.at}-{entry.seq}", pack_erased(entry, statement))
