"""Tells a webhook what was decided: at least once, and in order for each shopper, whose decisions share a bucket.

The log is the queue, and how far it was told stands beside it. Of several servers one tells a bucket at a time, and
another goes on when it is gone.
"""

from __future__ import annotations

import hashlib
import logging
import random
import secrets
import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from threading import Event

import msgspec

from ..entry import Entry
from ..site import ConsentError, Site
from ..store import Store
from ..store.keys import Bucket
from . import as_event
from .webhook import SECONDS, Line, NotTaken, Webhook

AT_ONCE = 8
"""Posts that are under way at the same time, each of another bucket."""

TURN = 500
"""Decisions that a bucket tells before another one has its turn."""

SECONDS_UNNOTED = 1.0
"""How long decisions are told before that is noted: so many are told twice when the server is killed."""

SHORTEST_PAUSE, LONGEST_PAUSE = 5, 300
"""Seconds until a receiver is tried again, twice as many each time; one that asks for it is left alone for longer."""

log = logging.getLogger(__name__)


class Pause:
    """How long something that fails is left alone: each time longer."""

    def __init__(self) -> None:
        self.until = self._seconds = 0.0

    def lengthen(self, wanted: int = 0) -> float:
        """Return the seconds of a pause that begins now, ``wanted`` or more."""
        self._seconds = min(max(SHORTEST_PAUSE, self._seconds * 2), LONGEST_PAUSE)
        seconds = max(self._seconds * random.uniform(0.8, 1.2), wanted)  # nosec B311  # noqa: S311
        self.until = time.monotonic() + seconds
        return seconds

    @property
    def is_over(self) -> bool:
        """Whether it may be tried again."""
        return time.monotonic() >= self.until


class Teller:
    """Tells the webhook of one site.

    Args:
        store: where the log is.
        site: the shop.
        webhook: takes the events.
        lease: seconds after which another server goes on if this one is gone; more than a receiver may take.
        seconds: for how long a receiver may take.
    """

    def __init__(
        self, store: Store, site: Site, webhook: Webhook, *, lease: float = 2 * SECONDS, seconds: float = SECONDS
    ) -> None:
        self._feed = store.feed
        self._site = site
        self._webhook = webhook
        self._lease = lease
        self._seconds = seconds
        self._name = secrets.token_urlsafe(12)
        self._lines: deque[Line] = deque()
        self._down: Pause | None = None
        self._refused: dict[Bucket, Pause] = {}
        self._has_begun = False

    def begin(self) -> None:
        """Have what is decided from now on told, if nothing was until now; ``go_on`` does so too.

        Raises:
            StoreAway: the store does not answer.
        """
        self._feed.begin(self._site)
        self._has_begun = True

    def go_on(self) -> int:
        """Tell what was not told yet, as far as the receiver takes it, and return how many decisions that were.

        Raises:
            StoreAway: the store does not answer; what was told may be told again.
        """
        if not self._has_begun:
            self.begin()
        if self._down and not self._down.is_over:
            return 0
        untold = self._feed.untold(self._site)
        due = [bucket for bucket in untold if bucket not in self._refused or self._refused[bucket].is_over]
        if not due:
            return 0
        stop = Event()
        with ThreadPoolExecutor(AT_ONCE) as threads:
            told = sum([*threads.map(lambda bucket: self._tell(bucket, stop), due)])
        if told and not stop.is_set() and self._down:
            self._down = None
            log.warning("the webhook of %s takes decisions again", self._site.id)
        return told

    def tell_all(self) -> int:
        """Tell all that was not told yet, until the receiver does not take it, and return how many decisions."""
        with closing(self):
            total = 0
            while told := self.go_on():
                total += told
            return total

    def close(self) -> None:
        """Close the connections."""
        while self._lines:
            self._lines.pop().close()

    def _tell(self, bucket: Bucket, stop: Event) -> int:
        """Tell a bucket's next decisions and return how many; a receiver that takes none at all stops the others."""
        if stop.is_set():
            return 0
        told, until = 0, time.monotonic() + self._lease
        place = self._feed.claim(bucket, self._name, self._ms)
        if place is None:
            return 0
        line = self._line()
        try:
            noted = time.monotonic()
            for entry in self._entries(bucket, place):
                now = time.monotonic()
                if now > min(noted + SECONDS_UNNOTED, until - self._seconds):
                    if not self._feed.told(bucket, self._name, place, self._ms):
                        return told  # it took so long that another server has it
                    noted, until = now, now + self._lease
                if stop.is_set():
                    break
                line.post(self._name_of(bucket, entry), msgspec.json.encode(as_event(entry, self._site)))
                place, told = f"{entry.at}-{entry.seq}", told + 1
            self._refused.pop(bucket, None)
        except NotTaken as error:
            self._pause(bucket, error, stop)
        finally:
            self._lines.append(line)
        self._feed.told(bucket, self._name, place, 0)
        return told

    def _entries(self, bucket: Bucket, place: str) -> Iterable[Entry]:
        """Yield the decisions after a place that it is this bucket's turn to tell, each read just before.

        Whoever is erased meanwhile, while a receiver takes its time, is not told any more.
        """
        for _ in range(TURN):
            entry = self._feed.after(bucket, place)
            if entry is None:
                return
            yield entry
            place = f"{entry.at}-{entry.seq}"

    def _line(self) -> Line:
        with suppress(IndexError):
            return self._lines.pop()
        return Line(self._webhook, self._seconds)

    @property
    def _ms(self) -> int:
        return int(self._lease * 1000)

    def _name_of(self, bucket: Bucket, entry: Entry) -> str:
        """Return what names an event at each attempt, and says nothing of it: a refusal has no time but its hour."""
        where = f"{self._site.id} {bucket.number} {entry.at}-{entry.seq} {entry.identity().hex()}"
        return f"decision-{hashlib.sha256(where.encode()).hexdigest()[:32]}"

    def _pause(self, bucket: Bucket, error: NotTaken, stop: Event) -> None:
        """Leave a receiver alone for a while, or a bucket whose next decision alone it does not take."""
        if error.about_one:
            first = bucket not in self._refused
            self._refused.setdefault(bucket, Pause()).lengthen(error.pause)
        else:
            if stop.is_set():
                return  # another thread has said so
            stop.set()
            first = self._down is None
            self._down = self._down or Pause()
            self._down.lengthen(error.pause)
        if first:
            log.warning("a decision of %s was not taken and is told again until it is: %s", self._site.id, error)


def keep_telling(teller: Teller, every: float = 2) -> None:
    """Tell a webhook what is decided, for as long as the process lives. ``every``: seconds between two looks."""
    while True:
        told = 0
        try:
            with suppress(ConsentError):  # the store is away: it is said elsewhere, and there is a next time
                told = teller.go_on()
        except Exception:  # whatever it is, what is decided later is told
            log.exception("decisions could not be told")
        if not told:
            time.sleep(every)
