"""Our one element is a guest: it disturbs nothing of the page, nothing of the page disturbs it, it hides no focus."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .conftest import WORDS, Shop, banner, press, settle, until

TOPS = "[...document.querySelectorAll('body > *')].map((part) => Math.round(part.getBoundingClientRect().top))"
LAYOUTS = ("bar", "box", "centre")

BODIES = {
    "a grid": "body { display: grid; grid-template-rows: auto 1fr auto; min-height: 100vh; gap: 20px }",
    "a flex box": "body { display: flex; flex-direction: column; justify-content: space-between; min-height: 100vh }",
    "of full height": "* { box-sizing: border-box } html, body { height: 100% } body { display: grid; gap: 5px }",
    "spaced": "* + * { margin-top: 40px } :first-child { padding-top: 9px } :last-child { padding-bottom: 9px }",
    "filtered": "body { filter: grayscale(1); transform: translateX(0); contain: paint }",
    "a container": "html { container-type: inline-size } body { perspective: 9px; will-change: transform }",
}


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Page:
    """A window of an English shopper."""
    return new_context(locale="en-GB", viewport={"width": 1280, "height": 720}).new_page()


def ours(page: Page) -> int:
    """Return how many banners and elements of ours there are."""
    assert page.locator("[data-ask] > [role=dialog]").count() == page.locator("[data-ask]").count()
    return page.locator("[data-ask]").count()


# ---- It disturbs nothing ----


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("body", BODIES)
def test_no_layout_of_the_page_is_moved_by_it_and_none_moves_it(shop: Shop, page: Page, body: str, layout: str) -> None:
    shop.serve(theme={"layout": layout})
    parts = "<header>Head</header><p>Goods</p><footer>Foot</footer>"

    def open_with(script: str) -> None:
        html = f"<!doctype html><html lang=en><title>Shop</title>{script}<style>{BODIES[body]}</style><body>{parts}"
        shop.pages["/"] = ("text/html; charset=utf-8", html, {})
        page.goto(shop.url("/"))

    open_with("")
    alone = page.evaluate(TOPS)
    open_with(shop.tag)
    expect(banner(page)).to_be_visible()
    settle(page)
    assert page.evaluate(TOPS) == alone
    box = banner(page).bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 1280
    assert box["y"] + box["height"] == pytest.approx(
        {"bar": 720, "box": 704, "centre": (720 + box["height"]) / 2}[layout], abs=1
    )
    banner(page).get_by_role("button", name="Reject all").click(trial=True)
    press(page, "refuse")
    expect(banner(page)).to_have_count(0)
    settle(page)
    assert page.evaluate(TOPS) == alone


def test_what_the_shop_calls_ask_is_the_shop_s(shop: Shop, page: Page) -> None:
    mine = (
        "<section id=ask class=box><h2 id=ask-title>Ask us</h2><form class=buttons><p>Your question <input></p>"
        "<button>Send</button></form></section><p id=ask-text>T</p><p id=ask:text>T</p><p class=said>S</p>"
    )
    look = """[...document.querySelectorAll('main *')].map((part) => [
        part.outerHTML, ...[...getComputedStyle(part)].map((name) => getComputedStyle(part).getPropertyValue(name))])"""
    style = "<style>#ask { border: 2px solid red; padding: 20px } #ask * { all: revert-layer }</style>"
    page.goto(shop.page(mine, head=style))
    alone = page.evaluate(look)
    page.goto(shop.page(mine, head=style + shop.tag))
    expect(banner(page)).to_be_visible()
    settle(page)
    assert page.evaluate(look) == alone
    press(page, "choose")
    expect(page.get_by_role("dialog", name=WORDS["en"]["details"])).to_be_visible()
    assert page.evaluate(look) == alone
    assert page.evaluate("document.querySelector('[data-ask]').id") == ""
    assert page.evaluate("document.querySelector('#ask').localName") == "section"


def test_it_is_not_printed(shop: Shop, page: Page) -> None:
    page.goto(shop.page("<p>Invoice</p>"))
    expect(banner(page)).to_be_visible()
    settle(page)
    page.emulate_media(media="print")
    expect(banner(page)).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.documentElement).marginBottom") == "0px"


def test_it_speaks_in_the_font_of_the_page_s_body(shop: Shop, page: Page) -> None:
    font = "getComputedStyle(document.querySelector('[data-ask] button')).fontFamily"
    page.goto(shop.page("", head="<style>body { font-family: 'Shop Sans', monospace }</style>" + shop.tag))
    until(page, f"{font} == '\"Shop Sans\", monospace'")
    page.add_style_tag(content="body { font-family: cursive }")
    press(page, "choose")
    until(page, f"{font} == 'cursive'")


SCRIPT = "document.createElement('script')"
MODAL = "<dialog><form method=dialog><input autofocus><button>Buy</button></form></dialog>"


@pytest.mark.parametrize("first", ["the dialog", "the dialog in a shadow root", "the banner"])
def test_a_modal_dialog_of_the_shop_s_stays_above_it_and_usable(shop: Shop, page: Page, first: str) -> None:
    opened = f"{MODAL}<script>const d = document.querySelector('dialog'); d.showModal()</script>"
    src = shop.url("/v1/shop/consent.js")
    if first == "the dialog in a shadow root":
        opened = f"<div><template shadowrootmode=open>{MODAL}</template></div><script>const d = document.querySelector('div').shadowRoot.querySelector('dialog'); d.showModal()</script>"
    if first != "the banner":
        late = f"addEventListener('load', () => document.head.append(Object.assign({SCRIPT}, {{ src: '{src}' }})))"
        page.goto(shop.page(opened, head=f"<style>dialog {{ inset: auto 0 0 }}</style><script>{late}</script>"))
    else:
        page.goto(shop.page(MODAL, head="<style>dialog { inset: auto 0 0 }</style>" + shop.tag))
        expect(banner(page)).to_be_focused()
        page.evaluate("document.querySelector('dialog').showModal()")
    expect(banner(page)).to_be_attached()
    settle(page)
    expect(page.locator("dialog input")).to_be_focused()
    page.locator("dialog input").fill("2")
    page.get_by_role("button", name="Buy").click()
    expect(page.locator("dialog")).to_be_hidden()
    press(page, "refuse")
    until(page, "consent.token")


# ---- Nothing disturbs it ----


def test_its_style_is_back_after_the_page_sets_the_list_of_its_sheets(shop: Shop, page: Page) -> None:
    height = "document.querySelector('[data-ask] button')?.getBoundingClientRect().height"
    page.goto(shop.page(""))
    expect(banner(page)).to_be_visible()
    for _ in range(2):
        page.evaluate("document.adoptedStyleSheets = [new CSSStyleSheet()]")
        until(page, "document.adoptedStyleSheets.length > 1")
        assert page.evaluate(height) >= 44
    press(page, "choose")
    expect(page.get_by_role("dialog", name=WORDS["en"]["details"])).to_be_visible()
    page.evaluate("document.adoptedStyleSheets = []")
    until(page, "document.adoptedStyleSheets.length > 0")
    assert page.evaluate("getComputedStyle(document.querySelector('[data-ask] input')).appearance") == "none"


REWRITES = {
    "the body is emptied": "document.body.innerHTML = ''",
    "the body is swapped": "document.body = document.createElement('body')",
    "the body gives way": "document.body.replaceWith(Object.assign(document.createElement('body'),"
    " { innerHTML: '<p>2' }))",
    "the body is a copy": "document.body.replaceWith(document.body.cloneNode(true))",
    "the body is written anew": "document.body.innerHTML += '<p>More</p>'",
    "the root is written anew": "document.documentElement.innerHTML = '<head></head><body><p>2'",
    "the root is its own text": "document.documentElement.innerHTML = document.documentElement.innerHTML",
    "the root is a copy": "document.documentElement.replaceWith(document.documentElement.cloneNode(true))",
    "the document is opened": "(document.open(), document.write('<html><body><p>2</p></body></html>'),"
    " document.close())",
    "the document is its own text": (
        "((html) => { document.open(); document.write(html); document.close() })(document.documentElement.outerHTML)"
    ),
    "it alone is taken out": "document.querySelector('[data-ask]').remove()",
    "its parts are taken out": "document.querySelector('[data-ask]').replaceChildren()",
}


@pytest.mark.parametrize("rewrite", REWRITES)
def test_it_is_back_once_whatever_the_page_rewrites_and_works(shop: Shop, page: Page, rewrite: str) -> None:
    page.goto(shop.page("<p>Goods</p>", head=shop.tag))
    expect(banner(page)).to_be_visible()
    settle(page)
    page.evaluate(f"void ({REWRITES[rewrite]})")
    expect(banner(page)).to_be_visible()
    settle(page)
    assert ours(page) == 1
    page.evaluate(f"void ({REWRITES[rewrite]})")
    settle(page)
    assert ours(page) == 1
    press(page, "refuse")
    until(page, "consent.choice")
    expect(banner(page)).to_have_count(0)
    page.evaluate("document.body.replaceWith(document.createElement('body'))")
    settle(page)
    expect(page.locator("[data-ask] [role=dialog]")).to_have_count(0)


def test_a_page_that_always_takes_it_out_has_its_way(shop: Shop, page: Page) -> None:
    page.goto(
        shop.page(
            "",
            head="<script>let times = 0; new MutationObserver(() => { const it = document.querySelector('[data-ask]');"
            " if (it && it.isConnected) { times++; it.remove() } })"
            ".observe(document, { childList: true, subtree: true })</script>" + shop.tag,
        )
    )
    settle(page)
    times = page.evaluate("times")
    assert 0 < times < 20
    settle(page)
    assert page.evaluate("times") == times


def test_postponed_it_comes_back_with_the_next_body_and_not_before(shop: Shop, page: Page) -> None:
    page.goto(shop.page("<p>Goods</p>"))
    banner(page).press("Escape")
    page.evaluate("document.body.append('more')")
    settle(page)
    assert page.locator("[data-ask] *").count() == 0
    page.evaluate("document.body.replaceWith(document.createElement('body'))")
    expect(banner(page)).to_be_visible()
    assert ours(page) == 1


def test_there_is_one_dialog_however_often_it_is_opened(shop: Shop, page: Page) -> None:
    page.goto(shop.page("<button data-consent-open>Cookie settings</button>"))
    page.evaluate("Promise.all([consent.open(), consent.open(), consent.open()])")
    page.evaluate("document.documentElement.lang = 'az'")
    page.evaluate("consent.open()")
    settle(page)
    assert page.locator("[data-ask] dialog").count() == 1
    page.keyboard.press("Escape")
    expect(page.locator("[data-ask] dialog")).to_have_count(0)
    page.evaluate("consent.open()")
    assert page.locator("[data-ask] dialog").count() == 1


# ---- It hides no focus ----

HIDDEN = """(() => {
  const it = document.activeElement;
  const { x, y, width, height } = it.getBoundingClientRect();
  const there = document.elementFromPoint(x + width / 2, y + height / 2);
  return it != document.body && !it.closest('[data-ask]') && (!there || there.closest('[data-ask]'));
})()"""
LINKS = "".join(f"<p><a href='#{n}'>Link {n}</a></p>" for n in range(40))
PAGES = {
    "the page scrolls": LINKS,
    "the page scrolls smoothly": f"<style>html {{ scroll-behavior: smooth }}</style>{LINKS}",
    "a part of the page scrolls": f"<div style='position: fixed; inset: 0; overflow: auto'>{LINKS}</div>",
    "the body scrolls": "<style>html { overflow: hidden; height: 100% } body { overflow: auto; height: 100% }</style>"
    + LINKS,
    "nothing scrolls": "<style>main { position: fixed; inset: 0 } p { position: absolute; bottom: 4px }</style>"
    "<p><a href='#1'>One</a> <a href='#2'>Two</a>",
    "a header stays": f"<style>h1 {{ position: sticky; top: 0; margin: 0 }}</style>{LINKS}",
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", PAGES)
@pytest.mark.parametrize(("width", "height"), [(1280, 720), (390, 844)])
def test_what_has_the_keyboard_s_focus_is_never_behind_it(
    shop: Shop, new_context: Callable[..., BrowserContext], kind: str, layout: str, width: int, height: int
) -> None:
    shop.serve(theme={"layout": layout})
    page = new_context(locale="en-GB", viewport={"width": width, "height": height}).new_page()
    page.goto(shop.page(PAGES[kind] + "<footer><a href='#end'>Imprint</a></footer>"))
    expect(banner(page)).to_be_focused()
    last = page.locator("a").count() - 1
    links = page.locator("main a")
    for at in ("first", "last"):
        for _ in range(4):
            page.keyboard.press("Tab")  # through the banner, or back to it
        getattr(links, at).focus()
        for _ in range(6):
            page.keyboard.press("Tab" if at == "first" else "Shift+Tab")
            until(page, f"!({HIDDEN})")
    assert last > 0


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("width", "height"), [(1280, 720), (390, 844)])
def test_a_pointer_reaches_the_end_of_the_page(
    shop: Shop, new_context: Callable[..., BrowserContext], layout: str, width: int, height: int
) -> None:
    shop.serve(theme={"layout": layout})
    page = new_context(locale="en-GB", viewport={"width": width, "height": height}).new_page()
    page.goto(shop.page(LINKS + "<footer><a href='#imprint'>Imprint</a></footer>"))
    expect(banner(page)).to_be_visible()
    settle(page)
    page.mouse.move(100, 100)
    page.mouse.wheel(0, 99999)
    until(page, "scrollY + innerHeight >= document.documentElement.scrollHeight - 2")
    box = page.get_by_text("Imprint").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    until(page, "location.hash == '#imprint'")
    press(page, "refuse")
    until(page, "getComputedStyle(document.documentElement).marginBottom == '0px'")


def test_it_leaves_the_page_where_an_anchor_or_an_answer_found_it(shop: Shop, page: Page) -> None:
    page.goto(shop.page("<div style='height: 3000px'>Top</div><h2 id=sizes>Sizes</h2><p style='height: 3000px'>x</p>"))
    page.goto(shop.url("/?2#sizes"))  # another page: within one, an anchor takes the focus from the banner
    expect(banner(page)).to_be_visible()
    settle(page)
    at = page.evaluate("scrollY")
    assert at > 2000
    banner(page).press("Escape")
    expect(banner(page)).to_have_count(0)
    settle(page)
    assert page.evaluate("scrollY") == at
