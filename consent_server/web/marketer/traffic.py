"""How many visits there were: the chart beside the rates, on a scale of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...rates.happened.marks import Mark
from .axis import Axis, Bin
from .chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Line


@dataclass(frozen=True)
class Traffic(Axis):
    """How many visits a day had the banner: a bar a day, or the mean of the days of a longer point."""

    bins: Sequence[Bin]
    happened: Sequence[tuple[int, Mark]]

    @property
    def points(self) -> list[tuple[Bin, float]]:
        """Each point of time with its visits a day."""
        return [(it, it.counts.shown / ((it.last - it.first).days + 1)) for it in self.bins]

    @property
    def top(self) -> float:
        """The upper end of the scale: 1, 2 or 5 of a power of ten, so that all bars fit."""
        most = max((each for _, each in self.points), default=0.0)
        size: float = 10 ** max(0, len(str(int(most))) - 1)
        return next(size * step for step in (1, 2, 3, 5, 10) if size * step >= most)

    @property
    def bars(self) -> list[tuple[float, float, float, float]]:
        """Each bar: how far right and down it starts, how wide and how high it is."""
        wide = (WIDTH - LEFT - RIGHT) / max(len(self.bins), 1)
        high = HEIGHT - TOP - BOTTOM
        return [
            (
                round(LEFT + wide * (i + 0.1), 1),
                round(TOP + high * (1 - share), 1),
                round(wide * 0.8, 1),
                round(high * share, 1),
            )
            for i, share in enumerate(each / self.top for _, each in self.points)
        ]

    def x(self, i: int) -> float:
        """Return how far right the middle of the i-th bar is."""
        return round(LEFT + (WIDTH - LEFT - RIGHT) / max(len(self.bins), 1) * (i + 0.5), 1)

    @property
    def ticks(self) -> list[tuple[float, float]]:
        """The numbers that the scale names, and how far down each is."""
        return [(self.top * share, round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - share), 1)) for share in (0, 0.5, 1)]


def traffic(found: Sequence[Line]) -> Traffic:
    """Return the visits of the same points of time as these lines."""
    return Traffic(found[0].bins, found[0].happened)
