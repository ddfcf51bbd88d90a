"""The log of all decisions, day by day, with its seals and its archives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from time import monotonic
from typing import Any, cast

import msgspec
from msgspec import structs

from ..decision import Entry
from ..site import ConsentError, Site
from . import keys
from .connection import Connection
from .connection.away import OtherKind
from .connection.clock import Clock, apart
from .connection.foreign import log_day, ours
from .evidence.archived import Archive
from .evidence.notices import Notices
from .evidence.remains import Remains
from .feed.entries import END, Entries, Where
from .keys import DAY, Bucket, buckets, midnight, single
from .packing import pack_name, unpack

PIECE = 200
"""How many entries are taken out, or written anew, at once: everybody else waits meanwhile."""

SLOW, RESTS = 5.0, 60
"""Seconds from which on it takes long to write the append-only file anew; after that many times as long again it is."""

REWRITTEN = b"rewritten"
"""Begins what says that what was erased, until when, is not in the log any more, but in the append-only file."""


class Archived(ConsentError):
    """Days that are asked for are not in the log any more."""

    problem = "archived"


class Log:
    """Reads the log, closes its days, and takes out of it what is too old."""

    def __init__(self, connection: Connection, notices: Notices, clock: Clock) -> None:
        self._connection = connection
        self._rests = dict[str, float]()
        self._redis = connection.client
        self._reached = connection.reached
        self._write = connection.write
        self._notices = notices
        self._remains = Remains(connection)
        self._entries = Entries(connection, self._remains)
        self._clock = clock
        self._freeze = connection.script("clock", "pass", "freeze")
        self._trim = connection.script("trim")
        self._compact = connection.script("clock", "compact")
        self._settle = connection.script("settle")
        self._keep = connection.script("keep")

    def day(self, site: Site, day: date, since: Where = (0, 0), until: Where = END) -> Iterator[Entry]:
        """Yield all entries of one UTC day, erased ones too, by bucket and time, with whole notice hashes.

        A refusal comes with the signature that it shares with the others of its hour. ``since`` and ``until``: bucket
        and time (ms since 1970) of the first and the last ones that are wanted.
        """
        start = midnight(day)
        whole = self._notices.names(site)
        for bucket in buckets(site)[since[0] : until[0] + 1]:
            first = max(start, since[1]) if bucket.number == since[0] else start
            last = min(start + DAY, until[1] + 1) if bucket.number == until[0] else start + DAY
            for entry in self._entries.between(bucket, first, last):
                yield structs.replace(entry, notice=whole.get(entry.notice, entry.notice))

    def first_day(self, site: Site) -> date | None:
        """Return the UTC day of the oldest entry in the log, or None."""
        with self._reached():
            calls = self._redis.pipeline(transaction=False)
            for bucket in buckets(site):
                calls.xrange(bucket.log, count=1)
            replies = calls.execute()
        with ours(f"the log of {site.id}"):
            times = [int(page[0][0].split(b"-")[0]) for page in replies if page]
            times += [at for at in map(self._remains.oldest, buckets(site)) if at is not None]
            return log_day(f"{date(1970, 1, 1) + timedelta(milliseconds=min(times))}") if times else None

    def freeze(self, site: Site, day: date, now: datetime) -> None:
        """Let no entry be added any more to ``day`` or to a day before it, whatever a clock says.

        Raises:
            ClocksApart: ``now`` is over a minute off Redis' clock, or that day is not over by the latter.
        """
        here, end = int(now.timestamp() * 1000), midnight(day) + DAY
        self._clock.must_agree(site, here)
        for bucket in buckets(site):
            time = self._freeze(keys=[bucket.sealed, bucket.log], args=[end, self._clock.leeway])
            if time:
                raise apart(here, int(time))

    def seals(self, site: Site) -> dict[date, str]:
        """Return the seals of a site's days, in order."""
        with self._reached(single.seals(site)):
            found = cast(dict[bytes, bytes], self._redis.hgetall(single.seals(site)))
        with ours(single.seals(site)):
            return {log_day(day.decode()): token.decode() for day, token in sorted(found.items())}

    def keep_seal(self, site: Site, day: date, token: str) -> bool:
        """Keep the seal of a day. Returns False, and changes nothing, if the day has one."""
        return bool(self._write(single.seals(site), "HSETNX", day.isoformat(), token))

    def archives(self, site: Site) -> list[Archive]:
        """Return the archives that days were moved to, oldest first."""
        with self._reached(single.archives(site)):
            found = cast(dict[bytes, bytes], self._redis.hgetall(single.archives(site)))
        with ours(single.archives(site)):
            return [Archive.of(found[last]) for last in sorted(found)]

    def must_have(self, site: Site, day: date) -> None:
        """Return if ``day`` was not archived.

        Raises:
            Archived: it was; says to which file, and what there is.
        """
        archives = self.archives(site)
        if archives and day <= archives[-1].last:
            held = next(archive for archive in archives if day <= archive.last)
            raise Archived(
                f"{day} is not in the log of {site.id} any more but in its archive {held.file}; "
                f"the log begins with {archives[-1].last + timedelta(1)}."
            )

    def keep_archive(self, site: Site, archive: Archive) -> bool:
        """Write down that days are in an archive, before ``trim`` takes them out.

        Returns False, and changes nothing, if one of its days is in another archive: of a run to another folder.
        """
        others = self.archives(site)
        if any(each.last >= archive.first for each in others):
            return False
        what = [len(others), archive.last.isoformat(), msgspec.json.encode(archive)]
        return bool(self._keep(keys=[single.archives(site)], args=what))

    def compact(self, site: Site) -> bool:
        """Have what was erased leave the memory of Redis, not only its answers, and then its append-only file.

        A log that somebody has moved ahead of Redis' clock comes back to it, as far as nothing stands in it.

        Returns whether the file is due: what is in it leaves it when it is written anew, by ``rewritten``.
        """
        due, ahead = False, {each.log for each in self._clock.logs_ahead(site)}
        for bucket in buckets(site):
            torn = self._torn(bucket)
            if (torn and not torn.startswith(REWRITTEN)) or bucket.log in ahead:
                self._write(bucket.copy, "UNLINK")  # of a run that was broken off: somebody may be in it who is erased
                names = [bucket.log, bucket.copy, bucket.old, bucket.torn, bucket.sealed, bucket.told]
                while not self._compact(keys=names, args=[torn or b"", PIECE, self._clock.leeway]):
                    pass
            due = due or torn is not None
        return due

    def rewrite(self, site: Site) -> None:
        """Have Redis write its append-only file anew, without what was erased.

        Where that takes long it is not done again at once for this site, whoever is erased: it is due still.

        Raises:
            StoreAway: it does not, or has not done so within a minute; it is due still.
        """
        marks = {bucket: self._torn(bucket) or b"" for bucket in buckets(site)}
        due = {bucket: torn for bucket, torn in marks.items() if torn.startswith(REWRITTEN)}
        if not due or monotonic() < self._rests.get(site.id, 0.0):
            return
        began = monotonic()
        try:
            self._connection.rewrite_files([bucket.torn for bucket in due])
        finally:
            if (took := monotonic() - began) > SLOW:
                self._rests[site.id] = monotonic() + RESTS * took
        for bucket, torn in due.items():  # not what was erased since, and is in the files that were begun before
            self._settle(keys=[bucket.torn], args=[torn])

    def is_rewrite_due(self, site: Site) -> bool:
        """Return whether somebody was erased who is in Redis' append-only file still."""
        return any(self._torn(bucket) for bucket in buckets(site))

    def _torn(self, bucket: Bucket) -> bytes | None:
        try:
            with self._reached(bucket.torn):
                return cast(bytes | None, self._redis.get(bucket.torn))
        except OtherKind:  # somebody else wrote it, over whatever stood there: it may have been due
            return b"0"

    def replace_archive(self, site: Site, archive: Archive) -> None:
        """Write down that the days of an archive are in another file."""
        self._write(single.archives(site), "HSET", archive.last.isoformat(), msgspec.json.encode(archive))

    def trim(
        self, site: Site, archive: Archive, settle: Callable[[Archive], Archive] = lambda archive: archive
    ) -> Archive:
        """Remove the days of an archive, and what points to them. Broken off anywhere, it is ended by the next call.

        Args:
            site: the shop.
            archive: what is removed.
            settle: is called when nobody can be erased any more of whom an entry is in it, and before what erasures
                left goes; returns the archive as it is then.
        """
        end = midnight(archive.last) + DAY
        for bucket in buckets(site):
            while page := self._page(bucket, end):
                last = page[-1]
                places = [(keys.place(site, entry.subject), pack_name(entry.id)) for entry in page]
                self._trim(
                    keys=[bucket.log, bucket.copy, *(key for place, _ in places for key in (place.seen, place.older))],
                    args=[
                        *(end, f"{last.at}-{last.seq}"),
                        *(part for place, name in places for part in (place.digest, name)),
                    ],
                )
        archive = settle(archive)
        for bucket in buckets(site):
            self._remains.drop(bucket, end)
            # HSCAN would spare the others a wait, but users that were set up before may not.
            with self._reached(bucket.refused):
                hours = cast(list[bytes], self._redis.hkeys(bucket.refused))
            self._drop(bucket.refused, [field for field in hours if int.from_bytes(field[:4]) * 1000 < end - 3_600_000])
        self.replace_archive(site, replace(archive, trimmed=True))
        return archive

    def _page(self, bucket: Bucket, end: int) -> list[Entry]:
        """Return a bucket's oldest entries before ``end`` (ms), as many as are taken out at once."""
        with self._reached(bucket.log):
            page = cast(list[Any], self._redis.xrange(bucket.log, "-", f"({end}-0", count=PIECE))
        with ours(bucket.log):
            places = [(*map(int, place.split(b"-")), fields[b"e"]) for place, fields in page]
            return [unpack(packed, bucket.number, at, seq) for at, seq, packed in places]

    def _drop(self, key: str, fields: list[bytes]) -> None:
        for n in range(0, len(fields), PIECE):
            self._write(key, "HDEL", *fields[n : n + PIECE])
