"""The one clock that days are cut by: Redis' own. Who is far from it neither records nor seals."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from ...site import ConsentError, Site
from ..keys import DAY, buckets, midnight
from ..keys.single import seals
from . import Connection
from .away import OtherKind
from .zones import Zones

LEEWAY = 60_000
"""Milliseconds that a machine's clock may be off Redis', and a log ahead of it."""

LAST_SECOND = 253_402_300_799
"""Since 1970: that of the year 9999."""

DIGITS = 15
"""Of its milliseconds."""


class ClocksApart(ConsentError):
    """The clock of this machine and that of the store cannot both be right."""

    problem = "clocks-apart"


class Ahead(NamedTuple):
    """A part of a log, the time of the last entry that it ever had, and what Redis' clock says, both in ms.

    ``sealed``: the end of its last sealed day, 0 if there is none; None where that was not looked at. ``by``: the key
    that says so, where no such day has a seal.
    """

    log: str
    last: int
    now: int
    sealed: int | None = None
    by: str = ""


TO_MEND = "If it is right now, put back the backup from before (docs/operating.md, A log ahead of its clock)."
"""No seal is undone."""


class SealedAhead(ClocksApart):
    """Days to come are sealed: nothing can be answered, sealed or exported until they are over."""


class LogAhead(ClocksApart):
    """Somebody has moved a log's own clock ahead of the store's: answers would be dated then, and signed so."""


class Clock:
    """Redis' clock, and how far another may be off it."""

    def __init__(self, connection: Connection, any_clock: bool) -> None:
        self._connection = connection
        self.zones = Zones(connection)
        self.leeway = 10**15 if any_clock else LEEWAY  # more than any clock is off

    def must_agree(self, site: Site, now: int) -> None:
        """Return if ``now`` (ms) is about the time of the Redis that holds a site's seals.

        Raises:
            ClocksApart: it is not.
        """
        theirs = self._connection.time(seals(site))
        if abs(now - theirs) > self.leeway:
            raise apart(now, theirs)

    def logs_ahead(self, site: Site) -> list[Ahead]:
        """Return which parts of a site's log end further ahead of Redis' clock than who writes there may be."""
        parts = [(bucket.log, bucket.sealed) for bucket in buckets(site)]
        with self._connection.reached():
            calls = self._connection.client.pipeline(transaction=False)
            for log, sealed in parts:
                calls.xinfo_stream(log)
                calls.get(sealed)
            replies = iter(calls.execute(raise_on_error=False))  # an error where nothing was ever in one
        ends = [
            (log, end_of(said), _end_of_day(sealed), key)
            for (log, key), said, sealed in zip(parts, replies, replies, strict=True)
            if isinstance(said, dict)
        ]
        now, found = self._connection.time(parts[0][0]), list[Ahead]()
        for log, last, until, key in ends:
            if last > now and last > (time := self._connection.time(log)) + self.leeway:
                by = key if until > time + LEEWAY and not self.has_seal(site, until) else ""
                found.append(Ahead(log, last, time, until, by))
        return found

    def ends_ahead(self, site: Site) -> dict[str, int]:
        """Return the keys that say up to which end (ms) days are sealed, of those ends that are to come, or of no day.

        Nobody has signed them: whether it is so, the seals say.
        """
        names = [bucket.sealed for bucket in buckets(site)]
        with self._connection.reached():
            calls = self._connection.client.pipeline(transaction=False)
            for name in names:
                calls.get(name)
            said = dict(zip(names, calls.execute(raise_on_error=False), strict=True))
        ends = {name: _end_of_day(text) for name, text in said.items() if isinstance(text, bytes) and text != b"0"}
        now = self._connection.time(names[0])
        return {name: end for name, end in ends.items() if not end or end > now}

    def put_right(self, name: str, end: int) -> None:
        """Write into such a key up to which end (ms) days are sealed: what a seal says."""
        self._connection.write(name, "SET", end)

    def has_seal(self, site: Site, end: int) -> bool:
        """Return whether the day that ends then (ms) has a seal, whoever made it."""
        with suppress(OtherKind), self._connection.reached(seals(site)):
            return bool(self._connection.client.hexists(seals(site), _last_day(end)))
        return False

    def must_be_over(self, site: Site, day: date) -> None:
        """Return if a day that is sealed is over by Redis' clock.

        Raises:
            SealedAhead: it is not, so that clock was ahead then.
        """
        now = self._connection.time(seals(site))
        if midnight(day) + DAY > now + self.leeway:
            raise SealedAhead(
                f"The days of {site.id} up to {day} are sealed, and by the store's clock it is {_moment(now)} (UTC): "
                f"that clock was ahead when they were, or is behind now. {TO_MEND}"
            )

    def must_be_past_log(self, site: Site) -> None:
        """Return if Redis' clock is about as far as a site's log, or further.

        Raises:
            LogAhead: it is not; names a part that is ahead.
        """
        for each in self.logs_ahead(site):
            raise ahead(site, each)


def end_of(stream: Mapping[str, Any]) -> int:
    """Return the time (ms) of the last entry that a stream ever had, by what XINFO STREAM says of it."""
    return int(stream["last-generated-id"].split(b"-")[0])


def ahead(site: Site, found: Ahead) -> LogAhead:
    """Return what to say of a part of a site's log, and of Redis' clock."""
    set_back = (
        f"type: consent-server log seal {site.id}, which sets it back as far as no answer stands in it "
        "(docs/operating.md, A log ahead of its clock)."
    )
    how = f"; {set_back}"
    if found.sealed is None:
        how = "; what to do, consent-server check says."
    elif found.sealed > found.now + LEEWAY:  # which nothing sets back
        how = f"; its days up to {_last_day(found.sealed)} are sealed. {TO_MEND}"
        if found.by:
            how = (
                f"; {found.by} says that its days up to {_last_day(found.sealed)} are sealed, and that one has no "
                f"seal: if somebody else wrote that, take the key out, and {set_back}"
            )
    return LogAhead(
        f"The log {found.log} is ahead of the store's clock: it ends at {_moment(found.last)}, and now it is "
        f"{_moment(found.now)} (UTC). Nothing is recorded there until then{how}"
    )


def _end_of_day(said: object) -> int:
    """Return the end of the last sealed day (ms) as a bucket says it, or 0 where it says none."""
    end = int(said) if isinstance(said, bytes) and said.isdigit() and len(said) <= DIGITS else 0
    return end if end <= (LAST_SECOND + 1) * 1000 else 0


def _last_day(end: int) -> str:
    """Return the day that ends then (ms)."""
    return _moment(end - 1)[:10]


def _moment(at: int) -> str:
    """Return a time (ms) for people, however far away it is."""
    return datetime.fromtimestamp(min(at / 1000, LAST_SECOND), UTC).isoformat(" ", "seconds")[:19]


def apart(now: int, theirs: int) -> ClocksApart:
    """Return what to say of this machine's clock and Redis' (both in ms)."""
    return ClocksApart(
        f"This machine's clock says {_moment(now)}, the store's {_moment(theirs)} (UTC): nothing is recorded or sealed "
        f"until they agree to {LEEWAY // 1000} s."
    )
