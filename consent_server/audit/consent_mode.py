"""Whether Google's consent mode says what the shopper said: in the data layer, and in each hit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from .hosts import parts_of
from .observed import ConsentCall, Observed, Sighting

SIGNALS = {
    "ad_storage": "marketing",
    "analytics_storage": "analytics",
    "ad_user_data": "marketing",
    "ad_personalization": "marketing",
    "functionality_storage": "functional",
    "personalization_storage": "functional",
}
"""The category that grants each signal; the first four in the order in which ``gcd`` has them."""

GRANTED = frozenset("tnrv")
"""Letters of ``gcd`` for what is granted, by the default, by the update, or by both."""

_COLLECTS = re.compile(
    r"/(?:g|j|r|ccm)/collect$|^https?://([\w-]+\.)*(google-analytics|analytics\.google|doubleclick)\.(com|net)/.*collect$"
)
"""Addresses of hits, whether or not they say something of consent."""

SECONDS_TO_HEED = 2.0
"""After an answer, hits that were on their way may still say less than is allowed."""

HOST = "www.googletagmanager.com"

TELL_GOOGLE = "name Google in [sites.SITE.vendors.google] of consent.toml, and load our tag before Google's."


@dataclass(frozen=True, slots=True)
class Disagreement:
    """What is wrong, on which page, at which of Google's hosts, by whom, and what mends it."""

    name: str
    page: str
    host: str
    initiator: str
    fix: str


def disagreements(observed: Observed, allowed: frozenset[str]) -> Iterator[Disagreement]:
    """Yield what is wrong in a state in which ``allowed`` categories are, each fault once."""
    known: set[str] = set()
    asked = [seen for seen in observed.sightings if seen.kind == "request"]
    hits = [seen for seen in asked if _said(seen)]
    silent = [seen for seen in asked if not _said(seen) and _COLLECTS.search(seen.name)]
    defaults = [call for call in observed.consent_calls if call.values[1:2] == ["default"]]
    updates = [call for call in observed.consent_calls if call.values[1:2] == ["update"] and call.at >= observed.since]
    for fault in (
        *_without_default(hits, silent, defaults),
        *_granted_by_default(defaults, observed.since, allowed),
        *_updates_that_differ(updates, allowed),
        *_without_update(observed, defaults, updates, allowed),
        *_that_differ(observed, hits, updates, allowed),
    ):
        if fault.name not in known:
            known.add(fault.name)
            yield fault


def _said(hit: Sighting) -> Mapping[str, Sequence[str]]:
    """Return ``gcs`` and ``gcd`` of a hit."""
    query = parts_of(hit.url).query
    return {key: value for key, value in parse_qs(query).items() if key in ("gcs", "gcd")} if "gc" in query else {}


def _without_default(
    hits: Sequence[Sighting], silent: Sequence[Sighting], defaults: Sequence[ConsentCall]
) -> Iterator[Disagreement]:
    """Yield hits that nothing came before; of those that say nothing of consent where a default comes too late."""
    pages = {call.page for call in defaults}
    for hit in (*hits, *(each for each in silent if each.page in pages)):
        if not any(call.page == hit.page and call.at <= hit.at for call in defaults):
            fix = f"Say no first: {TELL_GOOGLE}"
            yield Disagreement("no default before hit", hit.page, hit.host, hit.initiator, fix)


def _granted_by_default(
    defaults: Sequence[ConsentCall], since: float, allowed: frozenset[str]
) -> Iterator[Disagreement]:
    """Yield what a default grants that is not allowed, since the answer.

    A default for some regions counts for who is there; what it says here is in the hits.
    """
    for call in defaults:
        said = _values(call)
        if call.at < since or said.get("region"):
            continue
        if granted := _granted(said, allowed):
            fix = f"Set {', '.join(granted)} to denied in the default; our tag grants them after a yes."
            yield Disagreement("granted by default", call.page, HOST, call.page, fix)


def _updates_that_differ(updates: Sequence[ConsentCall], allowed: frozenset[str]) -> Iterator[Disagreement]:
    """Yield what an update grants that is not allowed, and what a page's last one denies that is."""
    last: dict[tuple[str, str], str] = {}
    for call in updates:
        if granted := _granted(_values(call), allowed):
            yield _differs(call.page, f"{', '.join(granted)} granted")
        last |= {(call.page, name): said for name, said in _values(call).items() if name in SIGNALS}
    for page in dict.fromkeys(page for page, _ in last):
        denied = [name for name in SIGNALS if last.get((page, name)) == "denied" and SIGNALS[name] in allowed]
        if denied:
            yield _differs(page, f"{', '.join(denied)} denied")


def _differs(page: str, what: str) -> Disagreement:
    fix = f"An update says {what}, against the answer: let nothing but our tag call gtag('consent', …)."
    return Disagreement("update differs", page, HOST, page, fix)


def _values(call: ConsentCall) -> Mapping[str, Any]:
    return call.values[2] if len(call.values) > 2 and isinstance(call.values[2], dict) else {}


def _granted(said: Mapping[str, Any], allowed: frozenset[str]) -> list[str]:
    return [name for name in SIGNALS if said.get(name) == "granted" and SIGNALS[name] not in allowed]


def _without_update(
    observed: Observed, defaults: Sequence[ConsentCall], updates: Sequence[ConsentCall], allowed: frozenset[str]
) -> Iterator[Disagreement]:
    """Yield pages that load after the answer and never tell it, and the one that was there and goes on as before."""
    if not observed.since:
        return
    if observed.stayed and not any(update.page == observed.stayed for update in updates):
        before = [call for call in observed.consent_calls if call.page == observed.stayed and call.at < observed.since]
        held = {
            name: said for call in before if not _values(call).get("region") for name, said in _values(call).items()
        }
        if granted := _granted(held, allowed):
            fix = f"Nothing takes {', '.join(granted)} back in the page in which the answer is given: {TELL_GOOGLE}"
            yield Disagreement("no update", observed.stayed, HOST, observed.stayed, fix)
    for call in defaults:
        if call.at >= observed.since and not any(update.page == call.page for update in updates):
            fix = f"Nothing tells Google the answer: {TELL_GOOGLE}"
            yield Disagreement("no update", call.page, HOST, call.page, fix)


def _that_differ(
    observed: Observed, hits: Sequence[Sighting], updates: Sequence[ConsentCall], allowed: frozenset[str]
) -> Iterator[Disagreement]:
    for hit in hits:
        # Something may be on without an answer, where the shopper is, of which Google is told once that is known.
        told = max([observed.since, *(call.at for call in updates if call.page == hit.page)])
        for name, values in sorted(_said(hit).items()):
            said = _granted_in_gcs(values[0]) if name == "gcs" else _granted_in_gcd(values[0])
            wanted = {signal: SIGNALS[signal] in allowed for signal in said}
            more = [signal for signal, granted in said.items() if granted and not wanted[signal]]
            less = [signal for signal, granted in said.items() if not granted and wanted[signal]]
            if more or (less and hit.at > told + SECONDS_TO_HEED):
                which = f"{', '.join(more or less)} {'is granted' if more else 'is denied'}"
                fix = (
                    f"{name}={values[0]} says that {which}, against the answer: "
                    "let nothing but our tag call gtag('consent', …)."
                )
                yield Disagreement("gcs differs", hit.page, hit.host, hit.initiator, fix)


def _granted_in_gcs(value: str) -> dict[str, bool]:
    """Read ``G1xy``: x for ``ad_storage``, y for ``analytics_storage``; of what nobody set there is a dash."""
    found = re.fullmatch(r"G1([01-])([01-])", value)
    letters = zip(("ad_storage", "analytics_storage"), found.groups() if found else (), strict=False)
    return {name: letter == "1" for name, letter in letters if letter != "-"}


def _granted_in_gcd(value: str) -> dict[str, bool]:
    """Read ``1`` + digit + letter + …: one letter for each of the first four signals; ``l`` is one that nobody set."""
    letters = re.findall(r"[a-z]", value)
    return {name: letter in GRANTED for name, letter in zip(SIGNALS, letters, strict=False) if letter != "l"}
