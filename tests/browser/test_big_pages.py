"""What a page with very much in it meets: nothing watches it without need, and what is released leaves room for a click."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .conftest import WORDS, Shop, banner, cookie, press, until

OBSERVED = """(() => {
  window.trees = [];
  const { observe } = MutationObserver.prototype;
  MutationObserver.prototype.observe = function (target, options) {
    if (options.subtree) trees.push(this);
    return observe.call(this, target, options);
  };
})()"""
"""Notes who watches a whole tree."""

FRAME = '<iframe data-consent="marketing" data-src="/film" title="A film" width=400 height=250></iframe>'
PLACE = "<div data-consent-list></div>"
ADD = "(html) => { document.querySelector('main').insertAdjacentHTML('beforeend', html) }"


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Page:
    """A window of an English shopper who is told how many watch the page."""
    page = new_context(locale="en-GB").new_page()
    page.add_init_script(OBSERVED)
    return page


@pytest.mark.troubles("never mind")
def test_a_thousand_run_in_page_order_whatever_each_throws_and_the_page_goes_on_meanwhile(
    shop: Shop, page: Page
) -> None:
    one = "<script type=text/plain data-consent=analytics>ran.push({}); throw Error('never mind')</script>"
    first = "<script type=text/plain data-consent=analytics>setTimeout(() => ran.push('timer'))</script>"
    page.goto(shop.page("<script>window.ran = []</script>" + first + "".join(map(one.format, range(1000)))))
    press(page, "accept")
    until(page, "ran.length == 1001")
    ran = page.evaluate("ran")
    assert [each for each in ran if each != "timer"] == list(range(1000))
    assert ran.index("timer") < 1000


def test_nobody_watches_the_page_while_nothing_can_be_released_and_one_does_for_all_afterwards(
    shop: Shop, page: Page
) -> None:
    shop.serve(cookies={"analytics": (cookie("_ga"),)})
    page.goto(shop.page("<p>Goods</p><script type=text/plain data-consent=analytics>window.ran = 1</script>"))
    expect(banner(page)).to_be_visible()
    assert page.evaluate("trees.length") == 0
    press(page, "refuse")
    until(page, "consent.token")
    page.reload()
    until(page, "document.readyState == 'complete' && consent.choice")
    assert page.evaluate("trees.length") == 0
    page.evaluate("consent.decide({ analytics: true })")
    until(page, "window.ran")
    page.evaluate(ADD, PLACE)
    expect(page.locator("[data-consent-list] table")).to_have_count(1)
    assert page.evaluate("new Set(trees).size") == 1


def test_one_watches_for_patterns_and_for_what_is_released(shop: Shop, page: Page) -> None:
    shop.serve(trackers=(("*.tracker.localhost", "analytics"),))
    page.goto(shop.page("<script type=text/plain data-consent=analytics>window.ran = 1</script>"))
    press(page, "accept")
    until(page, "window.ran")
    assert page.evaluate("new Set(trees).size") == 1


@pytest.mark.parametrize("answer", [None, "refuse"])
def test_a_frame_and_a_place_that_come_later_are_found_all_the_same(shop: Shop, page: Page, answer: str | None) -> None:
    shop.serve(cookies={"analytics": (cookie("_ga"),)})
    for html, there in ((FRAME, "iframe"), (PLACE, "[data-consent-list] table")):
        page.goto(shop.page("<p>Goods</p>"))
        until(page, "document.readyState == 'complete'")
        if answer and banner(page).is_visible():
            press(page, answer)
            until(page, "consent.token")
            page.reload()
            until(page, "document.readyState == 'complete'")
        page.evaluate(ADD, html)
        if there == "iframe":
            expect(page.locator("iframe").content_frame.get_by_role("button", name=WORDS["en"]["once"])).to_be_visible()
        else:
            expect(page.locator(there)).to_have_count(1)
