"""My choices show, check, hand out and erase what is held, and say so when that failed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Request, Route, expect

from consent_server.decision import Entry
from consent_server.web import shopper as shopper_views

from .axe import violations
from .conftest import WORDS, Shop, press, until, when

# ---- My choices ----


def test_my_choices_show_check_hand_out_and_erase_what_is_held(shop: Shop, page: Page) -> None:
    page.goto(shop.page("<button data-consent-open>Cookie settings</button>"))
    press(page, "accept")
    until(page, "consent.token")
    page.get_by_role("button", name="Cookie settings").click()
    page.get_by_text("My choices", exact=True).click()
    mine = page.get_by_role("dialog")
    expect(mine.get_by_text("Your answer is recorded and unchanged")).to_be_visible()
    mine.get_by_text("How this was checked").click()
    for what in ("Answer", "Receipt"):
        expect(mine.get_by_text(f"{what}: Signature verified")).to_be_visible()
    expect(mine.get_by_text("Allowed: Functional, Analytics, Marketing")).to_be_visible()
    expect(mine.get_by_role("listitem")).to_have_count(1)
    with page.expect_popup() as opened:
        press(page, "receipt")
    receipt = opened.value
    expect(receipt.get_by_role("heading", name="Receipt: Shop")).to_be_visible()
    expect(receipt.get_by_text("Allowed: Functional, Analytics, Marketing")).to_be_visible()
    assert violations(receipt, "wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa") == []
    receipt.evaluate("window.print = () => { document.title = 'printed' }")
    receipt.get_by_role("button", name="Print").click()
    assert receipt.title() == "printed"
    with receipt.expect_download() as download:
        receipt.get_by_role("link", name="JSON-LD").click()
    assert json.loads(Path(download.value.path()).read_text())
    receipt.close()
    assert page.evaluate("consent.receipt().then(Object.keys)")
    press(page, "erase")
    expect(page.get_by_text(WORDS["en"]["sure"])).to_be_visible()
    press(page, "erase")
    expect(mine.get_by_text("Your record is erased")).to_be_visible()
    assert page.evaluate("[consent.choice, document.cookie]") == [None, ""]


def entries(shop: Shop) -> list[Entry]:
    return [*shop.app.extensions["consent"].store.log.day(shop.site, datetime.now(UTC).date())]


@pytest.mark.troubles("401")
def test_who_withdraws_and_then_erases_is_erased_whole(shop: Shop, page: Page) -> None:
    """Twice a yes that is taken back, the second time with a load in between, and then the erasure."""
    page.goto(shop.page("<button data-consent-open>Cookie settings</button>"))
    press(page, "accept")
    until(page, "consent.token")
    for reloads in (False, True):
        if reloads:
            page.evaluate("consent.decide({ marketing: true })")
            until(page, "consent.token && consent.allows('marketing')")
        page.get_by_role("button", name="Cookie settings").click()
        page.get_by_text("My choices", exact=True).click()
        expect(page.get_by_role("dialog").get_by_role("listitem")).to_have_count(1)  # then nothing is asked any more
        press(page, "withdraw")
        press(page, "withdraw")  # are you sure?
        until(page, "consent.token && !JSON.parse(atob(consent.token.split('.')[0])).sub")
        page.reload()
    assert len(entries(shop)) == 4
    # One of a key that is out of use since is refused, and keeps none of the others.
    page.evaluate("sessionStorage['ask-withdrawn'] = 'e30.none ' + sessionStorage['ask-withdrawn']")
    page.reload()
    page.get_by_role("button", name="Cookie settings").click()
    page.get_by_text("My choices", exact=True).click()
    press(page, "erase")
    expect(page.get_by_text(WORDS["en"]["sure"])).to_be_visible()
    press(page, "erase")
    expect(page.get_by_role("dialog").get_by_text("Your record is erased")).to_be_visible()
    assert {entry.id for entry in entries(shop)} == {""}
    assert page.evaluate("[consent.choice, document.cookie, sessionStorage.length]") == [None, "", 0]


@pytest.mark.troubles("ERR_FAILED|Failed to fetch")
def test_an_answer_whose_reply_was_lost_long_ago_gets_a_token_all_the_same(
    shop: Shop, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(route: Route) -> None:
        here = route.request.url.replace("shop.localhost", "127.0.0.1")
        route.fetch(url=here, headers=route.request.headers | {"host": f"shop.localhost:{shop.port}"})
        route.abort()

    page.goto(shop.page("<button data-consent-open>Cookie settings</button>"))
    page.route("**/decisions", lose)
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/decisions")):
        press(page, "accept")
    assert len(entries(shop)) == 1
    page.unroute("**/decisions")
    monkeypatch.setattr(shopper_views, "SECONDS_TO_REPEAT", -1)
    page.reload()
    until(page, "consent.token && consent.allows('marketing')")
    assert len(entries(shop)) == 2


def test_who_only_refused_is_not_told_of_an_erasure(shop: Shop, page: Page) -> None:
    page.goto(shop.page("<button data-consent-open>Cookie settings</button>"))
    press(page, "refuse")
    until(page, "consent.token")
    page.get_by_role("button", name="Cookie settings").click()
    page.get_by_text("My choices", exact=True).click()
    press(page, "erase")
    expect(page.get_by_text(WORDS["en"]["sure"])).to_be_visible()
    press(page, "erase")
    expect(page.get_by_role("dialog").get_by_text("nothing was erased")).to_be_visible()
    assert page.evaluate("[consent.choice, document.cookie]") == [None, ""]


def test_my_choices_check_the_receipt_itself_and_say_so_when_it_was_changed_on_its_way(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    def answered() -> Page:
        page = new_context(locale="en-GB").new_page()
        page.goto(shop.page("<button data-consent-open>Cookie settings</button>"))
        press(page, "accept")
        until(page, "consent.token")
        return page

    stranger = answered()
    genuine = stranger.evaluate("consent.receipt()")
    refused = {"@id": "dpv:ConsentRefused"}
    page = answered()
    for change, verdict in (
        ({}, "recorded"),
        ({"dpv:hasConsentStatus": refused}, "forged"),
        ({"dpv:hasDataController": {}}, "forged"),
        ({"dcterms:provenance": genuine["dcterms:provenance"]}, "forged"),
        (genuine, "forged"),  # the server's own words, of somebody else's answer
    ):

        def meddle(route: Route, _: Request, change: dict[str, Any] = change) -> None:
            here = route.request.url.replace("shop.localhost", "127.0.0.1")  # only the browser knows that host
            answer = route.fetch(url=here, headers=route.request.headers | {"host": f"shop.localhost:{shop.port}"})
            route.fulfill(response=answer, json=answer.json() | change)

        page.route("**/me/receipt", meddle)
        page.reload()
        page.get_by_role("button", name="Cookie settings").click()
        page.get_by_text("My choices", exact=True).click()
        expect(page.get_by_role("dialog").get_by_role("status")).to_have_text(WORDS["en"][verdict])
        said = WORDS["en"]["checked" if verdict == "recorded" else verdict]
        expect(page.get_by_text(f"Receipt: {said}")).to_be_attached()
        expect(page.get_by_text(f"Answer: {WORDS['en']['checked']}")).to_be_attached()
        page.unroute("**/me/receipt")


def test_my_choices_say_so_when_the_token_is_not_what_the_server_signed(shop: Shop, page: Page) -> None:
    page.goto(shop.page("<button data-consent-open>Cookie settings</button>"))
    press(page, "accept")
    until(page, "consent.token")
    token = page.evaluate("consent.token")
    payload, signature = token.split(".")
    forged = f"{payload}.{signature[:10]}{'A' if signature[10] != 'A' else 'B'}{signature[11:]}"
    page.context.add_cookies([{"name": "consent", "value": forged, "url": shop.url("/")}])
    page.reload()
    page.get_by_role("button", name="Cookie settings").click()
    page.get_by_text("My choices", exact=True).click()
    expect(page.get_by_role("dialog").get_by_role("status")).to_have_text(WORDS["en"]["forged"])
    expect(page.get_by_text("Answer: The signature is wrong")).to_be_attached()
    expect(page.get_by_text("Receipt:")).to_have_count(0)


@pytest.mark.troubles("Failed to load resource")
def test_my_choices_are_fetched_by_who_opens_them_say_when_that_failed_and_work_the_next_time(
    shop: Shop, page: Page, requests: list[Request]
) -> None:
    shop.serve(contact="privacy@shop.example", authority={"name": "The Authority", "url": "https://authority.example"})
    page.route("**/mine.*", lambda route: route.abort())
    page.goto(shop.page(""))
    press(page, "choose")
    mine = page.get_by_text("My choices", exact=True)

    def fetched() -> int:
        return len([made for made in requests if "/mine." in made.url])

    assert fetched() == 0
    failed = page.get_by_text(WORDS["en"]["failed"])
    for times in (1, 2):
        mine.click()
        when(page, lambda times=times: fetched() == times)
        expect(failed).to_have_count(1)
        page.get_by_role("tab", name="Cookies").click()
    page.unroute("**/mine.*")
    page.evaluate("document.documentElement.lang = 'ru'")  # the preferences are open in English
    mine.click()
    expect(page.get_by_text(WORDS["en"]["unanswered"])).to_be_visible()
    expect(failed).to_have_count(0)
    expect(page.get_by_role("link", name="privacy@shop.example")).to_be_visible()
    expect(page.get_by_role("link", name="The Authority")).to_have_attribute("href", "https://authority.example")
    assert fetched() == 3


def test_my_choices_lead_to_the_page_on_which_the_shop_is_written_to(shop: Shop, page: Page) -> None:
    shop.serve(contact="/contact")
    page.goto(shop.page(""))
    press(page, "choose")
    page.get_by_text("My choices", exact=True).click()
    expect(page.get_by_role("link", name="/contact")).to_have_attribute("href", "/contact")
