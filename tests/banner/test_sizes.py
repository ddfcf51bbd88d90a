"""The scripts that a shopper's phone fetches stay small: bytes of SmartMarket's, in brotli, as they are served."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from conftest import ROOT

from consent_server.banner.scripts import build_scripts
from consent_server.site import Site
from consent_server.site.rules import Rule

VENDORS = {
    "google": {"mode": "advanced", "wait": 500, "region": ["AZ", "TR"], "redact": True, "passthrough": True},
    "microsoft": {"uet": True, "clarity": True},
    "meta": {},
    "matomo": {"mode": "cookie"},
}
TRACKERS = (
    ("*.googletagmanager.com", "analytics"),
    ("*.google-analytics.com", "analytics"),
    ("mc.yandex.ru", "analytics"),
    ("*.hotjar.com", "analytics"),
    ("connect.facebook.net", "marketing"),
    ("*.youtube.com/embed/*", "marketing"),
)


RULES = (Rule("uk", ("GB",), {"analytics": "objection"}),)


def longest(site: Site, layer: str) -> int:
    """Return the bytes of a layer in the language that takes the most."""
    return max(len(script.br) for script in build_scripts(site).layers[layer].values())


SIZES: dict[str, tuple[int, Callable[[Site], int]]] = {
    "consent.js, four languages": (5970, lambda site: len(build_scripts(site).consent.br)),
    "consent.js, four languages, every vendor and six patterns": (
        8130,
        lambda site: len(build_scripts(replace(site, vendors=VENDORS, trackers=TRACKERS)).consent.br),
    ),
    "what a shop that watches has in consent.js": (
        250,
        lambda site: len(build_scripts(replace(site, watch=0.01)).consent.br) - len(build_scripts(site).consent.br),
    ),
    "what a shop that links accounts has in consent.js, four sentences among it": (
        450,
        lambda site: len(build_scripts(replace(site, accounts=True)).consent.br) - len(build_scripts(site).consent.br),
    ),
    "consent.js, four languages, every vendor, six patterns, one rule by place": (
        9300,
        lambda site: len(build_scripts(replace(site, vendors=VENDORS, trackers=TRACKERS, rules=RULES)).consent.br),
    ),
    "what watches a page": (2100, lambda site: longest(site, "watch")),
    "details, English": (3710, lambda site: len(build_scripts(site).layers["details"]["en"].br)),
    "the longest of the details": (4100, lambda site: longest(site, "details")),
    "the longest of the cookie lists in a page": (2010, lambda site: longest(site, "list")),
    "the longest of a shopper's own choices": (2430, lambda site: longest(site, "mine")),
    "the longest of where an answer is in the log": (1880, lambda site: longest(site, "proof")),
}
"""What each may take at most, and how it is measured. Lower a limit when a script has become smaller.

The hashes in the scripts change with every change, and compress some twenty bytes better or worse.
"""


@pytest.mark.parametrize("vendors", [{}, VENDORS])
def test_a_shop_that_does_not_watch_has_no_byte_of_that(site: Site, vendors: dict[str, dict[str, object]]) -> None:
    plain = build_scripts(replace(site, vendors=vendors)).consent.plain
    assert b"watch" not in plain
    watching = build_scripts(replace(site, vendors=vendors, watch=0.01)).consent.plain
    assert watching.startswith(plain)
    assert b"share:0.01" in watching.removeprefix(plain)


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ("ours, without vendors", "consent.js, four languages"),
        ("ours, with every vendor and six patterns", "consent.js, four languages, every vendor and six patterns"),
    ],
)
def test_the_comparison_says_what_ours_takes(site: Site, row: str, name: str) -> None:
    said = re.findall(rf"^\| {row} \| ([\d.]+) \|$", (ROOT / "docs/compare.md").read_text("utf-8"), re.MULTILINE)
    assert said == [f"{SIZES[name][1](site) / 1000:.1f}"]


@pytest.mark.parametrize("name", SIZES)
def test_no_script_has_grown(site: Site, name: str) -> None:
    most, measure = SIZES[name]
    size = measure(site)
    print(f"{name}: {size} bytes of at most {most}")
    assert size <= most
