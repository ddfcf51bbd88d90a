"""One answer, the newest: whatever tabs, hosts, scopes, clocks and late replies do, a no never becomes a yes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from urllib.parse import quote, unquote

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .conftest import Shop, banner, posted, press, settle, slow, until, when
from .one_cookie import DELIVERED, NO, REFUSE, TAG, WITHOUT_EVENTS, YES, bodies, choice, cookies, issued

HEARS = "window.heard = []; document.addEventListener('consentchange', ({ detail }) => heard.push(detail.analytics))"


# ---- Heard once ----


@pytest.mark.parametrize("events", [True, False])
def test_each_decision_is_heard_once_in_every_tab_and_by_vendors(
    shop: Shop, new_context: Callable[..., BrowserContext], events: bool
) -> None:
    context = new_context()
    context.add_init_script(HEARS + ("" if events else ";" + WITHOUT_EVENTS))
    shop.serve(vendors={"google": {"mode": "advanced"}})
    url = shop.page("")
    one, two = context.new_page(), context.new_page()
    one.goto(url)
    two.goto(url)

    def heard(page: Page) -> list[list[bool]]:
        if not events:  # a tab that is come back to
            page.evaluate("document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))")
            settle(page)
        told = "dataLayer.filter((each) => each.event == 'consentchange').map((each) => each.consent.analytics)"
        return [page.evaluate("heard"), page.evaluate(told)]

    one.bring_to_front()
    press(one, "accept")
    until(one, DELIVERED)
    settle(two)
    assert heard(one) == heard(two) == [[True], [True]]
    one.evaluate(REFUSE)
    until(one, DELIVERED)
    settle(two)
    assert heard(one) == heard(two) == [[True, False], [True, False]]


def test_three_tags_are_one_gate(shop: Shop, page: Page) -> None:
    page.goto(shop.page(TAG.replace("window.ran = 1", "window.ran = (window.ran || 0) + 1"), head=shop.tag * 3))
    assert banner(page).count() == 1
    press(page, "accept")
    until(page, DELIVERED)
    until(page, "window.ran")
    assert page.evaluate("ran") == 1
    assert len(bodies(shop)) == 1


# ---- A refusal names nobody ----


@pytest.mark.troubles("Failed to load resource|decision not taken|ERR_")
@pytest.mark.parametrize("status", [0, 403, 404, 422, 503])
def test_two_who_refuse_hold_the_same_cookie_also_while_it_waits(
    shop: Shop, new_context: Callable[..., BrowserContext], status: int
) -> None:
    url = shop.page("")
    held = set()
    for _ in range(2):
        context = new_context()
        page = context.new_page()
        context.route(
            "**/decisions",
            lambda route: (
                route.fulfill(status=status, json={"type": "/problems/x", "detail": "no"}) if status else route.abort()
            ),
        )
        page.goto(url)
        with page.expect_event(
            "requestfinished" if status else "requestfailed", lambda r: r.url.endswith("/decisions")
        ):
            press(page, "refuse")
        if 400 <= status < 500:
            when(page, lambda: "tries" in cookies(context)[0][2])  # noqa: B023
        settle(page)
        [(_, _, value)] = cookies(context)
        held.add(value)
        [waiting] = json.loads(unquote(value[1:]))
        assert not {"id", "jti", "sub"} & set(waiting)
        assert waiting["at"] % 3600 == 0
    assert len(held) == 1


def test_a_withdrawal_sent_again_counts_once_although_it_has_no_id_in_the_cookie(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    context = new_context()
    page = context.new_page()
    url = shop.page("")
    page.goto(url)
    press(page, "accept")
    until(page, DELIVERED)
    with slow(shop) as answer:
        page.evaluate(REFUSE)
        when(page, lambda: answer.taken)
        page.goto(url + "?2")
        until(page, DELIVERED)
    first, second = [body["id"] for body in bodies(shop) if not body["allow"]]
    assert first == second
    assert choice(page) == NO
    [(_, _, value)] = cookies(context)
    assert "~" not in value


def test_a_first_refusal_whose_acknowledgement_was_lost_is_another_one_to_the_server(shop: Shop, page: Page) -> None:
    url = shop.page("")
    page.goto(url)
    with slow(shop) as answer:
        press(page, "refuse")
        when(page, lambda: answer.taken)
        page.goto(url + "?2")
        until(page, DELIVERED)
    first, second = [body["id"] for body in bodies(shop)]
    assert first != second, "nothing lies in the browser by which the two could be known to be one"


# ---- Any text ----

TEXTS = [
    *("~", "~null", "~{}", "~[]", "~[null]", "~5", '~"x"', "~%", "%", "%E0%A4%A", "~%5B%7B%7D%5D", "null", "undefined"),
    *(
        '~[{"site":"shop"}]',
        '~[{"site":"shop","allow":"analytics"}]',
        '~[{"site":"shop","allow":[["analytics"]],"id":"x"}]',
    ),
    *(
        '~[{"site":"shop","allow":{"every":1}}]',
        '~[{"site":"shop","allow":["analytics"]}]',
        '~2[{"site":"shop","allow":[]}]',
    ),
    *("x" * 4000, "~" + "[" * 3000, "a.b.c", "=", "==", '"quoted"', "e30.e30", "bnVsbA." + "A" * 86, "W10." + "A" * 86),
]


PRESSED = (("accept", YES), ("refuse", NO), ("choose", NO))


@pytest.mark.parametrize(
    ("word", "answer", "text"),
    [(*PRESSED[number % 3], text) for number, text in enumerate(TEXTS)],
    ids=[text[:24] for text in TEXTS],
)
def test_any_text_in_the_cookie_is_no_answer_and_every_button_works(
    shop: Shop, new_context: Callable[..., BrowserContext], text: str, word: str, answer: dict[str, bool]
) -> None:
    context = new_context()
    context.add_init_script(f"try {{ if (!location.search) document.cookie = `consent={text};path=/` }} catch {{}}")
    page = context.new_page()
    url = shop.page(TAG)
    page.goto(url)
    assert choice(page) is None
    assert page.evaluate("consent.token") is None
    expect(banner(page)).to_be_visible()
    press(page, word)
    if word == "choose":
        press(page, "save")
    until(page, DELIVERED)
    page.goto(url + "?2")
    assert choice(page) == answer


def test_what_stands_within_another_cookie_is_no_answer(shop: Shop, page: Page) -> None:
    page.goto(shop.page(""))
    page.evaluate(REFUSE)
    until(page, DELIVERED)
    planted = issued(shop, "marketing", at=int(time.time()) + 7200)
    page.evaluate(f"document.cookie = 'q=shoes consent={planted};path=/'")
    page.reload()
    settle(page)
    assert page.evaluate("[consent.allows('marketing'), consent.choice.marketing]") == [False, False]
    assert len([path for path, _ in shop.posts if path == "decisions"]) == 1


PLANTED = {
    "an id that is no text": {"id": {}},
    "an id that is a number": {"id": 5},
    "an earlier answer that is a number": {"previous": 5},
    "an earlier answer that is an object": {"previous": {"a": 1}},
    "a time that is text": {"at": "1"},
}


@pytest.mark.troubles("Failed to load resource|consent: decision not taken")
@pytest.mark.parametrize("planted", PLANTED)
def test_no_text_in_the_cookie_is_posted_without_end_or_stands_in_the_way(shop: Shop, page: Page, planted: str) -> None:
    base = {"site": "shop", "allow": ["analytics"], "at": 1, "rev": 1, "exp": 9999999999, "id": "a" * 21 + "A"}
    text = json.dumps([{**base, **PLANTED[planted]}])
    page.context.add_cookies([{"name": "consent", "value": "~" + quote(text), "url": shop.url("/")}])
    page.goto(shop.page(""))
    until(page, "decodeURIComponent(document.cookie).includes('\"tries\":1')")  # it was refused
    settle(page)
    assert len(posted(shop, "decisions")) == 1
    page.evaluate("consent.decide({ functional: true, analytics: false, marketing: false })")
    until(page, "consent.token")
    page.reload()
    until(page, "consent.token && consent.choice.functional && !consent.choice.analytics")
