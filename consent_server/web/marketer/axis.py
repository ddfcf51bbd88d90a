"""What the charts of a page have along their axis: points of time, the days that are named, what happened on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from ...rates.counts import Counts
from ...rates.happened.marks import Mark


@dataclass(frozen=True)
class Bin:
    """A day of a line, or several days together where the line is long."""

    first: date
    last: date
    counts: Counts


def axis_of(points: Sequence[Bin], x: Callable[[int], float]) -> list[tuple[float, str, Bin]]:
    """Return the points that an axis names: first, middle, last, each with its anchor."""
    n = len(points)
    if n < 3:
        return [(x(i), "middle", it) for i, it in enumerate(points)]
    return [(x(0), "start", points[0]), (x(n // 2), "middle", points[n // 2]), (x(n - 1), "end", points[-1])]


def flags_on(
    points: Sequence[Bin], happened: Sequence[tuple[int, Mark]], x: Callable[[int], float]
) -> list[tuple[float, int]]:
    """Return how far right each thing that happened begins, or the chart if it began before; of one place the first."""
    return [(at, numbers[0]) for at, numbers in _placed(points, happened, x).items()]


def flagged(
    points: Sequence[Bin], happened: Sequence[tuple[int, Mark]], x: Callable[[int], float]
) -> list[tuple[float, str]]:
    """Return the same with what is written there: of several in one place 1–3, or 1+ where others lie between."""
    return [(at, _written(numbers)) for at, numbers in _placed(points, happened, x).items()]


def _written(numbers: Sequence[int]) -> str:
    first, last = numbers[0], numbers[-1]
    if first == last:
        return f"{first}"
    return f"{first}–{last}" if last - first == len(numbers) - 1 else f"{first}+"


def _placed(
    points: Sequence[Bin], happened: Sequence[tuple[int, Mark]], x: Callable[[int], float]
) -> dict[float, list[int]]:
    found: dict[float, list[int]] = {}
    for number, mark in happened:
        for i, it in enumerate(points):
            if it.first <= mark.last and mark.first <= it.last:
                found.setdefault(x(i), []).append(number)
                break
    return found
