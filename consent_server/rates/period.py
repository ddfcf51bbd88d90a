"""Periods and dimensions as people ask for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from ..decision import DIMENSIONS
from ..site import ConsentError

LONGEST = 5 * 365 + 2
"""The longest period that is answered, in days: five years, two of them leap years."""


class BadQuestion(ConsentError):
    """A period, a dimension or a goal that there is no answer to.

    ``kind`` says what is wrong, for who has words of their own: day, order, future, length, dimension, goal, against,
    filters, part, parameter, target or unasked.
    """

    problem = "bad-question"

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days from ``first`` to ``last``, both included."""

    first: date
    last: date

    @classmethod
    def parse(cls, first: str | None, last: str | None, today: date, names: tuple[str, str] = ("from", "to")) -> Period:
        """Read a period as people write it.

        Args:
            first: the first day, ``YYYY-MM-DD``; without it, the period has 30 days.
            last: the last day, ``YYYY-MM-DD``; without it, today.
            today: the day by the server's clock, where the site is.
            names: what the first and the last day are asked for by.

        Raises:
            BadQuestion: not a day, in the wrong order, in the future, or longer than five years.
        """
        end = read_day(last, names[1]) if last else today
        start = read_day(first, names[0]) if first else end - timedelta(days=29)
        if start > end:
            raise BadQuestion("order", f"`{names[0]}` ({start}) is after `{names[1]}` ({end}).")
        if end > today:
            raise BadQuestion("future", f"`{names[1]}` ({end}) is in the future; today is {today}.")
        if (end - start).days >= LONGEST:
            raise BadQuestion("length", f"From {start} to {end} is over five years; ask for less at a time.")
        return cls(start, end)

    @property
    def days(self) -> int:
        """Its length."""
        return (self.last - self.first).days + 1

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=n) for n in range(self.days))

    @property
    def before(self) -> Period:
        """The period of the same length right before it."""
        return Period(self.first - timedelta(days=self.days), self.first - timedelta(days=1))


AGAINST = ("before", "year")
"""What a period is compared with, but for days of somebody's own: as many days right before it, or a year earlier."""


def compared(
    period: Period, today: date, kind: str | None, first: str | None = None, last: str | None = None
) -> Period:
    """Return the period that another one is compared with.

    Args:
        period: the one that is looked at.
        today: the day by the server's clock, where the site is.
        kind: one of AGAINST, ``before`` if left out; days of one's own come first.
        first: the first day, ``YYYY-MM-DD``.
        last: the last day; both or neither.

    Raises:
        BadQuestion: none of that, or no period.
    """
    if first or last:
        if not (first and last):
            raise BadQuestion("against", "`against_from` and `against_to` go together: give both, or neither.")
        return Period.parse(first, last, today, names=("against_from", "against_to"))
    if kind == "year":
        return Period(_a_year_before(period.first), _a_year_before(period.last))
    if kind and kind not in AGAINST:
        raise BadQuestion("against", f"`against` must be one of {', '.join(AGAINST)}, not {kind[:40]!r}.")
    return period.before


def _a_year_before(day: date) -> date:
    leap_day = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year - 1, day=28 if leap_day else day.day)


def read_day(text: str, name: str) -> date:
    """Return a day that somebody wrote, in the one way that there is.

    Raises:
        BadQuestion: it is none; ``name`` is what was asked for by it.
    """
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
