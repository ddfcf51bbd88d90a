"""The log of all decisions, day by day, with its seals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, cast

import redis

from ..decision import Entry
from ..site import Site
from . import keys
from .connection import Connection
from .keys import DAY, Bucket, buckets, midnight
from .notices import Notices
from .packing import pack_hour, unpack, unpack_erased


class Log:
    """Reads the log, closes its days, and takes out of it what is too old."""

    def __init__(self, connection: Connection, notices: Notices) -> None:
        self._redis = connection.client
        self._reached = connection.reached
        self._notices = notices
        self._forget = connection.script("forget")
        self._compact = connection.script("compact")

    def day(self, site: Site, day: date) -> Iterator[Entry]:
        """Yield all entries of one UTC day, erased ones too, by bucket and time, with whole notice hashes.

        A refusal comes with the signature that it shares with the others of its hour.
        """
        start = midnight(day)
        whole = self._notices.names(site)
        for bucket in buckets(site):
            shared: dict[bytes, bytes] | None = None
            for entry in self._entries(bucket, start, start + DAY):
                signature = entry.signature
                if not entry.allow and not entry.erased:
                    if shared is None:
                        with self._reached():
                            shared = cast(dict[bytes, bytes], self._redis.hgetall(bucket.refused))
                    at = entry.at // 1000
                    signature = shared.get(pack_hour(at - at % 3600, entry.notice), b"")
                yield replace(entry, notice=whole.get(entry.notice, entry.notice), signature=signature)

    def _entries(self, bucket: Bucket, first: int, last: int) -> list[Entry]:
        """Return a bucket's entries from ``first`` up to but without ``last`` (ms) in order, as of one moment."""
        while True:
            with self._reached():
                before = self._redis.hlen(bucket.erased)
                found: dict[tuple[int, int], Entry] = {}
                start = f"{first}-0"
                while page := cast(list[Any], self._redis.xrange(bucket.log, start, f"({last}-0", count=1000)):
                    for place, fields in page:
                        at, seq = map(int, place.split(b"-"))
                        found[at, seq] = unpack(fields[b"e"], bucket.number, at, seq)
                    start = f"({page[-1][0].decode()}"
                remains = cast(dict[bytes, bytes], self._redis.hgetall(bucket.erased)) if before else {}
                if before != self._redis.hlen(bucket.erased):
                    continue  # somebody was erased meanwhile: read again, or an entry would be missing in both
            for place, packed in remains.items():
                at, seq = map(int, place.split(b"-"))
                if first <= at < last:
                    found[at, seq] = unpack_erased(packed, bucket.number, at, seq)
            return [found[place] for place in sorted(found)]

    def first_day(self, site: Site) -> date | None:
        """Return the UTC day of the oldest entry in the log, or None."""
        with self._reached():
            calls = self._redis.pipeline(transaction=False)
            for bucket in buckets(site):
                calls.xrange(bucket.log, count=1)
                calls.hkeys(bucket.erased)
            replies = calls.execute()
        times = [int(page[0][0].split(b"-")[0]) for page in replies[::2] if page]
        times += [int(place.split(b"-")[0]) for places in replies[1::2] for place in places]
        return datetime.fromtimestamp(min(times) // 1000, UTC).date() if times else None

    def freeze(self, site: Site, day: date) -> None:
        """Let no entry be added any more to ``day`` or to a day before it, whatever a clock says."""
        end = midnight(day) + DAY
        for bucket in buckets(site):
            with self._reached():
                self._redis.set(bucket.sealed, end)
                calls = self._redis.pipeline(transaction=True)
                # An entry at the end of the day, taken out again, moves the log's clock there for good.
                calls.xadd(bucket.log, {"e": b""}, id=f"{end}-0")
                calls.xdel(bucket.log, f"{end}-0")
                try:
                    calls.execute()
                except redis.ResponseError as error:
                    if "equal or smaller" not in str(error):  # the log is past that day already
                        raise

    def seals(self, site: Site) -> dict[date, str]:
        """Return the seals of a site's days, in order."""
        with self._reached():
            found = cast(dict[bytes, bytes], self._redis.hgetall(keys.seals(site)))
        return {date.fromisoformat(day.decode()): token.decode() for day, token in sorted(found.items())}

    def keep_seal(self, site: Site, day: date, token: str) -> bool:
        """Keep the seal of a day. Returns False, and changes nothing, if the day has one."""
        with self._reached():
            return bool(self._redis.hsetnx(keys.seals(site), day.isoformat(), token))

    def compact(self, site: Site) -> None:
        """Have what was erased leave the memory of Redis, not only its answers.

        The append-only file forgets it when Redis next writes the file anew (``BGREWRITEAOF``).
        """
        for bucket in buckets(site):
            with self._reached():
                needed = self._redis.exists(bucket.needs_compacting)
            if needed:
                self._compact(keys=[bucket.log, bucket.needs_compacting], args=[])

    def trim(self, site: Site, before: date) -> int:
        """Remove the entries of the days before ``before``, and what points to them. Returns how many there were."""
        end = midnight(before)
        removed = 0
        for bucket in buckets(site):
            for entry in self._entries(bucket, 0, end):
                removed += 1
                if not entry.erased:
                    place = keys.place(site, entry.subject)
                    self._forget(keys=[place.seen], args=[place.digest, end])
            with self._reached():
                erased, hours = (cast(list[bytes], self._redis.hkeys(key)) for key in (bucket.erased, bucket.refused))
                old = [place for place in erased if int(place.split(b"-")[0]) < end]
                over = [field for field in hours if int.from_bytes(field[:4]) * 1000 < end - 3_600_000]
                calls = self._redis.pipeline(transaction=True)
                calls.xtrim(bucket.log, minid=end, approximate=False)
                if old:
                    calls.hdel(bucket.erased, *old)
                if over:
                    calls.hdel(bucket.refused, *over)
                calls.execute()
        return removed
