"""Who reads the rates: marketers, their sessions, and links that need neither."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import msgspec

from ...site import Site
from ..connection import Connection
from ..connection.foreign import ours
from ..keys import single


class Marketer(msgspec.Struct, frozen=True):
    """Somebody who reads the rates of some sites; ``password`` is a hash."""

    name: str
    password: str
    sites: tuple[str, ...]


class ReportLink(msgspec.Struct, frozen=True):
    """A link that shows one report without a login: to whom, from when until when (seconds), and its question.

    ``by`` is the marketer who made it, or nobody if the command line did. The link itself is a signed token with ``id``
    in it: who reads the store cannot make it.
    """

    id: str
    name: str
    made: int
    until: int
    query: str
    by: str = ""


class Marketers:
    """Those who may read rates."""

    def __init__(self, connection: Connection) -> None:
        self._redis = connection.client
        self._reached = connection.reached
        self._write = connection.write
        self._swap = connection.script("swap", repeatable=False)

    def add(self, name: str, password: str, sites: Iterable[str]) -> None:
        """Let somebody in; ``password`` is its hash. Who was known by that name, and their sessions, are replaced."""
        marketer = Marketer(name, password, tuple(dict.fromkeys(sites)))
        with self._reached(single.MARKETERS):
            self._redis.hset(single.MARKETERS, name, msgspec.json.encode(marketer))

    def change(self, marketer: Marketer, password: str) -> Marketer | None:
        """Return them with another password, whose hash this is; None if they are gone, or were let in anew."""
        changed = msgspec.structs.replace(marketer, password=password)
        done = self._swap([single.MARKETERS], [marketer.name, marketer.password, msgspec.json.encode(changed)])
        return changed if done else None

    def find(self, name: str) -> Marketer | None:
        """Return who is known by that name, or None."""
        with self._reached(single.MARKETERS):
            text = cast(bytes | None, self._redis.hget(single.MARKETERS, name))
        with ours(single.MARKETERS):
            return msgspec.json.decode(text, type=Marketer) if text else None

    def all(self) -> list[Marketer]:
        """Return all of them, by name."""
        with self._reached(single.MARKETERS):
            found = cast(dict[bytes, bytes], self._redis.hgetall(single.MARKETERS))
        with ours(single.MARKETERS):
            return [msgspec.json.decode(text, type=Marketer) for _, text in sorted(found.items())]

    def remove(self, name: str) -> bool:
        """Let somebody in no more, and return whether they were known. Their sessions end with that."""
        return bool(self._write(single.MARKETERS, "HDEL", name))

    def open_session(self, digest: str, marketer: Marketer, seconds: int) -> None:
        """Remember for that long that whoever has the cookie of this digest is ``marketer``."""
        text = msgspec.json.encode([marketer.name, marketer.password])
        with self._reached(single.session(digest)):
            self._redis.set(single.session(digest), text, ex=seconds)

    def session(self, digest: str) -> Marketer | None:
        """Return whose session it is, or None: it is over, or its marketer has gone or has another password."""
        with self._reached(single.session(digest)):
            text = cast(bytes | None, self._redis.get(single.session(digest)))
        if text is None:
            return None
        with ours("a marketer's session"):
            name, password = msgspec.json.decode(text, type=tuple[str, str])
        marketer = self.find(name)
        return marketer if marketer and marketer.password == password else None

    def close_session(self, digest: str) -> None:
        """End a session."""
        with self._reached(single.session(digest)):
            self._redis.delete(single.session(digest))

    def add_link(self, site: Site, link: ReportLink) -> None:
        """Let a link show a report of ``site``; those that have expired are forgotten."""
        ended = [old.id for old in self.links(site) if old.until <= link.made]
        with self._reached(single.links(site)):
            if ended:
                self._redis.hdel(single.links(site), *ended)
            self._redis.hset(single.links(site), link.id, msgspec.json.encode(link))

    def links(self, site: Site) -> list[ReportLink]:
        """Return the links of a site, the oldest first."""
        with self._reached(single.links(site)):
            found = cast(dict[bytes, bytes], self._redis.hgetall(single.links(site)))
        with ours(single.links(site)):
            known = [msgspec.json.decode(text, type=ReportLink) for text in found.values()]
        return sorted(known, key=lambda link: (link.made, link.id))

    def link(self, site: Site, name: str) -> ReportLink | None:
        """Return the link of this id, or None: there is none, or it was revoked."""
        with self._reached(single.links(site)):
            text = cast(bytes | None, self._redis.hget(single.links(site), name))
        with ours(single.links(site)):
            return msgspec.json.decode(text, type=ReportLink) if text else None

    def remove_link(self, site: Site, name: str) -> bool:
        """Revoke a link, and return whether there was one."""
        return bool(self._write(single.links(site), "HDEL", name))
