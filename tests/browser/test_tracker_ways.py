"""Each way in which a page asks for an address, and what the tables of docs/tag.md say becomes of it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from .conftest import Shop, settle, until, when
from .tracker_ways import ADDRESSES, BY_SCRIPT, IN_HTML, MAKE, Outcome, table

pytestmark = pytest.mark.troubles(
    "Failed to load resource|MIME|decode downloaded font|WebSocket|Access to resource|document.write|preload"
)

PATTERN = (("*.tracker.localhost", "analytics"),)
RAN = "<script>window.order = []; window.ran = (name) => order.push(name)</script>"
ALLOW = "consent.decide({ analytics: true })"


@pytest.fixture
def tracked(shop: Shop) -> Shop:
    """The shop, which names its tracker in consent.toml."""
    return shop.serve(trackers=PATTERN)


def asked(shop: Shop) -> list[str]:
    return [hit.split("/", 1)[1].removesuffix(".js") for hit in shop.hits if "tracker" in hit]


def becomes(shop: Shop, page: Page, outcome: Outcome, do: Callable[[], object]) -> None:
    """See that what ``do`` does becomes what is said of it."""
    do()
    if outcome == "goes":
        # A request that has begun, of a picture that the gate then takes out, may still be called back.
        begun = "performance.getEntriesByType('resource').some(({ name }) => /tracker.*it/.test(name))"
        when(page, lambda: "it" in asked(shop) or page.evaluate(begun))
        return
    settle(page)
    ahead = len(asked(shop))
    if outcome == "ahead":
        print(f"{ahead} requests before an answer")
    else:
        assert ahead == 0
    if outcome == "fails":
        until(page, "window.failed")
    assert page.evaluate("[window.order?.length ?? 0, document.querySelector('[src*=tracker]')]") == [0, None]
    page.evaluate(ALLOW)
    if outcome == "fails":
        settle(page)
        assert asked(shop) == []
        do()
    if page.evaluate("!!window.order && !!document.querySelector('script[src*=tracker]')"):
        until(page, "order.length == 1")
    when(page, lambda: len(asked(shop)) == ahead + 1 or (ahead and page.evaluate("window.order?.length")))
    settle(page)
    assert set(asked(shop)) == {"it"}
    assert len(asked(shop)) <= ahead + 1


@pytest.mark.parametrize("way", BY_SCRIPT)
def test_what_a_script_asks_for_becomes_what_the_table_says(tracked: Shop, page: Page, way: str) -> None:
    outcome, code = BY_SCRIPT[way]
    url = tracked.url("/it", "a.tracker")
    script = f"{{ {MAKE} {code.replace('{url}', url)} }}"
    if "document.write" in way:  # which replaces a page that is complete
        becomes(tracked, page, outcome, lambda: page.goto(tracked.page(f"{RAN}<script>{script}</script>")))
    else:
        template = f'<template><script src="{url}.js"></script></template>'
        page.goto(tracked.page(f"{RAN}{template}<script>window.go = () => {script}</script>"))
        becomes(tracked, page, outcome, lambda: page.evaluate("go()"))


@pytest.mark.parametrize("way", IN_HTML)
def test_what_stands_in_the_page_becomes_what_the_table_says(tracked: Shop, page: Page, way: str) -> None:
    outcome, code = IN_HTML[way]
    html = code.replace("{url}", tracked.url("/it", "a.tracker"))
    headers = {} if html else {"Link": f"<{tracked.url('/it', 'a.tracker')}>; rel=preload; as=script"}
    becomes(tracked, page, outcome, lambda: page.goto(tracked.page(RAN + html, **headers)))


@pytest.mark.parametrize("spelling", ADDRESSES)
def test_no_spelling_of_an_address_leaves(tracked: Shop, page: Page, spelling: str) -> None:
    address = ADDRESSES[spelling].replace("{port}", str(tracked.port))
    page.goto(tracked.page(""))

    becomes(tracked, page, "waits", lambda: page.evaluate(f"new Image().src = '{address}'; undefined"))


@pytest.mark.parametrize(
    ("heading", "rows"), [("What a script asks for", BY_SCRIPT), ("What stands in the page", IN_HTML)]
)
def test_the_tables_have_a_row_for_each_way_and_no_other(heading: str, rows: dict[str, tuple[Outcome, str]]) -> None:
    assert {way: re.split("[:;,]", what)[0] for way, what in table(heading).items() if way} == {
        way: outcome for way, (outcome, _) in rows.items()
    }
