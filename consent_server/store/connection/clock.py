"""The one clock that days are cut by: Redis' own. Who is far from it neither records nor seals."""

from __future__ import annotations

from datetime import UTC, datetime

from ...site import ConsentError
from . import Connection
from .zones import Zones

LEEWAY = 60_000
"""Milliseconds that a machine's clock may be off Redis'."""


class ClocksApart(ConsentError):
    """The clock of this machine and that of the store cannot both be right."""

    problem = "clocks-apart"


class Clock:
    """Redis' clock, and how far another may be off it."""

    def __init__(self, connection: Connection, any_clock: bool) -> None:
        self._connection = connection
        self.zones = Zones(connection)
        self.leeway = 10**15 if any_clock else LEEWAY  # more than any clock is off

    def must_agree(self, key: str, now: int) -> None:
        """Return if ``now`` (ms) is about the time of the Redis that holds ``key``.

        Raises:
            ClocksApart: it is not.
        """
        theirs = self._connection.time(key)
        if abs(now - theirs) > self.leeway:
            raise apart(now, theirs)


def apart(now: int, theirs: int) -> ClocksApart:
    """Return what to say of this machine's clock and Redis' (both in ms)."""
    here, there = (datetime.fromtimestamp(each / 1000, UTC).isoformat(" ", "seconds")[:19] for each in (now, theirs))
    return ClocksApart(
        f"This machine's clock says {here}, the store's {there} (UTC): nothing is recorded or sealed until they agree "
        f"to {LEEWAY // 1000} s."
    )
