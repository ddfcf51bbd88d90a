"""What was seen, kept within bounds: a page may ask for things without end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..observed import Sighting

MOST = 100_000
"""Sightings of a state that are kept, some 50 MB."""

MOST_OF_ONE = 100
"""Sightings of one thing on one page, the newest, once there are many."""


@dataclass
class Kept:
    """Sightings in their order. ``flooded``: there was more than is kept."""

    sightings: list[Sighting] = field(default_factory=list)
    flooded: bool = False
    _room: int = 10_000

    def add(self, seen: Sighting) -> None:
        """Keep a sighting; of what goes on and on older ones give way, and of too many things the newest."""
        if len(self.sightings) >= min(self._room, MOST) and not self.flooded:
            self.sightings = newest(self.sightings, MOST_OF_ONE)
            self._room = 2 * len(self.sightings) + MOST_OF_ONE
            self.flooded = len(self.sightings) > 0.9 * MOST
        if len(self.sightings) < MOST:
            self.sightings.append(seen)


@dataclass
class Values:
    """What the shop's cookies and storage hold, by name, to know a shopper's number again."""

    cookies: dict[str, str] = field(default_factory=dict)
    stored: dict[str, str] = field(default_factory=dict)
    in_session: dict[str, str] = field(default_factory=dict)
    by_script: set[str] = field(default_factory=set)
    by_answer: set[str] = field(default_factory=set)
    """Names of cookies that a script, and that an answer of the shop, set."""


def newest(sightings: Sequence[Sighting], most: int) -> list[Sighting]:
    """Return of each thing on a page the last ``most``, in their order."""
    left: Counter[tuple[str, ...]] = Counter()
    kept = []
    for seen in reversed(sightings):
        key = (seen.kind, seen.name, seen.host, seen.page)
        left[key] += 1
        if left[key] <= most:
            kept.append(seen)
    return kept[::-1]
