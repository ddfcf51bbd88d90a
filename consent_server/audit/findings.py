"""What is there that may not be: what was seen, held against what the shop says of itself in consent.toml."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..site import CATEGORIES, OPTIONAL, Site
from ..site.rules import ELSEWHERE, Rule, rule_at, strictest
from .advice import Reason, advice
from .consent_mode import disagreements
from .hosts import host_of, is_of_shop, is_third_party
from .lists import Lists
from .observed import Observed, Sighting
from .ours import OUR_CALLS, OURS
from .recognise import Recogniser
from .suspects.forwarded import forwarded
from .suspects.numbers import echoes, numbers
from .tag import servers, tag_faults

ALLOWED = {state: frozenset({"necessary"}) for state in ("before", "refused", "withdrawn", "gpc")} | {
    "accepted": frozenset(CATEGORIES)
}
"""What a shopper allows in each state, where everything is asked for."""


def allowed_in(state: str, site: Site | None, rule: Rule) -> frozenset[str]:
    """Return what may be there in a state of consent, in the places of a rule.

    What is on until somebody objects is so before an answer; Global Privacy Control objects to marketing. What is off
    is so after every answer.
    """
    if state == "accepted":
        return ALLOWED[state] - {*rule.has("off", CATEGORIES)}
    if state not in ("before", "gpc"):
        return ALLOWED[state]
    objects = {"marketing"} if state == "gpc" and (site is None or site.gpc) else set()
    return ALLOWED[state] | ({*rule.has("objection", CATEGORIES)} - objects)


NO_PAGE = "no page of the shop could be opened"
NO_BANNER = "there was no banner whose buttons could be pressed"
NO_ANSWER = "the banner could not be answered"
NOTHING_ASKED = "nothing is asked where the audit runs"
CUT_SHORT = "the browser ended before all pages were looked at"
"""Why a state was not reached, or not seen whole."""

UNREAD = "How long"
"""How the note begins that a life in the list was not read."""

WHERE = "Audited from where"
"""How the note begins that says which rule by place counted."""

PAGES_TO_NAME = 5
"""Of those that share a fault."""


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


class Judge:
    """Says what of all that was observed is a finding.

    Args:
        shop: host and port of the pages.
        site: what the shop says of itself, or None: then nothing is listed.
        observed: a state each.
        others: ids of shops that the pages might be of, where ``site`` is None.
    """

    def __init__(
        self, shop: str, site: Site | None, observed: Sequence[Observed], others: Collection[str] = ()
    ) -> None:
        self.shop, self.site, self.observed, self.others = shop, site, observed, others
        self.pages = {seen.page for each in observed for seen in each.sightings}
        self.allowed = {each.state: allowed_in(each.state, site, self.rule_in(each)) for each in observed}
        self.lists = Lists.of(site, shop)
        named = site.services if site else ()
        self.recogniser = Recogniser(named, [seen for each in observed for seen in each.sightings])
        self.servers = frozenset(
            server for each in observed for tag in each.tags.values() for server in servers(tag, site)
        )
        self.origins = frozenset("/".join(server.split("/")[:3]) for server in self.servers)

    def rule_in(self, observed: Observed) -> Rule:
        """Return the rule that counted: by the place in the tag, else as the server said; else the strictest."""
        rules = self.site.rules if self.site else ()
        tags = [tag for page in observed.tags.values() for tag in page["ours"]]
        place = next((tag["place"] for tag in tags if tag.get("place") is not None), None)
        if place is not None or observed.rule is None:
            return rule_at(rules, place or "")
        return next((rule for rule in (ELSEWHERE, *rules) if rule.name == observed.rule), strictest(rules))

    def findings(self) -> list[Finding]:
        """Return what is wrong: state by state, each thing once a state, where it was seen first."""
        found: dict[tuple[str, str, str, str], Finding] = {}
        for each in self.observed:
            for finding in (*self._of_tag(each), *self._of_sightings(each), *self._of_consent_mode(each)):
                found.setdefault(finding.key, finding)
        return list(found.values())

    def all_seen(self) -> list[dict[str, Any]]:
        """Return everything that was seen in any state, with the states, as the report lists it."""
        rows: dict[tuple[str, str, str], dict[str, Any]] = {}
        for each in self.observed:
            for seen in each.sightings:
                own = seen.kind == "request" and not is_third_party(seen.host, self.shop)
                category = self.lists.category_of(seen)
                if self._is_ours(seen) or (own and category is None and not self._wrong(seen, each)):
                    continue
                key = (seen.kind, seen.name, seen.host)
                row = rows.setdefault(key, {"kind": seen.kind, "name": seen.name, "host": seen.host, "states": []})
                row |= {"category": category, "service": self.recogniser.service_of(seen)}
                if each.state not in row["states"]:
                    row["states"].append(each.state)
        return [rows[key] for key in sorted(rows)]

    def unaudited(self) -> dict[str, str]:
        """Return the states that were not reached, or not seen whole, each with why."""
        return {each.state: why for each in self.observed if (why := self._why_unaudited(each))}

    def _why_unaudited(self, observed: Observed) -> str:
        if observed.cut_short:
            return CUT_SHORT
        if not observed.looked_at:
            return NO_PAGE
        if observed.answered:
            return ""
        return NO_BANNER if not self._has_tag(observed) else NO_ANSWER if self._asks(observed) else NOTHING_ASKED

    def _asks(self, observed: Observed) -> bool:
        """Return whether the rule that counted leaves anything to ask: else there is no banner."""
        return len(self.rule_in(observed).has("off", OPTIONAL)) < len(OPTIONAL)

    def notes(self) -> list[str]:
        """Return what people should know of what could not be judged."""
        notes = [f"{state}: not audited, for {why}." for state, why in self.unaudited().items()]
        if self.site and self.site.rules:
            names = dict.fromkeys(self.rule_in(each).name for each in self.observed if each.looked_at)
            said = " and ".join(f"the rule {name}" if name else "no rule" for name in names)
            notes.append(f"{WHERE} {said} counts; other places have to be audited from there.")
        if self.site is None:
            notes.append("No consent.toml names this shop, so nothing counts as listed.")
            if self.others:
                notes.append(
                    f"consent.toml has {' and '.join(self.others)}, elsewhere; --site says which of them it is."
                )
        unread = {
            (seen.name, words)
            for each in self.observed
            for seen in each.sightings
            if (words := self.lists.unread(seen))
        }
        for name, words in sorted(unread):
            notes.append(f"{UNREAD} {name} lives is not held against the list: nobody here can read {words!r}.")
        return notes

    def _of_sightings(self, observed: Observed) -> Iterator[Finding]:
        attributes = {each.name: each.attribute for each in observed.sightings if each.attribute}
        for seen in observed.sightings:
            if self._is_ours(seen) or not (reason := self._wrong(seen, observed)):
                continue
            category, service = self.lists.category_of(seen), self.recogniser.service_of(seen)
            yield Finding(
                *(observed.state, seen.kind, seen.name, seen.host, seen.page, seen.initiator, category, service),
                advice(
                    *(seen, observed.state, self.site, reason, category, service),
                    attribute=attributes.get(seen.initiator) or seen.attribute,
                ),
            )

    def _of_consent_mode(self, observed: Observed) -> Iterator[Finding]:
        for each in disagreements(observed, self.allowed[observed.state]):
            fix = each.fix.replace("SITE", self.site.id if self.site else "SITE")
            yield Finding(
                observed.state, "consent-mode", each.name, each.host, each.page, each.initiator, None, None, fix
            )

    def _of_tag(self, observed: Observed) -> Iterator[Finding]:
        """Yield what is wrong with how our tag stands in the pages, each fault where it was seen first."""
        if observed.state == "before":
            faults: dict[tuple[str, str, str], list[str]] = {}
            for page, tag in observed.tags.items():
                for name, fix in tag_faults(tag, self.site, asks=self._asks(observed)):
                    faults.setdefault((name, fix, host_of(page)), []).append(page)
            for (name, fix, host), (page, *others) in faults.items():
                also_on = f" The same on {first_of(others)}." if others else ""
                yield Finding("before", "tag", name, host, page, page, None, None, fix + also_on)
        if self._why_unaudited(observed) == NO_ANSWER:
            page = next(iter(observed.tags))
            fix = "The banner could not be answered: look in the browser's console and style sheets for what hides it."
            yield Finding(observed.state, "tag", "no banner", host_of(page), page, page, None, None, fix)

    def _has_tag(self, observed: Observed) -> bool:
        return any(tag["ours"] or tag["works"] for tag in observed.tags.values())

    def _is_ours(self, seen: Sighting) -> bool:
        """Return whether the consent server, or our own cookie and storage, is what was seen."""
        if seen.kind == "request":
            if seen.url.rstrip("/") in self.origins:
                return True  # connected to ahead of the tag
            return seen.url.startswith(tuple(self.servers)) and bool(OUR_CALLS.search(seen.name))
        return (
            seen.kind in ("cookie", "local-storage", "session-storage")
            and bool(OURS.fullmatch(seen.name))
            and is_of_shop(seen.host, self.shop)
        )

    def _wrong(self, seen: Sighting, observed: Observed) -> Reason | None:
        """Return why a sighting is a finding in a state, None if it is none."""
        found = self.lists.categories_of(seen)
        if self.allowed[observed.state].intersection(found):
            return Reason.OUTLIVED if self.lists.outlived(seen) else None
        if found:
            return Reason.REFUSED
        if seen.kind != "request" or is_third_party(seen.host, self.shop):
            return Reason.UNKNOWN
        if observed.state == "accepted" or self._is_page(seen):
            return None
        if forwarded(seen, observed.sightings) or echoes(seen, self._ids[observed.state]):
            return Reason.FORWARDED
        return None

    def _is_page(self, seen: Sighting) -> bool:
        """Return whether a request is for one of the pages that were looked at, whatever they are called."""
        return seen.url.partition("#")[0] in self.pages

    @cached_property
    def _ids(self) -> dict[str, frozenset[str]]:
        """What may be a shopper's number in each state."""
        return {
            each.state: frozenset(
                numbers(
                    *(each, self.shop, self.lists, self.recogniser),
                    has_lists=self.site is not None,
                    others=[other for other in self.observed if other is not each],
                )
            )
            for each in self.observed
        }


def first_of(pages: Sequence[str]) -> str:
    """Return the first pages, and how many more there are, in words."""
    more = f" and {len(pages) - PAGES_TO_NAME} more" if len(pages) > PAGES_TO_NAME else ""
    return f"{', '.join(pages[:PAGES_TO_NAME])}{more}"
