"""The answer of each account of a shop that links them: under a keyed hash of it, until the answer ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from ..site import Site
from . import keys
from .connection import Connection


class Accounts:
    """Keeps one answer for each account. Nothing else here, nor in the log, says that they belong together.

    An account may have several names, one by each secret that was ever the newest; it is kept under the first.
    """

    def __init__(self, connection: Connection) -> None:
        self._redis = connection.client
        self._reached = connection.reached
        self._swap = connection.script("account")

    def find(self, site: Site, names: Sequence[str]) -> dict[str, str]:
        """Return what is kept under these names, by name, whoever wrote it."""
        found = {}
        for name in names:
            key = keys.account(site, name)
            with self._reached(key):
                kept = cast(bytes | None, self._redis.get(key))
            if kept is not None:
                found[name] = kept.decode(errors="replace")  # what is no token is no answer
        return found

    def swap(self, site: Site, name: str, before: str, after: str, life: int) -> bool:
        """Keep an answer in place of another, if that is still what is kept.

        Args:
            site: the shop.
            name: the account's.
            before: what is kept; empty: nothing.
            after: what is to be; empty: nothing.
            life: seconds after which it is forgotten.

        Returns:
            Whether it was; if not, somebody else was faster.
        """
        return bool(self._swap([keys.account(site, name)], [before, after, life]))

    def remove(self, site: Site, names: Sequence[str]) -> bool:
        """Forget the answer of an account, and return whether there was one."""
        gone = False
        for name in names:
            key = keys.account(site, name)
            with self._reached(key):
                gone |= bool(self._redis.delete(key))
        return gone
