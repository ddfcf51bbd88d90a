"""What is unusual: a day whose rates left the range of the days before, or on which nobody answers any more.

Source of the method: Spiegelhalter, D. J. (2005), Handling over-dispersion of performance indicators, Quality and
Safety in Health Care 14, 347-351: the usual range of a daily rate, whose days differ by more than chance alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean

from ..counts import LINES, Counts, Rate

_RECENT = 28
_ENOUGH_DAYS = 7
_STOPPED = 1e-6
_MANY = 20
"""Banners of the quietest recent day from which on a day without any is no chance: of a Poisson count e^-20."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A day that is not like the days before.

    ``kind`` is ``range`` (the rate left the range ``low`` to ``high`` of its recent days), ``stopped`` (banners are
    shown, nobody answers any more) or ``silent`` (no banner was shown all day; ``low`` and ``high`` are then how many
    banners the fewest and the most of the recent days had, and ``rate`` is ``shown``).
    """

    kind: str
    rate: str
    day: str
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        usual = f"usually {self.low:.1%} to {self.high:.1%}"
        if self.kind == "stopped":
            return f"{self.day}: banners are shown, but nobody answers ({usual})."
        if self.kind == "silent":
            return f"{self.day}: no banner was shown ({self.low:,.0f} to {self.high:,.0f} on the days before)."
        return f"{self.day}: the {self.rate.replace('_', ' rate of ', 1)} is {self.value:.1%} ({usual})."


def alarms(days: Mapping[str, Counts]) -> list[Alarm]:
    """Return what is unusual about the last two of these days, the last of which may still be going on.

    A range is three standard deviations around the mean of up to 28 earlier days, of which at least seven must have
    enough cases. The habits of weekdays widen the range, as they should.

    Args:
        days: counts by ISO day, in order and without gaps.
    """
    found = {(alarm.kind, alarm.rate): alarm for alarm in history(days, len(days) - 2)}
    if ("stopped", "answer") in found:
        found.pop(("range", "answer"), None)
    return list(found.values())


def history(days: Mapping[str, Counts], start: int = 0) -> list[Alarm]:
    """Return what was unusual about each of these days from number ``start`` on, against the days before it.

    Args:
        days: counts by ISO day, in order and without gaps; the last may still be going on.
        start: the number of the first day to judge; those before it are only compared with.
    """
    names, found = list(days), []
    for i in range(max(0, start), len(names)):
        recent = [days[name] for name in names[max(0, i - _RECENT) : i]]
        if i < len(names) - 1 and not days[names[i]].shown and (usual := _visits(recent)):
            found.append(Alarm("silent", "shown", names[i], 0.0, *usual))
        found += _judge(names[i], days[names[i]], recent)
    return found


def _visits(recent: Sequence[Counts]) -> tuple[float, float] | None:
    """Return how many banners the fewest and the most of the recent days had, if so many that none is no chance."""
    shown = sorted(counts.shown for counts in recent if counts.shown)
    return (float(shown[0]), float(shown[-1])) if len(shown) >= _ENOUGH_DAYS and shown[0] >= _MANY else None


def _judge(day: str, counts: Counts, recent: Sequence[Counts]) -> Iterator[Alarm]:
    for name in LINES:
        now = counts.rate(name)
        usual = usual_range([past.rate(name) for past in recent], now.denominator)
        if usual is None:
            continue
        low, high = usual
        if name == "answer" and not now.numerator and (1 - low) ** now.denominator < _STOPPED:
            yield Alarm("stopped", name, day, 0.0, low, high)
        elif not now.too_few and now.value is not None and not low <= now.value <= high:
            yield Alarm("range", name, day, now.value, low, high)


def usual_range(recent: Sequence[Rate], n: int) -> tuple[float, float] | None:
    """Return the range in which a day with ``n`` cases usually lies, from the days before.

    Chance alone gives a day's share the deviation sqrt(p (1 - p) / n). How much more real days vary is the mean square
    of their deviations in these units, the outermost tenth of them on either side pulled in (Spiegelhalter's
    multiplicative over-dispersion): one odd day in the past does not hide the next. None with fewer than seven days
    that have enough cases.
    """
    known = [rate for rate in recent if not rate.too_few and rate.interval is not None]
    if len(known) < _ENOUGH_DAYS or not n:
        return None
    cases = sum(rate.denominator for rate in known)
    mean = (sum(rate.numerator for rate in known) + 1) / (cases + 2)
    deviation = sqrt(mean * (1 - mean))
    scores = sorted((rate.numerator / rate.denominator - mean) * sqrt(rate.denominator) / deviation for rate in known)
    tenth = len(scores) // 10
    inner = [min(max(score, scores[tenth]), scores[-1 - tenth]) for score in scores]
    more_than_chance = max(1.0, fmean(score * score for score in inner))
    reach = 3 * deviation * sqrt(more_than_chance / n)
    return max(0.0, mean - reach), min(1.0, mean + reach)
