"""What was seen in one state of consent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .hosts import host_of, is_third_party

UNMARKABLE = "-"
"""By what elements ask that no mark holds: ``object``, ``embed`` and ``track``."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """Something that was there.

    ``kind``, ``name`` and ``host`` are those of a finding; ``page`` is the page that was looked at, ``initiator`` the
    address of who did it, empty where no witness knew; ``at`` is in seconds since 1970; ``url`` is the whole address
    of a request, ``body`` the beginning of what it carries (no report has either); ``life`` is a cookie's, in seconds;
    ``by_response``: an answer's ``Set-Cookie`` set it; ``frame``: the address of the frame of another's that holds it;
    ``script``: what is asked for is run as one; ``attribute``: the one, ``src`` or ``href``, by which an element of the
    page's HTML that is no script asks for it, or ``UNMARKABLE`` where no mark holds that element; ``behind``:
    the script behind the page's own code that asks.
    """

    kind: str
    name: str
    host: str
    page: str
    initiator: str
    at: float
    url: str = ""
    life: float = 0
    body: str = ""
    by_response: bool = False
    frame: str = ""
    script: bool = False
    attribute: str = ""
    behind: str = ""


@dataclass(frozen=True, slots=True)
class ConsentCall:
    """What a page told Google about consent. ``at``: seconds since 1970; ``values``: ``['default', {…}]``."""

    at: float
    page: str
    values: list[Any]


@dataclass
class Observed:
    """What one state showed. ``since``: when the answer was given, seconds since 1970; 0 where none was to be given."""

    state: str
    sightings: list[Sighting] = field(default_factory=list)
    consent_calls: list[ConsentCall] = field(default_factory=list)
    looked_at: set[str] = field(default_factory=set)
    """Pages of the shop that were shown; a feed, an error or somebody else's page is none."""
    tags: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of each page, how our tag stands in it."""
    cookies: dict[str, str] = field(default_factory=dict)
    """Values of the shop's cookies by name, to know them again where a page hands them on; no report has them."""
    stored: dict[str, str] = field(default_factory=dict)
    """The same of the shop's local storage."""
    in_session: dict[str, str] = field(default_factory=dict)
    """The same of its session storage."""
    notes: list[str] = field(default_factory=list)
    rule: str | None = None
    """The name of the rule for this place, as the consent server told the page, if it was asked."""
    since: float = 0
    stayed: str = ""
    """The page in which the answer was given, where that was there for some seconds more; else it tells the next."""
    answered: bool = True
    cut_short: bool = False
    """Whether the browser ended before all pages were looked at."""
    scripted: set[str] = field(default_factory=set)
    """Names of the shop's cookies that scripts set, and none of its answers."""


def behind_our_tag(sightings: Iterable[Sighting], tags: Mapping[str, Mapping[str, Any]]) -> Iterator[Sighting]:
    """Yield them with who is behind the page where our tag stands in it inline: what that has wrapped it asks for."""
    inline = {page for page, tag in tags.items() if not all(each["src"] for each in tag["ours"])}
    for seen in sightings:
        yield replace(seen, initiator=seen.behind) if seen.behind and seen.page in inline else seen


def unique(sightings: Iterable[Sighting], since: float = 0) -> Iterator[Sighting]:
    """Yield each thing once a page, with the best initiator that any witness gave; what holds it where none did.

    Requests to one address that say other things are several: of a tracker's hits each tells what was allowed, and of
    what goes to the shop itself each may be the one that hands on a shopper's number.

    Args:
        sightings: what all witnesses saw, in whatever order.
        since: what was seen before this moment, and not after it, is left out.
    """
    by: dict[tuple[str, str, str], tuple[str, bool]] = {}
    frames: dict[tuple[str, str, str], str] = {}
    life: dict[tuple[str, str, str], float] = {}
    first: dict[tuple[str, ...], Sighting] = {}
    for seen in sightings:
        if seen.initiator:
            by.setdefault((seen.kind, seen.name, seen.host), (seen.initiator, seen.by_response))
        if seen.frame:
            frames.setdefault((seen.kind, seen.name, seen.host), seen.frame)
        if seen.at >= since:
            life[seen.kind, seen.name, seen.host] = max(seen.life, life.get((seen.kind, seen.name, seen.host), 0))
            said = "" if is_third_party(seen.host, host_of(seen.page)) else seen.body
            key = (seen.kind, seen.name, seen.host, seen.page, seen.url, said)
            if key not in first or (seen.initiator and not first[key].initiator):
                first[key] = seen
    for seen in first.values():
        thing = (seen.kind, seen.name, seen.host)
        initiator, by_response = (seen.initiator, False) if seen.initiator else by.get(thing, ("", False))
        initiator = initiator or frames.get(thing, "") or seen.page
        yield replace(seen, initiator=initiator, life=life[thing], by_response=seen.by_response or by_response)
