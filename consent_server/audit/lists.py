"""What a shop says of itself: names of cookies and storage, addresses of trackers, each with a category."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import takewhile

from ..banner.lists import categories_at, known_addresses, known_hosts
from ..catalogue import service
from ..catalogue.reading import SECONDS
from ..site import CATEGORIES, Cookie, Site, glob
from .hosts import host_of, registrable
from .lives import is_endless, seconds_of
from .observed import Sighting

DAY = SECONDS["day"]

LETTERS_TO_LIST = 3
"""With fewer a name's beginning would list whatever begins with a letter or two."""


def listable(name: str) -> str | None:
    """Return how consent.toml lists a name: as it is, or by the beginning that it takes; None if it takes none."""
    beginning = "".join(takewhile(lambda each: each.isprintable() and each not in ",*", name))
    if not beginning.strip() or beginning[0].isspace():
        return None
    if beginning == name.rstrip() == name:
        return name
    return f"{beginning.rstrip()}*" if len(beginning) >= LETTERS_TO_LIST else None


@dataclass(frozen=True, slots=True)
class _Listed:
    """A row of the cookie list: ``host`` is where it lies, if not with the shop; its life in words and in seconds.

    ``elsewhere``: the domains of the services that have it there.
    """

    pattern: re.Pattern[str]
    category: str
    kind: str | None
    host: str | None
    said: str
    seconds: float | None
    elsewhere: frozenset[str]


@dataclass(frozen=True)
class Lists:
    """The cookie list and the tracker patterns of a site, and all hosts of the services that it says it uses."""

    entries: list[_Listed] = field(default_factory=list)
    addresses: list[list[dict[str, str]]] = field(default_factory=list)
    """As ``known_addresses`` has them."""
    hosts: list[list[dict[str, str]]] = field(default_factory=list)
    """As ``known_hosts`` has them."""
    own: frozenset[str] = frozenset()
    """Domains of the shop, that somebody registered."""

    @classmethod
    def of(cls, site: Site | None, shop: str = "") -> Lists:
        """Read a site's lists; without a site nothing is listed. ``shop``: host of the pages that are looked at."""
        if site is None:
            return cls()
        rows = [
            _Listed(
                *(re.compile(glob(cookie.name)), category, cookie.kind, cookie.host, *_life_of(cookie, site)),
                _hosts_beside(cookie, site),
            )
            for category, cookies in site.cookies.items()
            for cookie in cookies
        ]
        own = {*map(host_of, site.all_origins), site.cookie_domain, shop} - {None, ""}
        return cls(rows, known_addresses(site), known_hosts(site), frozenset(map(registrable, own)))

    def outlived(self, seen: Sighting) -> str | None:
        """Return how long a cookie lives by the list, in its words, if it lives longer; None if it does not.

        The list's month has 30 days and more, and its words are round: a tenth and a day more are no lie, and as much
        again of what is shorter. Until the browser is closed is for a day.
        """
        listed = [(row.seconds, row.said) for row in self._rows(seen) if row.said and row.seconds is not None]
        longest, said = max(listed, default=(0, ""))
        most = longest * 1.1 + min(longest or DAY, DAY)
        return said if seen.kind == "cookie" and said and seen.life > most else None

    def unread(self, seen: Sighting) -> str | None:
        """Return how long a cookie lives by the list, if nobody here can read that; else None."""
        rows = self._rows(seen) if seen.kind == "cookie" else []
        return next((row.said for row in rows if row.said and row.seconds is None and not is_endless(row.said)), None)

    def categories_of(self, seen: Sighting) -> list[str]:
        """Return the categories in which something is listed, none where it is not."""
        if seen.kind == "request":
            return self._of_address(seen.name)
        entries = [row.category for row in self._rows(seen)]
        return entries or (self._of_address(seen.name) if seen.kind == "service-worker" else [])

    def category_of(self, seen: Sighting) -> str | None:
        """Return the category that has to be allowed first, of several the strictest; None where it is not listed."""
        return max(self.categories_of(seen), key=CATEGORIES.index, default=None)

    def _rows(self, seen: Sighting) -> list[_Listed]:
        """Return the rows of a name and kind: those of where it lies, else those that say nothing of that.

        What a row says of somebody else's host, where half of all names are as short as ``m``, says nothing of the
        shop's own cookies, nor of other hosts than its service's; nor does what a shop needs for itself say anything of
        others'.
        """
        rows = [row for row in self.entries if row.kind in (None, seen.kind) and row.pattern.fullmatch(seen.name)]
        at = registrable(seen.host)
        there = [row for row in rows if row.host and registrable(row.host) == at]
        if at in self.own:
            return there or [row for row in rows if not row.host]
        optional = [row for row in rows if row.category != CATEGORIES[0]]
        of_service = [row for row in rows if row.host and at in row.elsewhere]
        return there or of_service or [row for row in optional if not row.host]

    def _of_address(self, address: str) -> list[str]:
        """Return the categories of an address; of a host alone, to which a page connects ahead, all that are there."""
        host, _, path = address.partition("://")[2].partition("/")
        found = categories_at(f"{host}/{path}", self.addresses)
        return found if found or path else categories_at(f"{host}/", self.hosts)


def _hosts_beside(cookie: Cookie, site: Site) -> frozenset[str]:
    """Return the domains of those services of a site that list this cookie at its host."""
    having = [
        each
        for each in map(service, site.services)
        if cookie.host and any((entry.name, entry.host) == (cookie.name, cookie.host) for entry in each.entries)
    ]
    hosts = [host.partition("/")[0].removeprefix("*.") for each in having for host in each.hosts]
    return frozenset(map(registrable, hosts))


def _life_of(cookie: Cookie, site: Site) -> tuple[str, float | None]:
    """Return how long a cookie lives, in words and in seconds, by the first of the site's languages that tells."""
    lives = [(said, seconds_of(said, lang)) for lang in site.languages if (said := cookie.life.get(lang))]
    return next((life for life in lives if life[1] is not None), lives[0] if lives else ("", None))
