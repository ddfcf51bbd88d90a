"""From counts to rates that can be defended: every rate with its two counts, its interval, and its doubts.

Everything here is pure arithmetic: the doors bring the counts and the date, and take away JSON, CSV or text.

Sources of the methods:

- Wilson, E. B. (1927), Probable inference, the law of succession, and statistical inference, JASA 22, 209-212:
  the interval of a rate.
- Newcombe, R. G. (1998), Interval estimation for the difference between independent proportions, Statistics in
  Medicine 17, 873-890, method 10: the change from one period to another.
- Johari, R., Koomen, P., Pekelis, L. and Walsh, D. (2022), Always valid inference: continuous monitoring of A/B
  tests, Operations Research 70, 1806-1821: the interval that compares variants, which stays honest however often it
  is looked at. It is the normal mixture of Robbins (1970); Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024),
  Annals of Statistics 52, 2613-2640, prove it for estimated variances.
- Spiegelhalter, D. J. (2005), Handling over-dispersion of performance indicators, Quality and Safety in Health Care
  14, 347-351: the usual range of a daily rate, whose days differ by more than chance alone.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import log, sqrt
from statistics import NormalDist, fmean
from typing import Any

from ..decision import COLUMNS, DIMENSIONS, OPTIONAL, ConsentError, mask_of

TOO_FEW = 100
"""Below this denominator a rate is shown, and called too few to rely on."""

SMALL = 0.02
"""A difference between variants that nobody would act upon: two points."""

LONGEST = 5 * 365 + 2
"""The longest period that is answered, in days: five years, two of them leap years."""

Z = NormalDist().inv_cdf(0.975)
"""Half the width of a 95 % interval, in standard errors."""


class BadQuestion(ConsentError):
    """A period, a dimension or a goal that there is no answer to.

    ``kind`` says what is wrong, for who has words of their own: day, order, future, length, dimension or goal.
    """

    problem = "bad-question"

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


# Rates

_AT = {column: i for i, column in enumerate(COLUMNS)}
_FIRST = slice(_AT["first0"], _AT["first7"] + 1)
_RENEWAL = slice(_AT["renewal0"], _AT["renewal7"] + 1)


@dataclass(frozen=True, slots=True)
class Rate:
    """A part of a whole, both counted, with the 95 % Wilson interval of the share behind them."""

    numerator: int
    denominator: int

    @property
    def value(self) -> float | None:
        """The share from 0 to 1, or None where nothing was counted."""
        return self.numerator / self.denominator if self.denominator else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The lower and upper end of the Wilson interval.

        None where there is no share to estimate: an empty whole, or more answers than displays (a display that was
        not reported, an answer that a browser's signal gave before anything was shown).
        """
        n = self.denominator
        if not 0 <= self.numerator <= n or not n:
            return None
        share = self.numerator / n
        centre = share + Z * Z / (2 * n)
        half = Z * sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
        scale = 1 + Z * Z / n
        low = 0.0 if self.numerator == 0 else (centre - half) / scale
        high = 1.0 if self.numerator == n else (centre + half) / scale
        return low, high

    @property
    def low(self) -> float | None:
        """The lower end of the interval."""
        return self.interval[0] if self.interval else None

    @property
    def high(self) -> float | None:
        """The upper end of the interval."""
        return self.interval[1] if self.interval else None

    @property
    def too_few(self) -> bool:
        """Whether there are too few cases for a conclusion."""
        return self.denominator < TOO_FEW


@dataclass(frozen=True, slots=True)
class Counts:
    """One row of COLUMNS with names for its sums; rows add up."""

    row: tuple[int, ...] = (0,) * len(COLUMNS)

    def __add__(self, other: Counts) -> Counts:
        return Counts(tuple(map(int.__add__, self.row, other.row)))

    def __getitem__(self, column: str) -> int:
        return self.row[_AT[column]]

    @classmethod
    def total(cls, counts: Iterable[Counts]) -> Counts:
        """Return the sum of all."""
        return sum(counts, cls())

    @property
    def shown(self) -> int:
        """Browser sessions in which an undecided shopper saw the banner."""
        return self["shown"]

    @property
    def answered(self) -> int:
        """First decisions."""
        return sum(self.row[_FIRST])

    @property
    def ignored(self) -> int:
        """Banners shown that got no answer."""
        return max(0, self.shown - self.answered)

    @property
    def all(self) -> int:
        """First decisions that allow everything."""
        return self["first7"]

    @property
    def some(self) -> int:
        """First decisions that allow a part."""
        return self.answered - self.all - self.none

    @property
    def none(self) -> int:
        """First decisions that refuse everything optional."""
        return self["first0"]

    def allowed(self, category: str) -> int:
        """Return how many first decisions allow this category."""
        bit = mask_of([category])
        return sum(count for mask, count in enumerate(self.row[_FIRST]) if mask & bit)

    @property
    def renewals(self) -> int:
        """Decisions of shoppers who were asked again, after expiry or for a new revision."""
        return sum(self.row[_RENEWAL])

    @property
    def changes(self) -> int:
        """Decisions that changed an answer that still held."""
        return self["changes"]

    @property
    def withdrawals(self) -> int:
        """Changes that took back at least one category."""
        return self["withdrawals"]

    def withdrawn(self, category: str) -> int:
        """Return how many changes took back this category."""
        return self[f"withdrawn_{category}"]

    @property
    def decisions(self) -> int:
        """Decisions of every kind: first, renewed, changed."""
        return self.answered + self.renewals + self.changes

    def named(self) -> dict[str, int]:
        """Return what was counted, by name, in the order of the exports."""
        return {
            "shown": self.shown,
            "answered": self.answered,
            "ignored": self.ignored,
            "all": self.all,
            "some": self.some,
            "none": self.none,
            **{f"allowed_{category}": self.allowed(category) for category in OPTIONAL},
            "renewals": self.renewals,
            "changes": self.changes,
            "withdrawals": self.withdrawals,
            **{f"withdrawn_{category}": self.withdrawn(category) for category in OPTIONAL},
        }

    def rate(self, name: str) -> Rate:
        """Return one of RATES."""
        return RATES[name](self)

    def rates(self) -> dict[str, Rate]:
        """Return all RATES, by name."""
        return {name: rate(self) for name, rate in RATES.items()}


def _grant(category: str) -> Callable[[Counts], Rate]:
    return lambda counts: Rate(counts.allowed(category), counts.answered)


def _reach(category: str) -> Callable[[Counts], Rate]:
    return lambda counts: Rate(counts.allowed(category), counts.shown)


def _withdrawal(category: str) -> Callable[[Counts], Rate]:
    return lambda counts: Rate(counts.withdrawn(category), counts.decisions)


RATES: Mapping[str, Callable[[Counts], Rate]] = {
    "answer": lambda counts: Rate(counts.answered, counts.shown),
    "ignored": lambda counts: Rate(counts.ignored, counts.shown),
    "all": lambda counts: Rate(counts.all, counts.answered),
    "some": lambda counts: Rate(counts.some, counts.answered),
    "none": lambda counts: Rate(counts.none, counts.answered),
    **{f"grant_{category}": _grant(category) for category in OPTIONAL},
    **{f"reach_{category}": _reach(category) for category in OPTIONAL},
    "withdrawal": lambda counts: Rate(counts.withdrawals, counts.decisions),
    **{f"withdrawal_{category}": _withdrawal(category) for category in OPTIONAL},
}
"""One row a rate: what is divided by what. Answers are first decisions; withdrawals are a share of all decisions."""


# Periods


@dataclass(frozen=True, slots=True)
class Period:
    """Whole UTC days from ``first`` to ``last``, both included."""

    first: date
    last: date

    @classmethod
    def parse(cls, first: str | None, last: str | None, today: date, days: int = 30) -> Period:
        """Read a period as people write it.

        Args:
            first: the first day, ``YYYY-MM-DD``; without it, the period is ``days`` long.
            last: the last day, ``YYYY-MM-DD``; without it, today.
            today: the UTC day of the server's clock.
            days: the length of a period without a first day.

        Raises:
            BadQuestion: not a day, in the wrong order, in the future, or longer than five years.
        """
        end = _day(last, "to") if last else today
        start = _day(first, "from") if first else end - timedelta(days=days - 1)
        if start > end:
            raise BadQuestion("order", f"`from` ({start}) is after `to` ({end}).")
        if end > today:
            raise BadQuestion("future", f"`to` ({end}) is in the future; today is {today} (UTC).")
        if (end - start).days >= LONGEST:
            raise BadQuestion("length", f"From {start} to {end} is over five years; ask for less at a time.")
        return cls(start, end)

    @property
    def days(self) -> int:
        """Its length."""
        return (self.last - self.first).days + 1

    @property
    def before(self) -> Period:
        """The period of the same length right before it."""
        return Period(self.first - timedelta(days=self.days), self.first - timedelta(days=1))


def _day(text: str, name: str) -> date:
    try:
        day = date.fromisoformat(text)
        if day.isoformat() != text or day.year < 2000:
            raise ValueError
        return day
    except ValueError:
        raise BadQuestion(
            "day", f"`{name}` must be a day of this century such as 2026-01-31, not {text[:40]!r}."
        ) from None


def dimension(by: str | None) -> str:
    """Return the dimension that is asked for, ``day`` without one.

    Raises:
        BadQuestion: it is not one of DIMENSIONS.
    """
    if by and by not in DIMENSIONS:
        raise BadQuestion("dimension", f"`by` must be one of {', '.join(DIMENSIONS)}, not {by[:40]!r}.")
    return by or "day"


# Comparisons


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


def change(now: Rate, before: Rate) -> Change | None:
    """Return how far ``now`` is from ``before``, or None where either is too few or no share at all."""
    if now.too_few or before.too_few or now.interval is None or before.interval is None:
        return None
    p, (p_low, p_high) = now.numerator / now.denominator, now.interval
    q, (q_low, q_high) = before.numerator / before.denominator, before.interval
    down, up = sqrt((p - p_low) ** 2 + (q_high - q) ** 2), sqrt((p_high - p) ** 2 + (q - q_low) ** 2)
    return Change(p - q, p - q - down, p - q + up)


GOALS = ("answer", *(f"reach_{category}" for category in OPTIONAL))
"""What variants are compared on: rates per display, for the display is what was split by chance. A grant rate is not
among them: whoever answers one wording is not whoever answers the other."""

_FALSE_WINNERS = 0.05
_EXPECTED = 0.03
"""The spread of differences that the test is most sensitive to, three points: it changes how soon a verdict falls,
never how often a wrong one does."""


def always_valid(a: Rate, b: Rate, alpha: float) -> tuple[float, float, float]:
    """Return the difference b - a and its interval, which covers the truth at all times at once with 1 - alpha.

    The interval of Johari et al. (2022): half its width is sqrt(V (V + T) / T * ln((V + T) / (V alpha²))), where V is
    the variance of the difference and T the variance of the differences one expects. Each share is taken as if it had
    one success and one failure more, so that a young variant is not thought certain.
    """
    difference = b.numerator / b.denominator - a.numerator / a.denominator
    half = _half(_variance(a, b), alpha)
    return difference, difference - half, difference + half


def _variance(*rates: Rate) -> float:
    shares = [((rate.numerator + 1) / (rate.denominator + 2), rate.denominator + 2) for rate in rates]
    return sum(share * (1 - share) / n for share, n in shares)


def _half(variance: float, alpha: float) -> float:
    spread = _EXPECTED**2
    return sqrt(variance * (variance + spread) / spread * (log((variance + spread) / variance) - 2 * log(alpha)))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of variant ``b`` against ``a``.

    ``kind`` is ``better`` (b is), ``worse`` (a is better), ``equal`` (no difference larger than ``margin``) or
    ``early`` (about ``more`` further answers are needed).
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
            return f"Too early: about {self.more:,} more answers needed."
        if self.kind == "equal":
            return f"No difference larger than {self.margin * 100:.1f} points."
        winner = self.b if self.kind == "better" else self.a
        low, high = sorted((abs(self.low or 0), abs(self.high or 0)))
        return f"{winner} is better, by {low * 100:.1f} to {high * 100:.1f} points."


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
    if goal not in GOALS:
        raise BadQuestion("goal", f"`goal` must be one of {', '.join(GOALS)}, not {goal[:40]!r}.")
    names = list(variants)
    alpha = _FALSE_WINNERS / len(GOALS) / max(1, len(names) - 1)
    return [_verdict(names[0], b, variants[names[0]], variants[b], goal, alpha) for b in names[1:]]


def _verdict(a: str, b: str, of_a: Counts, of_b: Counts, goal: str, alpha: float) -> Verdict:
    rates = of_a.rate(goal), of_b.rate(goal)
    shown, answered = of_a.shown + of_b.shown, of_a.answered + of_b.answered
    an_answer = answered / shown if shown and answered else 1.0
    fewest = min(rate.denominator for rate in rates)
    if fewest < TOO_FEW or any(rate.interval is None for rate in rates):
        missing = shown * (TOO_FEW / fewest - 1) if fewest else 2 * TOO_FEW
        return Verdict(a, b, goal, "early", more=_about(missing * an_answer))
    difference, low, high = always_valid(*rates, alpha)
    if low > 0 or high < 0:
        return Verdict(a, b, goal, "better" if low > 0 else "worse", difference, low, high)
    if max(-low, high) <= SMALL:
        return Verdict(a, b, goal, "equal", difference, low, high)
    # If the difference stays what it is, how many times as many displays settle it? The variance falls as they grow.
    variance, enough, times = _variance(*rates), max(abs(difference), SMALL - abs(difference)), 1.0
    while _half(variance / times, alpha) > enough:
        times *= 1.02
    return Verdict(a, b, goal, "early", difference, low, high, more=_about(shown * (times - 1) * an_answer))


def _about(count: float) -> int:
    """Return the count with two digits that mean something: an estimate that says so."""
    return max(1, int(float(f"{count:.2g}")))


# Alarms

WATCHED = ("answer", *(f"grant_{category}" for category in OPTIONAL))
"""The rates whose own recent range is known and watched."""

_RECENT = 28
_ENOUGH_DAYS = 7
_STOPPED = 1e-6


@dataclass(frozen=True, slots=True)
class Alarm:
    """A day that is not like the days before.

    ``kind`` is ``range`` (the rate left the range ``low`` to ``high`` of its recent days) or ``stopped`` (banners are
    shown, nobody answers any more).
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
        return f"{self.day}: the {self.rate.replace('_', ' rate of ', 1)} is {self.value:.1%} ({usual})."


def alarms(days: Mapping[str, Counts]) -> list[Alarm]:
    """Return what is unusual about the last two of these days, the last of which may still be going on.

    A range is three standard deviations around the mean of up to 28 earlier days, of which at least seven must have
    enough cases. The habits of weekdays widen the range, as they should.

    Args:
        days: counts by ISO day, in order and without gaps.
    """
    found: dict[tuple[str, str], Alarm] = {}
    names = list(days)
    for i in range(max(0, len(names) - 2), len(names)):
        recent = [days[name] for name in names[max(0, i - _RECENT) : i]]
        for alarm in _judge(names[i], days[names[i]], recent):
            found[alarm.kind, alarm.rate] = alarm
    if ("stopped", "answer") in found:
        found.pop(("range", "answer"), None)
    return list(found.values())


def _judge(day: str, counts: Counts, recent: Sequence[Counts]) -> Iterator[Alarm]:
    for name in WATCHED:
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


# Renderings


@dataclass(frozen=True)
class Report:
    """The answer to one question: the counts of a site over a period, by one dimension."""

    site: str
    period: Period
    by: str
    rows: Mapping[str, Counts]
    total: Counts
    before: Counts | None = None

    @classmethod
    def of(
        cls,
        site: str,
        period: Period,
        by: str,
        rows: Mapping[str, tuple[int, ...]],
        total: Counts | None = None,
        before: Counts | None = None,
    ) -> Report:
        """Return the report over rows as the store counts them.

        Args:
            site: its id.
            period: the days that were counted.
            by: the dimension of the rows.
            rows: one row of COLUMNS for each value of the dimension.
            total: the sum over the period; without it, the sum of the rows (in which ``how`` has no displays).
            before: the sum over the period before.
        """
        counts = {value: Counts(row) for value, row in rows.items()}
        return cls(site, period, by, counts, total or Counts.total(counts.values()), before)

    def as_json(self) -> dict[str, Any]:
        """Return the report for machines: counts and rates of the total and of each row."""
        return {
            "site": self.site,
            "from": self.period.first.isoformat(),
            "to": self.period.last.isoformat(),
            "by": self.by,
            "total": _plain(self.total),
            **({"change": _moved(self.total, self.before)} if self.before else {}),
            "rows": [{self.by: value, **_plain(counts)} for value, counts in self.rows.items()],
        }

    def as_csv(self) -> str:
        """Return the report for a spreadsheet: a line a row; a rate is a share from 0 to 1 with its interval."""
        text = io.StringIO()
        lines = csv.writer(text)
        lines.writerow(
            [
                "site",
                "from",
                "to",
                self.by,
                *Counts().named(),
                *(f"{name}_rate{end}" for name in RATES for end in ("", "_low", "_high")),
            ]
        )
        for value, counts in self.rows.items():
            shares = [(rate.value, rate.low, rate.high) for rate in counts.rates().values()]
            lines.writerow(
                [
                    self.site,
                    self.period.first,
                    self.period.last,
                    value,
                    *counts.named().values(),
                    *("" if share is None else f"{share:.9g}" for shared in shares for share in shared),
                ]
            )
        return text.getvalue()

    def as_text(self) -> str:
        """Return the report for a terminal: a line a row, the total below."""
        head = [self.by, "shown", "answered", "answer rate", *(f"grants {category}" for category in OPTIONAL)]
        table = [head]
        for value, counts in [*self.rows.items(), ("total", self.total)]:
            shares = [counts.rate("answer"), *(counts.rate(f"grant_{category}") for category in OPTIONAL)]
            table.append([value or "-", f"{counts.shown:,}", f"{counts.answered:,}", *map(_percent, shares)])
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [
            "  ".join(
                cell.rjust(width) if i else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(line, widths, strict=True))
            )
            for line in table
        ]
        return "\n".join([f"{self.site}, {self.period.first} to {self.period.last} (UTC)", "", *lines]) + "\n"


def _percent(rate: Rate) -> str:
    if rate.value is None:
        return "-"
    if rate.interval is None:
        return f"{rate.value:.1%}"
    return f"{rate.value:.1%} [{rate.interval[0]:.1%} {rate.interval[1]:.1%}]" + (" too few" if rate.too_few else "")


def _plain(counts: Counts) -> dict[str, Any]:
    return {
        "counts": counts.named(),
        "rates": {
            name: {
                "numerator": rate.numerator,
                "denominator": rate.denominator,
                "value": rate.value,
                "low": rate.low,
                "high": rate.high,
                "too_few": rate.too_few,
            }
            for name, rate in counts.rates().items()
        },
    }


def _moved(now: Counts, before: Counts) -> dict[str, Any]:
    moves = {name: change(now.rate(name), before.rate(name)) for name in RATES}
    return {
        name: move and {"difference": move.difference, "low": move.low, "high": move.high, "clear": move.clear}
        for name, move in moves.items()
    }
