"""Several rates compared at once, and how rarely anything is called better or worse that is not.

Source of the method: Holm, S. (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of
Statistics 6, 65-70. Each comparison is Newcombe's (``compare.change``); how sure one is, is the widest interval of it
that still leaves out zero.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from statistics import NormalDist
from typing import TypeVar

from .compare import Change, change
from .counts import LINES, Counts, Rate

MOVED = 0.025
"""How often a view of a shop in which nothing changed says that a rate moved from the period before."""

BEHIND = 0.025
"""How often a view of a shop whose shoppers are all alike says that a part of them is behind the others.

Together with MOVED one view in twenty.
"""

_SUREST = 38.0
"""Standard errors beyond which nothing is told apart: a double knows of no smaller chance."""

Key = TypeVar("Key", bound=Hashable)


def holm(pairs: Mapping[Key, tuple[Rate, Rate]], error: float, sides: int = 2) -> dict[Key, Change | None]:
    """Compare each pair, so that in one view of 1 / ``error`` without any difference something is called clear.

    The surest comparison is held to ``error`` shared among all of them, the next one to ``error`` shared among the
    others, and so on until one fails; those that are less sure fail with it. The interval of each is the one that it
    was held to, so that it is clear when, and only when, the interval leaves out zero.

    Args:
        pairs: which rate is compared with which other one.
        error: the chance of any clear change where there is none, from 0 to 1.
        sides: 1 where only a change to below is called anything: then the other side is not paid for.

    Returns:
        The change of each pair, the second rate of which is where it started; None where there is too little.
    """
    found = {key: change(*pair) for key, pair in pairs.items()}
    known = [key for key, move in found.items() if move]
    # Only what would be clear by itself, without the others, can be clear among them.
    alone = NormalDist().inv_cdf(1 - error / sides)
    candidates = {key: _sureness(*pairs[key]) for key in known if _is_clear(*pairs[key], alone)}
    left, held_to = len(known), {}
    for key in sorted(candidates, key=lambda key: -candidates[key]):
        z = NormalDist().inv_cdf(1 - error / left / sides)
        if candidates[key] < z:
            break
        held_to[key] = z
        left -= 1
    last = NormalDist().inv_cdf(1 - error / left / sides) if left else 0.0
    return {key: move and change(*pairs[key], held_to.get(key, last)) for key, move in found.items()}


def _is_clear(now: Rate, before: Rate, z: float) -> bool:
    move = change(now, before, z)
    return move is not None and move.clear


def _sureness(now: Rate, before: Rate) -> float:
    """Return how many standard errors wide the interval of a change may be and still leave out zero."""
    low, high = 0.0, _SUREST
    for _ in range(36):
        middle = (low + high) / 2
        low, high = (middle, high) if _is_clear(now, before, middle) else (low, middle)
    return low


def direction(moves: Mapping[str, Change | None]) -> str:
    """Return in one word whether things get better: up, down, mixed, flat, or unknown where nothing can be compared."""
    if not any(moves.values()):
        return "unknown"
    clear = [move.difference > 0 for move in moves.values() if move and move.clear]
    if not clear:
        return "flat"
    return "up" if all(clear) else "mixed" if any(clear) else "down"


def moves(now: Counts, before: Counts) -> dict[str, Change | None]:
    """Return how far each of LINES moved, all held to one chance of error (MOVED)."""
    return holm({name: (now.rate(name), before.rate(name)) for name in LINES}, MOVED)
