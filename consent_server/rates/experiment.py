"""Which variants are compared, and over which days: those on which all of them were asked, side by side.

What a variant got while others were asked, or none, says nothing of these: another share of other shoppers saw it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from .compare import Verdict, verdicts
from .counts import Counts
from .period import Period

PACE = 14
"""Days of which the answers say how soon there are enough of them, at most."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Trial:
    """Variants that were asked side by side.

    ``first`` and ``last`` are the whole days of it that are looked at; where none is over yet, ``last`` is before
    ``first``. ``names`` are in the order of the configuration while it ``is_running``.
    """

    names: tuple[str, ...]
    first: date
    last: date
    is_running: bool


@dataclass(frozen=True, slots=True)
class Pace:
    """How many answers came lately, in so many days, the last of which may still be going on."""

    answers: int
    days: int


@dataclass(frozen=True)
class Experiment:
    """What was counted of a trial, by variant: in all of its days, and in the last of them."""

    trial: Trial
    counts: Mapping[str, Counts]
    lately: Mapping[str, Counts]
    days: int
    """How many days ``lately`` has: up to PACE of them."""
    changed: date | None = None
    """When in these days the words or the look of the banner last changed, and the variants went on."""

    def verdicts(self, goal: str) -> list[Verdict]:
        """Return what is known of each variant against the first, on one of GOALS.

        Raises:
            BadQuestion: the goal is not one of GOALS.
        """
        return verdicts(self.counts, goal)

    def pace(self, verdict: Verdict) -> Pace | None:
        """Return how fast the two variants of a verdict get answers, or None if no more are to come."""
        if not self.trial.is_running:
            return None
        return Pace(sum(self.lately.get(name, Counts()).answered for name in (verdict.a, verdict.b)), self.days)


def tried(asked: Sequence[tuple[date, Sequence[str]]], now: Sequence[str], span: Period) -> Trial | None:
    """Return the trial that was going on at the end of ``span``, or else the last one in it that has a whole day.

    The day on which other variants were begun to be asked belongs to neither side, if they share one: what is counted
    of that one knows no hours. What was asked before it was first written down is taken to be what was asked then.

    Args:
        asked: which variants were asked from which day on, the oldest first.
        now: those of the configuration, in its order.
        span: the days that are looked at.
    """
    told = [*asked] or [(span.last, now)]
    changes: list[tuple[date, frozenset[str]]] = []
    for day, variants in [each for each in told if each[0] <= span.last] or told[:1]:
        if not changes or changes[-1][1] != frozenset(variants):
            changes.append((day if changes else date.min, frozenset(variants)))
    ends = [*(day for day, _ in changes[1:]), None]
    for (start, names), end in reversed([*zip(changes, ends, strict=True)]):
        if len(names) < 2:
            continue
        first, last = max(start, span.first), span.last if end is None else end
        first += _DAY * _is_mixed(names, _asked_on(first, changes))
        last -= _DAY * (end is not None and _is_mixed(names, _asked_on(last, changes)))
        if end is None or first <= last:
            return Trial(tuple(now) if names == {*now} else tuple(sorted(names)), first, last, end is None)
    return None


def _asked_on(day: date, changes: Sequence[tuple[date, frozenset[str]]]) -> Iterator[frozenset[str]]:
    """Yield which variants were asked at some moment of a day, each set of them."""
    for i, (start, names) in enumerate(changes):
        if start <= day and (i + 1 == len(changes) or day <= changes[i + 1][0]):
            yield names


def _is_mixed(names: frozenset[str], sets: Iterator[frozenset[str]]) -> bool:
    """Return whether one of these variants was asked among others too."""
    return any(other != names and other & names for other in sets)
