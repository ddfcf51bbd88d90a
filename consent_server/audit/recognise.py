"""Which service of the catalogue something belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ..banner.lists import tracker_patterns
from ..catalogue import services
from ..catalogue.names import is_like, named_so
from .hosts import host_of, is_third_party, registrable, without_port
from .observed import Sighting

LETTERS_TO_TELL = 3
"""A shorter name is told only where its service is there: half the world has a cookie ``i``."""


class Recogniser:
    """Knows services by the addresses and names in the catalogue.

    A service is there if the site names it, if it was asked at an address that has to wait for it, or if an entry of it
    lies with the shop whose name is the service's alone. What is less than that tells none: a host of a company is
    asked by others of its services too, and any shop may have a name that begins as one does.

    Args:
        named: services that the site says it uses; of several that share something these come first.
        sightings: everything that was seen.
    """

    def __init__(self, named: Sequence[str], sightings: Iterable[Sighting]) -> None:
        self._order = [*named, *(id_ for id_ in services() if id_ not in named)]
        self._addresses = {id_: (_matcher(it.patterns), _matcher(it.hosts)) for id_, it in services().items()}
        self._known: dict[tuple[str, str, str], str | None] = {}
        self._there = {*named}
        found = [self._with_pattern(seen) if seen.kind == "request" else self._with_name(seen) for seen in sightings]
        self._there |= {ids[0] for ids in found if len(ids) == 1}
        # Of those that share an address one is there at least: whichever else is known to be, or else the first.
        self._there |= {ids[0] for ids in found if ids and not self._there.intersection(ids)}

    def service_of(self, seen: Sighting) -> str | None:
        """Return the id of the service, or None: unknown stays unknown."""
        key = seen.kind, seen.name, seen.host
        if key not in self._known:
            found = self._by_address(seen) if seen.kind == "request" else self._by_name(seen)
            self._known[key] = next((id_ for id_ in found if id_ in self._there), None)
        return self._known[key]

    def _by_address(self, seen: Sighting) -> list[str]:
        target = _target(seen)
        hosts = [id_ for id_ in self._order if self._addresses[id_][1].match(target)]
        return [*self._with_pattern(seen), *hosts]

    def _with_pattern(self, seen: Sighting) -> list[str]:
        target = _target(seen)
        return [id_ for id_ in self._order if self._addresses[id_][0].match(target)]

    def _with_name(self, seen: Sighting) -> list[str]:
        """Return the services that a name alone tells: theirs to the last letter, of what lies with the shop."""
        if len(seen.name) < LETTERS_TO_TELL or is_third_party(seen.host, host_of(seen.page)):
            return []
        return [id_ for id_ in self._order if id_ in named_so(seen.kind, seen.name)]

    def _by_name(self, seen: Sighting) -> list[str]:
        """Return the services with an entry of that kind and name, and there: some lie on a vendor's own host."""
        there = [id_ for id_ in self._order if id_ in self._there]
        return [
            id_
            for id_ in there
            if any(
                is_like(entry, seen.kind, seen.name)
                and (
                    not entry.host
                    or registrable(entry.host) == registrable(seen.host)
                    or self._addresses[id_][1].match(f"{without_port(seen.host)}/")
                )
                for entry in services()[id_].entries
            )
        ]


def _target(seen: Sighting) -> str:
    return without_port(seen.host) + "/" + seen.name.partition("://")[2].partition("/")[2]


def _matcher(patterns: Sequence[str]) -> re.Pattern[str]:
    sources = [each["match"] for each in tracker_patterns((pattern, "any") for pattern in patterns)]
    return re.compile("|".join(sources) or r"(?!)")
