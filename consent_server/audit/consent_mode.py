"""Whether Google's consent mode says what the shopper said: in the data layer, and in each hit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

from .states import Observed

GOOGLE = re.compile(r"(?:^|\.)(?:google-analytics\.com|analytics\.google\.com|doubleclick\.net|googleadservices\.com|google\.[a-z.]+)(?::\d+)?$")
SIGNALS = ("ad_storage", "ad_user_data", "ad_personalization", "analytics_storage", "functionality_storage", "personalization_storage")
SECONDS_TO_HEED = 2.0
"""After an answer, hits that were on their way may still say what held before."""


def disagreements(observed: Observed, allowed: frozenset[str]) -> Iterator[tuple[str, str, str, str]]:
    """Yield what is wrong in a state, each fault once: its name, the page, Google's host, what to do."""
    known: set[str] = set()
    hits = [seen for seen in observed.sightings if seen.kind == "request" and "gcs=" in urlsplit(seen.url).query]
    calls = observed.consent_calls
    for fault in (*_of_hits(observed, hits, allowed), *_of_calls(observed, bool(hits))):
        if fault[0] not in known:
            known.add(fault[0])
            yield fault
    del calls


def _of_hits(observed, hits, allowed):  # type: ignore[no-untyped-def]
    for hit in hits:
        before = [values for at, page, values in observed.consent_calls if page == hit.page and at <= hit.at + 0.5]
        if not any(values[:2] == ["consent", "default"] for values in before):
            yield (
                "no default before hit", hit.page, hit.host,
                "Load our tag before Google's, with [sites.SITE.vendors.google] in consent.toml.",
            )  # fmt: skip
        says = parse_qs(urlsplit(hit.url).query).get("gcs", [""])[0]
        wanted = f"G1{int('marketing' in allowed)}{int('analytics' in allowed)}"
        more = any(said > may for said, may in zip(says, wanted, strict=False))
        if says != wanted and (more or hit.at > observed.since + SECONDS_TO_HEED):
            yield (
                "gcs differs", hit.page, hit.host,
                f"The hit says {says} where {wanted} holds: let nothing but our tag call gtag('consent', …).",
            )  # fmt: skip


def _of_calls(observed, hits):  # type: ignore[no-untyped-def]
    for _, page, values in observed.consent_calls:
        if values[:2] == ["consent", "default"] and len(values) > 2 and isinstance(values[2], dict):
            granted = [name for name in SIGNALS if values[2].get(name) == "granted"]
            if granted:
                yield (
                    "granted by default", page, "www.googletagmanager.com",
                    f"Set {', '.join(granted)} to denied in the default; our tag grants them after a yes.",
                )  # fmt: skip
    if observed.since:
        pages = dict.fromkeys(page for _, page, values in observed.consent_calls if values[:2] == ["consent", "default"])
        for page in pages:
            if not any(where == page and values[:2] == ["consent", "update"] for _, where, values in observed.consent_calls):
                yield (
                    "no update", page, "www.googletagmanager.com",
                    "Nothing tells Google the answer: name Google under [sites.SITE.vendors.google] in consent.toml.",
                )  # fmt: skip
