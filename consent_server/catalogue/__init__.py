"""Services that shops use: what each stores in a browser, what for and for how long, whose it is and where data goes.

A service is one file of data in ``services/``, named by its id. What shoppers read of it, purposes and lives in each
language, is in ``purposes.toml`` and ``lives.toml``, so that one thing has one name everywhere.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Literal, TypeVar

import msgspec

from ..site import ConsentError, Cookie

Category = Literal["necessary", "functional", "analytics", "marketing"]
Kind = Literal["cookie", "local-storage", "session-storage", "indexed-db"]
Words = Mapping[str, str]
"""A text by language."""


class UnknownService(ConsentError):
    """The catalogue has no service of that id; the message says which is meant, if one is near."""

    problem = "unknown-service"


class MissingWords(ConsentError):
    """A service has no words in a language of the site; the message names both."""

    problem = "missing-words"

    def __init__(self, service: str, lang: str) -> None:
        super().__init__(f"The service {service!r} has no words in {lang!r}.")
        self.service, self.lang = service, lang


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A cookie, or an entry of the browser's storage.

    ``name`` may end or begin with ``*``. ``host`` is where it lies, if not with the shop's pages. ``life`` is a key of
    ``lives.toml``, ``purpose`` one of ``purposes.toml``. ``category`` is None where it is the service's.
    ``unverified``: no page of the vendor was read for it.
    """

    kind: Kind
    name: str
    life: str
    purpose: str
    category: Category | None = None
    host: str | None = None
    unverified: bool = False


class Service(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A service as its file describes it.

    ``country`` is where data goes (ISO 3166-1). ``patterns`` are what has to wait, written as in the trackers of
    ``consent.toml``, ``besides`` where it may be asked too, once its category is allowed. ``vendors`` are the rows of
    a site's ``vendors`` that tell it of the choice. ``sources`` are pages of the vendor, ``read`` the day when they
    were; None if nobody could.
    """

    name: str
    provider: str
    country: str
    category: Category
    patterns: tuple[str, ...]
    sources: tuple[str, ...]
    besides: tuple[str, ...] = ()
    read: date | None = None
    unverified: bool = False
    vendors: Mapping[str, Mapping[str, Any]] = {}
    entries: tuple[Entry, ...] = ()

    @property
    def hosts(self) -> tuple[str, ...]:
        """All that it may be asked at."""
        return (*self.patterns, *self.besides)

    def category_of(self, entry: Entry) -> str:
        """Return the category that must be allowed before one of its entries may exist."""
        return entry.category or self.category


@dataclass(frozen=True, slots=True)
class Needed:
    """What some services make of a site: ``cookies`` by category, ``vendors`` and ``trackers``, as ``Site`` has them.

    ``trackers`` of the category ``necessary`` are known and harmless: nothing has to hold them.
    """

    cookies: Mapping[str, tuple[Cookie, ...]]
    vendors: Mapping[str, Mapping[str, Any]]
    trackers: tuple[tuple[str, str], ...]


@cache
def services() -> Mapping[str, Service]:
    """Return the whole catalogue by id, sorted."""
    folder = sorted(files(__package__).joinpath("services").iterdir(), key=lambda file: file.name)
    return {file.name.removesuffix(".toml"): _read(file, Service) for file in folder if file.name.endswith(".toml")}


@cache
def purposes() -> Mapping[str, Words]:
    """Return the sentence for each purpose, by language."""
    return _read(files(__package__).joinpath("purposes.toml"), dict[str, dict[str, str]])


@cache
def lives() -> Mapping[str, Words]:
    """Return the words for each life, by language: ``session``, ``persistent``, and times such as ``13 months``."""
    return _read(files(__package__).joinpath("lives.toml"), dict[str, dict[str, str]])


def service(name: str) -> Service:
    """Return the service of an id.

    Raises:
        UnknownService: there is none.
    """
    if name in services():
        return services()[name]
    near = difflib.get_close_matches(name, services())
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "`consent-server services` lists them."
    raise UnknownService(f"{name!r} is no service of the catalogue: {hint}")


def for_site(names: Iterable[str], languages: Iterable[str]) -> Needed:
    """Return what the services ``names`` make of a site that speaks ``languages``.

    Raises:
        UnknownService: the catalogue lacks one.
        MissingWords: one has no words in one of the languages.
    """
    languages = tuple(languages)
    cookies: dict[str, list[Cookie]] = {}
    vendors: dict[str, dict[str, Any]] = {}
    trackers: dict[tuple[str, str], None] = {}
    for name in names:
        wanted = service(name)
        for entry in wanted.entries:
            rows = cookies.setdefault(wanted.category_of(entry), [])
            row = _row(name, entry, languages)
            if row not in rows:  # Two services of one company are one line.
                rows.append(row)
        for vendor, options in wanted.vendors.items():
            vendors.setdefault(vendor, {}).update(options)
        trackers |= dict.fromkeys((pattern, wanted.category) for pattern in wanted.patterns)
    return Needed({category: tuple(rows) for category, rows in cookies.items()}, vendors, tuple(trackers))


def missing_language(name: str, languages: Iterable[str]) -> str | None:
    """Return the first of some languages in which a service has no words, or None."""
    try:
        for_site([name], languages)
    except MissingWords as error:
        return error.lang
    return None


def _row(name: str, entry: Entry, languages: Iterable[str]) -> Cookie:
    purpose, life = purposes()[entry.purpose], lives()[entry.life]
    for lang in languages:
        if lang not in purpose or lang not in life:
            raise MissingWords(name, lang)
    of = service(name)
    return Cookie(
        entry.name,
        of.provider,
        {lang: purpose[lang] for lang in languages},
        {lang: life[lang] for lang in languages},
        of.country,
        entry.host,
        entry.kind,
    )


_Read = TypeVar("_Read")


def _read(file: Traversable, kind: type[_Read]) -> _Read:
    return msgspec.toml.decode(file.read_bytes(), type=kind)
