"""Withdrawals that pages make hard: what was let through unseen, an address that leads elsewhere, a shopper who stays."""

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


# What was shown before


def test_a_placeholder_comes_back(shop: Shop, page: Page) -> None:
    picture = f"<img alt='' data-consent=analytics src='/placeholder.gif' data-src='{tracker(shop, 'it')}'>"
    page.goto(
        shop.page(
            f"{picture}<video data-consent=analytics poster='/poster.gif' data-poster='{tracker(shop, 'poster')}'></video>"
        )
    )
    shown = "[document.images[0].getAttribute('src'), document.querySelector('video').getAttribute('poster')]"
    for _ in range(2):
        page.evaluate(ALLOW)
        until(page, f"{shown}.join() == '{tracker(shop, 'it')},{tracker(shop, 'poster')}' && consent.token")
        page.evaluate(WITHDRAW)
        until(page, f"{shown}.join() == '/placeholder.gif,/poster.gif'")


def test_an_address_that_was_released_is_no_placeholder(shop: Shop, page: Page) -> None:
    page.goto(shop.page(f"<img alt='' data-consent=analytics data-src='{tracker(shop, 'one')}'>"))
    page.evaluate(ALLOW)
    when(page, lambda: "one" in hits(shop))
    page.evaluate(f"document.images[0].dataset.src = '{tracker(shop, 'two')}'")
    when(page, lambda: "two" in hits(shop))
    until(page, "consent.token")
    page.evaluate(WITHDRAW)
    until(page, "!document.images[0].hasAttribute('src')")
    settle(page)
    assert page.evaluate("document.images[0].hasAttribute('src')") is False


# What is out of the page, or in it unseen, when the shopper withdraws

MAKE = "window.kept = Object.assign(document.createElement('iframe'), { title: 'F', src: '{t}' }); document.body.append(kept);"
KEPT = {
    "a frame that the page keeps": MAKE + "when(() => kept.remove())",
    "a frame within what the page keeps": (
        "window.kept = document.createElement('section'); document.body.append(kept);"
        "kept.innerHTML = `<iframe title=F src='{t}'></iframe>`; when(() => kept.remove())"
    ),
    "a copy of a frame": MAKE + "when(() => { const frame = kept; kept = frame.cloneNode(true); frame.remove() })",
    "a copy of a part with a picture that waits to be seen": (
        "const part = document.createElement('section'); part.innerHTML = `<img alt='' loading=lazy src='{t}'>`;"
        "document.body.append(part); when(() => { kept = document.importNode(part, true); part.remove() })"
    ),
    "a style sheet": (
        "window.kept = Object.assign(document.createElement('link'), { rel: 'stylesheet', href: '{t}' });"
        "document.head.append(kept); when(() => kept.remove())"
    ),
}


@pytest.mark.parametrize("what", KEPT)
def test_what_the_page_keeps_asks_nobody_when_it_is_put_back_after_a_no(shop: Shop, page: Page, what: str) -> None:
    shop.serve(trackers=PATTERN)
    accepted(page, shop.page(""))
    code = KEPT[what].replace("{t}", tracker(shop, "it"))
    page.evaluate(f"() => {{ const when = (act) => setTimeout(() => {{ act(); window.done = 1 }}, 400); {code} }}")
    until(page, "window.done")
    asked = len(hits(shop))
    assert asked > 0
    page.evaluate(f"window.here = 1; {WITHDRAW}")
    page.get_by_role("status").wait_for()
    until(page, "!kept.outerHTML.includes('tracker')")
    page.evaluate("document.body.append(kept)")
    settle(page)
    assert page.evaluate("window.here") == 1
    assert len(hits(shop)) == asked
    page.evaluate(ALLOW)
    when(page, lambda: len(hits(shop)) == asked + 1)


AGAIN = {
    "a film's source": "<video preload=auto><source src='{t}'></video>",
    "a picture of SVG": "<svg><image xlink:href='{t}' width=9 height=9 /></svg>",
}


@pytest.mark.parametrize("by", ["innerHTML", "cloneNode"])
@pytest.mark.parametrize("what", AGAIN)
def test_what_was_taken_back_comes_again_with_the_next_yes(shop: Shop, page: Page, what: str, by: str) -> None:
    shop.serve(trackers=PATTERN)
    accepted(page, shop.page("<div id=box></div>"))
    add = {
        "innerHTML": "box.innerHTML = html",
        "cloneNode": "const t = document.createElement('template'); t.innerHTML = html; box.append(t.content.cloneNode(true))",
    }[by]
    page.evaluate(f"(html) => {{ window.here = 1; {add} }}", AGAIN[what].replace("{t}", tracker(shop, "it")))
    when(page, lambda: "it" in hits(shop))
    settle(page)
    page.evaluate(WITHDRAW)
    page.get_by_role("status").wait_for()
    until(page, "!box.innerHTML.includes('tracker')")
    # Of a film that could not be played the browser asks no second time.
    seen = "(document.querySelector('image')?.href.baseVal ?? document.querySelector('video').currentSrc).includes('tracker')"
    assert page.evaluate(seen) is False
    page.evaluate(ALLOW)
    until(page, seen)
    assert page.evaluate("window.here") == 1


def test_a_frame_in_a_closed_shadow_root_is_taken_back(shop: Shop, page: Page) -> None:
    shop.serve(trackers=PATTERN)
    accepted(page, shop.page("<div id=box></div>"))
    page.evaluate(
        "(src) => { window.kept = Object.assign(document.createElement('iframe'), { title: 'F', src });"
        " box.attachShadow({ mode: 'closed' }).append(kept) }",
        tracker(shop, "it"),
    )
    when(page, lambda: "it" in hits(shop))
    page.evaluate(WITHDRAW)
    until(page, "!kept.hasAttribute('src')")


@pytest.mark.parametrize("field", ["closest", "setAttribute", "getAttributeNames", "contentWindow", "shadowRoot"])
def test_a_form_s_field_keeps_nothing_from_being_taken_back(shop: Shop, page: Page, field: str) -> None:
    shop.serve(trackers=PATTERN)
    t = tracker(shop, "it")
    form = f"<form data='{t}' src='{t}'><input name={field}><input name={field}><input name=contentDocument></form>"
    accepted(page, shop.page(f"{form}<iframe title=F src='{t}'></iframe>"))
    when(page, lambda: "it" in hits(shop))
    page.evaluate(WITHDRAW)
    until(page, "!document.querySelector('iframe').hasAttribute('src')")
    until(page, "document.querySelector('[data-ask] .said')")


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
