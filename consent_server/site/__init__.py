"""What a shop asks: its site, its notices, and the categories that a shopper may refuse.

Everything here is pure: no clock, no network, no storage.
"""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import msgspec

from .rules import ELSEWHERE, Rule, strictest

CATEGORIES = ("necessary", "functional", "analytics", "marketing")
GRACE = 90 * 86400
"""Seconds that the cookie outlives its answer, so that a renewal can name what it renews."""

OPTIONAL = CATEGORIES[1:]
"""The kinds of cookies a shopper may refuse. A choice is a mask over them: functional 1, analytics 2, marketing 4."""


class ConsentError(Exception):
    """The base of every error of this package.

    ``problem`` names the kind of error for machines; the message is one sentence for people.
    """

    problem = "error"


class UnknownCategory(ConsentError):
    """A category that cannot be chosen."""

    problem = "unknown-category"


def mask_of(categories: Iterable[str]) -> int:
    """Return the mask of some optional categories; ``necessary`` is always on and adds nothing."""
    return sum(1 << OPTIONAL.index(category) for category in set(categories) - {"necessary"})


def categories_of(mask: int) -> list[str]:
    """Return the optional categories of a mask, sorted as in a token."""
    return sorted(category for bit, category in enumerate(OPTIONAL) if mask >> bit & 1)


def base64url(raw: bytes) -> str:
    """Return bytes as base64url text without padding (RFC 7515)."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def glob(name: str) -> str:
    """Return a regular expression for a name of the cookie list, in which ``*`` stands for anything."""
    return "".join("(?s:.*)" if part == "*" else re.escape(part) for part in re.split(r"(\*)", name))


@dataclass(frozen=True, slots=True)
class Cookie:
    """One line of the cookie list: a name or pattern (``_ga_*``), who sets it, what for and for how long.

    ``country`` is where the data goes (ISO 3166-1). ``host`` is where the cookie lies, if not with the shop's own
    pages, which can then neither see nor remove it. ``kind`` is ``cookie`` or a storage, None any of them.
    """

    name: str
    provider: str
    purpose: Mapping[str, str]
    life: Mapping[str, str]
    country: str | None = None
    host: str | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Variant:
    """One way of asking: other words or another layout, shown to a share of the shoppers, never unequal buttons."""

    name: str
    weight: int
    layout: str | None
    words: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Site:
    """A shop as ``consent.toml`` describes it, each default filled in. ``keep`` and ``prove`` are in seconds.

    ``cookies``, ``vendors`` and ``trackers`` have what its ``services`` bring.
    ``watch`` is the share of page views that report names which the lists do not allow, from 0 to 1.
    """

    id: str
    name: str
    origins: tuple[str, ...]
    policy_url: str
    policy_updated: date
    languages: tuple[str, ...]
    revision: int
    changed: Mapping[str, str]
    cookie_domain: str | None
    host_cookie: bool
    keep: int
    prove: int
    gpc: bool
    country: str | None
    contact: str | None
    webhook: str | None
    authority: Mapping[str, str] | None
    theme: Mapping[str, Any]
    words: Mapping[str, Mapping[str, str]]
    services: tuple[str, ...]
    cookies: Mapping[str, tuple[Cookie, ...]]
    vendors: Mapping[str, Mapping[str, Any]]
    trackers: tuple[tuple[str, str], ...]
    variants: tuple[Variant, ...]
    rules: tuple[Rule, ...]
    watch: float
    timezone: str
    buckets: int
    accounts: bool
    test_origins: tuple[str, ...]
    own_patterns: frozenset[str] = frozenset()
    """Patterns of its trackers that the shop itself wrote, where its services might have brought them."""
    reached: frozenset[str] = frozenset()
    """Countries where services of it are that keep nothing in a browser, and are in no list of cookies."""

    @property
    def cookie(self) -> str:
        """The name of the cookie that holds the answer."""
        return "__Host-consent" if self.host_cookie else "consent"

    @cached_property
    def all_origins(self) -> frozenset[str]:
        """The origins of pages that may post decisions: the shop's, and those for its tests."""
        return frozenset((*self.origins, *self.test_origins))

    @cached_property
    def answered_by_address(self) -> tuple[str, ...]:
        """The origins where an address may answer, for tests: those that are listed for that, and loopback's."""
        loopback = r"//(127\.[\d.]+|\[::1\]|([\w-]+\.)*localhost)(:\d+)?$"
        return (*self.test_origins, *(origin for origin in self.origins if re.search(loopback, origin)))

    @property
    def must_be_first(self) -> bool:
        """Whether the tag must run before what follows it: it tells vendors, or holds back what nobody marked."""
        return bool(self.vendors or self.held_trackers)

    @cached_property
    def held_trackers(self) -> tuple[tuple[str, str], ...]:
        """The trackers that have to wait for a category; those that are necessary are known, and nothing holds them."""
        return tuple((pattern, category) for pattern, category in self.trackers if category in OPTIONAL)

    def removable(self, category: str) -> list[tuple[str, str | None]]:
        """Return names and kinds (None: any) of what a category has where the shop's pages can remove it."""
        rows = self.cookies.get(category, ())
        return list(dict.fromkeys((cookie.name, cookie.kind) for cookie in rows if not cookie.host))

    @cached_property
    def has_third_parties(self) -> bool:
        """Whether the cookie list has somebody else than the shop, or a service is asked that has no cookie."""
        return bool(self.reached) or not all(self.is_own(cookie) for each in self.cookies.values() for cookie in each)

    def is_own(self, cookie: Cookie) -> bool:
        """Return whether a cookie is the shop's: the provider begins with its name, and it lies with its pages."""
        own = re.escape(self.name.casefold()) + r"(?!\w)"  # a whole word: Shopify is not Shop's
        return not cookie.host and bool(re.match(own, cookie.provider.casefold()))

    @cached_property
    def abroad(self) -> frozenset[str]:
        """The countries where data goes (ISO 3166-1), but for the shop's own.

        That is ``country``, or where it is left out, where the shop itself says that its own cookies are.
        """
        cookies = [cookie for each in self.cookies.values() for cookie in each if cookie.country]
        own = {self.country} if self.country else {each.country for each in cookies if self.is_own(each)}
        return frozenset({*(each.country for each in cookies if each.country), *self.reached} - own)

    @cached_property
    def domains(self) -> tuple[str, ...]:
        """Return the hosts of the shop's pages, without ``www.``: they and all hosts below them are the shop's own."""
        hosts = [re.sub(r":\d+$", "", origin.partition("://")[2]) for origin in self.origins]
        domains = [
            *([self.cookie_domain] if self.cookie_domain else []),
            *(host.removeprefix("www.") for host in hosts),
        ]
        return tuple(dict.fromkeys(domains))

    @cached_property
    def all_variants(self) -> tuple[Variant, ...]:
        """The variants, or the one nameless variant of a shop that tries none."""
        return self.variants or (Variant("", 1, None, {}),)

    @cached_property
    def all_rules(self) -> tuple[Rule, ...]:
        """What is asked by place: the rule of places without one first, and the strictest last where it differs."""
        unknown = strictest(self.rules)
        return (ELSEWHERE, *self.rules, *([unknown] if unknown is not ELSEWHERE else []))


@dataclass(frozen=True)
class Notice:
    """What a shopper is asked, word for word, in one language and variant.

    ``hash`` is the first 128 bits of the SHA-256 of the content, so that a token names the exact words it answers.
    """

    hash: str
    content: Mapping[str, Any]

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Notice:
        """Return the notice with this content, named by its hash."""
        digest = hashlib.sha256(msgspec.json.encode(content, order="sorted")).digest()
        return cls(base64url(digest[:16]), content)

    @property
    def lang(self) -> str:
        """The language it is written in."""
        return str(self.content["lang"])

    @property
    def variant(self) -> str:
        """The variant it belongs to, or the empty string."""
        return str(self.content["variant"])

    @property
    def rule(self) -> str:
        """The name of the rule whose places it is for, or the empty string."""
        return str(self.content.get("rule", ""))

    @cached_property
    def revision(self) -> int:
        """The revision of the question: a new one is asked again, new words alone are not."""
        return int(self.content["revision"])

    @cached_property
    def keep(self) -> int:
        """How long the answer holds, in seconds."""
        return int(self.content["keep"])


def best_language(wanted: Sequence[str], offered: Sequence[str]) -> str:
    """Return the first of the languages ``wanted`` (BCP 47, best first) that is offered, else the first offered."""
    for tag in wanted:
        primary = tag.split("-")[0].lower()
        if primary in offered:
            return primary
    return offered[0]
