"""What the charts of a page have along their axis: points of time, the days that are named, what happened on them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
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


class Axis(ABC):
    """A chart over time, as far as all of them are alike; each says how far right its points are."""

    bins: Sequence[Bin]
    happened: Sequence[tuple[int, Mark]]

    @abstractmethod
    def x(self, i: int) -> float:
        """Return how far right the i-th point is."""

    @property
    def marks(self) -> list[tuple[float, str, Bin]]:
        """The points that the axis names: first, middle, last, each with its anchor."""
        n = len(self.bins)
        if n < 3:
            return [(self.x(i), "middle", it) for i, it in enumerate(self.bins)]
        named = ((0, "start"), (n // 2, "middle"), (n - 1, "end"))
        return [(self.x(i), anchor, self.bins[i]) for i, anchor in named]

    @property
    def flags(self) -> list[tuple[float, int]]:
        """How far right each thing that happened begins, or the chart if it began before; of one place the first."""
        return [(at, numbers[0]) for at, numbers in self._placed().items()]

    @property
    def flagged(self) -> list[tuple[float, str]]:
        """The same with what is written there: of several in one place 1–3, or 1+ where others lie between."""
        return [(at, _written(numbers)) for at, numbers in self._placed().items()]

    def _placed(self) -> dict[float, list[int]]:
        found: dict[float, list[int]] = {}
        for number, mark in self.happened:
            for i, it in enumerate(self.bins):
                if it.first <= mark.last and mark.first <= it.last:
                    found.setdefault(self.x(i), []).append(number)
                    break
        return found


def _written(numbers: Sequence[int]) -> str:
    first, last = numbers[0], numbers[-1]
    if first == last:
        return f"{first}"
    return f"{first}–{last}" if last - first == len(numbers) - 1 else f"{first}+"
