"""Parts of the shoppers: which of them are behind the others, and how much it would bring if they were not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ...store import PARTS
from ..compare import GOALS, about, change, verdicts
from ..counts import LINES, Counts, Rate
from ..experiment import Experiment
from ..filters import SEGMENTS
from ..multiple import BEHIND, holm
from ..overview import Overview
from .alike import Alike, Cell, alike, by_value, less, summed

NOTABLE = 0.02
"""A part of the shoppers is called behind only when it is at least two points below the others."""

MODEL = 0.05
"""What share of all a part must be to be named as the one to be like."""

MONTH = 30
"""Days in which the size of an advice is told."""


@dataclass(frozen=True, slots=True)
class Part:
    """The shoppers of one language, variant, device or country.

    ``worse`` has what the others' rate is, where that of the part is clearly below: of others who are alike in all that
    is counted together with this dimension, by the ``cells`` of these. ``compared`` are the rates of which there was
    enough of both.
    """

    by: str
    value: str
    counts: Counts
    worse: Mapping[str, Rate]
    cells: Mapping[Cell, Counts] = field(default_factory=dict)
    compared: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Advice:
    """What it would bring a month if a part did as well as another one of the same dimension.

    ``rate`` is one of GOALS, ``more`` so many answers or consents; without a ``model`` all others together are meant.
    A winning variant is advice too, to give it all the displays: then ``value`` are those that lose, and ``rivals``
    those that win too and are not told apart from the ``model``.
    """

    by: str
    value: str
    model: str | None
    rate: str
    here: Rate
    there: Rate
    more: int
    rivals: tuple[str, ...] = ()


def parts_of(
    segments: Mapping[str, Mapping[str, Counts]],
    goal: str,
    is_contest: bool = True,
    cells: Mapping[Cell, Counts] | None = None,
) -> dict[str, list[Part]]:
    """Return the parts of the shoppers by each dimension, the largest first; each compared with all others together.

    What is counted together is compared like with like (``alike``): a device within each language and variant. All
    comparisons of a view are held to one chance of error (``multiple.BEHIND``). Variants are not compared so: they
    have verdicts, which stay honest when looked at daily, and this comparison does not.

    Args:
        segments: counts by dimension and value.
        goal: one of GOALS, which is compared too.
        is_contest: whether all were asked the same; if not, no part is called behind.
        cells: counts by the values of PARTS; without any, as on days of older versions, each dimension stands alone.
    """
    names = dict.fromkeys((*LINES, goal))
    crossed = {by: by_value(cells, PARTS.index(by)) if cells and by in PARTS else {} for by in segments}
    of: dict[tuple[str, str], Mapping[Cell, Counts]] = {
        (by, value): crossed[by].get(value, {}) if crossed[by] else {(): counts}
        for by, rows in segments.items()
        for value, counts in rows.items()
    }
    found: dict[tuple[str, str, str], Alike] = {}
    for by, rows in segments.items():
        total = summed([of[by, value] for value in rows])
        if by != "variant" and is_contest:
            for value in rows:
                others = less(total, of[by, value])
                found |= {(by, value, name): alike(of[by, value], others, name) for name in names}
    moves = holm({key: (each.here, each.there) for key, each in found.items()}, BEHIND, sides=1)
    behind = {key for key, move in moves.items() if move and move.high < 0 and -found[key].gap <= -NOTABLE}
    return {
        by: [
            Part(
                by,
                value,
                counts,
                {name: _there(counts, found[key], name) for name in names if (key := (by, value, name)) in behind},
                of[by, value],
                frozenset(name for name in names if moves.get((by, value, name))),
            )
            for value, counts in sorted(rows.items(), key=lambda item: (-item[1].shown, item[0]))
        ]
        for by, rows in segments.items()
    }


def _there(counts: Counts, found: Alike, name: str) -> Rate:
    """Return the rate of others if they were like these in all but the dimension that tells them apart."""
    cases, here = found.there.denominator, counts.rate(name).value or 0
    return Rate(round(min(1.0, max(0.0, here + found.gap)) * cases), cases)


def advice(parts: Mapping[str, Sequence[Part]], goal: str, days_of: Callable[[str, str], float]) -> list[Advice]:
    """Return what would bring most, the largest first: parts that are clearly behind, in answers and in the goal.

    What one brings is no further gain where it is of shoppers of another one too: the sizes do not add up.

    Args:
        parts: as ``parts_of`` returns them.
        goal: one of GOALS.
        days_of: says on how many days a value of a dimension was counted; the size is told for a month.

    What a part is not known by is nobody who could be made to answer otherwise: it is no advice, though it is marked.
    """
    found = []
    for each in parts.values():
        shown = sum(part.counts.shown for part in each)
        total = summed([part.cells for part in each])
        for part in filter(lambda part: part.value, each):
            for name in dict.fromkeys((GOALS[0], goal)):
                if name in part.worse:
                    here = part.counts.rate(name)
                    model, held = _model(part, each, name, shown)
                    held = held or alike(part.cells, less(total, part.cells), name)
                    more = held.gap * held.covered * here.denominator * MONTH / days_of(part.by, part.value)
                    if more >= 1:
                        there = _there(part.counts, held, name)
                        found.append(Advice(part.by, part.value, model, name, here, there, about(more)))
    return sorted(found, key=lambda it: -it.more)


def silence(parts: Mapping[str, Sequence[Part]], goal: str) -> str:
    """Return why there is no advice.

    Returns:
        ``unknown`` where nothing could be compared yet, ``alone`` where no dimension has two parts, ``elsewhere`` where
        a part is marked and not advised, ``none`` where no part is behind.
    """
    each = [part for found in parts.values() for part in found]
    if any(part.worse for part in each):
        return "elsewhere"
    is_small = each and all(part.counts.rate(GOALS[0]).too_few for part in each)
    if not is_small and all(len(found) < 2 for by, found in parts.items() if by != "variant"):
        return "alone"
    return "none" if any({GOALS[0], goal} & part.compared for part in each) else "unknown"


def _model(part: Part, others: Sequence[Part], name: str, shown: int) -> tuple[str | None, Alike | None]:
    """Return the part to be like that brings most, of those large enough and clearly ahead, if any, and how far."""
    ahead = {
        other.value: held
        for other in others
        if other is not part and other.value and other.counts.shown >= MODEL * shown
        if (held := alike(part.cells, other.cells, name)).gap > 0
        if (move := change(held.here, held.there)) and move.high < 0
    }
    best = max(ahead, key=lambda value: ahead[value].gap * ahead[value].covered, default=None)
    return best, None if best is None else ahead[best]


def decided(experiment: Experiment | None, goal: str, shown: int, days: float) -> list[Advice]:
    """Return as advice what it would bring to show everybody the best of the variants; it is one, however many lose.

    What it would bring is counted of those alone that it is clearly better than.

    Args:
        experiment: the variants; of one that is over there is nothing left to do.
        goal: one of GOALS.
        shown: banners of the period.
        days: how many days were counted.
    """
    if not experiment or not experiment.trial.is_running:
        return []
    rates = {name: counts.rate(goal) for name, counts in experiment.counts.items()}
    kinds = {verdict.b: verdict.kind for verdict in experiment.verdicts(goal)}
    ahead = [name for name, kind in kinds.items() if kind == "better"]
    first = experiment.trial.names[0]
    winner = max(ahead, key=lambda name: rates[name].value or 0, default=first)
    losers = [*([first] if ahead else []), *(name for name, kind in kinds.items() if kind == "worse")]
    # Shares are as they are until the experiment ends: so much of the visits of any period is a loser's.
    all_shown = sum(counts.shown for counts in experiment.counts.values())
    gaps = (((rates[winner].value or 0) - (rates[name].value or 0)) * rates[name].denominator for name in losers)
    more = sum(gaps) * shown / all_shown * MONTH / days if losers else 0
    if more < 1:
        return []
    here = Rate(sum(rates[name].numerator for name in losers), sum(rates[name].denominator for name in losers))
    best = {winner: experiment.counts[winner], **experiment.counts}  # the first, so that it is compared with the others
    apart = {verdict.b for verdict in verdicts(best, goal) if verdict.kind == "worse"}
    rivals = tuple(name for name in ahead if name != winner and name not in apart)
    return [Advice("variant", ", ".join(losers), winner, goal, here, rates[winner], about(more), rivals)]


def segments_of(found: Overview, goal: str) -> dict[str, list[Part]]:
    """Return the parts of the shoppers, by dimension, and where they are worse than the others."""
    segments = {by: found.rows[by] for by in SEGMENTS if by in found.rows}
    return parts_of(segments, goal, not found.is_mixed, found.cells)


def advice_of(found: Overview, goal: str) -> list[Advice]:
    """Return what would bring how much towards a goal, the largest first."""
    won = decided(found.experiment, goal, found.total.shown, found.days_like_whole)
    return sorted([*won, *advice(segments_of(found, goal), goal, found.days_of)], key=lambda one: -one.more)
