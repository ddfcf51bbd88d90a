"""How often something may be done."""

from __future__ import annotations

import hashlib
import re
import secrets
import socket
import time

from flask import request

from ..site import ConsentError

NETWORK = 16
"""How many times what is taken of one household's network (/64) is taken of a whole /48, of which each has 65,536."""


_WITH_PORT = re.compile(r"\[([^\]]*)\](?::\d*)?|([^:]*):\d*")


_IPV4_WITHIN = bytes(10) + b"\xff\xff"
"""How an IPv6 address begins that only wraps one of IPv4."""


def plain_address(address: str) -> str:
    """Return an address as it is: without the port that some proxies add, IPv4 where IPv6 only wraps it."""
    if ":" not in address:
        return address
    raw = _raw(address)
    if raw is None and (found := _WITH_PORT.fullmatch(address)):
        address = found[1] or found[2] or ""
        raw = _raw(address)
    return socket.inet_ntoa(raw[12:]) if raw and raw.startswith(_IPV4_WITHIN) else address


def _raw(address: str) -> bytes | None:
    """Return the 16 bytes of an IPv6 address, or None if it is none."""
    try:
        return socket.inet_pton(socket.AF_INET6, address.partition("%")[0])
    except (OSError, ValueError):  # a proxy may write anything
        return None


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
        self._salt = 0, b""

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
        self.spend(most, *what, self._named(_network(address, 64)))
        self.spend(most * NETWORK, *what, self._named(_network(address, 48)))

    def client(self) -> str:
        """Return a name for the client's address, or household, that means nothing tomorrow or on another machine."""
        address = plain_address(request.remote_addr or "")
        return self._named(_network(address, 64) if ":" in address else address)

    def _named(self, address: str) -> str:
        day, salted = int(time.time() // 86400), self._salt
        if salted[0] != day:  # two threads may both draw one at midnight: then one client counts as two for a minute
            salted = self._salt = day, secrets.token_bytes(16)
        return hashlib.blake2b(address.encode(), key=salted[1], digest_size=16).hexdigest()


def _network(address: str, bits: int) -> str:
    """Return the network of an IPv6 address; what a proxy wrote that is none is counted as it stands."""
    raw = _raw(address)
    return f"{address if raw is None else raw[: bits // 8].hex()}/{bits}"
