"""What is there that may not be: what was seen, held against what the shop says of itself in consent.toml."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..banner.scripts import tracker_patterns
from ..decision import CATEGORIES, Site
from .advice import advice
from .consent_mode import disagreements
from .hosts import host_of, is_third_party
from .states import Observed
from .watch import Sighting

ALLOWED = {state: frozenset({"necessary"}) for state in ("before", "refused", "withdrawn", "gpc")} | {
    "accepted": frozenset(CATEGORIES)
}
"""What a shopper allows in each state."""

OURS = re.compile(r"(?:__Host-)?consent|ask-.*")

FORWARDED = re.compile(
    r"/(?:g|j|r|ccm)/collect$|/gtag/js$|/gtm\.js$|/fbevents\.js$|/tr/?$|/metrika/tag\.js$|/matomo\.(?:php|js)$|/i/v0/e/?$"
)
"""Paths by which well-known trackers are known when a shop hands them on under its own name."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a state does not allow, or that no list names."""

    state: str
    kind: str
    name: str
    host: str
    page: str
    initiator: str
    category: str | None
    service: str | None
    fix: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes two findings of different audits the same."""
        return self.state, self.kind, self.name, self.host


@dataclass
class Lists:
    """What a shop says of itself: names of its cookies and storage, patterns of its trackers, each with a category."""

    entries: list[tuple[re.Pattern[str], str]] = field(default_factory=list)
    trackers: list[tuple[re.Pattern[str], str]] = field(default_factory=list)

    @classmethod
    def of(cls, site: Site | None) -> Lists:
        """Read a site's lists; without a site nothing is listed."""
        if site is None:
            return cls()
        entries = [
            (re.compile("".join(".*" if part == "*" else re.escape(part) for part in re.split(r"(\*)", cookie.name))), category)
            for category, cookies in site.cookies.items()
            for cookie in cookies
        ]
        trackers = [(re.compile(each["match"]), each["category"]) for each in tracker_patterns(site.trackers)]
        return cls(entries, trackers)

    def of_entry(self, name: str) -> list[str]:
        """Return the categories in which a cookie or storage entry of this name is listed."""
        return [category for pattern, category in self.entries if pattern.fullmatch(name)]

    def of_request(self, address: str) -> list[str]:
        """Return the categories of the tracker patterns that match an address without its query."""
        target = address.partition("://")[2]
        target = target if "/" in target else target + "/"
        return [category for pattern, category in self.trackers if pattern.match(target)]


@dataclass
class Judge:
    """Says what of the sightings is a finding. ``servers``: addresses of the consent server that the pages use."""

    shop: str
    site: Site | None
    servers: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.lists = Lists.of(self.site)

    def is_ours(self, seen: Sighting) -> bool:
        """Return whether the consent server, or our own cookie and storage, is what was seen."""
        if seen.kind == "request":
            return any(seen.url.startswith(server) for server in self.servers)
        return seen.kind not in ("service-worker",) and bool(OURS.fullmatch(seen.name))

    def category(self, seen: Sighting) -> str | None:
        """Return the category in which it is listed, the strictest of several."""
        found = self._listed(seen)
        return max(found, key=CATEGORIES.index) if found else None

    def _listed(self, seen: Sighting) -> list[str]:
        if seen.kind == "request":
            return self.lists.of_request(seen.name)
        if seen.kind == "service-worker":
            return self.lists.of_request(seen.name) or self.lists.of_entry(seen.name)
        return self.lists.of_entry(seen.name)

    def findings(self, observed: Observed) -> Iterator[Finding]:
        """Yield what is wrong in one state, each thing once, where it was seen first."""
        known: set[tuple[str, str, str, str]] = set()
        for seen in observed.sightings:
            if self.is_ours(seen) or not (reason := self._wrong(seen, observed.state)):
                continue
            finding = Finding(
                observed.state, seen.kind, seen.name, seen.host, seen.page, seen.initiator, self.category(seen), None,
                advice(seen, self.category(seen), observed.state, self.site, reason),
            )  # fmt: skip
            if finding.key not in known:
                known.add(finding.key)
                yield finding
        allowed = ALLOWED[observed.state]
        for name, page, host, fix in disagreements(observed, allowed):
            yield Finding(observed.state, "consent-mode", name, host, page, "", None, "google", fix)
        if observed.state == "before":
            yield from self._tags(observed.tags)
        if not observed.answered:
            fix = "Show the banner there: look in the browser's console for what keeps it away; the state was not audited."
            yield Finding(observed.state, "tag", "no banner", self.shop, next(iter(observed.tags), ""), "", None, None, fix)

    def _wrong(self, seen: Sighting, state: str) -> str | None:
        """Return why a sighting is a finding in a state: ``refused``, ``unknown`` or ``forwarded``; None if it is none."""
        found = self._listed(seen)
        if any(category in ALLOWED[state] for category in found):
            return None
        if found:
            return "refused"
        if seen.kind == "request":
            if is_third_party(seen.host, self.shop):
                return "unknown"
            suspected = FORWARDED.search(seen.name) and state != "accepted"
            return "forwarded" if suspected else None
        return "unknown"

    def _tags(self, tags: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
        """Yield what is wrong with how our tag stands in the pages, each fault once."""
        known = set()
        for page, tag in tags.items():
            for name, fix in self._tag_faults(tag):
                if name not in known:
                    known.add(name)
                    yield Finding("before", "tag", name, host_of(page), page, "", None, None, fix)

    def _tag_faults(self, tag: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        ours = tag["ours"]
        id_ = self.site.id if self.site else "SITE"
        line = f'<script src="https://HOST/v1/{id_}/consent.js"></script>'
        early = bool(self.site and (self.site.trackers or self.site.vendors))
        if not ours and not tag["works"]:
            yield "missing", f"Put {line} into the page's <head>, before every other script."
            return
        if len(ours) > 1:
            yield "twice", "Take all but one of the tags out of the page."
        if self.site and any(each["site"] not in (None, self.site.id) for each in ours):
            yield "wrong site", f"The tag names another site; write {line}."
        if early and any(each["async"] for each in ours):
            yield "async", "Trackers and vendors need the tag before other scripts: take async, defer or type=module off it."
        elif early and any(each["before"] for each in ours):
            yield "late", f"Other scripts come before the tag: put {line} first in <head>."
        if not tag["works"]:
            yield "not working", "The tag is there and does not work: look in the browser's console for what is in its way."
        elif tag["choice"] is None and not tag["banner"]:
            yield "no banner", "The banner does not show: look in the browser's console and style sheets for what hides it."


def all_seen(observed: Iterable[Observed], judge: Judge) -> list[dict[str, Any]]:
    """Return everything that was seen in any state, with the states, as the report lists it."""
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for each in observed:
        for seen in each.sightings:
            if judge.is_ours(seen) or (seen.kind == "request" and not is_third_party(seen.host, judge.shop)):
                continue
            row = rows.setdefault(
                (seen.kind, seen.name, seen.host),
                {"kind": seen.kind, "name": seen.name, "host": seen.host, "states": [], "category": judge.category(seen), "service": None},
            )  # fmt: skip
            if each.state not in row["states"]:
                row["states"].append(each.state)
    return [rows[key] for key in sorted(rows)]
