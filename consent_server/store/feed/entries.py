"""The entries of a bucket, whole: what is in its log, and what erasures left, as of one moment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from msgspec.structs import replace

from ...entry import Entry
from ..connection import Connection
from ..connection.foreign import ours
from ..evidence.remains import Remains
from ..keys import Bucket
from ..packing import pack_hour, unpack, unpack_erased

Where = tuple[int, int]
"""Bucket and time (ms since 1970)."""

END: Where = (1 << 32, 1 << 62)
"""After every bucket and time."""


class Entries:
    """Reads a bucket's entries, erased ones too."""

    def __init__(self, connection: Connection, remains: Remains) -> None:
        self._redis = connection.client
        self._reached = connection.reached
        self._remains = remains

    def between(self, bucket: Bucket, first: int, last: int) -> list[Entry]:
        """Return the entries from ``first`` up to but without ``last`` (ms since 1970), in order.

        A refusal comes with the signature that it shares with the others of its hour; of the notice's hash an entry has
        eight characters.
        """
        return self.signed(bucket, self._between(bucket, first, last))

    def signed(self, bucket: Bucket, entries: Sequence[Entry]) -> list[Entry]:
        """Return entries of a bucket, each refusal among them with the signature that it shares."""
        shared = self._shared(bucket, entries)
        return [
            replace(each, signature=shared.get(_hour(each), b"")) if _is_refusal(each) else each for each in entries
        ]

    def _between(self, bucket: Bucket, first: int, last: int) -> list[Entry]:
        while True:
            before = self._remains.many(bucket)
            with self._reached():
                found: dict[tuple[int, int], Entry] = {}
                start = f"{first}-0"
                while page := cast(list[Any], self._redis.xrange(bucket.log, start, f"({last}-0", count=1000)):
                    with ours(bucket.log):
                        for place, fields in page:
                            at, seq = map(int, place.split(b"-"))
                            found[at, seq] = unpack(fields[b"e"], bucket.number, at, seq)
                    start = f"({page[-1][0].decode()}"
            remains = self._remains.between(bucket, first, last) if before else {}
            if before != self._remains.many(bucket):
                continue  # somebody was erased meanwhile: read again, or an entry would be missing in both
            with ours(bucket.erased):
                for (at, seq), packed in remains.items():
                    found[at, seq] = unpack_erased(packed, bucket.number, at, seq)
            return [found[place] for place in sorted(found)]

    def _shared(self, bucket: Bucket, entries: Iterable[Entry]) -> dict[bytes, bytes]:
        """Return the signatures that refusals share, by hour and notice."""
        hours = sorted({_hour(entry) for entry in entries if _is_refusal(entry)})
        if not hours:
            return {}
        with self._reached():
            found = cast(list[bytes | None], self._redis.hmget(bucket.refused, hours))
        return {hour: signature for hour, signature in zip(hours, found, strict=True) if signature}


def _is_refusal(entry: Entry) -> bool:
    return not entry.allow and not entry.erased


def _hour(entry: Entry) -> bytes:
    """Return under which name the signature is kept that refusals of an hour share."""
    second = entry.at // 1000
    return pack_hour((second - second % 3600) % (1 << 32), entry.notice)  # somebody may have written any time
