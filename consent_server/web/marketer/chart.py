"""What the rates page says: from counts to lines, a funnel and tables.

Pure: the view brings the counts, the templates only lay out what is here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from ...decision import HOW
from ...rates.compare import Change
from ...rates.counts import LINES, Counts, Rate
from ...rates.happened.marks import Mark
from ...rates.multiple import direction, followed, moves, told
from ...rates.multiple.spread import Spread
from ...rates.period import Period
from .axis import Axis, Bin

WIDTH, HEIGHT = 320, 140
LEFT, RIGHT, TOP, BOTTOM = 34, 8, 8, 22
"""The picture of a chart, and the room around what is drawn, in units of the picture."""

_ENOUGH = 3
"""Points of time from which on there is a line to draw; fewer are drawn one by one."""


# Lines


def bins(days: Mapping[str, Counts]) -> list[Bin]:
    """Return days as the points of a line: single days, beyond two months weeks, beyond a year four weeks each."""
    size = 1 if len(days) <= 62 else 7 if len(days) <= 366 else 28
    names = list(days)
    starts = range(len(names) % size - size if len(names) % size else 0, len(names), size)
    found = []
    for start in starts:
        part = names[max(0, start) : start + size]
        found.append(
            Bin(date.fromisoformat(part[0]), date.fromisoformat(part[-1]), Counts.total(days[name] for name in part))
        )
    return found


@dataclass(frozen=True)
class Line(Axis):
    """One rate over time: its number now, how it moved, and where to draw it.

    ``low`` and ``high`` are the ends of the scale, the same for all lines of a page.
    """

    name: str
    rate: Rate
    change: Change | None
    bins: Sequence[Bin]
    low: float
    high: float
    happened: Sequence[tuple[int, Mark]] = ()
    """What happened, and its number in the list of the page."""
    target: float | None = None
    """The share that is aimed at, from 0 to 1."""
    compared: bool = True
    """Whether it is said too where there is no change to tell: the goal is made of rates of which it is."""

    @property
    def points(self) -> list[tuple[Bin, Rate]]:
        """Each point of time with its rate."""
        return [(it, it.counts.rate(self.name)) for it in self.bins]

    @property
    def sparse(self) -> list[tuple[Bin, Rate]]:
        """The points one by one where there are too few for a line, else nothing."""
        known = [(it, rate) for it, rate in self.points if rate.value is not None]
        return known if len(known) < _ENOUGH else []

    def x(self, i: int) -> float:
        """Return how far right the i-th point is."""
        if len(self.bins) < 2:
            return (LEFT + WIDTH - RIGHT) / 2
        return round(LEFT + (WIDTH - LEFT - RIGHT) * i / (len(self.bins) - 1), 1)

    def y(self, share: float) -> float:
        """Return how far down a share is; what lies off the scale is drawn at its end."""
        within = min(max(share, self.low), self.high)
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (self.high - within) / (self.high - self.low), 1)

    @property
    def step(self) -> float:
        """How far it is from one point to the next, in units of the picture: the unit in which paths go right."""
        return round((WIDTH - LEFT - RIGHT) / max(len(self.bins) - 1, 1), 4)

    def _runs(self) -> Iterator[list[tuple[float, Rate]]]:
        """Yield the stretches of points without a gap, each with its number."""
        run: list[tuple[float, Rate]] = []
        for i, (_, rate) in enumerate(self.points):
            if rate.value is not None:
                run.append((i, rate))
            elif run:
                yield run
                run = []
        if run:
            yield run

    @property
    def path(self) -> str:
        """The line itself, as SVG path data from LEFT on in steps; a day without cases is a gap."""
        return "".join(
            drawn([(i, self.y(rate.value or 0)) for i, rate in (run if len(run) > 1 else run * 2)])
            for run in self._runs()
        )

    @property
    def band(self) -> str:
        """The intervals around the line, as SVG path data."""
        shapes = []
        for run in self._runs():
            ends = [(i, *rate.interval) for i, rate in run if rate.interval]
            if len(ends) == 1:  # a day alone has a bar for its band
                [(i, low, high)] = ends
                ends = [(i - 2 / self.step, low, high), (i + 2 / self.step, low, high)]
            if ends:
                there = [(i, self.y(high)) for i, _, high in ends]
                shapes.append(drawn(there + [(i, self.y(low)) for i, low, _ in reversed(ends)]) + "z")
        return "".join(shapes)

    @property
    def last(self) -> tuple[float, float] | None:
        """Where the line ends."""
        known = [(self.x(i), self.y(rate.value)) for i, (_, rate) in enumerate(self.points) if rate.value is not None]
        return known[-1] if known else None

    @property
    def ticks(self) -> list[tuple[float, float]]:
        """The shares that the scale names, and how far down each is."""
        step = 0.1 if self.high - self.low < 0.35 else 0.2 if self.high - self.low < 0.75 else 0.25
        shares = [share / 100 for share in range(0, 101, round(step * 100))]
        return [(share, self.y(share)) for share in shares if self.low - 1e-9 <= share <= self.high + 1e-9]


def drawn(points: Sequence[tuple[float, float]]) -> str:
    """Return SVG path data through points, each told by how far it is from the one before: half the length."""
    places = [(round(x, 3), round(y, 1)) for x, y in points]
    moves = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(places)]
    return "M" + _numbers(*places[0]) + "l" + _numbers(*(number for move in moves for number in move))


def _numbers(*values: float) -> str:
    """Return numbers as SVG takes them, nothing between two that their signs tell apart."""
    texts = [f"{round(value, 3) or 0:g}".replace("0.", ".", 1 if abs(value) < 1 else 0) for value in values]
    return "".join(text if text.startswith("-") or not i else f" {text}" for i, text in enumerate(texts))


def lines(
    days: Mapping[str, Counts],
    before: Counts,
    happened: Sequence[Mark] = (),
    goal: str = LINES[0],
    target: float | None = None,
    is_unlike: bool = False,
    spread: Mapping[str, Spread] | None = None,
) -> list[Line]:
    """Return the goal, the answer rate and the grant rates over time, all on one scale that holds the target too.

    A shop that was not asked anything in the period ``before`` starts with its first day that has something. Where
    the two ``is_unlike``, as several rules by place weigh in them, they are not compared. ``spread``: how much more
    than by chance their days vary, by rate.
    """
    total = Counts.total(days.values())
    if not any(before.row):
        first = next((day for day, counts in days.items() if any(counts.row)), "")
        days = {day: counts for day, counts in days.items() if day >= first}
    points, moved = bins(days), {} if is_unlike else moves(total, before, goal, spread)
    names = followed(goal)
    # The scale holds the intervals too: a band that is cut off would look surer than it is.
    ends = [end for it in points for rate in map(it.counts.rate, names) for end in rate.interval or ()] or [0.0, 1.0]
    ends += [] if target is None else [target]
    low, high = int(min(ends) * 10) / 10, min(1.0, -int(-max(ends) * 10 // 1) / 10)
    if high - low < 0.2:
        low, high = max(0.0, high - 0.2), max(high, 0.2)
    numbered = [*enumerate(happened, 1)]
    return [
        Line(
            name,
            total.rate(name),
            moved.get(name),
            points,
            low,
            high,
            numbered,
            target if name == goal else None,
            compared=name in moved and name in LINES,
        )
        for name in names
    ]


def trend(found: Sequence[Line]) -> tuple[str, list[Line]]:
    """Return whether things get better (``multiple.direction``), and the lines that say so, that of the goal first."""
    moved, goal = {line.name: line.change for line in found}, found[0].name
    names = told(moved, goal)
    return direction(moved, goal), [line for line in found if line.name in names]


# The funnel


@dataclass(frozen=True, slots=True)
class Step:
    """A bar of the funnel: its rate, and where it starts and ends as shares of what was shown."""

    name: str
    rate: Rate
    start: float
    end: float


def funnel(total: Counts, signalled: int = 0) -> list[Step]:
    """Return shown, answered, and how the answers split, as bars that continue each other.

    ``signalled``: how many of the banners were shown to a browser that sends a privacy signal.
    """
    widest = max(total.shown, total.answered, 1)
    steps = [
        Step("shown", Rate(total.shown, total.shown), 0, total.shown / widest),
        *[Step("signalled", Rate(signalled, total.shown), 0, signalled / widest)] * bool(signalled),
        Step("answered", total.rate("answer"), 0, total.answered / widest),
    ]
    at = 0
    for name in ("all", "some", "none"):
        count = total.named()[name]
        steps.append(Step(name, total.rate(name), at / widest, (at + count) / widest))
        at += count
    steps.append(Step("ignored", total.rate("ignored"), at / widest, (at + total.ignored) / widest))
    return steps


# Ways of answering, periods


@dataclass(frozen=True, slots=True)
class Way:
    """A way of answering and its share of all first answers."""

    value: str
    rate: Rate


def ways(rows: Mapping[str, Counts]) -> list[Way]:
    """Return the ways of answering, in the order of the banner."""
    answered = sum(counts.answered for counts in rows.values())
    return [Way(how, Rate(rows[how].answered, answered)) for how in HOW if how in rows and rows[how].answered]


def presets(today: date) -> dict[str, Period]:
    """Return the periods that are asked for most, by name."""
    month = today.replace(day=1)
    last_month = month - timedelta(days=1)
    return {
        "7": Period(today - timedelta(days=6), today),
        "30": Period(today - timedelta(days=29), today),
        "90": Period(today - timedelta(days=89), today),
        "365": Period(today - timedelta(days=364), today),
        "month": Period(month, today),
        "last_month": Period(last_month.replace(day=1), last_month),
    }
