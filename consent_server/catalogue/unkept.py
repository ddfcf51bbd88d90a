"""Services that keep nothing in a browser: no cookie tells of them, and they are third parties all the same."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files

from ..site import Cookie
from . import service

WORDS: Mapping[str, Mapping[str, str]] = tomllib.loads(files(__package__).joinpath("unkept.toml").read_text("utf-8"))
"""What each is for (``services`` says which is for what), and ``life``: that nothing is kept; by language."""


def countries(names: Iterable[str]) -> frozenset[str]:
    """Return where those of some services send data to (ISO 3166-1)."""
    return frozenset(each.country for each in map(service, names) if not each.entries)


def patterns(names: Iterable[str]) -> frozenset[str]:
    """Return the addresses of those of some services."""
    return frozenset(pattern for each in map(service, names) if not each.entries for pattern in each.hosts)


def rows(names: Iterable[str], languages: Iterable[str]) -> Mapping[str, tuple[Cookie, ...]]:
    """Return the lines that tell of those of some services, by category; none where a language has no words for it.

    Each has the service's name in place of a cookie's, and lies at its host: no page could remove anything there.
    """
    languages, life = [*languages], WORDS["life"]
    found: dict[str, tuple[Cookie, ...]] = {}
    for name in names:
        of, purpose = service(name), WORDS.get(WORDS["services"].get(name, ""), {})
        if not of.entries and {*languages} <= {*purpose} & {*life}:
            what, how_long = ({lang: words[lang] for lang in languages} for words in (purpose, life))
            host = of.patterns[0].partition("/")[0].removeprefix("*.")
            row = Cookie(of.name, of.provider, what, how_long, of.country, host)
            found[of.category] = (*found.get(of.category, ()), row)
    return found
