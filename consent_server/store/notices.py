"""The notices that were ever asked, by hash: what is asked now is kept in memory too."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import cast

import msgspec

from ..site import Notice, Site
from . import keys
from .connection import Connection, StoreAway

log = logging.getLogger(__name__)


class Notices:
    """What each site asks, and asked."""

    def __init__(self, connection: Connection) -> None:
        self._redis = connection.client
        self._reached = connection.reached
        self._served: dict[str, dict[str, Notice]] = {}
        self._unwritten: list[tuple[Site, Notice]] = []

    def serve(self, site: Site, notices: Sequence[Notice]) -> None:
        """Make ``notices`` the ones that this site asks now. They are written with the first decision at the latest."""
        self._served.setdefault(site.id, {}).update({notice.hash: notice for notice in notices})
        self._unwritten += [(site, notice) for notice in notices]
        try:
            self.write()
        except StoreAway:
            log.warning("redis is away: notices will be kept when it is back")

    def write(self) -> None:
        """Write what is served and not in Redis yet.

        Raises:
            StoreAway: it is still to be written.
        """
        if not self._unwritten:
            return
        with self._reached():
            for site, notice in self._unwritten:
                content = msgspec.json.encode(notice.content, order="sorted")
                self._redis.hsetnx(keys.notices(site), notice.hash, content)
        self._unwritten = []

    def find(self, site: Site, name: str) -> Notice | None:
        """Return the notice of this site with that hash, of today or of any earlier day, or None."""
        served = self._served.setdefault(site.id, {})
        if name not in served:
            with self._reached():
                text = cast(bytes | None, self._redis.hget(keys.notices(site), name[:64]))
            if text is None:
                return None
            served[name] = Notice(name, msgspec.json.decode(text))
        return served[name]

    def starting_with(self, site: Site, prefix: str) -> Notice:
        """Return the notice whose hash starts with the eight characters that an entry holds.

        Raises:
            StoreAway: it was lost.
        """
        for source in (self._served.get(site.id, {}), None):
            for name, notice in (self.all(site) if source is None else source).items():
                if name.startswith(prefix):
                    return notice
        raise StoreAway(f"The notice {prefix}… of {site.id} is missing in the store.")

    def all(self, site: Site) -> dict[str, Notice]:
        """Return every notice that this site ever asked, by hash."""
        with self._reached():
            found = cast(dict[bytes, bytes], self._redis.hgetall(keys.notices(site)))
        return {name.decode(): Notice(name.decode(), msgspec.json.decode(text)) for name, text in found.items()}
