"""What was counted of a site, of a part of its shoppers, and by which dimension: the one way to the counters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from ..decision import SIGNAL
from ..site import Site
from ..store import PARTS, SEPARATOR, Store
from .counts import Counts
from .filters import Filters, value_in
from .period import Period


def counts_of(store: Store, site: Site, period: Period, by: str) -> dict[str, Counts]:
    """Return what was counted over a period, by one of DIMENSIONS, ``parts`` or ``placed``."""
    return {value: Counts(row) for value, row in store.counters.counts(site, period.first, period.last, by).items()}


def daily_of(store: Store, site: Site, period: Period, by: str) -> dict[str, list[Counts]]:
    """Return the same of each day of the period, in order."""
    daily = store.counters.daily(site, period.first, period.last, by)
    return {value: list(map(Counts, rows)) for value, rows in daily.items()}


def answers(store: Store, site: Site, period: Period, by: str) -> dict[str, Counts]:
    """Return what was counted but for the answers that an older version took a privacy signal for.

    The counters say on which day those were, not in which language, variant, country or on which device: rows by these
    have them still.
    """
    counted = counts_of(store, site, period, by)
    if by == "how" and SIGNAL in counted:
        counted[SIGNAL] = counted[SIGNAL].only_shown()
    elif by == "day":
        for day, row in zip(period, daily_of(store, site, period, "how").get(SIGNAL, []), strict=False):
            counted[day.isoformat()] -= row - row.only_shown()
    return {value: counts for value, counts in counted.items() if by == "day" or any(counts.row)}


def days_of(store: Store, site: Site, period: Period, only: Filters) -> dict[str, Counts]:
    """Return the counts of each day of a part of the shoppers."""
    if not only:
        return answers(store, site, period, "day")
    if only.alone:
        by, value = only.alone
        daily = daily_of(store, site, period, by).get(value) or [Counts()] * period.days
    else:
        cells = daily_of(store, site, period, only.counted())
        picked = [each for cell, each in cells.items() if only.has(cell)]
        daily = [*map(Counts.total, zip(*picked, strict=True))] or [Counts()] * period.days
    return {day.isoformat(): counts for day, counts in zip(period, daily, strict=True)}


@dataclass(frozen=True)
class Rows:
    """Counts by dimension and value, the first day on which each was counted, and what was counted on the last day."""

    by: dict[str, dict[str, Counts]]
    since: dict[tuple[str, str], date] = field(default_factory=dict)
    last: dict[tuple[str, str], Counts] = field(default_factory=dict)


def rows_of(store: Store, site: Site, period: Period, asked: Sequence[str], only: Filters) -> Rows:
    """Return the counts of a part of the shoppers by each of these dimensions; what never occurred is left out."""
    counted = {kind: daily_of(store, site, period, kind) for kind in {only.counted(by) if only else by for by in asked}}
    found = Rows({by: {} for by in asked})
    for by, rows in found.by.items():
        for cell, days in counted[only.counted(by) if only else by].items():
            total = Counts.total(days)
            if (by, cell) == ("how", SIGNAL):
                total = total.only_shown()
            if not any(total.row) or not only.has(cell):
                continue
            value, first = value_in(cell, by) if only else cell, next(n for n, each in enumerate(days) if any(each.row))
            rows[value] = rows.get(value, Counts()) + total
            key = by, value
            found.since[key] = min(found.since.get(key, date.max), period.first + timedelta(days=first))
            found.last[key] = found.last.get(key, Counts()) + days[-1]
    return found


def cells_of(store: Store, site: Site, period: Period, only: Filters) -> dict[tuple[str, ...], Counts]:
    """Return the counts of a part of the shoppers by the values of PARTS; none of a country, which is counted alone."""
    found: dict[tuple[str, ...], Counts] = {}
    if "country" not in only:
        for cell, counts in counts_of(store, site, period, only.counted()).items():
            if only.has(cell):
                values = tuple(cell.split(SEPARATOR)[: len(PARTS)])
                found[values] = found.get(values, Counts()) + counts
    return found


def rules_of(store: Store, site: Site, period: Period, only: Filters) -> dict[str, Counts]:
    """Return the counts by rule; none of one rule alone, nor of a country, of which they are not counted."""
    return {} if {"rule", "country"} & {*only} else rows_of(store, site, period, ["rule"], only).by["rule"]


def together_since(store: Store, site: Site, days: Mapping[str, Counts], only: Filters, period: Period) -> date | None:
    """Return from which day of the period on parts were counted together, or None where they always were.

    Older versions counted each dimension by itself alone.
    """
    if not only or not only.crossed:
        return None
    picked = Filters(only if only.alone else {})
    cells = daily_of(store, site, period, only.counted())
    rows = [each for cell, each in cells.items() if picked.has(cell)]
    counted = [*map(Counts.total, zip(*rows, strict=True))] or [Counts()] * period.days
    short = [day for day, together in zip(period, counted, strict=True) if days[day.isoformat()].shown > together.shown]
    return short[-1] + timedelta(days=1) if short else None
