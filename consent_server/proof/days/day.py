"""A day of the log as it is sealed: the tree of its entries, and what they count up to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Any

from ... import verify
from ...decision import COLUMNS, DIMENSIONS
from ...site import Notice, Site
from ...store import Store
from ...store.connection.zones import is_utc_day
from ...verify import Counts, Tree, canonical
from ..entries import unproven

SEALED = tuple(by for by in DIMENSIONS if by != "rule")
"""The dimensions whose counts a seal says. Those by rule follow from a day's entries, whose notices name it."""


class Day:
    """What a day's entries make up, while they go by: a tree, and the counts of a UTC day.

    The counters are no help to these: the shop's days may be others than the log's, and of a day that is going on they
    say what was answered since it was read. Banners shown leave no entry, so that the counters alone have them: they
    are sealed with the days that are UTC days in the shop's time zone too.
    """

    def __init__(self, store: Store, site: Site, notices: Mapping[str, Notice], day: date) -> None:
        self._store, self._site, self._notices, self._day = store, site, notices, day
        self._counts = Counts()
        self.tree = Tree()

    def add(self, line: Mapping[str, Any], hashed: bytes) -> None:
        """Take the next entry, as a line of an export, and its leaf.

        Raises:
            Unproven: the notice that it answers is missing.
        """
        notice = self._notices.get(line["notice"])
        if notice is None:
            raise unproven(line, f"answers the notice {line['notice']}, which is missing")
        self.tree.add(hashed)
        self._counts.add(line, self._day.isoformat(), notice.content)

    def counts(self, seal: str = "") -> dict[str, dict[str, dict[str, int]]]:
        """Return what was counted, by dimension, value and column, without zeros.

        Where the day has a ``seal`` that says something else, and what the counters hold is that, it is these: versions
        before sealed them, also of days that are none in the shop's time zone.
        """
        counted = self._of_entries()
        if seal and (said := verify.unsigned(seal).get("counts")) != _hash(counted):
            counters = self._of_counters()
            counted = counters if said == _hash(counters) else counted
        return counted

    def _of_counters(self) -> dict[str, dict[str, dict[str, int]]]:
        found: dict[str, dict[str, dict[str, int]]] = {}
        for by in SEALED:
            for value, row in self._store.counters.counts(self._site, self._day, self._day, by).items():
                if numbers := {name: n for name, n in zip(COLUMNS, row, strict=True) if n}:
                    found.setdefault(by, {})[value] = numbers
        return found

    def _of_entries(self) -> dict[str, dict[str, dict[str, int]]]:
        counted = self._counts.by
        if is_utc_day(self._store.zones.history(self._site), (self._day - date(1970, 1, 1)).days):
            for by in SEALED:
                for value, row in self._store.counters.counts(self._site, self._day, self._day, by).items():
                    if shown := row[COLUMNS.index("shown")]:
                        counted.setdefault(by, {}).setdefault(value, {})["shown"] = shown
        return counted


def _hash(counted: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(counted)).hexdigest()
