"""The whole way, in every way that a page can call a tracker, and for who lets a tool refuse."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect

from .conftest import EVERY_COOKIE, EVERY_HIT, REFUSAL_TOOL, Shop, banner, press, settle, until, when


def cookies(page: Page) -> set[str]:
    return {each["name"] for each in page.context.cookies()}


def test_for_who_refuses_nothing_leaves_the_page_marked_or_matched(shop: Shop, page: Page) -> None:
    page.goto(shop.every_way())
    settle(page)
    press(page, "refuse")
    until(page, "consent.token")
    settle(page)
    page.reload()
    settle(page)
    assert shop.hits == []
    assert cookies(page) == {"consent"}


def test_for_who_accepts_each_runs_once_and_for_who_withdraws_none_and_its_cookies_are_gone(
    shop: Shop, page: Page
) -> None:
    page.goto(shop.every_way())
    press(page, "accept")
    when(page, lambda: len(shop.hits) >= len(EVERY_HIT))
    until(page, "consent.token")
    settle(page)
    assert sorted(shop.hits) == EVERY_HIT
    assert cookies(page) == {"consent", *EVERY_COOKIE}

    shop.hits.clear()
    page.reload()
    when(page, lambda: len(shop.hits) >= len(EVERY_HIT))
    settle(page)
    assert sorted(shop.hits) == EVERY_HIT

    shop.hits.clear()
    page.get_by_role("button", name="Cookie settings").click()
    with page.expect_navigation():
        press(page, "refuse")
    until(page, "consent.token")
    settle(page)
    assert cookies(page) == {"consent"}
    page.reload()
    settle(page)
    assert cookies(page) == {"consent"}
    assert shop.hits == []


def test_a_tool_that_knows_nothing_of_us_finds_the_refusal_in_each_language(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    for lang in ("az", "en", "ru", "tr"):
        page = new_context(locale=lang).new_page()
        page.goto(shop.page("<button>Buy</button>", lang=lang))
        expect(banner(page, lang)).to_be_visible()
        assert page.evaluate(REFUSAL_TOOL) == 1
        assert page.evaluate("consent.choice") == {"functional": False, "analytics": False, "marketing": False}
        expect(banner(page, lang)).to_be_hidden()
        until(page, "consent.token")
        page.context.close()


@pytest.mark.troubles("Failed to load resource")
def test_a_first_visit_asks_the_server_for_one_script_and_the_next_when_somebody_reaches_for_a_button(
    shop: Shop, page: Page, requests: list[Request]
) -> None:
    def asked() -> list[str]:
        return [re.sub(r"[.]\w+[.](?=js$)", ".HASH.", made.url.partition("/v1/shop/")[2]) for made in requests[1:]]

    page.goto(shop.page(""))
    expect(banner(page)).to_be_visible()
    when(page, lambda: "shown" in asked())
    settle(page)
    assert [each for each in asked() if each] == ["consent.js", "shown"]
    banner(page).get_by_role("button").first.hover()
    when(page, lambda: "details.en.HASH.js" in asked())
