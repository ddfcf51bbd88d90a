"""What comes late, from the server or from another tab, overwrites no later answer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Route

from .conftest import Shop, press, settle, slow, until, when
from .one_cookie import ACCEPT, DELIVERED, NO, REFUSE, TAG, WITHOUT_EVENTS, YES, bodies, choice, cookies, issued

# ---- Late answers of the server ----


@pytest.mark.parametrize("host", ["shop", "www.shop"])
@pytest.mark.parametrize("events", [True, False])
def test_yes_at_once_no_and_away_the_late_answer_changes_nothing(
    shop: Shop, new_context: Callable[..., BrowserContext], host: str, events: bool
) -> None:
    context = new_context()
    if not events:
        context.add_init_script(WITHOUT_EVENTS)
    page = context.new_page()
    shop.page(TAG)
    page.goto(shop.url("/", host))
    with slow(shop) as answer:
        press(page, "accept")
        when(page, lambda: answer.taken)
        page.evaluate(REFUSE)
        page.goto(shop.url("/?2", host))
        assert choice(page) == NO
        until(page, DELIVERED)
        held = cookies(context)
        answer.arrive.set()
        settle(page)
        assert cookies(context) == held
    assert choice(page) == NO
    page.goto(shop.url("/?3", host))
    assert choice(page) == NO
    assert page.evaluate("window.ran") is None
    no = next(body for body in bodies(shop) if not body["allow"])
    assert no["previous"].count(".") == 1, "the no is known to follow the yes"


@pytest.mark.parametrize("events", [True, False])
@pytest.mark.parametrize(("first", "then", "left"), [(ACCEPT, REFUSE, NO), (REFUSE, ACCEPT, YES)])
def test_another_tab_s_late_acknowledgement_does_not_overwrite_the_later_answer(
    shop: Shop, new_context: Callable[..., BrowserContext], events: bool, first: str, then: str, left: dict[str, bool]
) -> None:
    context = new_context()
    if not events:
        context.add_init_script(WITHOUT_EVENTS)
    one, two = context.new_page(), context.new_page()
    url = shop.page("")
    one.goto(url)
    two.goto(url)
    with slow(shop) as answer:
        one.evaluate(first)
        when(one, lambda: answer.taken)
        two.evaluate(then)
        until(two, f"JSON.stringify(consent.choice) == '{json.dumps(left).replace(' ', '')}'")
        answer.arrive.set()
        until(one, f"JSON.stringify(consent.choice) == '{json.dumps(left).replace(' ', '')}'")
    until(one, DELIVERED)
    for page in (one, two):
        page.goto(url + "?2")
        assert choice(page) == left
    assert len(cookies(context)) == 1


@pytest.mark.parametrize(("first", "then", "left"), [(ACCEPT, REFUSE, NO), (REFUSE, ACCEPT, YES)])
def test_what_delivers_an_answer_comes_late_and_finds_another_tab_s_later_one(
    shop: Shop, new_context: Callable[..., BrowserContext], first: str, then: str, left: dict[str, bool]
) -> None:
    context = new_context()
    context.add_init_script(WITHOUT_EVENTS)
    one, two = context.new_page(), context.new_page()
    held: list[Route] = []
    one.route("**/delivery.*", lambda route: held.append(route))
    url = shop.page("")
    one.goto(url)
    two.goto(url)
    one.evaluate(first)
    when(one, lambda: held)
    two.evaluate(then)
    until(two, f"JSON.stringify(consent.choice) == '{json.dumps(left).replace(' ', '')}'")
    held[0].continue_()
    until(one, DELIVERED)
    assert choice(one) == left
    two.goto(url + "?2")
    assert choice(two) == left


MEANWHILE = """(() => {
  const { get, set } = Object.getOwnPropertyDescriptor(Document.prototype, 'cookie');
  window.reads = 0;
  Object.defineProperty(Document.prototype, 'cookie', {
    configurable: true,
    get() {
      const found = get.call(this);
      if (++reads == window.at) set.call(this, `consent=${other};Path=/`);
      return found;
    },
    set(text) { set.call(this, text) },
  });
})()"""
"""At one of this page's looks at the cookies, right after it, another tab's answer comes there."""


def test_at_whatever_moment_another_tab_answers_this_one_s_tidying_leaves_that_answer(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    context = new_context()
    context.add_init_script(WITHOUT_EVENTS + ";" + MEANWHILE)
    url = shop.page("")
    later = issued(shop, at=int(time.time()) + 7200)
    at = looks = 1
    while at <= looks:
        context.clear_cookies()
        page = context.new_page()
        page.goto(url)
        with slow(shop) as answer:
            page.evaluate(f"window.other = '{later}'; {ACCEPT}; window.reads = 0; window.at = {at}")
            when(page, lambda: answer.taken)
            until(page, "performance.getEntriesByType('resource').some((one) => one.name.includes('/delivery.'))")
            settle(page)
            looks = page.evaluate("window.reads")
            if at > looks:
                break  # it looks once less in some runs
            assert [value for _, _, value in cookies(context)] == [later], f"at look {at} of {looks}"
        page.close()
        at += max(1, looks // 8)
    assert looks > 5


def test_a_tab_that_leaves_before_its_answer_comes_leaves_the_other_tab_s_no(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    context = new_context()
    one, two = context.new_page(), context.new_page()
    url = shop.page("")
    one.goto(url)
    two.goto(url)
    with slow(shop) as answer:
        one.evaluate(ACCEPT)
        when(one, lambda: answer.taken)
        two.evaluate(REFUSE)
        one.close()
        until(two, DELIVERED)
        answer.arrive.set()
        settle(two)
        assert choice(two) == NO
    ids = [body["id"] for body in bodies(shop) if body["allow"]]
    assert len(set(ids)) == 1, "the yes was sent again as the same decision"


# ---- What the server refuses ----


@pytest.mark.troubles("Failed to load resource|decision not taken")
@pytest.mark.parametrize(
    ("status", "kind"), [(403, "foreign-origin"), (404, "unknown-site"), (422, "unknown-notice"), (400, "malformed")]
)
@pytest.mark.parametrize("word", ["accept", "refuse"])
def test_what_an_operator_s_fault_refused_is_offered_again_seldom_until_it_is_taken(
    shop: Shop, new_context: Callable[..., BrowserContext], status: int, kind: str, word: str
) -> None:
    context = new_context()
    page = context.new_page()
    offered = []

    def refuse(route: Any) -> None:
        offered.append(route.request.post_data_json)
        route.fulfill(status=status, json={"type": f"/problems/{kind}", "detail": "not now"})

    context.route("**/decisions", refuse)
    url = shop.page("")
    page.goto(url)
    press(page, word)
    when(page, lambda: len(offered) == 1)
    until(page, "document.cookie.includes('tries')")
    for n in range(6):
        page.goto(f"{url}?{n}")
        settle(page)
        assert choice(page) == (YES if word == "accept" else NO)
    assert len(offered) == 2, "the next page, and then not before an hour has passed"
    if word == "accept":
        assert offered[0]["id"] == offered[1]["id"]

    later = "{ const { now } = Date; Date.now = () => now() + HOURS * 36e5 }"
    page.add_init_script(later.replace("HOURS", "3"))
    page.goto(f"{url}?later")
    when(page, lambda: len(offered) == 3)
    context.unroute("**/decisions")
    page.add_init_script(later.replace("HOURS", "20"))
    page.goto(f"{url}?mended")
    until(page, DELIVERED)
