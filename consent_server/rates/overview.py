"""All that is said of a site at a glance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from ..entry import SIGNAL
from .compare import Verdict
from .counts import Counts
from .experiment import Experiment
from .happened.alarms import Alarm
from .happened.marks import Mark
from .period import Period


@dataclass(frozen=True)
class Overview:
    """All that is said of a site at a glance."""

    days: Mapping[str, Counts]
    """Each day of the period."""
    before: Counts
    """The sum over the period before."""
    rows: Mapping[str, Mapping[str, Counts]]
    """By each dimension but the day; empty where nothing was counted in the period."""
    alarms: Sequence[Alarm]
    """Of today and yesterday, whatever the period is."""
    experiment: Experiment | None
    """The variants that are compared, whatever the period is: one chosen after having seen the numbers would let chance
    win."""
    known: bool
    """Whether anything was counted in the last year, or the period."""
    counted: Period
    """The days of the rows: those before a shop, or a part of it, was first counted are none."""
    marks: Sequence[Mark] = ()
    """What happened in the period."""
    zone_since: date | None = None
    """The first day that was counted in the site's time zone, where days before were counted in another."""
    parts_since: date | None = None
    """The first day of the period on which parts were counted together, where that is not the first of all."""
    first_days: Mapping[tuple[str, str], date] = field(default_factory=dict)
    """The day in the period on which each value of a dimension was first counted."""
    is_mixed: bool = False
    """Whether answers under several rules by place are together, so that parts of the shoppers are no contest."""
    is_unlike: bool = False
    """Whether they are in the period or the one before, so that these are no contest either."""

    def days_of(self, by: str, value: str) -> int:
        """Return on how many days a part of the shoppers could be counted, which may be younger than the shop."""
        first = max(self.counted.first, self.first_days.get((by, value), self.counted.first))
        return max(1, (self.counted.last - first).days + 1)

    @property
    def total(self) -> Counts:
        """The sum over the period."""
        return Counts.total(self.days.values())

    def verdicts(self, goal: str) -> list[Verdict]:
        """Return what is known of each variant against the first, on one of GOALS.

        Raises:
            BadQuestion: the goal is not one of GOALS.
        """
        return self.experiment.verdicts(goal) if self.experiment else []

    @property
    def signalled(self) -> int:
        """Banners of the period that were shown to a browser which sends a privacy signal."""
        return self.rows.get("how", {}).get(SIGNAL, Counts()).shown


def first_counted(days: Mapping[str, Counts]) -> date | None:
    """Return the first of these days on which anything was counted."""
    return next((date.fromisoformat(day) for day, counts in days.items() if any(counts.row)), None)


LIGHT = 100
"""A rule that one visit of so many came under, or fewer, moves no rate by more than a point."""


def is_mixed(*periods: tuple[Mapping[str, Counts], Counts]) -> bool:
    """Return whether several rules by place weigh in periods, each by its counts by rule and their total."""
    return len({name for rules, total in periods for name in _weighty(rules, total)}) > 1


def _weighty(rules: Mapping[str, Counts], total: Counts) -> set[str]:
    """Return which rules by place weigh in the counts of a period; before the first, all was elsewhere."""
    ruled = Counts.total(rules.values())

    def weighs(shown: int, answered: int) -> bool:
        return shown * LIGHT > total.shown > 0 or answered * LIGHT > total.answered > 0

    weighty = {name for name, counts in rules.items() if weighs(counts.shown, counts.answered)}
    if weighs(total.shown - ruled.shown, total.answered - ruled.answered):
        weighty.add("")
    return weighty
