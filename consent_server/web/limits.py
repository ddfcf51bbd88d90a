"""How often something may be done."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
import time
from contextlib import suppress

from flask import request

from ..site import ConsentError

NETWORK = 16
"""How many times what is taken of one household's network (/64) is taken of a whole /48, of which each has 65,536."""


def plain_address(address: str) -> str:
    """Return an address as it is: IPv4, where IPv6 only wraps it (``::ffff:192.0.2.1``)."""
    if ":" not in address:
        return address
    with suppress(ValueError):
        mapped = ipaddress.IPv6Address(address.partition("%")[0]).ipv4_mapped
        return str(mapped) if mapped else address
    return address


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

    def spend_client(self, most: int, *what: str) -> None:
        """Count one more for the client's address; of an IPv6 address also for the network that a provider hands out.

        Raises:
            TooMany: the address, or household, did it ``most`` times in this minute, or its network NETWORK times that.
        """
        address = plain_address(request.remote_addr or "")
        if ":" not in address:
            return self.spend(most, *what, self._named(address))
        with suppress(ValueError):
            household, network = (
                str(ipaddress.ip_network(f"{address.partition('%')[0]}/{bits}", strict=False)) for bits in (64, 48)
            )
            self.spend(most, *what, self._named(household))
            self.spend(most * NETWORK, *what, self._named(network))

    def client(self) -> str:
        """Return a name for the client's address, or household, that means nothing tomorrow or on another machine."""
        address = plain_address(request.remote_addr or "")
        if ":" in address:
            with suppress(ValueError):
                address = str(ipaddress.ip_network(f"{address.partition('%')[0]}/64", strict=False))
        return self._named(address)

    def _named(self, address: str) -> str:
        day = int(time.time() // 86400)
        if day not in self._salts:
            self._salts.clear()
            self._salts[day] = secrets.token_bytes(16)
        return hashlib.blake2b(address.encode(), key=self._salts[day], digest_size=16).hexdigest()
