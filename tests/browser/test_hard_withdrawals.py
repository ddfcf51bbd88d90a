"""Withdrawals that pages make hard: what was let through unseen, an app that goes on, a shopper who stays."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route

from .conftest import Shop, settle, until, when
from .rows import HELD, hits, tracker
from .visits import ALLOW, PATTERN, WITHDRAW, accepted, withdraw

INLINE = f"<script {HELD}>window.inline = 1</script>"
ADD = "const s = document.createElement('script'); s.src = '{t}'; s.onload = () => { s.remove(); window.gone = 1 }; document.head.append(s);"

pytestmark = pytest.mark.troubles("Failed to load resource|MIME")


def test_an_app_that_goes_on_meanwhile_is_loaded_anew_where_it_is(shop: Shop, page: Page) -> None:
    shop.page(INLINE, "/next")
    accepted(page, shop.page(INLINE, "/first"))
    until(page, "window.inline")
    asked: list[Route] = []
    page.route("**/first", lambda route: asked.append(route) if route.request.method == "HEAD" else route.continue_())
    page.evaluate(f"window.here = 1; {WITHDRAW}")
    when(page, lambda: asked)
    page.evaluate("history.pushState({}, '', '/next')")
    asked[0].continue_()
    until(page, "!window.here && window.consent?.choice")
    assert page.evaluate("location.pathname") == "/next"
    page.evaluate("history.back()")
    until(page, "location.pathname == '/first'")


# What a pattern let through


@pytest.mark.parametrize("size", ["", "performance.setResourceTimingBufferSize(1);"])
def test_a_script_ends_on_a_page_that_clears_its_timings(shop: Shop, page: Page, size: str) -> None:
    shop.serve(trackers=PATTERN)
    add = ADD.replace("{t}", tracker(shop, "it.js"))
    accepted(page, shop.page(f"<script>window.ran = () => 0; {add}</script>"))
    until(page, "window.gone")
    page.evaluate(f"{size} performance.clearResourceTimings()")
    withdraw(page)


def test_a_script_that_the_page_names_itself_ends_on_a_page_that_clears_its_timings(shop: Shop, page: Page) -> None:
    shop.serve(trackers=PATTERN)
    accepted(
        page,
        shop.page(
            f"<script>window.ran = () => (window.own = 1)</script><script src='{tracker(shop, 'it.js')}'></script>"
        ),
    )
    until(page, "window.own")
    page.evaluate("document.querySelector('script[src*=tracker]').remove(); performance.clearResourceTimings()")
    withdraw(page)


def test_a_script_that_no_pattern_holds_ends_with_the_page(shop: Shop, page: Page) -> None:
    shop.serve(trackers=PATTERN)
    accepted(
        page, shop.page(f"<script>window.ran = () => (window.own = 1); import('{tracker(shop, 'it.js')}')</script>")
    )
    until(page, "window.own")
    withdraw(page)


def test_a_script_in_a_frame_of_the_page_s_own_ends_with_the_page(shop: Shop, page: Page) -> None:
    shop.serve(trackers=PATTERN)
    body = (
        "<script>const f = document.createElement('iframe'); document.body.append(f);"
        "f.contentWindow.ran = () => { window.own = 1 };"
        f"const s = f.contentDocument.createElement('script'); s.src = '{tracker(shop, 'it.js')}';"
        "f.contentDocument.head.append(s)</script>"
    )
    accepted(page, shop.page(body))
    until(page, "window.own")
    withdraw(page)


def test_a_picture_in_a_frame_of_the_page_s_own_is_unloaded(shop: Shop, page: Page) -> None:
    shop.serve(trackers=PATTERN)
    url = tracker(shop, "it")
    accepted(
        page,
        shop.page(
            f"<iframe title=F></iframe><script>frames[0].document.body.innerHTML = ['head', 'nodeType', 'querySelectorAll'].map((name) => `<img alt='' name=${{name}}>`).join(''); const i = frames[0].document.createElement('img'); i.src = '{url}'; document.querySelector('iframe').contentDocument.body.append(i)</script>"
        ),
    )
    when(page, lambda: "it" in hits(shop))
    page.evaluate(WITHDRAW)
    page.get_by_role("status").wait_for()
    assert page.evaluate("[...frames[0].document.images].at(-1).hasAttribute('src')") is False


def test_a_page_is_not_loaded_anew_for_what_was_only_fetched_ahead(shop: Shop, page: Page) -> None:
    shop.serve(trackers=PATTERN)
    page.goto(
        shop.page(
            f"<script>window.ran = () => (window.bad = 1)</script><script src='{tracker(shop, 'it.js')}'></script>"
        )
    )
    page.evaluate("consent.decide({ marketing: true })")
    until(page, "consent.token")
    page.evaluate(f"window.here = 1; {WITHDRAW}")
    page.get_by_role("status").wait_for()
    assert page.evaluate("[window.here, window.bad]") == [1, None]


@pytest.mark.parametrize("way", ["removeAttribute('src')", "removeAttributeNS(null, 'SRC'.toLowerCase())"])
def test_an_address_that_is_taken_away_while_it_waits_is_not_asked_after_the_yes(
    shop: Shop, page: Page, way: str
) -> None:
    shop.serve(trackers=PATTERN)
    page.goto(shop.page(f"<iframe id=f title=F></iframe><script>f.src = '{tracker(shop, 'it')}'; f.{way}</script>"))
    page.evaluate(ALLOW)
    until(page, "consent.token")
    settle(page)
    assert hits(shop) == []


# How the page comes back


def test_a_script_ends_on_a_page_with_a_base_elsewhere_and_a_fragment(shop: Shop, page: Page) -> None:
    url = shop.page(INLINE, head=f"{shop.tag}<base href='{shop.url('/', 'cdn')}'>")
    page.goto(url)
    page.evaluate(ALLOW)
    until(page, "consent.token")
    page.goto("about:blank")
    page.goto(url + "#size")
    until(page, "window.inline")
    withdraw(page)
    assert page.url == url + "#size"


def test_who_stays_keeps_the_address_and_the_next_page_is_as_it_is(shop: Shop, page: Page) -> None:
    tall = "<p id=p style='height: 3000px'>x</p>"
    stay = f"<script>window.stay = 1; addEventListener('beforeunload', (e) => window.stay && e.preventDefault())</script>{tall}"
    shop.page(tall, path="/another")
    accepted(page, shop.page(""))
    page.goto(shop.page(stay + INLINE, path="/form"))
    page.goto(shop.url("/form") + "#step-2")
    until(page, "window.inline")
    page.locator("#p").click()
    page.evaluate("scrollTo(0, 1500)")
    page.on("dialog", lambda dialog: dialog.dismiss())
    page.evaluate(WITHDRAW)
    page.get_by_role("status").wait_for()
    assert page.evaluate("location.href") == shop.url("/form") + "#step-2"
    page.evaluate("window.stay = 0")
    page.goto(shop.url("/another"))
    settle(page)
    assert page.evaluate("[scrollY, sessionStorage['ask-removed'] ?? null]") == [0, None]
    assert page.get_by_role("status").count() == 0


LAST = {
    "sendBeacon": "navigator.sendBeacon('{t}')",
    "fetch that outlives the page": "fetch('{t}', { method: 'POST', mode: 'no-cors', keepalive: true }).catch(() => 0)",
    "such a Request": "fetch(new Request('{t}', { mode: 'no-cors', keepalive: true })).catch(() => 0)",
}


@pytest.mark.parametrize("way", LAST)
def test_what_a_script_sends_as_its_page_ends_does_not_leave_but_the_shop_s_own_does(
    shop: Shop, page: Page, way: str
) -> None:
    last = LAST[way].replace("{t}", tracker(shop, "last"))
    own = LAST[way].replace("{t}", "/basket")
    accepted(
        page,
        shop.page(
            f"<script {HELD}>window.inline = 1; addEventListener('pagehide', () => {{ {last}; {own} }})</script>"
        ),
    )
    until(page, "window.inline")
    settle(page)
    shop.hits.clear()
    shop.visits.clear()
    withdraw(page)
    when(page, lambda: any("/basket" in visit for visit in shop.visits))
    settle(page)
    assert hits(shop) == []


CAPTURED = {
    "sendBeacon": "const send = navigator.sendBeacon.bind(navigator); addEventListener('pagehide', () => send('{t}'))",
    "fetch": "const send = fetch; addEventListener('pagehide', () => send('{t}', { keepalive: true, mode: 'no-cors' }))",
}


@pytest.mark.parametrize("way", CAPTURED)
def test_what_a_marked_script_captured_sends_nothing_as_its_page_ends(shop: Shop, page: Page, way: str) -> None:
    code = CAPTURED[way].replace("{t}", tracker(shop, "bye"))
    accepted(page, shop.page(f"<script {HELD}>{{ {code}; window.inline = 1 }}</script>"))
    until(page, "window.inline")
    settle(page)
    shop.hits.clear()  # of the page before, which ended with a yes
    withdraw(page)
    settle(page)
    assert hits(shop) == []
