"""The log, counted again and held against the counters."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ...decision import DIMENSIONS, Entry
from ...site import Notice, Site
from ...store import SEPARATOR, Store, Unreadable
from ...store.connection.zones import day_number
from ...store.keys import midnight
from ..counted import counts_of, daily_of
from ..counts import Counts
from ..filters import value_in
from ..period import Period
from ..report import LOGGED, Difference, Recount

TOGETHER = ("parts", "placed")
"""The combinations that a decision is counted by, besides DIMENSIONS."""

ByDay = dict[date, dict[str, Counter[str]]]
_Numbers = dict[str, tuple[int, ...]]


def recount(store: Store, site: Site, period: Period) -> Recount:
    """Count the log again and hold it against the counters, in every dimension, but for what leaves no entry.

    Shoppers answer meanwhile, so the counters are read before the log and after it: what it says is in between.
    Days that were archived are left out: what the counters say of them was proven when they were.

    Raises:
        Archived: all of the period was.
        StoreAway: the store does not answer.
        Unreadable: the log has an answer to words that nobody was asked.
    """
    archives = store.log.archives(site)
    zones, epoch = store.zones.history(site), date(1970, 1, 1)
    left_out = None
    if archives:
        # Of the day on which the last entry of an archive was counted, some hours may be in the log still.
        last = epoch + timedelta(days=day_number(zones, midnight(archives[-1].last + timedelta(1)) - 1))
        if period.first <= last:
            if period.last <= last:
                store.log.must_have(site, min(period.last, archives[-1].last))
            left_out, period = last, Period(last + timedelta(1), period.last)
    counted = _Counted.of(store, site, period)
    logged: dict[str, dict[str, Counter[str]]] = {by: defaultdict(Counter) for by in DIMENSIONS}
    together: dict[str, ByDay] = {by: defaultdict(lambda: defaultdict(Counter)) for by in TOGETHER}
    # The log's days are UTC days: where others are counted, a neighbour of theirs has some of their hours.
    days = Period(period.first - timedelta(days=1), period.last + timedelta(days=1)) if zones else period
    for entry, asked in _answered(store, site, days):
        counted_on = epoch + timedelta(days=day_number(zones, entry.at))
        if not period.first <= counted_on <= period.last:
            continue
        places = counted_on.isoformat(), asked.lang, asked.variant, entry.device, entry.country, entry.how, asked.rule
        parts = SEPARATOR.join(places[1:4])
        for by, value in zip(DIMENSIONS, places, strict=True):
            logged[by][value].update(entry.columns())
        for by, cell in zip(TOGETHER, (parts, f"{parts}{SEPARATOR}{asked.rule}"), strict=True):
            together[by][counted_on][cell].update(entry.columns())
    before = after = counted.beside(logged, together, period)
    if any(have != found for have, found in before.values()):
        after = _Counted.of(store, site, period).beside(logged, together, period)
    return Recount(site.id, period, [*_differences(before, after)], left_out)


def _answered(store: Store, site: Site, days: Period) -> Iterator[tuple[Entry, Notice]]:
    """Yield what the log has of some days, each with the words that it answers.

    Raises:
        Unreadable: there is an answer to none.
    """
    notices = store.notices.all(site)
    for day in days:
        for entry in store.log.day(site, day):
            if entry.notice not in notices:  # asked, and answered, since they were read
                notices = store.notices.all(site)
                whole = next((name for name in notices if name.startswith(entry.notice)), None)
                if whole is None:
                    raise Unreadable(
                        f"The log of {site.id} has an answer of {day} to words that the store does not have "
                        f"({entry.notice}), so it cannot be counted again."
                    )
                notices[entry.notice] = notices[whole]
            yield entry, notices[entry.notice]


@dataclass(frozen=True)
class _Counted:
    """What the counters say at one moment: by each of DIMENSIONS, and day by day of each of TOGETHER."""

    by: Mapping[str, Mapping[str, Counts]]
    daily: Mapping[str, Mapping[str, Sequence[Counts]]]

    @classmethod
    def of(cls, store: Store, site: Site, period: Period) -> _Counted:
        return cls(
            {by: counts_of(store, site, period, by) for by in DIMENSIONS},
            {by: daily_of(store, site, period, by) for by in TOGETHER},
        )

    def beside(
        self, logged: Mapping[str, Mapping[str, Counter[str]]], together: Mapping[str, ByDay], period: Period
    ) -> dict[str, tuple[_Numbers, _Numbers]]:
        """Return, by each dimension and combination, what was counted and what the log says."""
        found = {}
        for by in (*DIMENSIONS, *TOGETHER):
            counts, again = self.by.get(by, {}), logged.get(by, {})
            if by in TOGETHER:
                counts, again = combined(self.daily[by], together[by], period, by)
            have = {value: each.row[1:] for value, each in counts.items() if any(each.row[1:])}
            said = {value: tuple(numbers[name] for name in LOGGED) for value, numbers in again.items()}
            if by == "rule":  # some of these days were counted without, before the shop had any
                have.pop("", None)
                said.pop("", None)
            found[by] = have, said
        return found


def _differences(
    before: Mapping[str, tuple[_Numbers, _Numbers]], after: Mapping[str, tuple[_Numbers, _Numbers]]
) -> Iterator[Difference]:
    """Yield where the log has less than was counted before it was read, or more than was counted after it."""
    nothing = (0,) * len(LOGGED)
    for by, (had, said) in before.items():
        have, again = after[by]
        for value in sorted({*had, *said, *have, *again}):
            least, most = had.get(value, nothing), have.get(value, nothing)
            too_few = any(one > other for one, other in zip(least, said.get(value, nothing), strict=True))
            if too_few or any(one > other for one, other in zip(again.get(value, nothing), most, strict=True)):
                yield Difference(by, value, have.get(value), again.get(value))


def combined(
    days: Mapping[str, Sequence[Counts]], logged: ByDay, period: Period, by: str
) -> tuple[dict[str, Counts], dict[str, Counter[str]]]:
    """Return what was counted by combination, and what of the log is to be held against that.

    Days of which nothing was counted so are in neither: an older version counted them, or there were no rules yet.
    Nor is the day after, where it has less than the log: the version changed in its course.
    """
    counted: dict[str, Counts] = defaultdict(Counts)
    again: dict[str, Counter[str]] = defaultdict(Counter)
    daily = {cell: rows for cell, rows in days.items() if by != "placed" or value_in(cell, "rule")}  # as by that alone
    older = False
    for n, day in enumerate(period):
        cells = {cell: each for cell, each in logged.get(day, {}).items() if by != "placed" or value_in(cell, "rule")}
        rows = {cell: each[n] for cell, each in daily.items() if any(each[n].row)}
        short = sum(sum(each.row[1:]) for each in rows.values()) < sum(each.total() for each in cells.values())
        if short and (older or not rows):
            older = not rows
            continue
        older = older and not cells
        for cell, counts in rows.items():
            counted[cell] += counts
        for cell, numbers in cells.items():
            again[cell].update(numbers)
    return counted, again
