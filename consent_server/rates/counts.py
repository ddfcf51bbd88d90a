"""From counts to rates that can be defended: every rate with its two counts, its interval, and its doubts.

Source of the interval: Wilson, E. B. (1927), Probable inference, the law of succession, and statistical inference,
JASA 22, 209-212.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import sqrt
from statistics import NormalDist

from ..decision import COLUMNS
from ..site import OPTIONAL, mask_of

TOO_FEW = 100
"""Below this denominator a rate is shown, and called too few to rely on."""

Z = NormalDist().inv_cdf(0.975)
"""Half the width of a 95 % interval, in standard errors."""

LINES = ("answer", *(f"grant_{category}" for category in OPTIONAL))
"""The rates that are followed over time, watched, and compared between parts of the shoppers."""

_AT = {column: i for i, column in enumerate(COLUMNS)}
_FIRST = slice(_AT["first0"], _AT["first7"] + 1)
_RENEWAL = slice(_AT["renewal0"], _AT["renewal7"] + 1)


@dataclass(frozen=True, slots=True)
class Rate:
    """A part of a whole, both counted, with the 95 % Wilson interval of the share behind them."""

    numerator: int
    denominator: int
    is_share: bool = field(default=True, compare=False)
    """False of displays that are fewer than the answers: how many of those have no display is not known."""

    @property
    def value(self) -> float | None:
        """The share from 0 to 1, or None where nothing was counted."""
        return self.numerator / self.denominator if self.denominator else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The lower and upper end of the Wilson interval.

        None where there is no share to estimate: an empty whole, or more answers than displays (a display that was
        not reported, an answer that a script of the shop's gave), whatever the answers that are counted here.
        """
        return self.wilson(Z)

    def wilson(self, z: float) -> tuple[float, float] | None:
        """Return the Wilson interval that is ``z`` standard errors wide to either side, or None as ``interval``."""
        n = self.denominator
        if not 0 <= self.numerator <= n or not n or not self.is_share:
            return None
        share = self.numerator / n
        centre = share + z * z / (2 * n)
        half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
        scale = 1 + z * z / n
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

    def __sub__(self, other: Counts) -> Counts:
        return Counts(tuple(map(int.__sub__, self.row, other.row)))

    def only_shown(self) -> Counts:
        """Return the banners shown alone, without any decision."""
        return Counts((self.shown, *(0,) * (len(COLUMNS) - 1)))

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
    def is_over(self) -> bool:
        """Whether there are more answers than displays, so that no rate of what was shown is a share of it."""
        return self.answered > self.shown

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

    def given(self, mask: int) -> int:
        """Return how many first and renewed decisions allow at least one category of the mask."""
        return sum(
            count
            for part in (self.row[_FIRST], self.row[_RENEWAL])
            for allowed, count in enumerate(part)
            if allowed & mask
        )

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
    return lambda counts: Rate(counts.allowed(category), counts.shown, not counts.is_over)


def _withdrawal(category: str) -> Callable[[Counts], Rate]:
    return lambda counts: Rate(counts.withdrawn(category), counts.given(mask_of([category])))


RATES: Mapping[str, Callable[[Counts], Rate]] = {
    "answer": lambda counts: Rate(counts.answered, counts.shown),
    "ignored": lambda counts: Rate(counts.ignored, counts.shown, not counts.is_over),
    "all": lambda counts: Rate(counts.all, counts.answered),
    "some": lambda counts: Rate(counts.some, counts.answered),
    "none": lambda counts: Rate(counts.none, counts.answered),
    **{f"grant_{category}": _grant(category) for category in OPTIONAL},
    **{f"reach_{category}": _reach(category) for category in OPTIONAL},
    "withdrawal": lambda counts: Rate(counts.withdrawals, counts.given(mask_of(OPTIONAL))),
    **{f"withdrawal_{category}": _withdrawal(category) for category in OPTIONAL},
}
"""One row a rate: what is divided by what. Answers are first decisions; withdrawals are held against the first and
renewed decisions of the same days that allow what was taken back: so many of a hundred consents are withdrawn, whenever
they were given."""
