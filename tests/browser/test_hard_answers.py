"""Answers while something hangs, lies or hides: layers that never load, servers that answer otherwise, names and traps."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page

from .conftest import Shop, banner, cookie, press, settle, until, when
from .libraries import library
from .rows import hits, tracker
from .visits import ALLOW, PATTERN, WITHDRAW, accepted

INLINE = '<script type="text/plain" data-consent="analytics">window.inline = 1</script>'
MARKED = {
    "video": "<video data-consent=analytics preload=auto data-src='{t}'></video>",
    "iframe": "<iframe data-consent=analytics data-src='{t}'></iframe>",
}
ALLOWED = "<script>const allowOutsideClick = ({ target }) => !!target.closest('[data-ask]')</script>"
"""What docs/tag.md has a focus trap told."""
LISTEN = "<script>window.heard = []; document.addEventListener('consentchange', ({ detail }) => heard.push(detail && detail.analytics))</script>"
SETTINGS = "<button data-consent-open>Cookie settings</button>"

pytestmark = pytest.mark.troubles(".")


def test_a_no_reaches_vendors_while_release_js_hangs(shop: Shop, page: Page) -> None:
    shop.serve(vendors={"google": {}})
    page.route("**/release.*", lambda _: None)
    page.goto(shop.page(LISTEN))
    page.evaluate(ALLOW)
    update = (
        "(window.dataLayer || []).filter((e) => e[0] == 'consent' && e[1] == 'update').at(-1)?.[2].analytics_storage"
    )
    until(page, f"{update} == 'granted' && heard.length == 1")
    page.evaluate(WITHDRAW)
    until(page, f"{update} == 'denied' && heard.length == 2")


def test_a_script_ends_while_withdraw_js_hangs(shop: Shop, page: Page) -> None:
    accepted(page, shop.page(LISTEN + INLINE))
    until(page, "window.inline")
    page.route("**/withdraw.*", lambda _: None)
    page.evaluate(f"window.here = 1; {WITHDRAW}")
    until(page, "!window.here && window.consent?.choice")


def test_after_a_withdrawal_that_hangs_the_next_answer_is_heard(shop: Shop, page: Page) -> None:
    accepted(page, shop.page(LISTEN))
    page.route("**/withdraw.*", lambda _: None)
    page.evaluate(WITHDRAW)
    until(page, "heard.length == 1")
    page.evaluate(ALLOW)
    until(page, "heard.length == 2")


@pytest.mark.parametrize("way", ["marked, with a fragment", "by a pattern"])
def test_a_script_ends_where_withdraw_js_does_not_load(shop: Shop, page: Page, way: str) -> None:
    shop.serve(trackers=PATTERN)
    script = f"<script>window.ran = () => window.inline = 1; document.head.append(Object.assign(document.createElement('script'), {{ src: '{tracker(shop, 'it.js')}' }}))</script>"
    accepted(page, shop.page(script if way == "by a pattern" else INLINE) + ("#size" if way != "by a pattern" else ""))
    until(page, "window.inline")
    page.route("**/withdraw.*", lambda route: route.abort())
    page.evaluate(f"window.here = 1; {WITHDRAW}")
    until(page, "!window.here && window.consent?.choice")


def test_what_was_allowed_once_ends_with_another_no(shop: Shop, page: Page) -> None:
    film = f"<iframe title=F width=560 height=315 data-consent=marketing data-src='{tracker(shop, 'first')}'></iframe>"
    page.goto(shop.page(film))
    page.evaluate(WITHDRAW)
    page.frame_locator("iframe").get_by_role("button", name="once").click()
    when(page, lambda: "first" in hits(shop))
    until(page, "consent.token")
    page.evaluate("consent.open()")
    press(page, "refuse")
    until(page, "!document.querySelector('iframe').hasAttribute('src')")


@pytest.mark.parametrize("kind", ["video", "iframe"])
def test_an_address_that_the_page_takes_away_stays_away(shop: Shop, page: Page, kind: str) -> None:
    # As the HTML standard tells to free a film, as hls.js does, and as a lightbox stops its film.
    page.goto(shop.page(MARKED[kind].replace("{t}", tracker(shop, "it"))))
    page.evaluate(ALLOW)
    when(page, lambda: "it" in hits(shop))
    settle(page)
    shop.hits.clear()
    page.evaluate(f"(() => {{ const v = document.querySelector('{kind}'); v.removeAttribute('src'); v.load?.() }})()")
    settle(page)
    assert [hits(shop), page.evaluate(f"document.querySelector('{kind}').hasAttribute('src')")] == [[], False]


def test_a_picture_that_falls_back_to_another_does_so_once(shop: Shop, page: Page) -> None:
    picture = "<img alt='' data-consent=functional data-src='/none.png' data-srcset='/none-2.png 2x' onerror=\"window.errors = (window.errors || 0) + 1; this.removeAttribute('srcset'); this.src = '/own.gif'\">"
    page.route(
        "**/own.gif",
        lambda r: r.fulfill(
            content_type="image/svg+xml", body="<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"
        ),
    )
    page.goto(shop.page(picture))
    page.evaluate(ALLOW)
    until(page, "window.errors")
    page.wait_for_timeout(2000)
    assert page.evaluate("[window.errors, document.querySelector('img').getAttribute('src')]") == [1, "/own.gif"]


def test_an_answer_that_is_no_token_is_not_asked_for_again_and_again(shop: Shop, page: Page) -> None:
    # A service worker, a proxy or a captive portal that says 200 and {} to whatever fails.
    posts: list[str] = []
    page.route(
        "**/decisions",
        lambda r: (
            posts.append(r.request.post_data or ""),
            r.fulfill(status=200, content_type="application/json", body="{}"),
        )[0],
    )
    page.goto(shop.page(""))
    page.evaluate(WITHDRAW)
    page.wait_for_timeout(4000)
    kept = page.evaluate("decodeURIComponent(document.cookie)")
    assert len(posts) < 6, f"{len(posts)} posts in four seconds"
    assert '"id"' not in kept, kept


def test_a_token_of_another_answer_makes_no_yes_of_a_no(shop: Shop, page: Page) -> None:
    # A service worker or a proxy of the shop that keeps what a POST was answered, or mixes up two answers.
    url = shop.page(INLINE)
    page.goto(url)
    page.evaluate(ALLOW)
    until(page, "window.inline && consent.token")
    kept = json.dumps({"token": page.evaluate("consent.token")})
    page.route("**/decisions", lambda route: route.fulfill(status=200, content_type="application/json", body=kept))
    page.evaluate(f"window.here = 1; {WITHDRAW}")
    until(page, "!window.here && window.consent")
    settle(page)
    page.goto(url)
    settle(page)
    assert page.evaluate("[consent.allows('analytics'), window.inline]") == [False, None]


def test_the_banner_answers_a_mouse_beside_a_focus_trap(shop: Shop, page: Page) -> None:
    # A popup for a newsletter or an age, as focus-trap (npm) keeps it; the banner covers its buttons.
    shop.pages["/tab.js"] = ("text/javascript", library("tabbable"), {})
    shop.pages["/trap.js"] = ("text/javascript", library("focus-trap"), {})
    popup = "<div id=popup style='position:fixed;inset:auto 0 0;height:150px;background:#fee'><button id=x>Yes, I am 18</button></div><script>focusTrap.createFocusTrap('#popup', { escapeDeactivates: false, allowOutsideClick }).activate()</script>"
    page.goto(shop.page(popup, head=f"{shop.tag}<script src=/tab.js></script><script src=/trap.js></script>{ALLOWED}"))
    settle(page)
    box = page.get_by_role("button", name="Reject all").bounding_box()
    assert box
    page.mouse.click(box["x"] + 20, box["y"] + 20)
    settle(page)
    assert page.evaluate("!!consent.choice")


READ_ONLY = {
    "a frozen class": "Object.freeze(Navigator.prototype)",
    "a value": "Object.defineProperty(window, 'fetch', { value: fetch, writable: false })",
    "a getter": "const own = fetch; Object.defineProperty(window, 'fetch', { get: () => own })",
}


@pytest.mark.parametrize("how", READ_ONLY)
def test_what_the_page_lets_nobody_wrap_keeps_nothing_held(shop: Shop, page: Page, how: str) -> None:
    accepted(page, shop.page(f"{INLINE}<script>{READ_ONLY[how]}</script>"))
    until(page, "window.inline")


@pytest.mark.parametrize("name", ["{ entries: [] }", "{ entries: () => [] }", "1", "null"])
def test_a_page_with_its_own_navigation_is_asked(shop: Shop, page: Page, name: str) -> None:
    page.add_init_script("delete window.navigation; delete Window.prototype.navigation")
    page.goto(shop.page("", head=f"<script>var navigation = {name}</script>{shop.tag}"))
    banner(page).wait_for()


def test_a_page_that_froze_its_prototypes_releases(shop: Shop, page: Page) -> None:
    frozen = "for (const { prototype } of [Node, Element, Document, HTMLElement]) Object.freeze(prototype)"
    writes = INLINE.replace("window.inline = 1", "document.write('gone'); window.wrote = 1")
    page.goto(shop.page(f"{writes}{INLINE}<script>{frozen}</script>"))
    page.evaluate(ALLOW)
    until(page, "window.wrote && window.inline")
    assert page.evaluate("[document.querySelector('h1').textContent, Object.hasOwn(document, 'write')]") == [
        "Shop",
        False,
    ]


def test_cookie_settings_say_something_while_the_preferences_hang(shop: Shop, page: Page) -> None:
    accepted(page, shop.page(SETTINGS))
    page.route("**/details.*", lambda _: None)
    page.get_by_text("Cookie settings").click()
    page.get_by_role("dialog").wait_for()


def test_an_icon_of_svg_opens_the_preferences(shop: Shop, page: Page) -> None:
    accepted(
        page,
        shop.page(
            "<svg id=s data-consent-open width=40 height=40 tabindex=0 role=button><circle cx=20 cy=20 r=20 /></svg>"
        ),
    )
    page.locator("#s").click()
    page.get_by_role("dialog").wait_for()


def test_a_view_transition_does_not_hold_up_a_no(shop: Shop, page: Page) -> None:
    shop.serve(vendors={"google": {}})
    accepted(page, shop.page(""))
    until(page, "window.dataLayer?.some((e) => e[1] == 'update')")
    page.evaluate(
        "document.startViewTransition(() => new Promise((resolve) => (window.goOn = resolve)))"
        ".finished.then(() => (window.over = true)); 0"
    )
    until(page, "!!window.goOn")
    page.evaluate(WITHDRAW)
    until(page, "dataLayer.some((each) => each[1] == 'update' && each[2].analytics_storage == 'denied')")
    assert page.evaluate("window.over") is None
    page.evaluate("goOn()")
    until(page, "window.over")


def test_a_banner_that_is_seen_late_is_counted(shop: Shop, page: Page) -> None:
    # The guard against clickjacking, or a test tool's against flicker: nothing of the page is shown at first.
    page.goto(
        shop.page(
            "<script>setTimeout(() => guard.remove(), 1500)</script>",
            head=f"<style id=guard>html {{ display: none }}</style>{shop.tag}",
        )
    )
    page.get_by_role("dialog").wait_for()
    when(page, lambda: any(path == "shown" for path, _ in shop.posts))


def test_the_preferences_answer_a_mouse_when_opened_from_a_drawer_that_traps_the_focus(shop: Shop, page: Page) -> None:
    shop.pages["/tab.js"] = ("text/javascript", library("tabbable"), {})
    shop.pages["/trap.js"] = ("text/javascript", library("focus-trap"), {})
    drawer = f"<nav id=nav>{SETTINGS}</nav><script>const trap = focusTrap.createFocusTrap('#nav', {{ allowOutsideClick }})</script>"
    accepted(
        page, shop.page(drawer, head=f"{shop.tag}<script src=/tab.js></script><script src=/trap.js></script>{ALLOWED}")
    )
    page.evaluate("trap.activate()")
    settle(page)
    page.get_by_text("Cookie settings").click()
    button = page.get_by_role("dialog").get_by_role("button", name="Reject all")
    button.wait_for()
    settle(page)
    button.click(force=True)
    settle(page)
    assert page.evaluate("consent.allows('analytics')") is False


def test_held_things_are_told_where_load_never_comes(shop: Shop, page: Page) -> None:
    shop.serve(cookies={"analytics": (cookie("_t*"),)})
    accepted(page, shop.page(INLINE))
    until(page, "window.inline")
    page.evaluate("document.cookie = '_t=1;path=/'")
    page.route("**/hang.gif", lambda _: None)
    shop.page(INLINE + "<img alt='' src='/hang.gif'>", path="/two")
    page.goto(shop.url("/two"), wait_until="domcontentloaded")
    until(page, "window.inline")
    page.evaluate(f"window.here = 1; {WITHDRAW}")
    until(page, "!window.here && window.consent?.choice")
    page.get_by_role("status").wait_for()


def test_the_signal_is_told_where_load_never_comes(shop: Shop, page: Page) -> None:
    shop.serve(gpc=True)
    page.add_init_script(
        "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true, configurable: true })"
    )
    page.route("**/hang.gif", lambda _: None)
    page.goto(shop.page("<img alt='' src='/hang.gif'>"), wait_until="domcontentloaded")
    page.get_by_role("dialog").get_by_text("Global Privacy Control").wait_for()


@pytest.mark.parametrize("way", ["deleted", "erased"])
def test_google_hears_of_an_answer_that_is_gone(shop: Shop, page: Page, way: str) -> None:
    shop.serve(vendors={"google": {}})
    accepted(page, shop.page("<button data-consent-open>Cookie settings</button>"))
    said = "dataLayer.filter((e) => e[0] == 'consent').map((e) => e[1] + ' ' + e[2].analytics_storage)"
    until(page, f"{said}.at(-1) == 'update granted'")
    if way == "deleted":
        page.evaluate("document.cookie = 'consent=;path=/;max-age=0'")
    else:
        page.evaluate("consent.open()")
        page.get_by_text("My choices", exact=True).click()
        for _ in "pressed", "and sure":
            page.get_by_role("button", name="Erase my record").click()
    until(page, "!consent.allows('analytics')")
    until(page, f"{said}.at(-1) != 'update granted'")
    settle(page)
    assert page.evaluate(said)[-1] == "update denied", page.evaluate(said)
