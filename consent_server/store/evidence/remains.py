"""What erasures left of entries, found by when these were, without looking at all that was ever erased."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from ..connection import Connection
from ..connection.foreign import ours
from ..keys import Bucket

PIECE = 500
"""How many places are asked for, or written, at once."""


class Remains:
    """Reads a bucket's erased entries, and takes old ones out.

    They are in a hash by their places, which has no order; an index beside it has. It is put right where it does not
    have as many: an earlier version erased, or a run was broken off.
    """

    def __init__(self, connection: Connection) -> None:
        self._redis = connection.client
        self._reached = connection.reached
        self._write = connection.write

    def between(self, bucket: Bucket, first: int, last: int) -> dict[tuple[int, int], bytes]:
        """Return what is left, by place, of the entries from ``first`` up to but without ``last`` (ms since 1970)."""
        fields = self._places(bucket, first, last)
        found: dict[tuple[int, int], bytes] = {}
        for piece in _pieces(fields):
            with self._reached(bucket.erased):
                left = cast(list[bytes | None], self._redis.hmget(bucket.erased, piece))
            with ours(bucket.erasures):
                found |= {_place(each): packed for each, packed in zip(piece, left, strict=True) if packed}
        return found

    def oldest(self, bucket: Bucket) -> int | None:
        """Return the time (ms since 1970) of the oldest entry of which something is left, or None."""
        oldest = self._indexed(bucket, 0, 0, by_time=False)
        with ours(bucket.erasures):
            return _place(oldest[0])[0] if oldest else None

    def drop(self, bucket: Bucket, end: int) -> None:
        """Take out what is left of the entries before ``end`` (ms since 1970)."""
        for piece in _pieces(self._places(bucket, 0, end)):
            self._write(bucket.erasures, "ZREM", *piece)  # first: what is in the hash alone is found again
            self._write(bucket.erased, "HDEL", *piece)

    def _places(self, bucket: Bucket, first: int, last: int) -> list[bytes]:
        return self._indexed(bucket, first, f"({last}", by_time=True)

    def _indexed(self, bucket: Bucket, first: int, last: int | str, *, by_time: bool) -> list[bytes]:
        """Return a range of the index, which is put right before if it does not have all."""
        while True:
            with self._reached():
                calls = self._redis.pipeline(transaction=False)
                calls.hlen(bucket.erased)
                calls.zcard(bucket.erasures)
                calls.zrange(bucket.erasures, cast(Any, first), cast(Any, last), byscore=by_time)
                many, indexed, found = cast(tuple[int, int, list[bytes]], calls.execute())
            if many == indexed:
                return found
            self._index(bucket)

    def _index(self, bucket: Bucket) -> None:
        with self._reached(bucket.erasures, bucket.erased):
            # Read first: what is erased meanwhile is then in both, and is not taken for what was trimmed.
            known = {*cast(list[bytes], self._redis.zrange(bucket.erasures, 0, -1))}
            left = {*cast(list[bytes], self._redis.hkeys(bucket.erased))}
        with ours(bucket.erased):
            missing = sorted(left - known, key=_place)
        for piece in _pieces(missing):
            self._write(bucket.erasures, "ZADD", *(part for each in piece for part in (_place(each)[0], each)))
        for gone in _pieces([*known - left]):
            self._write(bucket.erasures, "ZREM", *gone)


def _place(field: bytes) -> tuple[int, int]:
    at, seq = map(int, field.split(b"-"))
    return at, seq


def _pieces(places: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    return (places[n : n + PIECE] for n in range(0, len(places), PIECE))
