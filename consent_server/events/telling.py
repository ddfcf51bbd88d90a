"""Tells a webhook what was decided: at least once, and in order for each shopper, whose decisions share a bucket.

The log is the queue, and how far it was told stands beside it. Of several servers one tells a bucket at a time, and
another goes on when it is gone.
"""

from __future__ import annotations

import hashlib
import logging
import random
import re
import secrets
import time
from collections import Counter, deque
from collections.abc import Iterable
from contextlib import closing, suppress
from multiprocessing.pool import ThreadPool
from threading import Event

import msgspec

from ..decision import Entry
from ..site import ConsentError, Site
from ..store import Store, StoreAway, Unreadable
from ..store.keys import Bucket
from . import as_event
from .webhook import SECONDS, NotTaken, Webhook, WebhookConnection

AT_ONCE = 8
"""Posts that are under way at the same time, each of another bucket."""

TURN, SECONDS_A_TURN = 500, 10.0
"""Decisions that a bucket tells, and for how long, before others have their turn: new ones wait for the slowest."""

SECONDS_UNNOTED = 1.0
"""How long decisions are told before that is noted: so many are told twice when the server is killed."""

SHORTEST_PAUSE, LONGEST_PAUSE = 5, 300
"""Seconds until a receiver is tried again, twice as many each time; one that asks for it is left alone for longer."""

log = logging.getLogger(__name__)


class Pause:
    """How long something that fails is left alone: each time longer. ``why``: what went wrong last."""

    def __init__(self, why: ConsentError) -> None:
        self.why = why
        self._until = self._seconds = 0.0

    def lengthen(self, why: ConsentError) -> None:
        """Begin a pause now, of as many seconds as the receiver wants or more."""
        self.why = why
        self._seconds = min(max(SHORTEST_PAUSE, self._seconds * 2), LONGEST_PAUSE)
        seconds = self._seconds * random.uniform(0.8, 1.2)  # nosec B311  # noqa: S311
        self._until = time.monotonic() + max(seconds, why.pause if isinstance(why, NotTaken) else 0)

    @property
    def is_over(self) -> bool:
        """Whether it may be tried again."""
        return time.monotonic() >= self._until


class _Turn:
    """What came of a turn so far, in which several buckets are told side by side."""

    def __init__(self) -> None:
        self.taken: Counter[Bucket] = Counter()
        self.failed: dict[Bucket, ConsentError] = {}
        self._in_a_row, self._is_to_pause = 0, False
        self._until = time.monotonic() + SECONDS_A_TURN

    def took(self, bucket: Bucket) -> None:
        """Note that a decision was taken."""
        self.taken[bucket] += 1
        self._in_a_row = 0

    def fail(self, bucket: Bucket, error: ConsentError) -> None:
        """Note why the next decision of a bucket was not."""
        self.failed[bucket] = error
        if isinstance(error, NotTaken) and not error.about_one:
            self._in_a_row += 1
            self._is_to_pause |= error.pause > 0

    @property
    def is_hopeless(self) -> bool:
        """Whether the receiver takes nothing at the moment, as far as can be seen; or wants to be left alone."""
        return self._in_a_row >= AT_ONCE or self._is_to_pause

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be posted in this turn."""
        return self.is_hopeless or time.monotonic() > self._until


class Teller:
    """Tells the webhook of one site.

    Args:
        store: where the log is.
        site: the shop.
        webhook: takes the events.
        lease: seconds after which another server goes on if this one is gone; more than a receiver may take.
        seconds: for how long a receiver may take.
        ending: is set when it is to end; then nothing more is posted.
    """

    def __init__(
        self,
        store: Store,
        site: Site,
        webhook: Webhook,
        *,
        lease: float = 2 * SECONDS,
        seconds: float = SECONDS,
        ending: Event | None = None,
    ) -> None:
        self.ending = ending or Event()
        """Is set when it is to end."""
        self._feed = store.feed
        self._site = site
        self._webhook = webhook
        self._lease = lease
        self._seconds = seconds
        self._name = secrets.token_urlsafe(12)
        self._connections: deque[WebhookConnection] = deque()
        self._is_begun = False
        self._down: Pause | None = None
        self._refused: dict[Bucket, Pause] = {}

    def begin(self) -> None:
        """Have what is decided from now on told, if this address was told nothing until now; ``go_on`` does so too.

        Raises:
            StoreAway: the store does not answer.
        """
        if self._feed.begin(self._site, _digest(self._webhook)):
            log.warning(
                "the webhook of %s is another one: it is told what is decided from now on, and what waited for the one "
                "before is told nobody; `consent-server log export %s --since start` has it",
                self._site.id,
                self._site.id,
            )
        self._is_begun = True

    def go_on(self) -> int:
        """Tell what was not told yet, as far as the receiver takes it, and return how many decisions that were.

        Raises:
            StoreAway: the store does not answer; what was told may be told again.
        """
        if self._down and not self._down.is_over:
            return 0
        if not self._is_begun:
            self.begin()
        untold = self._feed.untold(self._site, begins=True)
        for bucket in self._refused.keys() - untold.keys():  # another server has told it
            del self._refused[bucket]
        due = [bucket for bucket in untold if bucket not in self._refused or self._refused[bucket].is_over]
        random.shuffle(due)  # or the same ones would always be the first that fail
        if not due:
            return 0
        turn = _Turn()
        try:
            # Its threads, unlike an executor's, hold up no process that ends.
            with ThreadPool(min(AT_ONCE, len(due))) as threads:
                threads.map(lambda bucket: self._tell(bucket, turn), due, chunksize=1)
        finally:
            self._pause(turn)
        return turn.taken.total()

    def tell_all(self) -> int:
        """Tell all that was not told yet, until the receiver does not take it, and return how many decisions.

        Raises:
            NotTaken: it does not take all of it.
            StoreAway: the store does not answer.
            Unreadable: somebody else wrote what stands next in the log.
        """
        with closing(self):
            total = 0
            while told := self.go_on():
                total += told
        left = self._feed.untold(self._site)  # another server may have told what was refused here
        for pause in filter(None, (self._down if left else None, *map(self._refused.get, left))):
            raise pause.why
        return total

    def close(self) -> None:
        """Close the connections."""
        while self._connections:
            self._connections.pop().close()

    def _tell(self, bucket: Bucket, turn: _Turn) -> None:
        """Tell a bucket's next decisions; a receiver that takes none at all stops the others."""
        if turn.is_over or self.ending.is_set():
            return
        until = time.monotonic() + self._lease
        place = self._feed.claim(bucket, self._name, self._ms)
        if place is None:
            return
        connection = self._connection()
        try:
            noted = time.monotonic()
            for entry in self._entries(bucket, place):
                now = time.monotonic()
                if now > min(noted + SECONDS_UNNOTED, until - self._seconds):
                    if not self._feed.told(bucket, self._name, place, self._ms):
                        return  # it took so long that another server has it
                    noted, until = now, now + self._lease
                if turn.is_over or self.ending.is_set():
                    break
                connection.post(self._name_of(bucket, entry), msgspec.json.encode(as_event(entry, self._site)))
                place = f"{entry.at}-{entry.seq}"
                turn.took(bucket)
        except (NotTaken, Unreadable) as error:
            turn.fail(bucket, error)
        finally:
            self._connections.append(connection)
        self._feed.told(bucket, self._name, place, 0)

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

    def _connection(self) -> WebhookConnection:
        with suppress(IndexError):
            return self._connections.pop()
        return WebhookConnection(self._webhook, self._seconds)

    @property
    def _ms(self) -> int:
        return int(self._lease * 1000)

    def _name_of(self, bucket: Bucket, entry: Entry) -> str:
        """Return what names an event at each attempt, and says nothing of it: a refusal has no time but its hour."""
        where = f"{self._site.id} {bucket.number} {entry.at}-{entry.seq} {entry.identity().hex()}"
        return f"decision-{hashlib.sha256(where.encode()).hexdigest()[:32]}"

    def _pause(self, turn: _Turn) -> None:
        """Leave buckets alone for a while whose next decision is not taken, or a receiver that takes none at all.

        Where others are taken meanwhile it is this decision that the receiver stumbles over, whatever it answers.
        """
        for bucket in turn.taken:
            self._refused.pop(bucket, None)
        down: ConsentError | None = None
        for bucket, error in turn.failed.items():
            is_known = bucket in self._refused
            is_alone = not isinstance(error, NotTaken) or error.about_one
            if is_alone or (not turn.is_hopeless and (turn.taken or is_known)):
                self._refused.setdefault(bucket, Pause(error)).lengthen(error)
                self._say(error, not is_known)
            else:
                down = error
        if down:
            self._say(down, self._down is None)
            self._down = self._down or Pause(down)
            self._down.lengthen(down)
        elif turn.taken and self._down:
            self._down = None
            log.warning("the webhook of %s takes decisions again", self._site.id)

    def _say(self, error: ConsentError, is_new: bool) -> None:
        if is_new:
            log.warning("a decision of %s was not taken and is told again until it is: %s", self._site.id, error)


def _digest(webhook: Webhook) -> str:
    """Return what names an address, without the name and the password in it, which change."""
    address = re.sub(r"//[^/?#]*@", "//", webhook.url)
    return hashlib.sha256(address.encode()).hexdigest()[:16]


def keep_telling(teller: Teller, every: float = 2) -> None:
    """Tell a webhook what is decided, until it is to end. ``every``: seconds between two looks."""
    while not teller.ending.is_set():
        told = 0
        try:
            with suppress(StoreAway):  # it is said elsewhere, and there is a next time
                told = teller.go_on()
        except Exception:  # whatever it is, what is decided later is told
            log.exception("decisions could not be told")
        if not told:
            teller.ending.wait(every)
