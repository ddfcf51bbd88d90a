"""A strict Content-Security-Policy, a hostile style sheet, broken storage: the gate and the banner hold."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .conftest import Shop, banner, press, released, settle, until, when

STRICT = (
    "default-src 'self'; script-src 'nonce-n1' 'strict-dynamic'; style-src 'nonce-n1'; frame-src *; "
    "require-trusted-types-for 'script'"
)


pytestmark = pytest.mark.troubles("Failed to load resource")


def strict(shop: Shop, body: str) -> str:
    head = f'<script nonce="n1" src="{shop.url("/v1/shop/consent.js")}"></script><script nonce="n1">var order = [];'
    return shop.page(
        body,
        head=head
        + "document.addEventListener('securitypolicyviolation', (e) => order.push(e.violatedDirective))</script>",
        Content_Security_Policy=STRICT,
    )


@pytest.mark.parametrize("vendors", [{}, {"google": {"mode": "basic"}, "meta": {}}])
def test_it_works_under_a_strict_policy_with_trusted_types_without_a_report(
    shop: Shop, page: Page, vendors: dict[str, dict[str, str]]
) -> None:
    shop.serve(vendors=vendors, trackers=(("*.tracker.localhost", "analytics"),) if vendors else ())
    page.goto(
        strict(
            shop,
            '<script nonce="n1" type="text/plain" data-consent="analytics">order.push("inline")</script>'
            f'<iframe width=300 height=200 data-consent=marketing data-src="{shop.url("/f", "ads")}" title=F></iframe>'
            "<button data-consent-open>Cookie settings</button>",
        )
    )
    expect(banner(page)).to_be_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('[data-ask] button')).minHeight") == "44px"
    expect(page.frame_locator("iframe").get_by_role("button")).to_have_count(2)
    press(page, "choose")
    page.get_by_role("switch", name="Analytics").click()
    press(page, "save")
    until(page, "order.length")
    until(page, "consent.token")
    page.get_by_role("button", name="Cookie settings").click()
    page.get_by_text("My choices", exact=True).click()
    expect(page.get_by_text("Your answer is recorded and unchanged")).to_be_visible()
    assert page.evaluate("order") == ["inline"]


def test_it_runs_no_script_that_the_page_s_policy_would_not_run(shop: Shop, page: Page) -> None:
    page.goto(
        strict(
            shop,
            '<script type="text/plain" data-consent="analytics">order.push("injected")</script>'
            f'<script type="text/plain" data-consent="analytics" src="{shop.url("/injected.js", "evil")}"></script>',
        )
    )
    press(page, "accept")
    released(page)
    assert page.evaluate("order") == []
    assert shop.hits == []


HOSTILE = {
    "all unset": "* { all: unset !important }",
    "no buttons": "button, [role=button] { display: none !important }",
    "id and class": "[data-ask], [data-ask] *, [data-ask][data-ask] button"
    " { display: none !important; color: red !important }",
    "before and after": "*::before, *::after { content: 'x' !important; display: block !important }",
    "big reset": "*, ::before { font: 40px/3 serif !important; margin: 50px !important; visibility: hidden !important;"
    " text-transform: uppercase !important; letter-spacing: 1em !important; opacity: 0 !important }",
    "root sizes": "html { font-size: 4px } :root { --text: red; --background: red; --font: x; --button-text: red }",
    "variables": "* { --text: red !important; --background: transparent !important; --font: x; --radius: 0;"
    " --button-background: transparent !important; --button-text: red !important }",
    "registered variables": "@property --background { syntax: '<color>'; inherits: false; initial-value: transparent }"
    " @property --text { syntax: '<length>'; inherits: false; initial-value: 0px }",
    "first letters": "p::first-letter { font-size: 300%; float: left } *::first-line { font-size: 60px !important }",
    "layers": "@layer base { button { all: unset } * { margin: 0 } } div { position: static }",
}


def look(page: Page) -> object:
    """Return how the banner and its parts are drawn."""
    return page.evaluate(
        """[...document.querySelectorAll('[data-ask] *')].map((part) => {
          const style = getComputedStyle(part);
          const { width, height } = part.getBoundingClientRect();
          const names = ['display', 'color', 'backgroundColor', 'fontSize', 'lineHeight', 'margin', 'padding',
            'position', 'visibility', 'opacity', 'textTransform', 'letterSpacing', 'borderWidth', 'borderRadius'];
          return [part.localName, width, height, ...names.map((name) => style[name])];
        })"""
    )


@pytest.mark.parametrize("sheet", HOSTILE)
def test_the_page_s_own_style_does_not_reach_the_banner(shop: Shop, page: Page, sheet: str) -> None:
    shop.serve(theme={"font": "serif"})  # else the banner has the page's
    page.goto(shop.page(""))
    expect(banner(page)).to_be_visible()
    alone = look(page)
    page.goto(shop.page("", head=f"<style>{HOSTILE[sheet]}</style>" + shop.tag))
    page.wait_for_selector("[data-ask] button", state="attached")
    assert look(page) == alone
    press(page, "refuse")
    until(page, "consent.choice")


BROKEN = {
    "no cookies kept": "Object.defineProperty(document, 'cookie', { get: () => '', set() {} })",
    "cookies throw": "Object.defineProperty(document, 'cookie',"
    " { get() { throw Error('x') }, set() { throw Error('x') } })",
    "no storage": "for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name,"
    " { get() { throw new DOMException('x', 'SecurityError') } })",
    "storage is null": "for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name,"
    " { value: null })",
}


@pytest.mark.parametrize("broken", BROKEN)
def test_with_broken_storage_nothing_runs_before_the_answer_and_the_answer_holds_for_the_page(
    shop: Shop, page: Page, broken: str
) -> None:
    page.add_init_script(BROKEN[broken])
    page.goto(shop.page('<script type="text/plain" data-consent="analytics">window.ran = 1</script>'))
    settle(page)
    assert page.evaluate("window.ran") is None
    press(page, "accept")
    until(page, "window.ran")
    until(page, "consent.token")
    assert page.evaluate("consent.allows('analytics')") is True


@pytest.mark.troubles("origin 'null'")
def test_a_sandboxed_frame_without_an_origin_asks_and_holds(shop: Shop, page: Page) -> None:
    shop.page('<script type="text/plain" data-consent="analytics">document.title = "ran"</script>', "/inner")
    page.goto(
        shop.page('<iframe sandbox="allow-scripts" src="/inner" width=600 height=400 title="F"></iframe>', head="")
    )
    inner = page.frame_locator("iframe")
    expect(inner.get_by_role("button", name="Reject all")).to_be_visible()
    inner.get_by_role("button", name="Accept all").click()
    when(page, lambda: page.frames[1].title() == "ran")


def _said(token: str, **other: Any) -> str:
    payload, signature = token.split(".")
    said = {**json.loads(urlsafe_b64decode(payload + "==")), **other}
    return f"{urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip('=')}.{signature}"


@pytest.mark.parametrize(
    "tamper",
    [
        lambda token: token + "A",
        lambda token: token[:-1],
        lambda token: token.split(".")[0],
        lambda token: _said(token, allow=["analytics"]),
        lambda token: _said(token, exp=1),
        lambda token: _said(token, site="other"),
    ],
    ids=["longer", "shorter", "unsigned", "a yes", "expired", "foreign"],
)
def test_a_token_that_was_tampered_with_is_no_answer(shop: Shop, page: Page, tamper: Callable[[str], str]) -> None:
    page.goto(shop.page('<script type="text/plain" data-consent="analytics">window.ran = 1</script>'))
    press(page, "refuse")
    until(page, "consent.token")
    (cookie,) = page.context.cookies()
    page.context.add_cookies([{**cookie, "value": tamper(cookie["value"])}])
    page.reload()
    expect(banner(page)).to_be_visible()
    assert page.evaluate("[consent.choice, window.ran ?? null]") == [None, None]


@pytest.mark.parametrize("cookie", ["x", "~", "~%7B", "a.b", "eyJhbGxvdyI6WyJhbmFseXRpY3MiXX0.x", "~%5Bnull%5D"])
def test_a_tampered_cookie_is_no_answer(shop: Shop, page: Page, cookie: str) -> None:
    page.context.add_cookies([{"name": "consent", "value": cookie, "url": shop.url("/")}])
    page.goto(shop.page('<script type="text/plain" data-consent="analytics">window.ran = 1</script>'))
    expect(banner(page)).to_be_visible()
    settle(page)
    assert page.evaluate("[consent.choice, window.ran ?? null]") == [None, None]
    press(page, "refuse")
    until(page, "consent.token")
