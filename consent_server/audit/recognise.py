"""Which service of the catalogue something belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ..banner.lists import tracker_patterns
from ..catalogue import services
from ..site import glob
from .hosts import registrable, without_port
from .observed import Sighting

LETTERS_TO_TELL = 3
"""A shorter name is told by its service's hosts alone: half the world has a cookie ``i``."""


class Recogniser:
    """Knows services by the addresses and names in the catalogue.

    Args:
        named: services that the site says it uses; of several that share something these come first.
        sightings: everything that was seen: a service whose address was asked comes before one that has but a name.
    """

    def __init__(self, named: Sequence[str], sightings: Iterable[Sighting]) -> None:
        self._order = {
            id_: place for place, id_ in enumerate([*named, *(id_ for id_ in services() if id_ not in named)])
        }
        self._addresses = {id_: (_matcher(it.patterns), _matcher(it.hosts)) for id_, it in services().items()}
        self._names = {
            id_: [(each.kind, re.compile(glob(each.name)), each.host) for each in it.entries]
            for id_, it in services().items()
        }
        self._there = {*named}
        self._there |= {found for seen in sightings if seen.kind == "request" and (found := self.service_of(seen))}

    def service_of(self, seen: Sighting) -> str | None:
        """Return the id of the service, or None: unknown stays unknown."""
        if seen.kind == "request":
            return self._by_address(seen)
        return self._by_name(seen)

    def _by_address(self, seen: Sighting) -> str | None:
        target = without_port(seen.host) + "/" + seen.name.partition("://")[2].partition("/")[2]
        for which in (0, 1):  # what must wait is told apart by its path, what may be asked by its host alone
            for id_ in self._order:
                if self._addresses[id_][which].match(target):
                    return id_
        return None

    def _by_name(self, seen: Sighting) -> str | None:
        found = [id_ for id_ in self._order if self._has(id_, seen)]
        there = [id_ for id_ in found if id_ in self._there or self._addresses[id_][1].match(f"{seen.host}/")]
        if there or len(seen.name) < LETTERS_TO_TELL:
            return there[0] if there else None
        return found[0] if found else None

    def _has(self, id_: str, seen: Sighting) -> bool:
        """Return whether a service has an entry of that kind and name, and there: some lie on a vendor's own host."""
        is_its = bool(self._addresses[id_][1].match(f"{seen.host}/"))
        return any(
            kind == seen.kind
            and pattern.fullmatch(seen.name)
            and (is_its or not host or registrable(host) == registrable(seen.host))
            for kind, pattern, host in self._names[id_]
        )


def _matcher(patterns: Sequence[str]) -> re.Pattern[str]:
    sources = [each["match"] for each in tracker_patterns((pattern, "any") for pattern in patterns)]
    return re.compile("|".join(sources) or r"(?!)")
