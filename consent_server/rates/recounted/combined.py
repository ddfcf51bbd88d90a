"""What was counted by combination, beside what the log says of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

from ..counts import Counts
from ..only import value_in
from ..period import Period

TOGETHER = ("parts", "placed")
"""The combinations that a decision is counted by, besides DIMENSIONS."""

ByDay = dict[date, dict[str, Counter[str]]]


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
