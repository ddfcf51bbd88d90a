"""*My choices* checks in the page where in the sealed log the answer is, and says so when it does not fit."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Request, Route, expect

from consent_server.decision import Decision
from consent_server.proof.erasure import erase
from consent_server.proof.log import seal
from consent_server.tokens import token

from .conftest import WORDS, Shop, press, until

DAY = 86_400_000
THEN = datetime.now(UTC).date() - timedelta(3)


def answered_before(shop: Shop) -> str:
    """Have eight shoppers answer three days ago, seal those days, and return the token of one of them."""
    services = shop.app.extensions["consent"]
    notice = services.scripts[shop.site.id].notices["en"][0]
    midnight = (THEN - date(1970, 1, 1)).days * DAY
    kept = [
        services.store.decisions.record(
            shop.site,
            Decision(secrets.token_urlsafe(16), 7, notice, "accept", None),
            now=midnight + n,
            sign=services.keys.sign,
        )
        for n in range(8)
    ]
    assert seal(services.store, shop.site, services.keys, datetime.now(UTC))
    return token(kept[5].consent, kept[5].signature)


def mine(shop: Shop, page: Page, text: str | None = None, lang: str = "en") -> None:
    if text:
        page.context.add_cookies([{"name": "consent", "value": text, "url": shop.url("/")}])
    page.goto(shop.page("<button data-consent-open>Cookie settings</button>", lang=lang))
    page.get_by_role("button", name="Cookie settings", exact=True).click()
    page.get_by_role("tab", name=WORDS[lang]["mine"]).click()
    page.get_by_text(WORDS[lang]["how"]).click()


@pytest.mark.parametrize("lang", ["en", "az", "ru", "tr"])
def test_a_sealed_answer_has_its_number_and_day(
    shop: Shop, new_context: Callable[..., BrowserContext], lang: str
) -> None:
    text = answered_before(shop)
    page = new_context(locale={"en": "en-GB"}.get(lang, lang)).new_page()
    mine(shop, page, text, lang)
    place = page.locator("[data-ask] p").filter(has_text=WORDS[lang]["log"])
    expect(place).to_contain_text(str(THEN.year))
    services = shop.app.extensions["consent"]
    (number,) = [
        n
        for n, entry in enumerate(services.store.log.day(shop.site, THEN), 1)
        if entry.id == services.keys.read(text, shop.site.id).jti
    ]
    said = place.inner_text().partition(": ")[2]
    before, _, after = WORDS[lang]["sealed"].replace("{n}", str(number)).partition("{day}")
    assert said.startswith(before)
    assert said.endswith(after)


def test_an_answer_of_today_waits_for_its_seal(shop: Shop, new_context: Callable[..., BrowserContext]) -> None:
    page = new_context(locale="en-GB").new_page()
    page.goto(shop.page("<p>Goods</p>"))
    press(page, "accept")
    until(page, "consent.token")
    mine(shop, page)
    expect(page.get_by_text("The sealed log: it will hold your answer once its day is over.")).to_be_visible()


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "another number": lambda proof: proof["sealed"][0].update(number=proof["sealed"][0]["number"] ^ 1),
    "a number out of it": lambda proof: proof["sealed"][0].update(number=proof["sealed"][0]["number"] + 8),
    "another path": lambda proof: proof["sealed"][0]["path"].reverse(),
    "a short path": lambda proof: proof["sealed"][0]["path"].pop(),
    "another way of answering": lambda proof: proof["sealed"][0]["entry"].update(how="save"),
    "another time": lambda proof: proof["sealed"][0]["entry"].update(at=proof["sealed"][0]["entry"]["at"] + 1),
    "another seal": lambda proof: proof["sealed"][0].update(seal=proof["sealed"][0]["entry"]["signature"]),
    "another day's": lambda proof: proof["sealed"][0]["entry"].update(at=proof["sealed"][0]["entry"]["at"] - DAY),
}


def test_what_does_not_fit_is_said_plainly(shop: Shop, new_context: Callable[..., BrowserContext]) -> None:
    text = answered_before(shop)
    page = new_context(locale="en-GB").new_page()
    for name, change in CHANGES.items():

        def meddle(route: Route, _: Request, change: Callable[[dict[str, Any]], object] = change) -> None:
            here = route.request.url.replace("shop.localhost", "127.0.0.1")  # only the browser knows that host
            answer = route.fetch(url=here, headers=route.request.headers | {"host": f"shop.localhost:{shop.port}"})
            proof = answer.json()
            change(proof)
            route.fulfill(response=answer, json=proof)

        page.route("**/me/proof", meddle)
        mine(shop, page, text)
        place = page.locator("[data-ask] p").filter(has_text="The sealed log")
        expect(place, name).to_contain_text("this is not what was recorded")
        expect(page.get_by_role("tabpanel").get_by_role("status"), name).to_contain_text(
            "this is not what was recorded"
        )
        page.unroute("**/me/proof")


@pytest.mark.parametrize("shown", ["waits", "left out"])
def test_an_old_answer_that_is_said_to_wait_for_its_seal_is_not_believed(
    shop: Shop, new_context: Callable[..., BrowserContext], shown: str
) -> None:
    """Nor is one that is not shown at all: no forgery, as it may be too old for one call, but nothing that was checked."""
    text = answered_before(shop)
    page = new_context(locale="en-GB").new_page()
    jti = shop.app.extensions["consent"].keys.read(text, shop.site.id).jti
    said = {"site": shop.site.id, "checkpoint": "", "sealed": [], "unsealed": [jti] if shown == "waits" else []}
    page.route("**/me/proof", lambda route: route.fulfill(json=said, headers={"access-control-allow-origin": "*"}))
    mine(shop, page, text)
    expect(page.get_by_text("The sealed log: The signature could not be checked here.")).to_be_visible()


@pytest.mark.parametrize("lang", ["en", "az", "ru", "tr"])
@pytest.mark.parametrize("became", ["erased", "changed", "withdrawn"])
def test_what_became_of_an_answer_elsewhere_is_said_and_accuses_nobody(
    shop: Shop, new_context: Callable[..., BrowserContext], became: str, lang: str
) -> None:
    text, words = answered_before(shop), WORDS[lang]
    services = shop.app.extensions["consent"]
    consent = services.keys.read(text, shop.site.id)
    if became == "erased":
        erase(services.store, shop.site, services.keys, consent.sub, int(time.time()))
    else:
        notice = services.store.notices.find(shop.site, consent.notice)
        decision = Decision(secrets.token_urlsafe(16), 2 * (became == "changed"), notice, "save", consent)
        services.store.decisions.record(shop.site, decision, now=time.time_ns() // 1_000_000, sign=services.keys.sign)
    page = new_context(locale={"en": "en-GB"}.get(lang, lang)).new_page()
    mine(shop, page, text, lang)
    status = page.get_by_role("tabpanel").get_by_role("status")
    if became == "erased":
        expect(status).to_have_text(words["erased"])
    else:
        allowed = words["analytics"] if became == "changed" else words["nothing"]
        _, _, after = words["answered"].replace("{allow}", allowed).partition("{at}")
        expect(status).to_have_text(re.compile(re.escape(after) + "$"))
        expect(page.get_by_role("tabpanel").get_by_role("listitem")).to_have_count(2)
    expect(page.get_by_text(f"{words['my_receipt']}: {words['checked']}")).to_be_visible()
    expect(page.get_by_role("heading", name=words["history"])).to_be_visible()
    expect(page.get_by_text(words["forged"])).to_have_count(0)
    expect(page.locator("[data-ask] p").filter(has_text=words["log"])).to_have_count(0)


@pytest.mark.troubles("503|me/proof|Failed to load")
def test_what_cannot_be_checked_is_said_plainly_and_the_rest_is_there(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    text = answered_before(shop)
    page = new_context(locale="en-GB").new_page()
    page.route("**/me/proof", lambda route: route.abort())
    mine(shop, page, text)
    expect(page.get_by_text("The sealed log: The signature could not be checked here.")).to_be_visible()
    expect(page.get_by_text("Receipt: Signature verified")).to_be_visible()
    expect(page.get_by_role("heading", name=WORDS["en"]["history"])).to_be_visible()
