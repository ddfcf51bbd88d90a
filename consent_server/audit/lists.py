"""What a shop says of itself: names of cookies and storage, addresses of trackers, each with a category."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import takewhile

from ..banner.lists import known_addresses
from ..site import CATEGORIES, Site, glob
from .lives import seconds_of
from .observed import Sighting


def listable(name: str) -> str | None:
    """Return how consent.toml lists a name: as it is, or by the beginning that it takes; None if it takes none."""
    beginning = "".join(takewhile(lambda each: each.isprintable() and each not in ",*", name))
    if not beginning.strip() or beginning[0].isspace():
        return None
    return name if beginning == name.rstrip() == name else f"{beginning.rstrip()}*"


_Row = tuple[re.Pattern[str], str]


@dataclass(frozen=True)
class Lists:
    """The cookie list and the tracker patterns of a site, and all hosts of the services that it says it uses."""

    entries: list[_Row] = field(default_factory=list)
    addresses: list[_Row] = field(default_factory=list)
    lives: list[tuple[re.Pattern[str], str, float]] = field(default_factory=list)
    """What is said of how long cookies live: the words, and seconds."""

    @classmethod
    def of(cls, site: Site | None) -> Lists:
        """Read a site's lists; without a site nothing is listed."""
        if site is None:
            return cls()
        names = [(cookie.name, category) for category, cookies in site.cookies.items() for cookie in cookies]
        return cls(
            [(re.compile(glob(name)), category) for name, category in names],
            [(re.compile(each["match"]), each["category"]) for each in known_addresses(site)],
            [
                (re.compile(glob(cookie.name)), said, seconds)
                for cookies in site.cookies.values()
                for cookie in cookies
                if (said := cookie.life[site.languages[0]]) and (seconds := seconds_of(said)) is not None
            ],
        )

    def outlived(self, seen: Sighting) -> str | None:
        """Return how long a cookie lives by the list, in its words, if it lives longer; None if it does not.

        The list's month has 30 days and more, and its words are round: a tenth and a day more are no lie.
        """
        listed = [(seconds, said) for pattern, said, seconds in self.lives if pattern.fullmatch(seen.name)]
        longest, said = max(listed, default=(0, ""))
        return said if seen.kind == "cookie" and said and seen.life > longest * 1.1 + 86400 else None

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
