"""A Redis that is not there, or not for us."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from ...site import ConsentError
from .reasons import reason

SECONDS_OPEN = 1.0
"""How long nobody asks a Redis that was found away; after that one call at a time goes and looks."""

OTHER_KIND = "another kind of value than this server writes."
"""What a key holds that somebody else wrote."""

log = logging.getLogger(__name__)


class StoreAway(ConsentError):
    """Redis cannot be reached, or will not write."""

    problem = "store-away"


class OtherKind(StoreAway):
    """Redis is there, and a key of ours holds another kind of value: somebody else wrote it."""


class WrongLayout(StoreAway):
    """The store was written by a version of consent-server that this one does not know: it cannot be used either."""

    problem = "wrong-layout"


class Circuit:
    """Lets calls through while Redis answers. While it does not, threads are told so at once instead of waiting."""

    def __init__(self) -> None:
        self._until = 0.0

    def enter(self) -> None:
        """Return if it is worth asking.

        Raises:
            StoreAway: Redis was found away a moment ago.
        """
        if self._until:
            now = time.monotonic()
            if now < self._until:
                raise StoreAway("The store is away at the moment; try again shortly.")
            self._until = now + SECONDS_OPEN  # this thread goes and looks, the others keep waiting

    def open(self, error: Exception) -> None:
        """Let nobody through for a moment."""
        was_open, self._until = bool(self._until), time.monotonic() + SECONDS_OPEN
        if not was_open:  # all that were sent together fail together: the first says so
            log.warning("redis is away: %s; %s", *reason(error))

    def close(self) -> None:
        """Let everybody through: Redis has answered."""
        if self._until:
            self._until = 0.0
            log.warning("redis is back")


class FirstLook:
    """Looks what is in Redis before anything else is asked of it.

    Args:
        look: raises WrongLayout if it is not for us, StoreAway if it cannot be seen.
    """

    def __init__(self, look: Callable[[], None]) -> None:
        self._look = look
        self.is_over = False

    def take(self) -> None:
        """Look, if it can be seen: of a cluster another primary may have what is asked for.

        Raises:
            WrongLayout: it is not for us.
        """
        try:
            self._look()
        except WrongLayout:
            raise
        except StoreAway:
            return
        self.is_over = True
