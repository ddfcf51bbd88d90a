"""Trackers that nobody marked: stopped by pattern until they are allowed, then run, once."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route

from consent_server.catalogue import service

from .conftest import Shop, press, released, settle, until, when
from .libraries import library

PATTERNS = (("*.tracker.localhost", "analytics"), ("ads.localhost/pixel/*", "marketing"))

MARKED = 'type="text/plain" data-consent="analytics"'
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

pytestmark = pytest.mark.troubles("Failed to load resource|MIME|WebSocket")


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


@pytest.mark.parametrize("by", ["a button", "a script", "a script once a button was reached for"])
def test_marked_scripts_keep_the_pages_order_also_where_a_pattern_holds_some(shop: Shop, page: Page, by: str) -> None:
    """However soon what releases is there."""
    shop.serve(trackers=PATTERNS)
    first, last = shop.url("/first.js", "tracker"), shop.url("/last.js", "tracker")
    own = f"<script {MARKED} src={shop.url('/own.js', 'elsewhere')}></script>"
    body = f"<script {MARKED} src={first}></script><script {MARKED}>ran('text')</script>{own}<script {MARKED} src={last}></script>"
    page.goto(shop.page(COUNT + body))
    settle(page)
    if by == "a button":
        press(page, "accept")
    else:
        if "reached" in by:
            with page.expect_response("**/release.*"):
                page.locator("[data-ask] button").first.hover()
        page.evaluate("consent.decide({ analytics: true })")
    until(page, "order.length == 4")
    assert page.evaluate("order.join()") == "/first.js,text,/own.js,/last.js"


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


def test_what_two_patterns_match_waits_for_both(shop: Shop, page: Page) -> None:
    shop.serve(trackers=(*PATTERNS, ("tracker.localhost/both/*", "marketing")))
    page.goto(shop.page(""))
    page.evaluate(f"new Image().src = '{shop.url('/both/a', 'tracker')}'; undefined")
    page.evaluate("consent.decide({ analytics: true })")
    released(page)
    assert shop.hits == []
    page.evaluate("consent.decide({ marketing: true })")
    when(page, lambda: shop.hits == ["tracker/both/a"])


@pytest.mark.parametrize("first", ["analytics", "marketing"])
def test_what_two_services_share_waits_for_either_and_ends_with_both(shop: Shop, page: Page, first: str) -> None:
    services = ("ga4", "google-ads")
    shop.serve(
        services=services,
        trackers=tuple((pattern, service(name).category) for name in services for pattern in service(name).patterns),
    )
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url.partition("?")[0])
        route.fulfill(body="window.ran = (window.ran ?? 0) + 1", content_type="text/javascript")

    page.route("https://www.googletagmanager.com/**", answer)
    page.goto(shop.page(""))
    page.evaluate(
        "document.head.append(Object.assign(document.createElement('script'), "
        "{ src: 'https://www.googletagmanager.com/gtag/js?id=1' })); window.same = 1"
    )
    page.evaluate("consent.decide({ functional: true })")
    settle(page)
    assert asked == []
    page.evaluate(f"consent.decide({{ {first}: true }})")
    until(page, "window.ran == 1")
    page.evaluate("consent.decide({ analytics: true, marketing: true })")
    page.evaluate(f"consent.decide({{ {first}: false }})")
    settle(page)
    assert page.evaluate("window.same") == 1
    page.evaluate("consent.decide({ analytics: false, marketing: false })")
    until(page, "!window.same")
    settle(page)
    assert asked == ["https://www.googletagmanager.com/gtag/js"]


def test_a_lazy_loader_does_not_let_out_what_is_marked_and_matched(shop: Shop, page: Page) -> None:
    shop.serve(trackers=PATTERNS)
    shop.pages["/lozad.js"] = ("text/javascript", library("lozad"), {})
    url = shop.url("/it", "tracker")
    parts = (
        f'<iframe class="lozad" data-consent="analytics" data-src="{url}/frame" title="F" width="400" height="300"></iframe>'
        f'<img class="lozad" alt="" data-consent="analytics" data-src="{url}/picture" width="20" height="20">'
    )
    page.goto(shop.page(f"{parts}<script src='/lozad.js'></script><script>lozad().observe()</script>"))
    until(page, "document.querySelectorAll('[data-loaded]').length == 2")
    settle(page)
    assert shop.hits == []
    page.evaluate("consent.decide({ analytics: true })")
    when(page, lambda: len(shop.hits) == 2)
    settle(page)
    assert sorted(shop.hits) == ["tracker/it/frame", "tracker/it/picture"]


def test_links_and_forms_of_the_page_are_its_own(shop: Shop, page: Page) -> None:
    shop.serve(trackers=PATTERNS)
    url = shop.url("/it", "tracker")
    page.goto(shop.page(""))
    assert (
        page.evaluate(
            "(url) => { const made = ['a', 'area', 'form', 'q'].map((name) => document.createElement(name));"
            " made[0].href = url; made[1].setAttribute('href', url); made[2].action = url; made[3].cite = url;"
            " return made.map((part) => part.href ?? part.action ?? part.cite) }",
            url,
        )
        == [url] * 4
    )


def test_native_functions_stay_what_they_are(shop: Shop, page: Page) -> None:
    seen = """() => {
      const { get, set } = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, 'src');
      const all = [fetch, WebSocket, EventSource, XMLHttpRequest, navigator.sendBeacon, XMLHttpRequest.prototype.open, get, set,
        XMLHttpRequest.prototype.send, Element.prototype.setAttribute, Node.prototype.cloneNode];
      class Mine extends WebSocket {}
      const socket = new Mine('ws://127.0.0.1:1');
      return [...all.map((each) => [each.name, each.length, /native code/.test(Function.prototype.toString.call(each))]),
        Object.keys(WebSocket), WebSocket.CONNECTING, socket instanceof Mine, socket instanceof WebSocket,
        socket.constructor == Mine, Object.prototype.toString.call(socket), Object.keys(Element.prototype).length,
        String(document.createElement('p').setAttribute('src', 'a')), new Image().src];
    }"""
    page.goto(shop.page("", head=""))
    plain = page.evaluate(seen)
    shop.serve(trackers=PATTERNS)
    page.goto(shop.page(""))
    assert page.evaluate(seen) == plain


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


def test_what_is_marked_and_matched_too_runs_in_page_order(shop: Shop, page: Page) -> None:
    shop.serve(trackers=PATTERNS)
    held = '<script type="text/plain" data-consent="analytics"'
    address = shop.url("/it.js", "tracker")
    page.goto(
        shop.page(f"{COUNT}{held}>ran('before')</script>{held} src='{address}'></script>{held}>ran('after')</script>")
    )
    with page.expect_response(lambda answer: "/release." in answer.url):
        page.get_by_role("button", name="Accept all").hover()
    settle(page)  # what lets tags run is there before the click
    press(page, "accept")
    until(page, "order.length == 3")
    assert page.evaluate("order") == ["before", "/it.js", "after"]
