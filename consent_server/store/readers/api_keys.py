"""API keys: by what other programs say who they are. Each kind opens one thing of one site, and no other kind does."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import msgspec

from ...site import Site
from ..connection import Connection
from ..connection.foreign import ours


class ApiKey(msgspec.Struct, frozen=True):
    """What is known of a key: what it is for, since when (seconds), and who made it. The key itself is not kept."""

    digest: str
    name: str
    made: int
    by: str = ""


class ApiKeys:
    """The keys of one kind.

    Args:
        connection: the way to Redis.
        where: returns the Redis key of those of a site.
    """

    def __init__(self, connection: Connection, where: Callable[[Site], str]) -> None:
        self._redis = connection.client
        self._reached = connection.reached
        self._write = connection.write
        self._where = where

    def add(self, site: Site, key: ApiKey) -> None:
        """Let the key of this digest in."""
        with self._reached(self._where(site)):
            self._redis.hset(self._where(site), key.digest, msgspec.json.encode(key))

    def all(self, site: Site) -> list[ApiKey]:
        """Return the keys of a site, the oldest first."""
        with self._reached(self._where(site)):
            found = cast(dict[bytes, bytes], self._redis.hgetall(self._where(site)))
        with ours(self._where(site)):
            known = [msgspec.json.decode(text, type=ApiKey) for text in found.values()]
        return sorted(known, key=lambda key: (key.made, key.name))

    def knows(self, site: Site, digest: str) -> bool:
        """Return whether the key of this digest is let in."""
        with self._reached(self._where(site)):
            return bool(self._redis.hexists(self._where(site), digest))

    def remove(self, site: Site, digest: str) -> bool:
        """Revoke a key, and return whether there was one."""
        return bool(self._write(self._where(site), "HDEL", digest))
