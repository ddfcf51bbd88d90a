"""How much more than chance the days of two periods differ: so much less sure is a difference between the periods.

Sources of the method: Spiegelhalter, D. J. (2005), Handling over-dispersion of performance indicators, Quality and
Safety in Health Care 14, 347-351, as for the alarms; McCullagh, P. and Nelder, J. A. (1989), Generalized Linear Models,
2nd edition, section 4.5: the mean square of the days' deviations is a factor of the variance, tested by Student's t.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

from ..counts import Counts, Rate


@dataclass(frozen=True, slots=True)
class Spread:
    """By which factor the variance of a rate is larger than that of chance, and by how many days more than two this
    is known."""

    factor: float = 1.0
    freedom: int = 0

    def wide(self, z: float) -> float:
        """Return how many standard errors of chance are as sure as ``z`` would be if there were nothing but chance."""
        return sqrt(self.factor) * _student(z, self.freedom) if self.factor > 1 else z


CHANCE = Spread()
"""Days that differ by chance alone, or too few to say."""


def spreads(now: Iterable[Counts], before: Iterable[Counts], names: Iterable[str]) -> dict[str, Spread]:
    """Return how much the days of two periods differ, each from the mean of its period, by rate.

    Days are not pulled in here, as they are for an alarm: an odd one moves the sum as well.
    """
    periods = [*now], [*before]
    return {name: _spread([[day.rate(name) for day in days] for days in periods]) for name in names}


def _spread(periods: Iterable[Iterable[Rate]]) -> Spread:
    squares, freedom = 0.0, 0
    for rates in periods:
        known = [rate for rate in rates if rate.interval]
        cases = sum(rate.denominator for rate in known)
        mean = (sum(rate.numerator for rate in known) + 1) / (cases + 2)
        squares += sum((rate.numerator - mean * rate.denominator) ** 2 / rate.denominator for rate in known) / (
            mean * (1 - mean)
        )
        freedom += max(0, len(known) - 1)
    return Spread(max(1.0, squares / freedom), freedom) if freedom else CHANCE


def _student(z: float, freedom: int) -> float:
    """Return the quantile of Student's t that is as rare as ``z`` of the normal distribution (Cornish and Fisher).

    Abramowitz and Stegun (1964), 26.7.5.
    """
    terms: dict[int, float] = {
        1: (z**3 + z) / 4,
        2: (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        3: (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    }
    return z + sum(term / float(freedom**power) for power, term in terms.items())
