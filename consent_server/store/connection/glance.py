"""What takes long to find and may be asked for at any time, by anybody: looked at once in a while, kept meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

SECONDS_KEPT = 60.0


class Glance:
    """One outcome, as it was a minute ago at the most: one thread looks, and the others have what it was before."""

    def __init__(self) -> None:
        self._looking = threading.Lock()
        self._kept: tuple[float, list[str]] | None = None

    def of(self, look: Callable[[], Iterable[str]]) -> list[str]:
        """Return the outcome, by a look of one's own where it is too old; if ``look`` raises, nothing is kept of it."""
        kept = self._kept
        if kept and time.monotonic() < kept[0]:
            return kept[1]
        if not self._looking.acquire(blocking=kept is None):
            return kept[1] if kept else []
        try:
            kept = self._kept
            if not kept or time.monotonic() >= kept[0]:
                found = [*look()]
                self._kept = kept = time.monotonic() + SECONDS_KEPT, found
            return kept[1]
        finally:
            self._looking.release()

    def forget(self) -> None:
        """Have the next who asks look: something was mended."""
        self._kept = None
