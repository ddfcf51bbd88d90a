"""The log as others follow it: from a place on, in order, without gap or repeat; and how far a webhook was told."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from time import monotonic
from typing import Any, NamedTuple, cast

from ...decision import Entry
from ...site import Site
from ..connection import Connection
from ..connection.clock import Ahead, Clock, ahead, apart
from ..connection.foreign import ours
from ..keys import Bucket, buckets
from ..packing import unpack

PAGE = 500
"""How many entries are read at once."""

SECONDS_OLD = 1.0
"""How long what was read may wait for whoever takes it, before it is looked at again: somebody may have been erased."""

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
        self._begin = connection.script("clock", "begin")
        self._claim = connection.script("clock", "claim")
        self._told = connection.script("clock", "told")
        self._stand = connection.script("clock", "pass", "stand")

    def until_now(self, site: Site, now: int) -> int:
        """Return a moment (ms), about now, before which nothing is added to a site's log any more.

        ``now``: what this machine's clock says, milliseconds since 1970.

        Raises:
            ClocksApart: Redis' clock, which is the one that counts, is over a minute off it, or the log ahead of that.
        """
        moments = []
        for bucket in buckets(site):
            moment, *last = map(int, self._stand(keys=[bucket.log], args=[now, self._leeway]))
            if last:
                raise ahead(site, Ahead(bucket.log, last[0], moment))
            if abs(moment - now) > self._leeway:
                raise apart(now, moment)
            moments.append(moment)
        return min(moments)

    def has(self, site: Site, position: Position) -> bool:
        """Return whether an entry has this place, erased or not."""
        bucket = next((each for each in buckets(site) if each.number == position.bucket), None)
        if bucket is None:
            return False
        if self._is_there(bucket, position):
            return True
        with self._reached(bucket.erased):
            return bool(self._redis.hexists(bucket.erased, f"{position.at}-{position.seq}"))

    def since(self, site: Site, position: Position | None, until: int) -> Iterator[tuple[Position, Entry]]:
        """Yield the entries after a position (of all if None) that are from before ``until`` (ms), in order.

        What is erased meanwhile is not among them, but for what was read within the last SECONDS_OLD.
        """

        def follow(bucket: Bucket) -> Iterator[tuple[Position, Entry, float]]:
            start = "-"
            if position and bucket.number == position.bucket:
                start = f"({position.at}-{position.seq}"
            elif position:
                start = f"{position.at + (bucket.number < position.bucket)}-0"
            while page := self._page(bucket, start, f"({until}-0"):
                read = monotonic()
                for entry in page:
                    if monotonic() > read + SECONDS_OLD:
                        break  # and read again
                    yield Position(entry.at, bucket.number, entry.seq), entry, read
                    start = f"({entry.at}-{entry.seq}"

        numbered = {bucket.number: bucket for bucket in buckets(site)}
        for place, entry, read in merge(*map(follow, buckets(site)), key=lambda found: found[0]):
            if monotonic() <= read + SECONDS_OLD or self._is_there(numbered[place.bucket], place):
                yield place, entry

    def _is_there(self, bucket: Bucket, position: Position) -> bool:
        place = f"{position.at}-{position.seq}"
        with self._reached(bucket.log):
            return bool(self._redis.xrange(bucket.log, place, place))

    def begin(self, site: Site, address: str = "") -> bool:
        """Have a webhook told what is decided from now on, where that address is told nothing yet.

        Where it was told before, it goes on there, and so does one whose address nobody noted, or where the one before
        never took anything: that was a slip.

        Args:
            site: the shop.
            address: names the address; nothing for any.

        Returns:
            Whether another one was told until now; what waits for it is told nobody.
        """
        others, positions = 0, self._positions(site)
        took = int(any(taken for _, _, taken in positions.values()))
        for bucket, (position, known, _) in positions.items():
            if not position or (address and known != address.encode()):
                others += self._begin(keys=[bucket.told], args=[address, MS_BEFORE, took])[1]
        return others > 0

    def untold(self, site: Site, *, begins: bool = False) -> dict[Bucket, int]:
        """Return the buckets with decisions that a webhook was not told, and when the first of these was (ms).

        ``begins``: have it told what is decided from now on, where it is told nothing yet.
        """
        if begins:
            self.begin(site)
        positions = {bucket: position for bucket, (position, *_) in self._positions(site).items() if position}
        with self._reached():
            calls = self._redis.pipeline(transaction=False)
            for bucket, position in positions.items():
                calls.xrange(bucket.log, f"({position.decode()}", count=1)
            pages = cast(list[Any], calls.execute()) if positions else []
        return {bucket: int(page[0][0].split(b"-")[0]) for bucket, page in zip(positions, pages, strict=True) if page}

    def _positions(self, site: Site) -> dict[Bucket, list[bytes | None]]:
        with self._reached():
            calls = self._redis.pipeline(transaction=False)
            for bucket in buckets(site):
                calls.hmget(bucket.told, "position", "of", "taken")
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

    def after(self, bucket: Bucket, place: str) -> Entry | None:
        """Return the next entry of a bucket after a place, if there is one."""
        return next(iter(self._page(bucket, f"({place}", "+", 1)), None)

    def _page(self, bucket: Bucket, first: str, last: str, many: int = PAGE) -> list[Entry]:
        with self._reached(bucket.log):
            page = cast(list[Any], self._redis.xrange(bucket.log, first, last, count=many))
        with ours(bucket.log):
            places = [(*map(int, place.split(b"-")), fields[b"e"]) for place, fields in page]
            return [unpack(packed, bucket.number, at, seq) for at, seq, packed in places]
