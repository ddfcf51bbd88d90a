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


@dataclass(frozen=True, slots=True)
class _Set:
    """Variants that are asked, and how many of the visits each gets, in the order of their names; none if unknown."""

    names: frozenset[str]
    weights: tuple[int, ...]

    def goes_on(self, other: _Set) -> bool:
        """Return whether the other set is this one, as far as is known: what older versions wrote has no weights."""
        return self.names == other.names and not (self.weights and other.weights and self.weights != other.weights)


def tried(
    asked: Sequence[tuple[date, Sequence[str]]],
    now: Sequence[str],
    span: Period,
    weights: Sequence[tuple[int, ...]] = (),
) -> Trial | None:
    """Return the trial that was going on at the end of ``span``, or else the last one in it that has a whole day.

    Other weights begin anew, as other variants do: of better days more would be of one variant than of the other. The
    day on which others were begun to be asked belongs to neither side, if they share a variant: what is counted
    of that one knows no hours. What was asked before it was first written down is taken to be what was asked then.

    Args:
        asked: which variants were asked from which day on, the oldest first.
        now: those of the configuration, in its order.
        span: the days that are looked at.
        weights: those of the variants of each of ``asked``, as far as they are known.
    """
    known = [*weights, *[()] * (len(asked) + 1)]
    told = [(day, _Set(frozenset(names), known[i])) for i, (day, names) in enumerate(asked or [(span.last, now)])]
    changes: list[tuple[date, _Set]] = []
    for day, found in [each for each in told if each[0] <= span.last] or told[:1]:
        if not changes or not changes[-1][1].goes_on(found):
            changes.append((day if changes else date.min, found))
        elif found.weights:
            changes[-1] = changes[-1][0], found
    ends = [*(day for day, _ in changes[1:]), None]
    for (start, these), end in reversed([*zip(changes, ends, strict=True)]):
        names = these.names
        if len(names) < 2:
            continue
        first, last = max(start, span.first), span.last if end is None else end
        first += _DAY * _is_mixed(these, _asked_on(first, changes))
        last -= _DAY * (end is not None and _is_mixed(these, _asked_on(last, changes)))
        if end is None or first <= last:
            return Trial(tuple(now) if names == {*now} else tuple(sorted(names)), first, last, end is None)
    return None


def _asked_on(day: date, changes: Sequence[tuple[date, _Set]]) -> Iterator[_Set]:
    """Yield which variants were asked at some moment of a day, each set of them."""
    for i, (start, found) in enumerate(changes):
        if start <= day and (i + 1 == len(changes) or day <= changes[i + 1][0]):
            yield found


def _is_mixed(these: _Set, sets: Iterator[_Set]) -> bool:
    """Return whether one of these variants was asked among others too, or with other weights."""
    return any(other != these and other.names & these.names for other in sets)
