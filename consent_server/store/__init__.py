"""All of Redis: what is kept, and how it is read back. ``keys`` lists every key and what it means."""

from __future__ import annotations

from typing import cast

from . import keys
from .accounts import Accounts
from .connection import Connection, Server, StoreAway, WrongLayout
from .connection.clock import Clock, ClocksApart, SealedAhead
from .connection.foreign import Unreadable
from .connection.glance import Glance
from .counters import PARTS, PLACED, SEPARATOR, Counters
from .decisions import Decisions, OtherContent, PreviousReplaced, Recorded
from .evidence.archived import Archive
from .evidence.attestations import Attestations
from .evidence.bucket_count import BucketCount, OtherBuckets
from .evidence.erasures import Erasures
from .evidence.notices import ForgedNotice, Notices
from .evidence.public_keys import PublicKeys
from .feed.reader import Feed
from .history import History
from .keys import single
from .leaks import Leaks
from .log import Archived, Log
from .readers.api_keys import ApiKey, ApiKeys
from .readers.marketers import Marketer, Marketers, ReportLink
from .readers.notes import Note, Notes
from .readers.sample import Sample

__all__ = [
    "PARTS",
    "PLACED",
    "SEPARATOR",
    "ApiKey",
    "Archive",
    "Archived",
    "ClocksApart",
    "ForgedNotice",
    "Marketer",
    "Note",
    "OtherBuckets",
    "OtherContent",
    "PreviousReplaced",
    "Recorded",
    "ReportLink",
    "SealedAhead",
    "Store",
    "StoreAway",
    "Unreadable",
    "WrongLayout",
]

LAYOUT, READ = b"2", (b"1", b"2")
"""The version of the table in ``keys``, and those that are read: in layout 1 erasures left no statement."""


class Store:
    """All that is kept in one Redis, Sentinel pair or Cluster.

    Args:
        url: ``unix://``, ``redis://``, ``rediss://``, these two also with ``+sentinel`` or ``+cluster``.
        timeout: seconds after which an unanswered call counts as a failure.
        replicas: how many replicas must have a decision before it is acknowledged.
        any_clock: whether decisions may be dated by another clock than Redis', as those that are made up are.
        serves: whether shoppers' answers are written, so that an older version reads it no more.

    Whatever is asked of it raises WrongLayout where another version's data are in it, whenever that is found.
    """

    def __init__(
        self, url: str, timeout: float = 0.5, replicas: int = 0, *, any_clock: bool = False, serves: bool = False
    ) -> None:
        self.url = url
        self.connection = Connection(url, timeout, replicas, self.take_up if serves else self.must_be_known)
        self.clock = clock = Clock(self.connection, any_clock)
        self.zones = clock.zones
        self.notices = Notices(self.connection)
        self.decisions = Decisions(self.connection, self.notices, clock)
        self.history = History(self.connection, self.notices)
        self.erasures = Erasures(self.connection, self.notices)
        self.log = Log(self.connection, self.notices, clock)
        self.feed = Feed(self.connection, clock)
        self.counters = Counters(self.connection, clock)
        self.marketers = Marketers(self.connection)
        self.rates_keys = ApiKeys(self.connection, single.api_keys)
        self.account_keys = ApiKeys(self.connection, single.account_keys)
        self.accounts = Accounts(self.connection)
        self.notes = Notes(self.connection)
        self.sample = Sample(self.connection)
        self.leaks = Leaks(self.connection)
        self.keys = PublicKeys(self.connection)
        self.must_fit = BucketCount(self.connection).must_fit
        self.attestations = Attestations(self.connection)
        self.glance = Glance()

    def close(self) -> None:
        """Close all connections."""
        self.connection.close()

    def servers(self) -> list[Server]:
        """Return what the server, or each primary of the cluster, says of itself.

        Raises:
            StoreAway: one of them cannot be reached.
        """
        return self.connection.servers()

    def must_be_known(self) -> None:
        """Return if this version may read and write what is in the store; nothing is written.

        Raises:
            StoreAway: it does not answer.
            WrongLayout: another version's data are in it.
        """
        _require_layout(self._layout())

    def _layout(self) -> bytes | None:
        with self.connection.reached(keys.LAYOUT, looks=True):
            return cast(bytes | None, self.connection.client.get(keys.LAYOUT))

    def take_up(self) -> None:
        """Return likewise, and have it be of this version's layout from now on."""
        if self._layout() != LAYOUT:  # it may be full, and only read
            self.ping()

    def ping(self) -> None:
        """Return if Redis answers and its layout is ours.

        Raises:
            StoreAway: it does not answer.
            WrongLayout: another version's data are in it.
        """
        with self.connection.reached(keys.LAYOUT, looks=True):
            found = cast(bytes | None, self.connection.client.set(keys.LAYOUT, LAYOUT, nx=True, get=True))
            if found in READ and found != LAYOUT:  # what is written from now on, the version before cannot read
                self.connection.client.set(keys.LAYOUT, LAYOUT)
        _require_layout(found)


def _require_layout(found: bytes | None) -> None:
    if found is not None and found not in READ:
        raise WrongLayout(
            f"The store has layout {found.decode(errors='replace')}, this version of consent-server reads "
            f"{LAYOUT.decode()}: run the version that wrote it, or a newer one."
        )
