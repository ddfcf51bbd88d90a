"""An answer lasts as long as it may, whatever clocks say and browsers cut short."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page

from .conftest import Shop, banner, press, settle, slow, until, when
from .one_cookie import ACCEPT, DELIVERED, NO, REFUSE, TAG, YES, choice, cookies, withdraw

# ---- Clocks ----


@pytest.mark.parametrize("server", ["shop", "consent"])
@pytest.mark.parametrize("days", [300, 200, 2, -2, -300])
@pytest.mark.parametrize("word", ["accept", "refuse"])
def test_a_clock_that_is_wrong_does_not_ask_on_every_page(
    shop: Shop, new_context: Callable[..., BrowserContext], days: int, word: str, server: str
) -> None:
    context = new_context()
    context.add_init_script(f"{{ const {{ now }} = Date; Date.now = () => now() + {days} * 864e5 }}")
    page = context.new_page()
    url = shop.page(TAG, head=shop.tag.replace("//shop.", f"//{server}."))
    page.goto(url)
    press(page, word)
    until(page, DELIVERED)
    for n in range(2):
        page.goto(f"{url}?{n}")
        settle(page)
        assert choice(page) == (YES if word == "accept" else NO)
        assert banner(page).count() == 0
    if word == "accept":
        withdraw(page)
    else:
        page.evaluate(ACCEPT)
        until(page, DELIVERED)
    page.goto(url + "?changed")
    assert choice(page) == (NO if word == "accept" else YES)


@pytest.mark.parametrize("hours", [-25, -23, 23, 25])
def test_a_clock_is_called_wrong_from_a_day_on(shop: Shop, page: Page, hours: int) -> None:
    page.add_init_script(f"{{ const {{ now }} = Date; Date.now = () => now() + {hours} * 36e5 }}")
    page.goto(shop.page(""))
    press(page, "refuse")
    until(page, DELIVERED)
    settle(page)
    assert page.evaluate("document.cookie.includes('ask-clock=')") is (abs(hours) > 24)


@pytest.mark.troubles("ERR_FAILED")
def test_a_clock_that_is_set_right_keeps_the_later_answer(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    context = new_context()
    page = context.new_page()
    url = shop.page("")
    page.goto(url)
    page.evaluate("Date.now = ((now) => () => now() + 300 * 864e5)(Date.now)")
    context.route("**/decisions", lambda route: route.abort())
    page.evaluate(ACCEPT)
    page.goto(url + "?right")
    page.evaluate(REFUSE)
    page.goto(url + "?2")
    assert choice(page) == NO
    context.unroute("**/decisions")
    page.goto(url + "?3")
    until(page, DELIVERED)
    assert choice(page) == NO


# ---- What lasts in Safari ----


def as_safari(context: BrowserContext) -> BrowserContext:
    context.add_init_script(
        "Object.defineProperty(Navigator.prototype, 'vendor', { get: () => 'Apple Computer, Inc.' })"
    )
    return context


@pytest.mark.parametrize(("word", "answer"), [("accept", YES), ("refuse", NO)])
def test_an_answer_outlasts_the_seven_days_of_a_script_s_cookie(
    shop: Shop, new_context: Callable[..., BrowserContext], word: str, answer: dict[str, bool]
) -> None:
    context = as_safari(new_context())
    page = context.new_page()
    url = shop.page(TAG)
    page.goto(url)
    press(page, word)
    when(page, lambda: cookies(context, "ask-kept"))
    [(_, _, held)] = cookies(context)
    [(_, _, guard)] = cookies(context, "ask-guard")
    assert (guard == "0") == (word == "refuse")
    context.clear_cookies(name="consent")  # seven days have passed
    page.goto(url + "?2")
    assert choice(page) == answer
    assert banner(page).count() == 0
    when(page, lambda: cookies(context))
    assert [value for *_, value in cookies(context)] == [held]


@pytest.mark.parametrize("late", ["guard", "token"])
@pytest.mark.troubles("401")  # nothing is left to keep
def test_what_makes_a_yes_last_comes_after_the_no_and_says_nothing(
    shop: Shop, new_context: Callable[..., BrowserContext], late: str
) -> None:
    context = as_safari(new_context())
    page = context.new_page()
    url = shop.page(TAG)
    page.goto(url)
    with slow(shop, "/keep") as answer:
        if late == "token":
            answer.left = 0
            page.route("**/keep", lambda route: route.continue_())
        press(page, "accept")
        if late == "token":
            when(page, lambda: cookies(context, "ask-guard"))
            answer.left = 1
        when(page, lambda: answer.taken)
        page.evaluate(f"window.here = 1; {REFUSE}")
        answer.arrive.set()
        until(page, "!window.here && window.consent")
        page.goto(url + "?2")
        until(page, DELIVERED)
        settle(page)
    context.clear_cookies(name="consent")
    page.goto(url + "?3")
    assert choice(page) in (NO, None)
    assert page.evaluate("window.ran") is None


def test_other_browsers_get_no_other_cookie(shop: Shop, new_context: Callable[..., BrowserContext]) -> None:
    context = new_context()
    page = context.new_page()
    page.goto(shop.page(""))
    press(page, "accept")
    until(page, DELIVERED)
    settle(page)
    assert {each["name"] for each in context.cookies()} == {"consent"}


def test_a_no_is_kept_where_the_clock_says_that_time_has_just_begun(shop: Shop, page: Page) -> None:
    page.add_init_script("{ const off = Date.now() - 600000, now = Date.now; Date.now = () => now() - off }")
    page.goto(shop.page(""))
    press(page, "refuse")
    until(page, "consent.choice")
    page.goto(shop.url("/"))
    until(page, "consent.choice && !document.querySelector('[data-ask] .buttons')")
