"""Trackers that nobody marked: stopped by pattern until they are allowed, then run, once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page

from .conftest import Shop, press, settle, until, when

PATTERNS = (("*.tracker.localhost", "analytics"), ("ads.localhost/pixel/*", "marketing"))

COUNT = "<script>window.order = []; window.ran = (name) => order.push(name)</script>"

BY_SCRIPT = {
    "script": "const s = document.createElement('script'); s.src = '{url}.js'; document.head.append(s)",
    "script with setAttribute": "const s = document.createElement('script'); s.setAttribute('src', '{url}.js');"
    " document.head.append(s)",
    "iframe": "const f = document.createElement('iframe'); f.src = '{url}'; document.body.append(f)",
    "pixel": "new Image().src = '{url}'",
    "fetch": "fetch('{url}', { mode: 'no-cors' })",
    "fetch of a Request": "fetch(new Request('{url}', { mode: 'no-cors' }))",
    "XMLHttpRequest": "const x = new XMLHttpRequest(); x.open('POST', '{url}'); x.send('a')",
    "sendBeacon": "navigator.sendBeacon('{url}', 'a')",
}

BY_PARSER = {
    "script": '<script src="{url}.js"></script>',
    "async script": '<script async src="{url}.js"></script>',
    "module": '<script type="module" src="{url}.js"></script>',
    "iframe": '<iframe src="{url}" title="F"></iframe>',
}

pytestmark = pytest.mark.troubles("Failed to load resource|MIME")


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Page:
    """A window of an English shopper."""
    return new_context(locale="en-GB").new_page()


@pytest.mark.parametrize("way", BY_SCRIPT)
def test_nothing_leaves_for_a_tracker_that_a_script_calls_until_it_is_allowed_and_then_once(
    shop: Shop, page: Page, way: str
) -> None:
    shop.serve(trackers=PATTERNS)
    code = BY_SCRIPT[way].replace("{url}", shop.url("/it", "tracker"))
    page.goto(shop.page(f"{COUNT}<script>{{ {code} }}</script>"))
    settle(page)
    assert shop.hits == []
    page.evaluate("consent.decide({ marketing: true })")
    settle(page)
    assert shop.hits == []
    press_all = "consent.decide({ analytics: true })"
    page.evaluate(press_all)
    when(page, lambda: shop.hits)
    settle(page)
    assert [hit.removesuffix(".js") for hit in shop.hits] == ["tracker/it"]


@pytest.mark.parametrize("way", BY_SCRIPT)
def test_what_is_allowed_or_no_tracker_goes_through_at_once(shop: Shop, page: Page, way: str) -> None:
    shop.serve(trackers=PATTERNS)
    for host, path in (("tracker", "/allowed"), ("ads", "/other/a"), ("elsewhere", "/b")):
        shop.hits.clear()
        code = BY_SCRIPT[way].replace("{url}", shop.url(path, host))
        page.goto(shop.page("" if host == "tracker" else f"{COUNT}<script>{{ {code} }}</script>"))
        if host == "tracker":
            page.evaluate("consent.decide({ analytics: true })")
            until(page, "consent.token")
            page.goto(shop.page(f"{COUNT}<script>{{ {code} }}</script>"))
        when(page, lambda: shop.hits)
        settle(page)
        assert [hit.removesuffix(".js") for hit in shop.hits] == [host + path]


@pytest.mark.parametrize("way", BY_PARSER)
@pytest.mark.parametrize("tag", ["inline", "synchronous"])
def test_a_tracker_that_the_page_names_itself_does_not_run_until_it_is_allowed(
    shop: Shop, page: Page, way: str, tag: str
) -> None:
    shop.serve(trackers=PATTERNS)
    code = BY_PARSER[way].replace("{url}", shop.url("/it", "tracker"))
    inline = f'<script data-base="{shop.url("/v1/shop/consent.js")}">{shop.consent_js()}</script>'
    page.goto(shop.page(COUNT + code, head=inline if tag == "inline" else shop.tag))
    settle(page)
    assert page.evaluate("order") == []
    assert page.evaluate("frames.length && frames[0].location.href") in (0, "about:blank")
    fetched_ahead = len(shop.hits)
    print(f"{way}, {tag}: {fetched_ahead} requests of the browser's own")
    page.evaluate("consent.decide({ analytics: true })")
    if way == "iframe":
        when(page, lambda: len(shop.hits) == fetched_ahead + 1)
    else:
        until(page, "order.join() == '/it.js'")


def test_a_script_caught_by_pattern_tells_its_maker_when_it_has_loaded(shop: Shop, page: Page) -> None:
    shop.serve(trackers=PATTERNS)
    page.goto(
        shop.page(
            f"{COUNT}<script>const s = document.createElement('script'); s.onload = () => ran('loaded');"
            f" s.src = '{shop.url('/it.js', 'tracker')}'; document.head.append(s)</script>"
        )
    )
    press(page, "accept")
    until(page, "order.join() == '/it.js,loaded'")


def test_a_held_fetch_gives_its_answer_once_it_is_allowed(shop: Shop, page: Page) -> None:
    shop.serve(trackers=PATTERNS)
    url = shop.url("/it.js", "tracker")
    page.goto(shop.page(f"<script>fetch('{url}').then((r) => r.text()).then((t) => (window.answer = t))</script>"))
    settle(page)
    assert page.evaluate("window.answer") is None
    press(page, "accept")
    until(page, "window.answer == `ran('/it.js')`")


def test_patterns_reach_subdomains_the_bare_host_and_paths_but_no_lookalike(shop: Shop, page: Page) -> None:
    ports = ((f"here.localhost:{shop.port}", "analytics"), ("elsewhere.localhost:1", "analytics"))
    shop.serve(trackers=(*PATTERNS, *ports, ("file.localhost/a.js", "analytics")))
    page.goto(shop.page(""))
    urls = {
        shop.url("/x", "here"): False,
        shop.url("/x", "elsewhere"): True,
        shop.url("/a.js", "file"): False,
        shop.url("/a.jsp", "file"): True,
        shop.url("/x", "tracker"): False,
        shop.url("/x", "a.b.tracker"): False,
        shop.url("/x", "nottracker"): True,
        shop.url("/x", "tracker.localhost.evil"): True,
        shop.url(f"/x.tracker.localhost:{shop.port}/x", "path"): True,
        shop.url("/pixel/1", "ads"): False,
        shop.url("/pixels", "ads"): True,
    }
    for url in urls:
        page.evaluate(f"fetch('{url}', {{ mode: 'no-cors' }}).catch(() => {{}}); undefined")
    expected = {url.split("/", 3)[2].split(":")[0].removesuffix(".localhost") for url, goes in urls.items() if goes}
    when(page, lambda: len(shop.hits) >= len(expected))
    settle(page)
    assert {hit.split("/")[0] for hit in shop.hits} == expected
