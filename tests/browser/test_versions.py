"""Yesterday's consent.js, which a cache may hold for a day, and today's layers: what they say to each other has a version."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from consent_server.site.rules import Rule

from .conftest import Shop, banner, posted, press, settle, until, when

HELD = '<script type="text/plain" data-consent="analytics">window.ran = 1</script>'


@pytest.fixture
def page(shop: Shop, new_context: Callable[..., BrowserContext]) -> Page:
    """A window of an English shopper whose cache holds the script of another version."""
    page = new_context(locale="en-GB").new_page()
    text, many = re.subn(r"\bprotocol:(\d+),", lambda found: f"protocol:{int(found[1]) - 1},", shop.consent_js())
    assert many == 1

    def serve(route: Route) -> None:
        route.fulfill(body=text, content_type="text/javascript")

    page.route("**/consent.js", serve)
    page.goto(shop.page(HELD + "<button data-consent-open>Cookie settings</button>"))
    return page


@pytest.mark.troubles("of another version")
def test_a_yes_is_kept_and_sent_and_releases_nothing(shop: Shop, page: Page) -> None:
    press(page, "accept")
    when(page, lambda: posted(shop, "decisions"))
    settle(page)
    assert posted(shop, "decisions")[0]["allow"] == ["functional", "analytics", "marketing"]
    assert page.evaluate("[consent.allows('analytics'), window.ran]") == [True, None]
    page.unroute("**/consent.js")
    page.reload()
    until(page, "window.ran && consent.token")  # today's script ends what yesterday's began


@pytest.mark.troubles("of another version")
def test_a_no_is_kept_and_the_preferences_say_that_they_cannot_be_shown(shop: Shop, page: Page) -> None:
    press(page, "refuse")
    when(page, lambda: posted(shop, "decisions"))
    page.get_by_role("button", name="Cookie settings").click()
    expect(banner(page)).to_be_visible()
    expect(banner(page).get_by_role("alert")).to_be_visible()
    press(page, "refuse")
    settle(page)
    assert page.evaluate("[consent.allows('analytics'), window.ran ?? null]") == [False, None]
    page.unroute("**/consent.js")
    page.reload()
    until(page, "consent.token")


@pytest.mark.troubles("of another version")
def test_a_gate_of_before_there_were_rules_by_place_says_that_the_preferences_cannot_be_shown(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    text = shop.consent_js()
    shop.serve(rules=(Rule("uk", ("GB",), {"analytics": "objection"}),))
    page = new_context(locale="en-GB").new_page()
    page.route("**/consent.js", lambda route: route.fulfill(body=text, content_type="text/javascript"))
    page.goto(shop.page("<button data-consent-open>Cookie settings</button>"))
    press(page, "choose")
    expect(banner(page).get_by_role("alert")).to_be_visible()
    press(page, "refuse")
    until(page, "consent.choice")
