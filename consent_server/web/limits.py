"""How often something may be done."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
import time
from contextlib import suppress

from flask import request

from ..site import ConsentError


class TooMany(ConsentError):
    """More often than is taken."""

    problem = "too-many"


class Limits:
    """How often something may be done in a minute. Addresses are hashed with a salt of the day and never stored.

    Each worker counts for itself, in memory: nothing has to be asked for, and nothing is left after the minute.
    """

    def __init__(self) -> None:
        self._minute = 0
        self._spent: dict[tuple[str, ...], int] = {}
        self._salts: dict[int, bytes] = {}

    def spend(self, most: int, *who: str) -> None:
        """Count one more for ``who``.

        Raises:
            TooMany: it was done ``most`` times in this minute already.
        """
        minute = int(time.time() // 60)
        if minute != self._minute:
            self._minute, self._spent = minute, {}
        spent = self._spent
        spent[who] = count = spent.get(who, 0) + 1
        if count > most:
            raise TooMany("That was too often for one minute; try again in the next.")

    def client(self) -> str:
        """Return a name for the client's address that means nothing tomorrow, or on another machine."""
        day = int(time.time() // 86400)
        if day not in self._salts:
            self._salts.clear()
            self._salts[day] = secrets.token_bytes(16)
        address = request.remote_addr or ""
        if ":" in address:  # one household has a whole /64
            with suppress(ValueError):
                address = str(ipaddress.ip_network(f"{address.partition('%')[0]}/64", strict=False))
        return hashlib.blake2b(address.encode(), key=self._salts[day], digest_size=16).hexdigest()
