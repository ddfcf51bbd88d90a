"""One rate against another: the move from one period to the next, and which variant is better.

Sources of the methods:

- Newcombe, R. G. (1998), Interval estimation for the difference between independent proportions, Statistics in
  Medicine 17, 873-890, method 10: the change from one period to another.
- Johari, R., Koomen, P., Pekelis, L. and Walsh, D. (2022), Always valid inference: continuous monitoring of A/B
  tests, Operations Research 70, 1806-1821: the interval that compares variants, which stays honest however often it
  is looked at. It is the normal mixture of Robbins (1970); Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024),
  Annals of Statistics 52, 2613-2640, prove it for estimated variances.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log, sqrt

from ..site import OPTIONAL
from .counts import TOO_FEW, Counts, Rate, Z
from .period import BadQuestion

SMALL = 0.02
"""A difference between variants that nobody would act upon: two points."""

GOALS = ("answer", *(f"reach_{category}" for category in OPTIONAL))
"""What variants are compared on: rates per display, for the display is what was split by chance. A grant rate is not
among them: whoever answers one wording is not whoever answers the other."""

_FALSE_WINNERS = 0.05
_EXPECTED = 0.03
"""The spread of differences that the test is most sensitive to, three points: it changes how soon a verdict falls,
never how often a wrong one does."""

STRAYED = 0.05
"""What share of the answers may be to another variant than the one that was counted as shown, as in a new tab.

They are no part of their denominator, and have a share vary by more than chance: the more, the larger it is.
"""


@dataclass(frozen=True, slots=True)
class Change:
    """How far a rate moved from the period before, with the 95 % interval of the move (Newcombe's method 10)."""

    difference: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether it is more than chance: the interval leaves out zero."""
        return self.low > 0 or self.high < 0


def change(now: Rate, before: Rate, z: float = Z) -> Change | None:
    """Return how far ``now`` is from ``before``, or None where either is too few or no share at all.

    ``z``: half the width of the interval, in standard errors; 95 % without it.
    """
    here, there = now.wilson(z), before.wilson(z)
    if now.too_few or before.too_few or here is None or there is None:
        return None
    p, (p_low, p_high) = now.numerator / now.denominator, here
    q, (q_low, q_high) = before.numerator / before.denominator, there
    down, up = sqrt((p - p_low) ** 2 + (q_high - q) ** 2), sqrt((p_high - p) ** 2 + (q - q_low) ** 2)
    return Change(p - q, p - q - down, p - q + up)


def always_valid(a: Rate, b: Rate, alpha: float) -> tuple[float, float, float]:
    """Return the difference b - a and its interval, which covers the truth at all times at once with 1 - alpha.

    The interval of Johari et al. (2022): half its width is sqrt(V (V + T) / T * ln((V + T) / (V alpha²))), where V is
    the variance of the difference and T the variance of the differences one expects. Each share is taken as if it had
    one success and one failure more, so that a young variant is not thought certain. Of n displays a share p has the
    variance (p (1 - p) + 2 c p²) / n, where c is STRAYED: so much of p is of displays of either variant.
    """
    difference = b.numerator / b.denominator - a.numerator / a.denominator
    half = _half(_variance(a, b), alpha)
    return difference, difference - half, difference + half


def _variance(*rates: Rate) -> float:
    shares = [((rate.numerator + 1) / (rate.denominator + 2), rate.denominator + 2) for rate in rates]
    return sum((share * (1 - share) + 2 * STRAYED * share**2) / n for share, n in shares)


def _half(variance: float, alpha: float) -> float:
    spread = _EXPECTED**2
    return sqrt(variance * (variance + spread) / spread * (log((variance + spread) / variance) - 2 * log(alpha)))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of variant ``b`` against ``a``.

    ``kind`` is ``better`` (b is), ``worse`` (a is better), ``equal`` (no difference larger than ``margin``), ``early``
    (about ``more`` further answers are needed) or ``impossible`` (of one more answered than were shown it, so that
    there is no share to compare, however many more there will be).
    """

    a: str
    b: str
    goal: str
    kind: str
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    more: int = 0

    @property
    def margin(self) -> float:
        """The largest difference, in either direction, that is still possible."""
        return max(abs(self.low), abs(self.high)) if self.low is not None and self.high is not None else 1.0

    def __str__(self) -> str:
        if self.kind == "early":
            return f"Too early: about {self.more:,} more answer{'s' * (self.more > 1)} needed."
        if self.kind == "impossible":
            return "There are more answers than displays, so there is nothing to compare."
        if self.kind == "equal":
            return f"No difference larger than {self.margin * 100:.1f} points."
        winner = self.b if self.kind == "better" else self.a
        low, high = sorted((abs(self.low or 0), abs(self.high or 0)))
        return f"{winner} is better, by {low * 100:.1f} to {high * 100:.1f} points."


def must_be_goal(goal: str) -> None:
    """Return if this is a goal.

    Raises:
        BadQuestion: it is not one of GOALS.
    """
    if goal not in GOALS:
        raise BadQuestion("goal", f"`goal` must be one of {', '.join(GOALS)}, not {goal[:40]!r}.")


def verdicts(variants: Mapping[str, Counts], goal: str) -> list[Verdict]:
    """Compare each variant with the first.

    At most one in twenty experiments without any difference ever gets a winner, on whatever goal and however often
    one looks: the error is shared out among the comparisons and the GOALS.

    Args:
        variants: counts by variant since the experiment began, in the order of the configuration.
        goal: one of GOALS.

    Raises:
        BadQuestion: the goal is not one of GOALS.
    """
    must_be_goal(goal)
    names = list(variants)
    alpha = _FALSE_WINNERS / len(GOALS) / max(1, len(names) - 1)
    return [_verdict(names[0], b, variants[names[0]], variants[b], goal, alpha) for b in names[1:]]


def _verdict(a: str, b: str, of_a: Counts, of_b: Counts, goal: str, alpha: float) -> Verdict:
    rates = of_a.rate(goal), of_b.rate(goal)
    shown, answered = of_a.shown + of_b.shown, of_a.answered + of_b.answered
    an_answer = answered / shown if shown and answered else 1.0
    fewest = min(rate.denominator for rate in rates)
    if of_a.is_over or of_b.is_over:
        return Verdict(a, b, goal, "impossible")
    if fewest < TOO_FEW:
        missing = shown * (TOO_FEW / fewest - 1) if fewest else 2 * TOO_FEW
        return Verdict(a, b, goal, "early", more=about(missing * an_answer))
    difference, low, high = always_valid(*rates, alpha)
    if low > 0 or high < 0:
        return Verdict(a, b, goal, "better" if low > 0 else "worse", difference, low, high)
    if max(-low, high) <= SMALL:
        return Verdict(a, b, goal, "equal", difference, low, high)
    # If the difference stays what it is, how many times as many displays settle it? The variance falls as they grow.
    variance, enough, times = _variance(*rates), max(abs(difference), SMALL - abs(difference)), 1.0
    while _half(variance / times, alpha) > enough:
        times *= 1.02
    return Verdict(a, b, goal, "early", difference, low, high, more=about(shown * (times - 1) * an_answer))


def about(count: float) -> int:
    """Return the count with two digits that mean something: an estimate that says so."""
    return max(1, int(float(f"{count:.2g}")))
