"""Whatever a page names its elements and variables, the gate works, or stays closed and says what is in the way."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .conftest import Shop, banner, cookie, posted, press, settle, until, when
from .rows import COUNT, HELD, hits, tracker
from .visits import ALLOW, PATTERN, withdraw

pytestmark = pytest.mark.troubles("Failed to load|consent: ")


TAKEN = {
    "an element with the id consent": "<input id=consent>",
    "two elements with that id": "<input id=consent><input id=consent>",
    "a variable": "<script>var consent = document.createElement('input')</script>",
    "a constant": "<script>const consent = 1</script>",
    "a function": "<script>function consent() {}</script>",
    "a class of the browser's": "<script>class Document {}</script>",
    "constants called as parts of the window": (
        "<script>let history, performance, getComputedStyle; const crypto = 'BTC', fetch = () => 0, navigator = null,"
        " localStorage = 1, sessionStorage = null, indexedDB = 0, caches = 0, innerHeight = 'x', atob = 1, console = null, URL = '/api'</script>"
    ),
    "variables called as parts of elements and windows": (
        "<script>var dataset = 'train', cookieStore = {}, scrollY = 9, innerHeight = 9, consentOpen = 1;"
        " function matches() {} function parentNode() {}</script>"
    ),
    "a picture called as a part of elements": "<img alt='' name=dataset><img alt='' name=localName>",
    "a form and its field": "<form id=consent name=consent><input name=allows></form>",
    "names of the document": "".join(
        f"<img alt='' name={name}>"
        for name in (
            *("consent", "currentScript", "cookie", "body", "head", "hidden", "consentQueue", "documentElement"),
            *("readyState", "createElement", "addEventListener", "dispatchEvent", "querySelector", "baseURI", "write"),
            *("activeElement", "adoptedStyleSheets", "visibilityState", "referrer", "querySelectorAll", "contains"),
        )
    ),
    "names of the window": "".join(
        f"<a id={name}></a>"
        for name in (
            *("consentQueue", "requestIdleCallback", "trustedTypes", "cookieStore", "navigation", "scheduler", "fbq"),
            *("dataLayer", "config", "base", "site", "start", "gate"),
        )
    ),
    "fields of a form around the page": "<form>"
    + "".join(
        f"<input name={name}>"
        for name in (
            *("matches", "closest", "dataset", "querySelectorAll", "querySelector", "firstElementChild", "shadowRoot"),
            *(
                "getAttribute",
                "hasAttribute",
                "children",
                "attributes",
                "parentNode",
                "localName",
                "nodeType",
                "contains",
            ),
        )
    ),
}


def click(page: Page, selector: str) -> None:
    """Click on what is there: Playwright's own locators stumble over such names."""
    found = f"HTMLDocument.prototype.querySelector.call(document, '{selector}')"
    until(page, f"{found}?.checkVisibility()")
    place = page.evaluate(f"{found}.getBoundingClientRect().toJSON()")
    page.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)


@pytest.mark.parametrize("tag", ["async", ""])
@pytest.mark.parametrize("taken", TAKEN)
def test_the_gate_works_whatever_the_page_is_called(shop: Shop, page: Page, taken: str, tag: str) -> None:
    ours = shop.tag.replace("<script", f"<script {tag}")
    body = f"{COUNT}{TAKEN[taken]}{ours}<script {HELD}>ran('held')</script><button data-consent-open>Settings</button>"
    page.goto(shop.page(body, head=""))
    click(page, "[data-ask] .buttons > button")
    assert page.evaluate("typeof window.consent.allows") == "function"
    until(page, "order.join() == 'held' && window.consent.token")
    assert [cookie["name"] for cookie in page.context.cookies()] == ["consent"]
    click(page, "button[data-consent-open]")
    until(page, "HTMLDocument.prototype.querySelector.call(document, '[role=switch][name=analytics]')?.checked")


def test_a_script_ends_on_a_page_with_such_constants(shop: Shop, page: Page) -> None:
    taken = TAKEN["constants called as parts of the window"]
    page.goto(shop.page(f"{COUNT}{taken}<script {HELD}>ran('held')</script>") + "#size")
    page.evaluate(ALLOW)
    until(page, "order.length && consent.token")
    withdraw(page)
    assert page.evaluate("[order.length, location.hash]") == [0, "#size"]


def test_a_pattern_holds_and_what_is_not_allowed_is_removed_on_a_page_with_such_constants(
    shop: Shop, page: Page
) -> None:
    shop.serve(trackers=PATTERN, cookies={"analytics": (cookie("_t_*"),)})
    asks = f"<script>new Image().src = '{tracker(shop, 'it')}'</script>"
    there = f"{TAKEN['constants called as parts of the window']}{shop.tag}{asks}"
    page.goto(shop.page(there, head=""))
    click(page, "[data-ask] .buttons > button + button")
    until(page, "consent.token")
    page.evaluate("window.localStorage._t_a = 1")
    page.reload()
    until(page, "!('_t_a' in window.localStorage)")
    assert hits(shop) == []


def test_an_element_or_a_variable_that_comes_later_does_not_take_the_name(shop: Shop, page: Page) -> None:
    page.goto(
        shop.page(
            "<input id=consent><script>var consent = 1; window.consentQueue.push(() => (window.called = 1))</script>"
        )
    )
    assert page.evaluate("[typeof consent.allows, window.called]") == ["function", 1]


@pytest.mark.parametrize("way", ["var consent = 1", "function consent() {}"])
def test_what_takes_the_name_after_us_is_said_once_and_gives_way(shop: Shop, page: Page, way: str) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(shop.page(f"<script>{way}</script>"))
    until(page, "document.readyState == 'complete' && typeof consent.allows == 'function'")
    assert len([text for text in said if text.startswith("consent: window.consent")]) == 1


@pytest.mark.parametrize("end", ["", "/", "/consent.js", "/consent.js?v=1.js"])
def test_the_place_of_the_server_may_be_written_with_and_without_its_end(shop: Shop, page: Page, end: str) -> None:
    page.goto(shop.page("", head=f"<script data-base=/v1/shop{end}>{shop.consent_js()}</script>"))
    press(page, "accept")
    until(page, "consent.token")


def test_a_name_that_cannot_be_had_is_said_once_and_the_gate_works(shop: Shop, page: Page) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    taken = "<script>Object.defineProperty(window, 'consent', { value: 1 })</script>"
    page.goto(shop.page(f"{COUNT}<script {HELD}>ran('held')</script>", head=taken + shop.tag))
    press(page, "accept")
    until(page, "order.length == 1")
    assert len([text for text in said if text.startswith("consent: window.consent")]) == 1


@pytest.mark.troubles("consent: stays closed")
@pytest.mark.parametrize("tag", ["module", "svg", "evaluated"])
def test_a_tag_of_which_the_browser_says_nothing_stays_closed_and_says_what_to_write(
    shop: Shop, page: Page, tag: str
) -> None:
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(error.message))
    there = shop.url("/v1/shop/consent.js")
    text = shop.consent_js()
    body = {
        "module": f"<script type=module src={there}></script>",
        "svg": f"<svg><script href={there}></script></svg>",
        "evaluated": f"<script>fetch('{there}').then((answer) => answer.text()).then(eval).catch(reportError)</script>",
    }[tag]
    assert text
    page.goto(shop.page(f"{COUNT}{body}<script {HELD}>ran('held')</script>", head=""))
    when(page, lambda: said)
    settle(page)
    assert page.evaluate("order") == []
    assert len(said) == 1
    assert "<script src=" in said[0]
    assert shop.hits == []


def test_events_that_a_script_makes_for_the_page_itself_are_no_fault(shop: Shop, page: Page) -> None:
    page.goto(shop.page("<form><input name=matches><input name=closest><input name=parentNode>Field</form>"))
    page.get_by_role("button", name="Accept all").hover()
    until(page, "performance.getEntriesByType('resource').some(({ name }) => name.includes('/details.'))")
    settle(page)
    page.evaluate("[document, window].forEach((each) => each.dispatchEvent(new Event('click')))")
    page.evaluate("document.forms[0].dispatchEvent(new Event('click', { bubbles: true }))")
    press(page, "accept")
    expect(page.locator("[data-ask] .saved")).to_be_visible()


def test_what_a_page_calls_open_is_not_called_for_the_receipt(shop: Shop, page: Page) -> None:
    page.goto(
        shop.page("<button data-consent-open>Settings</button><script>function open() { window.called = 1 }</script>")
    )
    press(page, "accept")
    until(page, "consent.token")
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("tab").nth(1).click()
    with page.expect_download():
        press(page, "receipt")
    assert page.evaluate("window.called") is None


def test_two_tags_start_once(shop: Shop, page: Page) -> None:
    page.goto(shop.page(f"{COUNT}<script {HELD}>ran('held')</script>{shop.tag}", head=shop.tag + shop.tag))
    expect(banner(page)).to_have_count(1)
    press(page, "accept")
    until(page, "order.length")
    settle(page)
    assert page.evaluate("order") == ["held"]


def test_nothing_of_the_page_decides_where_it_loads_from_or_posts_to(shop: Shop, page: Page) -> None:
    evil = shop.url("/", "evil")
    head = f"<base href={evil}><script data-base=/v1/shop/>{shop.consent_js()}</script>"
    named = f"<img alt='' name=currentScript data-base={evil}><a id=currentScript href={evil}></a><script type=x data-base={evil}></script>"
    page.goto(shop.page(named, head=head))
    press(page, "accept")
    until(page, "consent.token")
    assert [hit for hit in shop.hits if "v1" in hit] == []


BEFORE = {
    "a variable of a class's name": "var HTML5 = true, HTMLOld = null, data = 'x', src = 'y'",
    "Element": "window.Element = {}",
    "Element, a number": "window.Element = 1",
    "HTMLScriptElement": "var HTMLScriptElement = 1",
    "HTMLDocument": "var HTMLDocument = 0, Document = 0",
    "a getter for all": "Object.prototype.get = function () {}",
    "a setter for all": "Object.prototype.set = function () {}",
    "a value for all": "Object.prototype.value = 1",
    "no languages": "for (const name of ['languages', 'language']) Object.defineProperty(Navigator.prototype, name, { get() {} })",
}


@pytest.mark.parametrize("patterns", [(), (("*.tracker.localhost", "analytics"),)], ids=["plain", "patterns"])
@pytest.mark.parametrize("before", BEFORE)
def test_what_the_page_says_before_the_tag_leaves_the_gate_at_work(
    shop: Shop, page: Page, before: str, patterns: tuple[tuple[str, str], ...]
) -> None:
    shop.serve(**({"trackers": patterns} if patterns else {}))
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(error.message))
    page.goto(
        shop.page(f"{COUNT}<script {HELD}>ran('held')</script>", head=f"<script>{BEFORE[before]}</script>{shop.tag}")
    )
    if patterns:
        page.evaluate(f"fetch('{tracker(shop, 'it')}', {{ mode: 'no-cors' }}); undefined")
    settle(page)
    assert hits(shop) == []
    page.evaluate("document.querySelector('[data-ask] .buttons > button').click()")
    until(page, "consent.allows('analytics') && order.join() == 'held'")
    if patterns:
        when(page, lambda: hits(shop) == ["it"])
    assert faults == []


def test_a_layer_that_an_import_map_leads_elsewhere_is_named(shop: Shop, page: Page) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    leads = f'<script type=importmap>{{ "imports": {{ "{shop.url("/v1/shop/")}": "/elsewhere/" }} }}</script>'
    page.goto(shop.page(f"{COUNT}<script {HELD}>ran('held')</script>", head=leads + shop.tag))
    press(page, "accept")
    when(page, lambda: any(text.startswith("consent: release") for text in said))
    assert page.evaluate("order") == []


@pytest.mark.parametrize("lang", ["fr", "az"])
def test_what_the_page_makes_of_lang_changes_neither_the_buttons_nor_what_is_recorded(
    shop: Shop, page: Page, lang: str
) -> None:
    page.goto(shop.page(""))
    page.get_by_role("button", name="Accept all").hover()
    page.evaluate(f"document.querySelectorAll('[lang]').forEach((part) => (part.lang = '{lang}'))")
    page.locator("[data-ask] .buttons > button").nth(1).click()
    until(page, "consent.token")
    (decision,) = posted(shop, "decisions")
    assert decision["lang"] == "en"
    when(page, lambda: posted(shop, "shown"))
    assert [post["lang"] for post in posted(shop, "shown")] == ["en"]


def test_a_browser_without_a_list_of_languages_has_one_all_the_same(shop: Shop, page: Page) -> None:
    page.add_init_script(
        "Object.defineProperty(Navigator.prototype, 'languages', { get() {} });"
        "Object.defineProperty(Navigator.prototype, 'language', { get: () => 'ru-RU' })"
    )
    page.goto(shop.page("", lang=""))
    expect(banner(page, "ru")).to_be_visible()
