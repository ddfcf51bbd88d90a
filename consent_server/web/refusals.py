"""What was refused, told once a minute and at the end: how often for what reason, and nothing about whom."""

from __future__ import annotations

import atexit
import logging
import threading
import weakref
from collections import Counter

log = logging.getLogger(__name__)

MINUTE = 60.0

_all: weakref.WeakSet[Refusals] = weakref.WeakSet()


@atexit.register
def tell_the_rest() -> None:
    """Log what was refused in the last minute of a worker that ends."""
    for refusals in [*_all]:
        refusals.tell()


class Refusals:
    """Counts refusals of this worker, and logs the counts when ``period`` seconds have passed since the first of them.

    A line a minute is read; a line a refusal lets anybody who is refused fill the disk.
    """

    def __init__(self, period: float = MINUTE) -> None:
        self._period = period
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        _all.add(self)

    def add(self, site: str, reason: str) -> None:
        """Count a refusal.

        Args:
            site: the shop's id; empty where it is of none that is configured.
            reason: the kind of problem that was answered.
        """
        with self._lock:
            is_first = not self._counts
            self._counts[site, reason] += 1
        if is_first:
            timer = threading.Timer(self._period, self.tell)
            timer.daemon = True
            timer.start()

    def tell(self) -> None:
        """Log what was refused since it was last told, if anything was."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if not counts:
            return
        told = ", ".join(
            f"{reason} {count}{f' at {site}' if site else ''}" for (site, reason), count in sorted(counts.items())
        )
        log.info("refused in a minute: %s", told)
