"""What was shown is counted once, and only where it was seen."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, Request, Route, expect

from consent_server.site import Variant

from .conftest import Shop, banner, decided, posted, press, settle, until, when

SETTINGS = "<button data-consent-open>Cookie settings</button>"


# ---- The showing ----


def test_a_showing_is_counted_once_for_who_looks_around_and_reloads_and_stores_nothing(shop: Shop, page: Page) -> None:
    link = "<a href='/next'>Next</a>"
    shop.page(link, "/next")
    page.goto(shop.page(link))
    when(page, lambda: [path for path, _ in shop.posts] == ["shown"])
    page.get_by_text("Next").click()
    expect(banner(page)).to_be_visible()
    settle(page)
    page.reload()
    settle(page)
    page.go_back()
    settle(page)
    assert [path for path, _ in shop.posts] == ["shown"]
    assert page.evaluate("document.cookie + localStorage.length + sessionStorage.length") == "00"


@pytest.mark.parametrize("how", ["accept", "refuse", "Escape", "script"])
def test_it_is_counted_where_it_is_answered_before_the_page_has_loaded(shop: Shop, page: Page, how: str) -> None:
    slow: list[Route] = []
    page.route("**/slow.gif", lambda route: slow.append(route))
    page.goto(shop.page("<img src=/slow.gif alt=''>"), wait_until="commit")
    expect(banner(page)).to_be_visible()
    if how == "Escape":
        banner(page).press("Escape")
    elif how == "script":
        page.evaluate("consent.decide({})")
    else:
        press(page, how)
    when(page, lambda: posted(shop, "shown"))
    assert page.evaluate("document.readyState") != "complete"
    slow[0].fulfill(status=200, content_type="image/gif", body="")
    until(page, "document.readyState == 'complete'")
    settle(page)
    assert posted(shop, "shown") == [{"lang": "en", "variant": ""}]
    assert len(posted(shop, "decisions")) == (how != "Escape")


def test_it_is_counted_in_its_language_and_variant(shop: Shop, page: Page) -> None:
    shop.serve(variants=(Variant("b", 1, "box", {}),))
    page.goto(shop.page("", lang="tr"))
    when(page, lambda: posted(shop, "shown"))
    assert posted(shop, "shown") == [{"lang": "tr", "variant": "b"}]


@pytest.mark.parametrize("answer", ["accept", "refuse"])
@pytest.mark.parametrize("why", ["expired", "older revision"])
def test_who_is_asked_again_is_no_showing_as_the_answer_is_a_renewal(
    shop: Shop, page: Page, why: str, answer: str
) -> None:
    shop.serve(keep=30 * 86400)
    page.goto(shop.page(""))
    press(page, answer)
    until(page, "consent.token")
    shop.posts.clear()
    again = page.context.new_page()
    if why == "expired":
        again.clock.set_fixed_time(time.time() + 31 * 86400)
    else:
        shop.serve(revision=2, keep=30 * 86400)
    again.goto(shop.page("", head=shop.tag.replace(".js", ".js?2")))
    expect(banner(again)).to_be_visible()
    settle(again)
    press(again, "refuse")
    assert "previous" in decided(shop, again, 1)
    assert posted(shop, "shown") == []


@pytest.mark.troubles("Failed to load resource")
def test_who_looks_for_preferences_that_do_not_load_is_no_showing(shop: Shop, page: Page) -> None:
    page.goto(shop.page(""))
    press(page, "accept")
    until(page, "consent.token")
    shop.posts.clear()
    other = page.context.new_page()
    other.route("**/details.*", lambda route: route.abort())
    other.goto(shop.page(SETTINGS))
    other.get_by_role("button", name="Cookie settings").click()
    expect(banner(other).get_by_role("alert")).to_be_visible()
    settle(other)
    assert posted(shop, "shown") == []


TWO = (Variant("a", 1, None, {}), Variant("b", 1, "box", {}))
"""Two ways of asking, each shown to half of the shoppers."""


def test_all_pages_of_a_visit_ask_in_the_way_that_was_counted_and_nothing_is_stored(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    shop.serve(variants=TWO)
    for path in ("/", "/1", "/2"):
        shop.page(f"<a href='/{path.count('1') + 1}'>Next</a>", path)
    for _ in range(4):
        page = new_context(locale="en-GB").new_page()
        shop.posts.clear()
        page.goto(shop.url())
        when(page, lambda: posted(shop, "shown"))
        [counted] = posted(shop, "shown")
        following = page.get_by_text("Next")
        for move in (following.click, page.reload, following.click):
            move()
            expect(banner(page)).to_be_visible()
            expect(page.locator("[data-ask] .box")).to_have_count(int(counted["variant"] == "b"))
        assert page.evaluate("document.cookie + localStorage.length + sessionStorage.length") == "00"
        press(page, "refuse")
        assert decided(shop, page, 1)["variant"] == counted["variant"]
        page.context.close()


NO_NUMBER = {
    "an old browser": "delete window.navigation",
    "a page that has the name": "var navigation = document.querySelectorAll('nav')",
    "a list of that name": "var navigation = []",
    "a page of no origin": "Object.defineProperty(Navigation.prototype, 'entries', { value: () => [] })",
}


@pytest.mark.parametrize("why", NO_NUMBER)
def test_it_asks_in_some_way_where_the_browser_has_no_number_for_the_visit(shop: Shop, page: Page, why: str) -> None:
    shop.serve(variants=TWO)
    page.goto(shop.page("", head=f"<script>{NO_NUMBER[why]}</script>{shop.tag}"))
    expect(banner(page)).to_be_visible()
    when(page, lambda: posted(shop, "shown"))
    assert posted(shop, "shown")[0]["variant"] in ("a", "b")


def test_it_is_counted_where_the_script_is_of_before_another_variant_language_and_revision(
    shop: Shop, page: Page
) -> None:
    shop.serve(variants=TWO)
    old = shop.consent_js()
    shop.serve(revision=2, languages=("az",), variants=())
    page.goto(shop.page("", head=f'<script data-base="{shop.url("/v1/shop/")}">{old}</script>', lang="tr"))
    with page.expect_response("**/shown") as told:
        expect(banner(page, "tr")).to_be_visible()
    assert told.value.status == 204
    [counted] = posted(shop, "shown")
    assert counted["lang"] == "tr"
    assert counted["variant"] in ("a", "b")


UNSEEN = {
    "a page that is hidden": "Object.defineProperty(Document.prototype, 'hidden', { get: () => !window.front })",
    "a banner that a blocker hides": "addEventListener('DOMContentLoaded', () => document.querySelector('[data-ask]')"
    ".style.setProperty('display', 'none', 'important'))",
}


@pytest.mark.parametrize("unseen", UNSEEN)
def test_what_nobody_saw_is_not_counted(shop: Shop, page: Page, unseen: str) -> None:
    page.add_init_script(UNSEEN[unseen])
    page.goto(shop.page("<p>Goods</p>"))
    expect(page.locator("[data-ask] > [role=dialog]")).to_be_attached()  # hidden from the names too
    settle(page)
    assert posted(shop, "shown") == []
    if "hidden" in unseen:
        for _ in range(2):
            page.evaluate("window.front = true; dispatchEvent(new Event('visibilitychange'))")
        when(page, lambda: posted(shop, "shown"))
        settle(page)
        assert len(posted(shop, "shown")) == 1
    else:
        page.evaluate("consent.decide({})")
        when(page, lambda: posted(shop, "decisions"))
        assert posted(shop, "shown") == []


def test_an_answer_in_another_tab_is_no_showing_in_one_that_was_never_in_front(shop: Shop, page: Page) -> None:
    url = shop.page("<p>Goods</p>")
    page.goto(url)
    when(page, lambda: posted(shop, "shown"))
    behind = page.context.new_page()
    behind.add_init_script(UNSEEN["a page that is hidden"])
    behind.goto(url)
    expect(banner(behind)).to_be_attached()
    settle(page)
    press(page, "refuse")
    expect(banner(behind)).to_have_count(0)
    behind.evaluate("window.front = true; dispatchEvent(new Event('visibilitychange'))")
    settle(page)
    assert len(posted(shop, "shown")) == 1


def test_swapped_bodies_and_routes_count_no_second_showing(shop: Shop, page: Page) -> None:
    page.goto(shop.page("<p>Goods</p>"))
    when(page, lambda: posted(shop, "shown"))
    for _ in range(3):
        page.evaluate("history.pushState({}, '', '/next'); document.documentElement.innerHTML = '<body><p>2'")
        expect(banner(page)).to_be_visible()
    settle(page)
    assert len(posted(shop, "shown")) == 1


# ---- One request ----


def fetched(requests: list[Request], name: str) -> int:
    """Return how often a layer was asked for."""
    return len([made for made in requests if f"/{name}." in made.url])


@pytest.mark.parametrize("reach", ["the pointer", "the keyboard", "nobody"])
def test_a_first_visit_fetches_no_more_than_one_script_until_somebody_reaches_for_the_banner(
    shop: Shop, page: Page, requests: list[Request], reach: str
) -> None:
    page.goto(shop.page("<input autofocus aria-label=Search>" if reach == "nobody" else "<p>Goods</p>"))
    when(page, lambda: posted(shop, "shown"))
    settle(page)
    assert fetched(requests, "details") == 0
    if reach == "the pointer":
        banner(page).get_by_role("heading").hover()
    elif reach == "the keyboard":
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
    else:
        page.mouse.move(10, 10)
        page.keyboard.type("x")
        settle(page)
        assert fetched(requests, "details") == 0
        return
    when(page, lambda: fetched(requests, "details"))


@pytest.mark.parametrize("field", ["<dialog><input autofocus></dialog>", "<input autofocus style='display: none'>"])
def test_a_field_that_nobody_sees_keeps_the_focus_from_no_banner(shop: Shop, page: Page, field: str) -> None:
    page.goto(shop.page(field))
    until(page, "document.activeElement.getAttribute('role') == 'dialog'")
