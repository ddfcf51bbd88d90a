"""The gate on pages that make it hard: names, hosts, servers that are somebody else's, translators, dialogs of the shop's."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import quote, unquote

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from consent_server.site.rules import Rule

from .conftest import WORDS, Shop, banner, cookie, posted, press, settle, until, when
from .visits import WITHDRAW, accepted

SETTINGS = "<button data-consent-open>Cookie settings</button>"

pytestmark = pytest.mark.troubles("Failed to load resource|consent: decision not taken|consent: details")


# Who answers for the server

ANSWERS = {
    "a page that says no": (404, "text/html", "<h1>Not found</h1>"),
    "a proxy's no": (403, "text/html", "<html>nginx</html>"),
    "a page of a network that asks to log in": (200, "text/html", "<h1>Log in</h1>"),
    "nothing": (204, "text/plain", ""),
    "null": (200, "application/json", "null"),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_what_somebody_else_answers_for_the_server_is_not_asked_for_on_every_page(
    shop: Shop, page: Page, answer: str
) -> None:
    status, kind, body = ANSWERS[answer]
    offered: list[str] = []

    def say(route: Route) -> None:
        offered.append(route.request.post_data_json["id"])
        route.fulfill(status=status, content_type=kind, body=body)

    page.route("**/decisions", say)
    url = shop.page("")
    page.goto(url)
    press(page, "accept")
    until(page, "document.cookie.includes('tries')")
    for n in range(4):
        page.goto(f"{url}?{n}")
        settle(page)
    assert len(offered) == 2, "the next page, and then not before an hour has passed"
    assert len({*offered}) == 1, "as the same decision"
    page.unroute("**/decisions")
    page.add_init_script("{ const { now } = Date; Date.now = () => now() + 5 * 36e5 }")
    page.goto(url)
    until(page, "consent.token && consent.choice.marketing")


def test_what_somebody_else_answers_for_the_server_loses_neither_of_two_decisions(shop: Shop, page: Page) -> None:
    page.route("**/decisions", lambda route: route.abort())
    page.goto(shop.page(""))
    press(page, "accept")
    page.evaluate(WITHDRAW)
    settle(page)
    page.route("**/decisions", lambda route: route.fulfill(content_type="text/html", body="<h1>Log in</h1>"))
    page.reload()
    until(page, "document.cookie.includes('tries')")
    [cookie_] = [each for each in page.context.cookies() if each["name"] == "consent"]
    assert [each["allow"] != [] for each in json.loads(unquote(cookie_["value"][1:]))] == [True, False]


@pytest.mark.parametrize("at", ["1e999", "1e300", "-1e999"])
def test_no_time_in_the_cookie_that_never_comes_stands_in_the_way(shop: Shop, page: Page, at: str) -> None:
    text = '[{"site":"shop","allow":["analytics"],"at":AT,"rev":1,"exp":9999999999,"id":"aaaaaaaaaaaaaaaaaaaaaA"}]'
    page.context.add_cookies([{"name": "consent", "value": "~" + quote(text.replace("AT", at)), "url": shop.url("/")}])
    page.goto(shop.page(""))
    settle(page)
    page.evaluate("consent.decide({ functional: true, analytics: false, marketing: false })")
    until(page, "consent.token")
    page.reload()
    until(page, "consent.token && consent.choice.functional && !consent.choice.analytics")


@pytest.mark.parametrize("accounts", [False, True])
def test_a_host_whose_name_ends_like_the_domain_keeps_its_own_answer(shop: Shop, page: Page, accounts: bool) -> None:
    shop.serve(cookie_domain="hop.localhost", accounts=accounts)
    page.goto(shop.page(""))
    kept = page.evaluate(f"(() => {{ {WITHDRAW}; return document.cookie }})()")
    assert "consent=~" in kept
    until(page, "consent.token")


# Names of the page's

NAMES = {
    "a form and its field": "<form name=dataset><input name=consentOpen></form>",
    "a frame of another host": "<iframe name=dataset title=F src='{t}'></iframe>",
    "a variable": "<script>var dataset = { consentOpen: '' }</script>",
}


@pytest.mark.parametrize("name", NAMES)
def test_no_name_of_the_page_s_opens_the_preferences(shop: Shop, page: Page, name: str) -> None:
    more = NAMES[name].replace("{t}", shop.url("/", "other"))
    accepted(page, shop.page(f"{more}<a href='#read' id=link>Read</a>{SETTINGS}"))
    page.locator("#link").click()
    assert page.url.endswith("#read")
    assert page.locator("[data-ask] dialog").count() == 0
    page.get_by_role("button", name="Cookie settings").click()
    expect(page.locator("[data-ask] dialog")).to_be_visible()


# A dialog of the shop's

DIALOG = {
    "in the page": f"<dialog>{SETTINGS}</dialog><script>document.querySelector('dialog').showModal()</script>",
    "in a shadow root": (
        f"<div id=box><template shadowrootmode=open><dialog>{SETTINGS}</dialog></template></div>"
        "<script>box.shadowRoot.querySelector('dialog').showModal()</script>"
    ),
}


@pytest.mark.parametrize("where", DIALOG)
def test_preferences_that_do_not_load_say_so_over_a_modal_dialog_of_the_shop_s(
    shop: Shop, page: Page, where: str
) -> None:
    accepted(page, shop.page(""))
    page.route("**/details.*", lambda route: route.abort())
    page.goto(shop.page(DIALOG[where]))
    page.get_by_role("button", name="Cookie settings").click()
    expect(banner(page).get_by_role("alert")).to_be_visible()
    page.get_by_role("button", name=WORDS["en"]["refuse"], exact=True).click()
    until(page, "consent.choice.analytics === false")
    expect(banner(page)).to_have_count(0)


def test_preferences_that_load_after_all_open_over_the_dialog_that_said_that_they_did_not(
    shop: Shop, page: Page
) -> None:
    page.route("**/details.*", lambda route: route.abort())
    page.goto(shop.page(DIALOG["in the page"]))
    page.get_by_role("button", name="Cookie settings").click()
    expect(banner(page).get_by_role("alert")).to_be_visible()
    page.unroute("**/details.*")
    page.get_by_role("button", name=WORDS["en"]["choose"], exact=True).click()
    preferences = page.locator("[data-ask] dialog:not([role])")
    expect(preferences).to_be_visible()
    preferences.locator(".close").click()
    expect(preferences).to_have_count(0)
    assert banner(page).evaluate("(it) => getComputedStyle(it).opacity") == "1"
    page.get_by_role("button", name=WORDS["en"]["refuse"], exact=True).click()
    until(page, "consent.choice.analytics === false")


# What is said of an answer

SAVED = ".saved"


def test_an_answer_is_said_to_be_saved_once_whatever_languages_were_spoken(shop: Shop, page: Page) -> None:
    accepted(page, shop.page(SETTINGS))
    page.evaluate("consent.open()")
    page.locator("[data-ask] dialog .close").click()
    page.evaluate("document.documentElement.lang = 'tr'; consent.open()")
    press(page, "save", "tr")
    expect(page.locator(SAVED)).to_have_count(1)
    assert page.locator(SAVED).get_attribute("lang") == "tr"


def test_an_answer_is_said_to_be_saved_where_a_translator_has_wrapped_the_words(shop: Shop, page: Page) -> None:
    accepted(page, shop.page(""))
    page.evaluate("consent.open()")
    save = page.get_by_role("button", name=WORDS["en"]["save"], exact=True)
    save.evaluate("(b) => { b.innerHTML = '<font><font>' + b.textContent + '</font></font>' }")
    save.click()
    expect(page.locator(SAVED)).to_have_count(1)


# Where all was erased


@pytest.mark.parametrize("fragment", ["", "#size"])
@pytest.mark.parametrize("policy", ["strict-origin-when-cross-origin", "no-referrer"])
def test_the_page_that_comes_anew_after_all_was_erased_tidies_up(
    shop: Shop, page: Page, policy: str, fragment: str
) -> None:
    shop.serve(cookies={"analytics": (cookie("_t*", "local-storage"),)})
    script = '<script type="text/plain" data-consent="analytics">window.inline = 1; addEventListener("pagehide", () => { localStorage._t1 = 1 })</script>'
    url = shop.page(script, Referrer_Policy=policy)
    accepted(page, url)
    page.goto("about:blank")
    page.goto(url + fragment)
    until(page, "window.inline && consent.token")
    page.evaluate("window.here = 1; consent.open()")
    page.get_by_role("tab").nth(1).click()
    press(page, "erase")
    press(page, "erase")
    until(page, "!window.here && window.consent && consent.choice === null")
    page.get_by_role("status").filter(has_text=WORDS["en"]["withdrawn"]).wait_for()
    assert page.evaluate("[localStorage._t1 ?? null, document.cookie, sessionStorage.length]") == [None, "", 0]


# A page that is made ahead


def test_a_page_that_is_made_ahead_asks_nobody_where_it_is(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    shop.serve(rules=(Rule("uk", ("GB",), {"analytics": "objection"}),))
    page = new_context(locale="en-GB").new_page()
    page.add_init_script("Object.defineProperty(Document.prototype, 'prerendering', { get: () => !window.isShown })")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/place") else None)
    page.goto(shop.page(""))
    settle(page)
    assert asked == []
    page.evaluate("window.isShown = true; document.dispatchEvent(new Event('prerenderingchange'))")
    when(page, lambda: asked)
    expect(banner(page)).to_be_visible()
    press(page, "refuse")
    when(page, lambda: posted(shop, "decisions"))
    assert json.loads(shop.posts[-1][1])["allow"] == []
