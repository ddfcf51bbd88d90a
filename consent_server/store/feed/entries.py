"""The entries of a bucket, whole: what is in its log, and what erasures left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

from msgspec.structs import replace

from ...decision import Entry
from ..connection import Connection
from ..connection.foreign import ours
from ..evidence.remains import Remains
from ..keys import Bucket
from ..packing import pack_hour, unpack, unpack_erased

Where = tuple[int, int]
"""Bucket and time (ms since 1970)."""

PAGE = 1000
"""How many entries of the log are read at once."""

END: Where = (1 << 32, 1 << 62)
"""After every bucket and time."""


class Entries:
    """Reads a bucket's entries, erased ones too."""

    def __init__(self, connection: Connection, remains: Remains) -> None:
        self._redis = connection.client
        self._reached = connection.reached
        self._remains = remains

    def between(self, bucket: Bucket, first: int, last: int) -> Iterator[Entry]:
        """Yield the entries from ``first`` up to but without ``last`` (ms since 1970), in order, a page at a time.

        A refusal comes with the signature that it shares with the others of its hour; of the notice's hash an entry has
        eight characters. Who is erased meanwhile is whole or erased, and there once.
        """
        start, after = f"{first}-0", (first, -1)
        while start:
            with self._reached(bucket.log):
                page = cast(list[Any], self._redis.xrange(bucket.log, start, f"({last}-0", count=PAGE))
            with ours(bucket.log):
                places = [_place(where) for where, _ in page]
                found = {
                    (at, seq): unpack(fields[b"e"], bucket.number, at, seq)
                    for (at, seq), (_, fields) in zip(places, page, strict=True)
                }
            is_last = len(page) < PAGE
            until = (last, -1) if is_last else places[-1]
            # Read last: what an erasure takes out of the log meanwhile is in both then, or in what is left alone.
            remains = self._remains.between(bucket, after[0], until[0] + 1)
            with ours(bucket.erased):
                for (at, seq), packed in remains.items():
                    if after < (at, seq) <= until:
                        found[at, seq] = unpack_erased(packed, bucket.number, at, seq)
            yield from self.signed(bucket, [found[place] for place in sorted(found)])
            start, after = "" if is_last else f"({page[-1][0].decode()}", until

    def signed(self, bucket: Bucket, entries: Sequence[Entry]) -> list[Entry]:
        """Return entries of a bucket, each refusal among them with the signature that it shares."""
        shared = self._shared(bucket, entries)
        return [
            replace(each, signature=shared.get(_hour(each), b"")) if _is_refusal(each) else each for each in entries
        ]

    def _shared(self, bucket: Bucket, entries: Iterable[Entry]) -> dict[bytes, bytes]:
        """Return the signatures that refusals share, by hour and notice."""
        hours = sorted({_hour(entry) for entry in entries if _is_refusal(entry)})
        if not hours:
            return {}
        with self._reached(bucket.refused):
            found = cast(list[bytes | None], self._redis.hmget(bucket.refused, hours))
        return {hour: signature for hour, signature in zip(hours, found, strict=True) if signature}


def _place(where: bytes) -> tuple[int, int]:
    at, seq = map(int, where.split(b"-"))
    return at, seq


def _is_refusal(entry: Entry) -> bool:
    return not entry.allow and not entry.erased


def _hour(entry: Entry) -> bytes:
    """Return under which name the signature is kept that refusals of an hour share."""
    second = entry.at // 1000
    return pack_hour((second - second % 3600) % (1 << 32), entry.notice)  # somebody may have written any time
