"""Which sites have decisions that are made up, so that whoever reads their rates is told."""

from __future__ import annotations

from ...site import Site
from ..connection import Connection
from ..keys import single


class Sample:
    """The sites whose decisions are made up."""

    def __init__(self, connection: Connection) -> None:
        self._redis = connection.client
        self._reached = connection.reached

    def add(self, site: Site) -> None:
        """Remember that decisions of this site are made up."""
        with self._reached(single.SAMPLE):
            self._redis.sadd(single.SAMPLE, site.id)

    def has(self, site: Site) -> bool:
        """Return whether decisions of this site are made up."""
        with self._reached(single.SAMPLE):
            return bool(self._redis.sismember(single.SAMPLE, site.id))
