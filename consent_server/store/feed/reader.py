"""The log as others follow it: from a place on, in order, without gap or repeat; and how far a webhook was told."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from typing import Any, NamedTuple, cast

from ...decision import Entry
from ...site import Site
from ..connection import Connection
from ..connection.clock import Clock, apart
from ..connection.foreign import ours
from ..keys import Bucket, buckets
from ..packing import unpack

PAGE = 500
"""How many entries are read at once."""

MS_BEFORE = 60_000
"""How long before its beginning a webhook is told what was decided: clocks may be apart, and nothing is lost."""


class Position(NamedTuple):
    """The place of an entry in all of a site's log; in this order they are followed. ``at``: milliseconds."""

    at: int
    bucket: int
    seq: int


class Feed:
    """Reads the entries that came after others. What was erased meanwhile is not among them."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._leeway = clock.leeway
        self._redis = connection.client
        self._reached = connection.reached
        self._write = connection.write
        self._time = connection.time
        self._claim = connection.script("clock", "claim")
        self._told = connection.script("clock", "told")
        self._stand = connection.script("clock", "pass", "stand")

    def until_now(self, site: Site, now: int) -> int:
        """Return a moment (ms), about now, before which nothing is added to a site's log any more.

        ``now``: what this machine's clock says, milliseconds since 1970.

        Raises:
            ClocksApart: Redis' clock, which is the one that counts, is over a minute off it.
        """
        moments = []
        for bucket in buckets(site):
            moments.append(int(self._stand(keys=[bucket.log], args=[now, self._leeway])))
            if abs(moments[-1] - now) > self._leeway:
                raise apart(now, moments[-1])
        return min(moments)

    def has(self, site: Site, position: Position) -> bool:
        """Return whether an entry has this place, erased or not."""
        bucket = next((each for each in buckets(site) if each.number == position.bucket), None)
        if bucket is None:
            return False
        place = f"{position.at}-{position.seq}"
        with self._reached(bucket.log):
            return bool(self._redis.xrange(bucket.log, place, place) or self._redis.hexists(bucket.erased, place))

    def since(self, site: Site, position: Position | None, until: int) -> Iterator[tuple[Position, Entry]]:
        """Yield the entries after a position (of all if None) that are from before ``until`` (ms), in order."""

        def follow(bucket: Bucket) -> Iterator[tuple[Position, Entry]]:
            start = "-"
            if position and bucket.number == position.bucket:
                start = f"({position.at}-{position.seq}"
            elif position:
                start = f"{position.at + (bucket.number < position.bucket)}-0"
            while page := self._page(bucket, start, f"({until}-0"):
                for entry in page:
                    yield Position(entry.at, bucket.number, entry.seq), entry
                start = f"({page[-1].at}-{page[-1].seq}"

        return merge(*map(follow, buckets(site)), key=lambda found: found[0])

    def begin(self, site: Site) -> None:
        """Have a webhook told of what is decided from now on, unless it is told already."""
        for bucket, position in self._positions(site).items():
            if not position:
                start = max(0, self._time(bucket.told) - MS_BEFORE)
                self._write(bucket.told, "HSETNX", "position", f"{start}-0")

    def untold(self, site: Site) -> dict[Bucket, int]:
        """Return the buckets with decisions that a webhook was not told, and when the first of these was (ms)."""
        positions = {bucket: position for bucket, position in self._positions(site).items() if position}
        with self._reached():
            calls = self._redis.pipeline(transaction=False)
            for bucket, position in positions.items():
                calls.xrange(bucket.log, f"({position.decode()}", count=1)
            pages = cast(list[Any], calls.execute()) if positions else []
        return {bucket: int(page[0][0].split(b"-")[0]) for bucket, page in zip(positions, pages, strict=True) if page}

    def _positions(self, site: Site) -> dict[Bucket, bytes | None]:
        with self._reached():
            calls = self._redis.pipeline(transaction=False)
            for bucket in buckets(site):
                calls.hget(bucket.told, "position")
            return dict(zip(buckets(site), cast(list[Any], calls.execute()), strict=True))

    def claim(self, bucket: Bucket, holder: str, ms: int) -> str | None:
        """Have ``holder`` alone tell a bucket's decisions for ``ms`` milliseconds.

        Returns:
            The place of the last one that was told; None while somebody else tells them.
        """
        found = self._claim(keys=[bucket.told], args=[holder, ms])
        return found.decode() if found else None

    def told(self, bucket: Bucket, holder: str, place: str, ms: int) -> bool:
        """Note up to which place a bucket's decisions were told.

        Args:
            bucket: the part of the log.
            holder: who has claimed it.
            place: of the last one that was told.
            ms: for how many milliseconds nobody else is to tell them; with 0 others may at once.

        Returns:
            False if somebody else has claimed it meanwhile; nothing was noted then.
        """
        return bool(self._told(keys=[bucket.told], args=[holder, place, ms]))

    def after(self, bucket: Bucket, place: str) -> list[Entry]:
        """Return the next entries of a bucket after a place, in order."""
        return self._page(bucket, f"({place}", "+")

    def _page(self, bucket: Bucket, first: str, last: str) -> list[Entry]:
        with self._reached(bucket.log):
            page = cast(list[Any], self._redis.xrange(bucket.log, first, last, count=PAGE))
        with ours(bucket.log):
            places = [(*map(int, place.split(b"-")), fields[b"e"]) for place, fields in page]
            return [unpack(packed, bucket.number, at, seq) for at, seq, packed in places]
