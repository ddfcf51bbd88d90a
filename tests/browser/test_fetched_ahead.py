"""What is about to run is on its way while what releases it is; and nothing else is, or twice."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route

from .conftest import Shop, settle, until, when
from .rows import COUNT, HELD, hits, tracker

ALLOW = "consent.decide({ analytics: true })"
PLAIN = f"<script {HELD} src={{t}}></script>"
"""As most tags are written."""
OTHERWISE = [
    f"<script {HELD} src={{t}} crossorigin></script>",
    f"<script {HELD} src={{t}} referrerpolicy=no-referrer></script>",
    f"<script {HELD} data-src={{t}}></script>",
    f"<script {HELD} src={{t}} data-type=module></script>",
]


def held_back(page: Page) -> list[Route]:
    """Return the requests for release.js, which wait to be let go."""
    waiting: list[Route] = []
    page.route("**/release.*", lambda route: waiting.append(route))
    return waiting


def let_go(page: Page, waiting: list[Route]) -> None:
    """Let them go, however many there are, and those that come later."""
    page.route("**/release.*", lambda route: route.continue_())
    for route in waiting:
        route.continue_()


def test_a_returning_shopper_s_tags_are_on_their_way_while_what_releases_them_is(shop: Shop, page: Page) -> None:
    page.goto(shop.page(COUNT + PLAIN.format(t=tracker(shop, "tag.js"))))
    page.evaluate(ALLOW)
    when(page, lambda: hits(shop))
    shop.hits.clear()
    waiting = held_back(page)
    page.reload()
    when(page, lambda: hits(shop) == ["tag.js"])
    until(page, "!document.querySelector('link')")  # it is taken out of the page again
    when(page, lambda: waiting)
    let_go(page, waiting)
    until(page, "document.querySelector('[data-consent]').lastChild?.nodeType == 8")  # it has run
    settle(page)
    assert hits(shop) == ["tag.js"]


def test_so_they_are_at_the_answer_of_who_came_with_no_pointer(shop: Shop, page: Page) -> None:
    waiting = held_back(page)
    page.goto(shop.page(COUNT + PLAIN.format(t=tracker(shop, "tag.js"))))
    page.evaluate(ALLOW)
    when(page, lambda: hits(shop) == ["tag.js"] and waiting)
    let_go(page, waiting)
    until(page, "document.querySelector('[data-consent]').lastChild?.nodeType == 8")
    page.evaluate("consent.decide({ functional: true })")  # what has run is not fetched again
    until(page, "consent.token && consent.choice.functional")
    settle(page)
    assert hits(shop) == ["tag.js"]


@pytest.mark.parametrize("other", OTHERWISE)
def test_what_the_browser_would_ask_for_otherwise_is_asked_for_once(shop: Shop, page: Page, other: str) -> None:
    page.goto(shop.page(COUNT + other.format(t=tracker(shop, "other.js")) + PLAIN.format(t=tracker(shop, "tag.js"))))
    page.evaluate(ALLOW)
    when(page, lambda: sorted(hits(shop)) == ["other.js", "tag.js"])
    settle(page)
    assert sorted(hits(shop)) == ["other.js", "tag.js"]


@pytest.mark.troubles("unknown category")
@pytest.mark.parametrize(
    "category", ["marketing", "necessary", "analytics marketing", "analytics necessary", "statistics", ""]
)
def test_nothing_is_fetched_ahead_that_would_not_run(shop: Shop, page: Page, category: str) -> None:
    held = f"<script type=text/plain data-consent='{category}' src={tracker(shop, 'held.js')}></script>"
    page.goto(shop.page(COUNT + held + PLAIN.format(t=tracker(shop, "tag.js"))))
    page.evaluate(ALLOW)
    when(page, lambda: hits(shop))
    page.reload()
    until(page, "consent.choice")
    settle(page)
    assert set(hits(shop)) == {"tag.js"}


@pytest.mark.parametrize("how", ["async", "synchronous", "inlined"])
@pytest.mark.troubles("Failed to load resource")
def test_a_server_that_never_answers_holds_up_a_page_only_by_a_synchronous_tag(
    shop: Shop, page: Page, how: str
) -> None:
    waiting: list[Route] = []
    page.route("**/v1/shop/**", lambda route: waiting.append(route))
    heads = {
        "async": shop.tag.replace("<script", "<script async"),
        "synchronous": shop.tag,
        "inlined": f"<script data-base={shop.url('/v1/shop/')}>{shop.consent_js()}</script>",
    }
    page.goto(shop.page("<p id=goods>Goods</p>", head=heads[how]), wait_until="commit")
    if how == "synchronous":
        when(page, lambda: waiting)
        settle(page)
        assert not page.locator("#goods").count()
        waiting[0].abort()
    until(page, "document.querySelector('#goods')")
