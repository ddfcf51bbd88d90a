"""What pages do that no author of a gate expects: attributes set late, names taken, nodes normalised, tabs that disagree."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page

from .conftest import WORDS, Shop, press, settle, until, when
from .libraries import library
from .rows import COUNT, HELD, hits, tracker
from .test_other_browsers import new_window, window
from .visits import ALLOW, PATTERN, WITHDRAW, accepted, withdraw
from .windows import Window

__all__ = ["new_window", "window"]

INLINE = '<script type="text/plain" data-consent="analytics">window.inline = 1; sessionStorage.runs = +(sessionStorage.runs || 0) + 1</script>'

pytestmark = pytest.mark.troubles(".")


# Patterns

LATER = {
    "a script, and another attribute": "const s = document.createElement('script'); s.src = '{t}'; s.setAttribute('data-key', '7'); document.head.append(s)",
    "a picture, and its text": "const s = document.createElement('img'); s.setAttribute('src', '{t}'); s.setAttribute('alt', ''); document.body.append(s)",
    "a frame, and its title": "const s = document.createElement('iframe'); s.src = '{t}'; s.setAttribute('title', 'x'); document.body.append(s)",
    "a film, and its poster": "const s = document.createElement('video'); s.preload = 'auto'; s.src = '{t}'; s.poster = '/own.gif'; document.body.append(s)",
    "a tag manager's own snippet": "const j = document.createElement('script'); j.async = true; j.src = '{t}'; const n = document.querySelector('[nonce]'); j.setAttribute('nonce', n.nonce); document.head.append(j)",
}


@pytest.mark.parametrize("way", LATER)
def test_a_held_address_is_asked_for_after_a_yes_whatever_was_set_after_it(shop: Shop, page: Page, way: str) -> None:
    shop.serve(trackers=PATTERN)
    code = LATER[way].replace("{t}", tracker(shop, "it"))
    page.goto(shop.page(f"<script nonce=abc></script><script>{code}</script>"))
    settle(page)
    assert hits(shop) == []
    page.evaluate(ALLOW)
    when(page, lambda: "it" in hits(shop))


@pytest.mark.parametrize("field", ["attributes", "querySelectorAll", "getAttribute"])
def test_a_form_s_field_lets_nothing_out_and_breaks_nothing(shop: Shop, page: Page, field: str) -> None:
    shop.serve(trackers=PATTERN)
    form = f"<form><input name={field}></form>"
    page.goto(shop.page(f"{COUNT}{form}<script src='{tracker(shop, 'it.js')}'></script>"))
    settle(page)
    assert page.evaluate("order") == []
    page.evaluate(f"document.forms[0].innerHTML = '<input name={field}>'")
    page.evaluate("window.here = 1")
    page.evaluate(ALLOW)
    until(page, "order.length == 1 && consent.token")
    withdraw(page)


@pytest.mark.parametrize("code", ["var URL = '/shop'", "const URL = '/shop'", "class URL {}", "class Comment {}"])
def test_a_name_that_the_page_takes_opens_nothing(shop: Shop, page: Page, code: str) -> None:
    shop.serve(trackers=PATTERN)
    held = f"<script {HELD} data-src='/own.js'></script>"
    shop.pages["/own.js"] = ("text/javascript", "ran('own')", {})
    page.goto(shop.page(f"{COUNT}<script>{code}</script>{held}<script src='{tracker(shop, 'it.js')}'></script>"))
    settle(page)
    assert page.evaluate("order") == []
    page.evaluate(ALLOW)
    until(page, "order.length == 2 && consent.token")
    withdraw(page)
    settle(page)
    assert page.evaluate("order") == []


@pytest.mark.parametrize("value", ["null", "undefined", "7", "new URL(location)"])
def test_a_srcset_that_is_no_text_throws_nothing(shop: Shop, page: Page, value: str) -> None:
    shop.serve(trackers=PATTERN)
    page.goto(shop.page("<img alt=''>"))
    page.evaluate(f"document.images[0].srcset = {value}")


@pytest.mark.parametrize("way", ["parser", "copy", "fragment"])
def test_under_trusted_types_a_script_that_a_pattern_holds_runs_after_a_yes(shop: Shop, page: Page, way: str) -> None:
    shop.serve(trackers=PATTERN)
    script = f"<script nonce=abc src='{tracker(shop, 'it.js')}'></script>"
    body = {
        "parser": script,
        "copy": f"<template>{script}</template><script nonce=abc>document.body.append(document.importNode(document.querySelector('template').content, true))</script>",
        "fragment": "<script nonce=abc>const mine = trustedTypes.createPolicy('mine', { createHTML: (x) => x });"
        f" document.body.append(document.createRange().createContextualFragment(mine.createHTML(`{script[:-2]}` + 't>')))</script>",
    }[way]
    policy = f"script-src 'nonce-abc' http://shop.localhost:{shop.port}; require-trusted-types-for 'script'"
    tag, count = (text.replace("<script", "<script nonce=abc") for text in (shop.tag, COUNT))
    page.goto(shop.page(count + body, head=tag, Content_Security_Policy=policy))
    settle(page)
    assert page.evaluate("order") == []
    press(page, "accept")
    until(page, "order.join() == '/it.js'")


# Withdrawals

MARKS = {
    "normalised": "document.documentElement.normalize()",
    "given its text again": "document.querySelectorAll('script[data-consent]').forEach((s) => { s.textContent = s.textContent })",
}


@pytest.mark.parametrize("way", MARKS)
def test_a_script_ends_at_a_withdrawal_whatever_the_page_has_done_with_it(shop: Shop, page: Page, way: str) -> None:
    page.goto(shop.page(INLINE))
    page.evaluate(ALLOW)
    until(page, "window.inline && consent.token")
    page.evaluate(MARKS[way])
    withdraw(page)
    assert page.evaluate("[window.inline, sessionStorage.runs]") == [None, "1"]


@pytest.mark.parametrize("src", [False, True])
def test_a_script_that_turbo_morphs_ends_at_a_withdrawal(shop: Shop, page: Page, src: bool) -> None:
    shop.pages["/turbo.js"] = ("text/javascript", library("turbo"), {})
    shop.pages["/own.js"] = ("text/javascript", "window.inline = 1", {})
    head = f"{shop.tag}<script src=/turbo.js></script><meta name=turbo-refresh-method content=morph>"
    page.goto(shop.page(f"<script {HELD} data-src='/own.js'></script>" if src else INLINE, head=head))
    page.evaluate(ALLOW)
    until(page, "window.inline && consent.token")
    page.evaluate(
        "document.addEventListener('turbo:render', () => (window.morphed = 1)); void Turbo.visit(location.href, { action: 'replace' })"
    )
    until(page, "window.morphed")
    withdraw(page)
    assert page.evaluate("window.inline") is None


def test_what_is_allowed_once_ends_with_the_next_answer(shop: Shop, page: Page) -> None:
    film = "<iframe title=F width=560 height=315 data-consent=marketing data-src='{}'></iframe>"
    page.goto(shop.page(film.format(tracker(shop, "first"))))
    page.frame_locator("iframe").get_by_role("button", name=WORDS["en"]["once"]).click()
    when(page, lambda: "first" in hits(shop))
    page.evaluate(
        f"document.querySelector('main').insertAdjacentHTML('beforeend', `{film.format(tracker(shop, 'second'))}`)"
    )
    page.frame_locator("iframe >> nth=1").get_by_role("button", name=WORDS["en"]["once"]).wait_for()
    assert page.evaluate("document.querySelector('iframe').src") == tracker(shop, "first"), "another frame is no answer"
    press(page, "refuse")
    until(page, "!document.querySelector('iframe').hasAttribute('src')")


def test_a_copy_of_a_picture_that_is_put_back_asks_nobody(shop: Shop, page: Page) -> None:
    sources = f"<source data-srcset='{tracker(shop, 'wide')}' media='(min-width: 1px)'><img alt='' data-src='{tracker(shop, 'it')}'>"
    page.goto(shop.page(f"<picture data-consent=analytics>{sources}</picture>"))
    page.evaluate(ALLOW)
    when(page, lambda: "wide" in hits(shop))
    until(page, "consent.token && document.querySelector('img').loading == 'lazy'")
    page.evaluate("window.copy = document.querySelector('picture').cloneNode(true)")
    page.evaluate(WITHDRAW)
    until(page, "!document.querySelector('source').hasAttribute('srcset')")
    shop.hits.clear()
    page.evaluate("document.body.append(copy)")
    settle(page)
    assert hits(shop) == []


# Coming back


def test_the_page_that_comes_back_is_where_it_was_and_was_sent_once(shop: Shop, page: Page) -> None:
    accepted(page, shop.page("<p style='height: 3000px'>x</p>" + INLINE))
    until(page, "window.inline")
    page.evaluate("scrollTo(0, 1500)")
    shop.visits.clear()
    withdraw(page)
    until(page, "scrollY == 1500")
    assert shop.visits.count("GET /") == 1


def test_a_page_that_answers_no_head_comes_back_too(shop: Shop, page: Page) -> None:
    accepted(page, shop.page(INLINE))
    until(page, "window.inline")
    page.route("**/*", lambda route: route.fulfill(status=405) if route.request.method == "HEAD" else route.fallback())
    withdraw(page)
    assert page.evaluate("window.inline") is None


@pytest.mark.parametrize("policy", ["", "connect-src 'none'"])
def test_without_a_network_the_page_stays_and_says_so(shop: Shop, page: Page, policy: str) -> None:
    head = f'<meta http-equiv=content-security-policy-report-only content="{policy}">{shop.tag}'
    accepted(page, shop.page(INLINE, head=head, Content_Security_Policy_Report_Only=policy))
    until(page, "window.inline")
    page.evaluate("consent.decide({ marketing: false })")  # so that the layer is there
    page.get_by_role("status").wait_for()
    page.context.set_offline(True)
    page.evaluate(WITHDRAW)
    page.get_by_role("status").filter(has_text=WORDS["en"]["stays"]).wait_for()
    assert page.evaluate("window.inline") == 1


def test_a_script_that_is_gone_again_ends_on_a_page_of_three_hundred_pictures(shop: Shop, page: Page) -> None:
    shop.serve(trackers=PATTERN)
    pictures = "<script>for (let n = 0; n < 300; n++) new Image().src = `/own-${n}.gif`</script>"
    gone = f"<script>const s = document.createElement('script'); s.src = '{tracker(shop, 'it.js')}'; s.onload = () => {{ s.remove(); ran('gone') }}; setTimeout(() => document.head.append(s), 500)</script>"
    accepted(page, shop.page(COUNT + pictures + gone))
    until(page, "order.includes('gone') && performance.getEntriesByType('resource').length >= 250")
    withdraw(page)


def test_a_script_ends_also_where_what_says_so_does_not_load(shop: Shop, page: Page) -> None:
    accepted(page, shop.page(INLINE))
    until(page, "window.inline")
    page.route("**/withdraw.*", lambda route: route.abort())
    withdraw(page)
    assert page.evaluate("window.inline") is None


def test_a_download_does_not_keep_what_was_withdrawn(shop: Shop, page: Page) -> None:
    shop.pages["/bill.pdf"] = ("application/pdf", "x", {"Content-Disposition": "attachment; filename=bill.pdf"})
    accepted(page, shop.page(INLINE + "<a href=/bill.pdf>Bill</a>"))
    until(page, "window.inline")
    page.evaluate("consent.decide({ marketing: false })")  # so that the layer is there
    page.get_by_role("status").wait_for()
    with page.expect_download():
        page.get_by_text("Bill").click()
    withdraw(page)


def test_after_a_withdrawal_that_fails_the_next_answer_is_heard(shop: Shop, page: Page) -> None:
    accepted(page, shop.page(INLINE))
    until(page, "window.inline")
    page.evaluate(
        "performance.getEntriesByType = () => { throw Error('x') };"
        "document.addEventListener('consentchange', ({ detail }) => (window.heard = detail.analytics))"
    )
    page.evaluate(WITHDRAW)
    until(page, "window.heard === false")
    page.evaluate(ALLOW)
    until(page, "window.heard === true")


@pytest.mark.parametrize("nonce", ["", " nonce=abc"])
def test_a_no_while_the_browser_is_asked_about_a_script_keeps_it(shop: Shop, page: Page, nonce: str) -> None:
    spy = f"new MutationObserver(() => {{ if (window.armed && consent.allows('analytics')) {{ armed = 0; {WITHDRAW}; window.over = 1 }} }}).observe(document.head, {{ childList: true }})"
    held = f"<script{nonce} {HELD} data-src='{tracker(shop, 'a.js')}'></script>"
    page.goto(shop.page(f"{COUNT}{held}<script>{spy}; window.armed = 1</script>"))
    page.evaluate(ALLOW)
    until(page, "window.over && consent.token")
    settle(page)
    assert page.evaluate("order") == []
    assert hits(shop) == []


# Cookies and tabs


@pytest.mark.parametrize("name", ["x__Host-consent", "xconsent"])
def test_a_cookie_whose_name_ends_like_ours_is_no_answer(shop: Shop, page: Page, name: str) -> None:
    shop.serve(host_cookie=name == "x__Host-consent")
    page.goto(shop.page(""))
    decision = "{ allow: ['analytics'], id: 'A'.repeat(22), site: 'shop', rev: 1, at: Date.now() / 1000, exp: Date.now() / 1000 + 9999, notice: 'x', lang: 'en', how: 'accept' }"
    page.evaluate(
        f"document.cookie = '{name}=~' + encodeURIComponent(JSON.stringify([{decision}])) + ';path=/;domain=shop.localhost'"
    )
    page.goto(shop.page(INLINE))
    settle(page)
    assert page.evaluate("[consent.choice, window.inline]") == [None, None]


@pytest.mark.parametrize("way", ["by a script", "in preferences that are open"])
def test_a_no_of_another_tab_is_not_undone(shop: Shop, new_context: Callable[..., BrowserContext], way: str) -> None:
    context = new_context(locale="en-GB")
    if way == "by a script":  # a browser that does not tell what other tabs write
        context.add_init_script("Object.defineProperty(window, 'cookieStore', { value: undefined })")
    one, other = context.new_page(), context.new_page()
    url = shop.page("")
    one.goto(url)
    one.evaluate(ALLOW)
    until(one, "consent.token")
    if way != "by a script":
        one.evaluate("consent.open()")
        until(one, "document.querySelector('[name=analytics]')?.checked")
    other.goto(url)
    other.evaluate(WITHDRAW)
    until(other, "consent.token")
    if way == "by a script":
        one.evaluate("consent.decide({ functional: true })")
    else:
        until(one, "!document.querySelector('[name=analytics]').checked")
        press(one, "save")
    assert one.evaluate("consent.allows('analytics')") is False


# Other browsers


def test_a_page_s_import_map_is_read_when_the_shopper_has_said_yes(shop: Shop, window: Window) -> None:
    shop.pages["/app.js"] = ("text/javascript", "ran('app')", {})
    modules = '<script type=importmap>{"imports":{"app":"/app.js"}}</script><script type=module>import "app"</script>'
    url = shop.page(COUNT + INLINE + modules)
    window.goto(url)
    window.until("window.consent && order.length == 1")
    window.evaluate(f"({ALLOW}, 1)")
    window.until("window.inline && consent.token")
    window.goto(url)
    window.until("window.inline && order.length == 1")
