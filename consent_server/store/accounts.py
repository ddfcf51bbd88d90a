"""The answer of each account of a shop that links them: under a keyed hash of it, until the answer ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from ..site import Site
from . import keys
from .connection import Connection
from .keys import single


class Accounts:
    """Keeps one answer for each account, and for an erasure whose it is. Nothing in the log says which.

    An account may have several names, one by each secret that was ever the newest; it is kept under the first.
    """

    def __init__(self, connection: Connection) -> None:
        self._redis = connection.client
        self._reached = connection.reached
        self._write = connection.write
        self._time = connection.time
        self._swap = connection.script("account")
        self._linked = connection.script("linked")

    def find(self, site: Site, names: Sequence[str]) -> dict[str, str]:
        """Return what is kept under these names, by name, whoever wrote it."""
        found = {}
        for name in names:
            key = single.account(site, name)
            with self._reached(key):
                kept = cast(bytes | None, self._redis.get(key))
            if kept is not None:
                found[name] = kept.decode(errors="replace")  # what is no token is no answer
        return found

    def swap(self, site: Site, name: str, before: str, after: str, life: int, subject: str | None = None) -> bool:
        """Keep an answer in place of another, if that is still what is kept.

        Args:
            site: the shop.
            name: the account's.
            before: what is kept; empty: nothing.
            after: what is to be; empty: nothing.
            life: seconds after which it is forgotten.
            subject: whose it is, by whom ``forget`` finds it; noted also where what is kept stays: a version before
                did not.

        Returns:
            Whether it was; if not, somebody else was faster.
        """
        stays = before == after
        if subject and not (stays and self._is_noted(site, subject, name)):  # first: what is not noted would stay
            self._linked([single.linked(site, subject)], [name, life])
        return stays or bool(self._swap([single.account(site, name)], [before, after, life]))

    def _is_noted(self, site: Site, subject: str, name: str) -> bool:
        key = single.linked(site, subject)
        with self._reached(key):
            return bool(self._redis.sismember(key, name))

    def remove(self, site: Site, names: Sequence[str]) -> bool:
        """Forget the answer of an account, and return whether there was one."""
        gone = False
        for name in names:
            gone |= bool(self._write(single.account(site, name), "DEL"))
        return gone

    def forget(self, site: Site, subject: str, is_theirs: Callable[[str], bool]) -> None:
        """Forget what accounts have of a subject, whose tokens then leave the append-only file too.

        Args:
            site: the shop.
            subject: who was erased.
            is_theirs: whether what is kept is an answer of theirs: an account may have another one by now.
        """
        key = single.linked(site, subject)
        with self._reached(key):
            names = [name.decode(errors="replace") for name in cast(set[bytes], self._redis.smembers(key))]
        for name, kept in self.find(site, names).items():
            if is_theirs(kept):
                self.swap(site, name, kept, "", 0)
        if names:
            torn = keys.place(site, subject).bucket.torn
            self._write(torn, "SET", f"{self._time(torn) / 1000:.3f}")
            self._write(key, "DEL")  # last: what is broken off is done again
