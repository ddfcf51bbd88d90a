"""What others attest of the seals, and the operator of the log: kept as it came, believed by whoever checks."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import cast

from ...site import Site
from ..connection import Connection
from ..connection.foreign import Unreadable, log_day, ours
from ..keys import single

log = logging.getLogger(__name__)


@contextmanager
def _skipped(where: str) -> Iterator[None]:
    """Leave out what somebody else wrote, and say so: what others attest is no condition of an export."""
    try:
        with ours(where):
            yield
    except Unreadable as error:
        log.warning("%s It is left out.", error)


class Attestations:
    """Time-stamps of seals (RFC 3161), checkpoints that witnesses cosigned, and records of backups put back."""

    def __init__(self, connection: Connection) -> None:
        self._redis = connection.client
        self._reached = connection.reached
        self._write = connection.write
        self._time = connection.time
        self._cosign = connection.script("cosign")

    def stamps(self, site: Site) -> dict[date, bytes]:
        """Return the time-stamps by the days whose seals they are of."""
        with self._reached(single.stamps(site)):
            found = cast(dict[bytes, bytes], self._redis.hgetall(single.stamps(site)))
        read: dict[date, bytes] = {}
        for day, stamp in sorted(found.items()):
            with _skipped(single.stamps(site)):
                read[log_day(day.decode())] = stamp
        return read

    def keep_stamp(self, site: Site, day: date, stamp: bytes, instead_of: bytes | None = None) -> bool:
        """Keep the time-stamp of a day's seal, where it has none yet, or ``instead_of`` a bad one.

        Returns False, and changes nothing, if it has another. Of two servers that find the same bad one the last stays.
        """
        if instead_of is not None and self.stamps(site).get(day) == instead_of:
            self._write(single.stamps(site), "HSET", day.isoformat(), stamp)
            return True
        return bool(self._write(single.stamps(site), "HSETNX", day.isoformat(), stamp))

    def cosigned(self, site: Site) -> dict[int, str]:
        """Return the checkpoints that somebody cosigned, by the number of seals that they are over."""
        with self._reached(single.cosigned(site)):
            found = cast(dict[bytes, bytes], self._redis.hgetall(single.cosigned(site)))
        read: dict[int, str] = {}
        for size, note in found.items():
            with _skipped(single.cosigned(site)):
                read[int(size)] = note.decode()
        return dict(sorted(read.items()))

    def keep_cosigned(self, site: Site, size: int, note: str, before: str | None = None) -> bool:
        """Keep a checkpoint with all its cosignatures.

        Returns False, and changes nothing, if what is kept over so many seals is not what was read ``before``: empty
        for nothing, None for whatever it is.
        """
        if before is None:
            self._write(single.cosigned(site), "HSET", size, note)
            return True
        return bool(self._cosign(keys=[single.cosigned(site)], args=[size, before, note]))

    def restored(self, site: Site) -> list[str]:
        """Return the signed records of backups that were put back, whoever wrote them."""
        with self._reached(single.restored(site)):
            found = cast(set[bytes], self._redis.smembers(single.restored(site)))
        return sorted(text.decode(errors="replace") for text in found)

    def keep_restored(self, site: Site, record: str) -> None:
        """Keep the signed record of a backup that was put back."""
        self._write(single.restored(site), "SADD", record)

    def time(self, site: Site) -> int:
        """Return what the clock of the store says, in ms."""
        return self._time(single.restored(site))
