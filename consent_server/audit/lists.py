"""What a shop says of itself: names of cookies and storage, addresses of trackers, each with a category."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..banner.lists import tracker_patterns
from ..catalogue import service
from ..site import CATEGORIES, Site, glob
from .observed import Sighting

_Row = tuple[re.Pattern[str], str]


@dataclass(frozen=True)
class Lists:
    """The cookie list and the tracker patterns of a site, and those of the services that it says it uses."""

    entries: list[_Row] = field(default_factory=list)
    addresses: list[_Row] = field(default_factory=list)

    @classmethod
    def of(cls, site: Site | None, services: Sequence[str] = ()) -> Lists:
        """Read a site's lists; without a site nothing is listed.

        Raises:
            UnknownService: the catalogue lacks one of ``services``.
        """
        names = list(_entries(site, services))
        patterns = [*(site.trackers if site else ()), *_addresses(services)]
        addresses = [(re.compile(each["match"]), each["category"]) for each in tracker_patterns(patterns)]
        return cls([(re.compile(glob(name)), category) for name, category in names], addresses)

    def categories_of(self, seen: Sighting) -> list[str]:
        """Return the categories in which something is listed, none where it is not."""
        if seen.kind == "request":
            return self._of_address(seen.name)
        entries = [category for pattern, category in self.entries if pattern.fullmatch(seen.name)]
        return entries or (self._of_address(seen.name) if seen.kind == "service-worker" else [])

    def category_of(self, seen: Sighting) -> str | None:
        """Return the category that has to be allowed first, of several the strictest; None where it is not listed."""
        return max(self.categories_of(seen), key=CATEGORIES.index, default=None)

    def _of_address(self, address: str) -> list[str]:
        target = address.partition("://")[2]
        target = target if "/" in target else target + "/"
        return [category for pattern, category in self.addresses if pattern.match(target)]


def _entries(site: Site | None, services: Sequence[str]) -> Iterator[tuple[str, str]]:
    for category, cookies in site.cookies.items() if site else ():
        yield from ((cookie.name, category) for cookie in cookies)
    for each in map(service, services):
        yield from ((entry.name, each.category_of(entry)) for entry in each.entries)


def _addresses(services: Sequence[str]) -> Iterator[tuple[str, str]]:
    for each in map(service, services):
        yield from ((address, each.category) for address in (*each.patterns, *each.hosts))
