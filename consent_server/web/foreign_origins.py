"""Origins that no shop lists, whose pages are refused: probably the shop's own, which somebody forgot."""

from __future__ import annotations

import hashlib
import logging
import re
import time
from collections.abc import Callable

from ..site import Site
from ..store import StoreAway

log = logging.getLogger(__name__)

HOUR = 3600
MOST, MOST_OF_ONE = 20, 2
"""Origins that are told in an hour for each shop, and those of one client: anybody can make up one."""

_ORIGIN = re.compile(r"null|[a-z][a-z0-9+.-]{0,20}://[A-Za-z0-9.:\[\]_-]{1,100}")


class ForeignOrigins:
    """Tells each unlisted origin once an hour: in memory for this worker, and through ``claim`` among all.

    Args:
        claim: returns whether the caller is the first in so many seconds who names something of a site.
    """

    def __init__(self, claim: Callable[[Site, str, int], bool]) -> None:
        self._claim = claim
        self._hour = 0
        self._told: dict[str, dict[str, str]] = {}

    def tell(self, site: Site, origin: str, client: str) -> None:
        """Log that pages of ``origin`` knocked at ``site``; nothing about ``client``, who opened them."""
        hour = int(time.time() // HOUR)
        if hour != self._hour:
            self._hour, self._told = hour, {}
        told = self._told.setdefault(site.id, {})  # and to whom each is owed
        if origin in told or len(told) >= MOST or not _ORIGIN.fullmatch(origin):
            return
        if [*told.values()].count(client) >= MOST_OF_ONE:  # who makes them up silences nobody's but their own
            return
        told[origin] = client
        try:
            first = self._claim(site, f"knock-{hashlib.sha256(origin.encode()).hexdigest()[:16]}", HOUR)
        except StoreAway:
            first = True
        if first:
            log.warning(
                "pages of %s knock at %s and are refused, as its origins do not list them: "
                "if they are the shop's, add %r in consent.toml",
                origin,
                site.id,
                origin,
            )
