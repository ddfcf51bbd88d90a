"""Several rates compared at once, and how rarely anything is called better or worse that is not.

Source of the method: Holm, S. (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of
Statistics 6, 65-70. Each comparison is Newcombe's (``compare.change``); how sure one is, is the widest interval of it
that still leaves out zero.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from statistics import NormalDist
from typing import TypeVar

from ..compare import Change, change
from ..counts import LINES, Counts, Rate
from .spread import CHANCE, Spread

MOVED = 0.025
"""How often a view of a shop in which nothing changed says that a rate moved from the period before."""

BEHIND = 0.025
"""How often a view of a shop whose shoppers are all alike says that a part of them is behind the others.

Together with MOVED one view in twenty.
"""

_SUREST = 38.0
"""Standard errors beyond which nothing is told apart: a double knows of no smaller chance."""

Key = TypeVar("Key", bound=Hashable)


def holm(
    pairs: Mapping[Key, tuple[Rate, Rate]], error: float, sides: int = 2, spread: Mapping[Key, Spread] | None = None
) -> dict[Key, Change | None]:
    """Compare each pair, so that in one view of 1 / ``error`` without any difference something is called clear.

    The surest comparison is held to ``error`` shared among all of them, the next one to ``error`` shared among the
    others, and so on until one fails; those that are less sure fail with it. The interval of each is the one that it
    was held to, so that it is clear when, and only when, the interval leaves out zero.

    Args:
        pairs: which rate is compared with which other one.
        error: the chance of any clear change where there is none, from 0 to 1.
        sides: 1 where only a change to below is called anything: then the other side is not paid for.
        spread: how much more than by chance the rates of a pair vary; chance alone where nothing is said.

    Returns:
        The change of each pair, the second rate of which is where it started; None where there is too little.
    """
    found = {key: change(*pair) for key, pair in pairs.items()}
    wide = {key: (spread or {}).get(key, CHANCE).wide for key in pairs}
    known = [key for key, move in found.items() if move]
    # Only what would be clear by itself, without the others, can be clear among them.
    alone = NormalDist().inv_cdf(1 - error / sides)
    candidates = {key: _sureness(*pairs[key], wide[key]) for key in known if _is_clear(*pairs[key], wide[key](alone))}
    left, held_to = len(known), {}
    for key in sorted(candidates, key=lambda key: -candidates[key]):
        z = NormalDist().inv_cdf(1 - error / left / sides)
        if candidates[key] < z:
            break
        held_to[key] = z
        left -= 1
    last = NormalDist().inv_cdf(1 - error / left / sides) if left else 0.0
    return {key: move and change(*pairs[key], wide[key](held_to.get(key, last))) for key, move in found.items()}


def _is_clear(now: Rate, before: Rate, z: float) -> bool:
    move = change(now, before, z)
    return move is not None and move.clear


def _sureness(now: Rate, before: Rate, wide: Callable[[float], float]) -> float:
    """Return how sure a change is: so many standard errors wide may its interval be and still leave out zero."""
    low, high = 0.0, _SUREST
    for _ in range(36):
        middle = (low + high) / 2
        low, high = (middle, high) if _is_clear(now, before, wide(middle)) else (low, middle)
    return low


def direction(moves: Mapping[str, Change | None], goal: str | None = None) -> str:
    """Return in one word whether things get better: up, down, mixed, flat, or unknown where nothing can be compared.

    Where nothing is clear of the ``goal``, what else rose is a part of it alone.
    """
    if not any(moves.values()):
        return "unknown"
    clear = [move.difference > 0 for move in moves.values() if move and move.clear]
    if not clear:
        return "flat"
    aimed = moves.get(goal) if goal else None
    if all(clear) and (aimed is None or aimed.clear):
        return "up"
    return "mixed" if any(clear) else "down"


def told(moves: Mapping[str, Change | None], goal: str) -> list[str]:
    """Return the rates that say whether things get better: those whose move is clear, and the goal before all."""
    clear = [name for name, move in moves.items() if move and move.clear]
    return [name for name in dict.fromkeys((goal, *clear)) if clear and moves.get(name)]


def followed(goal: str | None) -> tuple[str, ...]:
    """Return the rates that say whether things get better: the goal first, if there is one, then LINES."""
    return (*dict.fromkeys((goal or LINES[0], *LINES)),)


def moves(
    now: Counts,
    before: Counts,
    goal: str | None = None,
    spread: Mapping[str, Spread] | None = None,
    shops: int = 1,
) -> dict[str, Change | None]:
    """Return how far the goal and each of LINES moved, all held to one chance of error (MOVED).

    ``spread``: how much more than by chance the days vary, by rate. ``shops``: how many are looked at at once, which
    share that chance.
    """
    pairs = {name: (now.rate(name), before.rate(name)) for name in followed(goal)}
    return holm(pairs, MOVED / shops, spread=spread)
