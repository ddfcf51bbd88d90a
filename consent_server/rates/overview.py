"""All that is said of a site at a glance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ..decision import SIGNAL
from .compare import GOALS, Verdict
from .counts import Counts
from .experiment import Experiment
from .happened.alarms import Alarm
from .happened.marks import Mark
from .multiple import followed
from .multiple.spread import Spread, spreads
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
    cells: Mapping[tuple[str, ...], Counts] = field(default_factory=dict)
    """By language, variant and device together."""
    today: Mapping[tuple[str, str], Counts] | None = None
    """What the last day has of each value of a dimension, where that day is still going on."""
    days_before: Mapping[str, Counts] = field(default_factory=dict)
    """Each day of the period before."""

    def spread(self, goal: str) -> dict[str, Spread]:
        """Return how much more than by chance the days of both periods vary, by rate."""
        return spreads(self.days.values(), self.days_before.values(), followed(goal))

    def days_of(self, by: str, value: str) -> float:
        """Return on how many days like the whole ones a part of the shoppers was counted.

        Those are the days on which its dimension was: on the others it could have been seen, and was not. Where other
        words were asked from its first day on, as in one language more, it began then.
        """
        first = min((day for (each, _), day in self.first_days.items() if each == by), default=self.counted.first)
        own = self.first_days.get((by, value), first)
        if by == "language" and any(mark.kind in _BEGINS and mark.first == own for mark in self.marks):
            first = own
        today = None if self.today is None else self.today.get((by, value), Counts())
        return _like_whole(first, self.counted, self.rows[by][value], today)

    @property
    def days_like_whole(self) -> float:
        """On how many days like the whole ones all were counted."""
        today = None if self.today is None else self.days[self.counted.last.isoformat()]
        return _like_whole(self.counted.first, self.counted, self.total, today)

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

    def as_json(self) -> dict[str, Any]:
        """Return for machines what happened, and what is known of the variants where any are compared.

        A trial of which no whole day is over has no last one.
        """
        said: dict[str, Any] = {
            "marks": [
                {"kind": mark.kind, "from": mark.first.isoformat(), "to": mark.last.isoformat(), "what": mark.what}
                for mark in self.marks
            ]
        }
        if self.experiment:
            trial = self.experiment.trial
            said["variants"] = {
                "from": trial.first.isoformat(),
                "to": trial.last.isoformat() if trial.first <= trial.last else None,
                "is_running": trial.is_running,
                "counts": {name: counts.named() for name, counts in self.experiment.counts.items()},
                "verdicts": [
                    {
                        **{"goal": goal, "a": it.a, "b": it.b, "says": it.kind},
                        **{"difference": it.difference, "low": it.low, "high": it.high, "more": it.more},
                    }
                    for goal in GOALS
                    for it in self.verdicts(goal)
                ],
            }
        return said

    @property
    def signalled(self) -> int:
        """Banners of the period that were shown to a browser which sends a privacy signal."""
        return self.rows.get("how", {}).get(SIGNAL, Counts()).shown


_BEGINS = ("words", "revision")
"""What happens when a language is added, on its first day."""


def _like_whole(first: date, counted: Period, all_days: Counts, today: Counts | None) -> float:
    """Return how many whole days have as many banners as these, one of which may still be going on."""
    days = max(1, (counted.last - max(first, counted.first)).days + 1)
    if today is None or days == 1 or all_days.shown <= today.shown:
        return days
    return (days - 1) * all_days.shown / (all_days.shown - today.shown)


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
