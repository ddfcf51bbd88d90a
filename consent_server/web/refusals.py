"""What was refused, told once a minute: how often for what reason, and nothing about whom."""

from __future__ import annotations

import logging
import threading
from collections import Counter

log = logging.getLogger(__name__)

MINUTE = 60.0


class Refusals:
    """Counts refusals of this worker, and logs the counts when ``period`` seconds have passed since the first of them.

    A line a minute is read; a line a refusal lets anybody who is refused fill the disk.
    """

    def __init__(self, period: float = MINUTE) -> None:
        self._period = period
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()

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
            timer = threading.Timer(self._period, self._tell)
            timer.daemon = True
            timer.start()

    def _tell(self) -> None:
        with self._lock:
            counts, self._counts = self._counts, Counter()
        told = ", ".join(
            f"{reason} {count}{f' at {site}' if site else ''}" for (site, reason), count in sorted(counts.items())
        )
        log.info("refused in a minute: %s", told)
