"""Parts of the shoppers: which of them are behind the others, and how much it would bring if they were not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .compare import GOALS, Verdict, about, change
from .counts import LINES, Counts, Rate
from .together import BEHIND, holm

SEGMENTS = ("language", "variant", "device", "country")
"""The dimensions in which one part of the shoppers can do worse than the others."""

NOTABLE = 0.02
"""A part of the shoppers is called behind only when it is at least two points below the others."""

MODEL = 0.05
"""What share of all a part must be to be named as the one to be like."""

MONTH = 30
"""Days in which the size of an advice is told."""


@dataclass(frozen=True, slots=True)
class Part:
    """The shoppers of one language, variant, device or country. ``worse`` holds the rates clearly below the others'."""

    by: str
    value: str
    counts: Counts
    worse: Mapping[str, Rate]


@dataclass(frozen=True, slots=True)
class Advice:
    """What it would bring a month if a part did as well as another one of the same dimension.

    ``rate`` is one of GOALS, ``more`` so many answers or consents; without a ``model`` all others together are meant.
    A winning variant is advice too, to give it all the displays: then ``value`` is the one that loses.
    """

    by: str
    value: str
    model: str | None
    rate: str
    here: Rate
    there: Rate
    more: int


def parts_of(segments: Mapping[str, Mapping[str, Counts]], goal: str) -> dict[str, list[Part]]:
    """Return the parts of the shoppers by each dimension, the largest first; each compared with all others together.

    All comparisons of a view are held to one chance of error (``together.BEHIND``). Variants are not compared so: they
    have verdicts, which stay honest when looked at daily, and this comparison does not.

    Args:
        segments: counts by dimension and value.
        goal: one of GOALS, which is compared too.
    """
    names = dict.fromkeys((*LINES, goal))
    pairs: dict[tuple[str, str, str], tuple[Rate, Rate]] = {}
    for by, rows in segments.items():
        total = Counts.total(rows.values())
        if by != "variant":
            for value, counts in rows.items():
                others = total - counts
                pairs |= {(by, value, name): (counts.rate(name), others.rate(name)) for name in names}
    behind = {
        key
        for key, move in holm(pairs, BEHIND, sides=1).items()
        if move and move.high < 0 and move.difference <= -NOTABLE
    }
    return {
        by: [
            Part(by, value, counts, {name: pairs[by, value, name][1] for name in names if (by, value, name) in behind})
            for value, counts in sorted(rows.items(), key=lambda item: (-item[1].shown, item[0]))
        ]
        for by, rows in segments.items()
    }


def advice(parts: Mapping[str, Sequence[Part]], goal: str, days: int) -> list[Advice]:
    """Return what would bring most, the largest first: parts that are clearly behind, in answers and in the goal.

    Args:
        parts: as ``parts_of`` returns them.
        goal: one of GOALS.
        days: how many days were counted; the size is told for a month.
    """
    found = []
    for each in parts.values():
        shown = sum(part.counts.shown for part in each)
        for part in each:
            for name in dict.fromkeys((GOALS[0], goal)):
                if name in part.worse:
                    here = part.counts.rate(name)
                    model = _model(part, each, name, shown)
                    there = model.counts.rate(name) if model else part.worse[name]
                    more = ((there.value or 0) - (here.value or 0)) * here.denominator * MONTH / days
                    if more >= 1:
                        found.append(
                            Advice(part.by, part.value, model.value if model else None, name, here, there, about(more))
                        )
    return sorted(found, key=lambda it: -it.more)


def _model(part: Part, others: Sequence[Part], name: str, shown: int) -> Part | None:
    """Return the best of the parts that are large enough and clearly ahead of this one, if any."""
    here = part.counts.rate(name)
    ahead = [
        other
        for other in others
        if other is not part
        and other.value
        and other.counts.shown >= MODEL * shown
        and (move := change(here, other.counts.rate(name)))
        and move.high < 0
    ]
    return max(ahead, key=lambda other: other.counts.rate(name).value or 0, default=None)


def decided(
    verdicts: Sequence[Verdict], experiment: Mapping[str, Counts], rows: Mapping[str, Counts], days: int
) -> list[Advice]:
    """Return as advice what it would bring to show the winning variant to everybody.

    Args:
        verdicts: of the variants.
        experiment: the counts by variant that they are of.
        rows: counts of the period by variant.
        days: how many days were counted.
    """
    found = []
    for verdict in verdicts:
        if verdict.kind in ("better", "worse") and verdict.difference is not None:
            winner, loser = (verdict.b, verdict.a) if verdict.kind == "better" else (verdict.a, verdict.b)
            here, there = (experiment[name].rate(verdict.goal) for name in (loser, winner))
            more = abs(verdict.difference) * rows.get(loser, Counts()).shown * MONTH / days
            if more >= 1:
                found.append(Advice("variant", loser, winner, verdict.goal, here, there, about(more)))
    return sorted(found, key=lambda it: -it.more)
