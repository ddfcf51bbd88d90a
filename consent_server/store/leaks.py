"""What was seen in shoppers' browsers that is not allowed: names, by day and state; no day takes more than so much."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from typing import cast

from ..site import Site
from .connection import Connection
from .keys import single

MOST = 500
"""Names and states in a day of a site: anybody can make up one. A name has up to 64 characters."""

OFTEN = 20
"""Sightings in a day from which on a name is not pushed out by others, if it is among the SAFE that were seen most."""

SAFE = 400
"""Names that keep their room; the rest of it stays open to what is new, whoever has filled it."""

DAYS = 90
"""For how long a day is kept."""

Seen = tuple[str, str, str]
"""State, kind and name. None of them has a space in it."""


class Leaks:
    """Counts sightings, and reads what was counted."""

    days = DAYS

    def __init__(self, connection: Connection) -> None:
        self._redis = connection.client
        self._reached = connection.reached
        self._count = connection.script("leaks", repeatable=False)

    def add(self, site: Site, day: date, seen: Iterable[Seen]) -> None:
        """Count each of ``seen`` once on a UTC day."""
        if members := [" ".join(each) for each in seen]:
            draw = random.getrandbits(31)  # nosec B311
            self._count(keys=[single.leaks(site, day)], args=[MOST, OFTEN, SAFE, DAYS * 86400, draw, *members])

    def counts(self, site: Site, today: date) -> dict[date, dict[Seen, int]]:
        """Return how often what was seen, by day, the oldest first, as far as days are kept."""
        days = [today - timedelta(ago) for ago in range(DAYS - 1, -1, -1)]
        with self._reached():
            calls = self._redis.pipeline(transaction=False)
            for day in days:
                calls.zrange(single.leaks(site, day), 0, -1, withscores=True)
            found = cast(list[list[tuple[bytes, float]]], calls.execute())
        counted = {day: dict(_seen(each)) for day, each in zip(days, found, strict=True)}
        return {day: counts for day, counts in counted.items() if counts}


def _seen(found: Iterable[tuple[bytes, float]]) -> Iterator[tuple[Seen, int]]:
    """Yield what was seen and how often, without what somebody else wrote there."""
    for member, score in found:
        with suppress(ValueError, OverflowError):
            state, kind, name = (text := member.decode()).split(" ")
            if text.isprintable():
                yield (state, kind, name), int(score)
