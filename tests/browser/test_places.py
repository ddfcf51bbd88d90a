"""Rules by place, in a real browser: which one the page picks, and what is on there until somebody objects."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from placed import PLACES, RULES
from playwright.sync_api import BrowserContext, Page, expect

from consent_server.settings.environment import Settings
from consent_server.site import Notice

from .conftest import WORDS, Shop, banner, cookie, decided, posted, press, settle, until, when

EN = WORDS["en"]
ALLOWED = "['functional', 'analytics', 'marketing'].map(consent.allows)"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, country_header="CF-IPCountry", region_header="CF-Region-Code")


def at(shop: Shop, place: str | None, body: str = "", path: str = "/") -> str:
    """Serve a page whose tag says where the shopper is, or does not; return its address."""
    said = "" if place is None else f' data-place="{place}"'
    return shop.page(body, path, head=shop.tag.replace("<script", f"<script{said}"))


def notice(shop: Shop, rule: str) -> Notice:
    notices = shop.app.extensions["consent"].scripts["shop"].notices["en"]
    return next(each for each in notices if each.rule == rule)


def test_the_page_picks_what_the_server_does_and_says_so(shop: Shop, page: Page) -> None:
    shop.serve(rules=RULES)
    asked: list[str] = []
    page.on("request", lambda made: asked.append(made.url))
    page.add_init_script("Object.prototype.isMine = null")  # an old library's way
    for n, (place, rule, kinds) in enumerate(PLACES):
        page.goto(at(shop, place, path=f"/{n}"))
        assert page.evaluate(ALLOWED) == [kind == "objection" for kind in kinds], place
        expect(banner(page).locator("p").first).to_contain_text(notice(shop, rule).content["words"]["text"])
    assert page.context.cookies() == []
    assert not [url for url in asked if url.endswith("/place")]
    assert posted(shop, "decisions") == []


BODY = """
<script type="text/plain" data-consent="analytics">window.ran = true; document.cookie = '_t=1;path=/'</script>
<script type="text/plain" data-consent="marketing">window.advertised = true</script>
<div data-consent-list></div><button data-consent-open>Cookie settings</button>"""


def test_what_is_on_until_somebody_objects_runs_is_recorded_nowhere_and_ends_with_the_objection(
    shop: Shop, page: Page
) -> None:
    shop.serve(
        rules=RULES,
        cookies={"analytics": (cookie("_t"),), "marketing": (cookie("_m"),)},
        vendors={"google": {}, "hubspot": {}, "matomo": {}},
    )
    address = at(shop, "GB", BODY)
    page.goto(address)
    until(page, "window.ran")
    default, *more = page.evaluate("dataLayer.map((each) => [...each])")
    assert default[1] == "default"
    assert (default[2]["analytics_storage"], default[2]["ad_storage"]) == ("granted", "denied")
    assert [each for each in more if each[:2] == ["consent", "update"]] == []
    assert page.evaluate("_paq") == [["requireConsent"], ["setConsentGiven"]]
    # HubSpot keeps what it is told as an answer: it hears what is said everywhere, and not what is on without one.
    assert [call[1]["analytics"] for call in page.evaluate("_hsp")] == [False]
    assert page.evaluate("[consent.choice, consent.token]") == [None, None]
    assert [each["name"] for each in page.context.cookies()] == ["_t"]
    expect(page.locator("[data-consent-list]")).to_contain_text("On until you object: Analytics.")
    press(page, "choose")
    switch = page.get_by_role("switch", name="Analytics")
    expect(switch).to_be_checked()
    expect(page.get_by_role("switch", name="Marketing")).not_to_be_checked()
    expect(page.get_by_role("dialog").filter(has=switch)).to_contain_text(EN["on_unless"])
    page.get_by_role("tab", name="My choices").click()
    expect(page.get_by_role("button", name=EN["object"], exact=True).locator("visible=true").last).to_be_visible()
    page.keyboard.press("Escape")
    press(page, "refuse")
    expect(page.get_by_text(EN["objected"])).to_be_visible()
    answer = decided(shop, page, 1)
    assert (answer["allow"], answer["notice"]) == ([], notice(shop, "uk").hash)
    until(page, "consent.token")
    page.goto(address)
    assert page.evaluate("[consent.allows('analytics'), window.ran]") == [False, None]
    assert "_t" not in {each["name"] for each in page.context.cookies()}
    when(page, lambda: posted(shop, "shown"))
    assert {each["rule"] for each in posted(shop, "shown")} == {"uk"}


def old(allow: list[str], exp: int = 1_710_000_000) -> dict[str, Any]:
    """Return the cookie of an answer that has run out, or holds until ``exp``."""
    answer = {"allow": allow, "site": "shop", "rev": 1, "at": 1_700_000_000, "exp": exp, "jti": "x" * 22}
    token = f"{b64encode(json.dumps(answer).encode()).decode()}.{'A' * 86}"
    return {"name": "consent", "value": token, "domain": "shop.localhost", "path": "/"}


def test_an_objection_that_has_run_out_and_a_browser_that_objects_leave_it_off(shop: Shop, page: Page) -> None:
    shop.serve(rules=RULES, gpc=True)
    page.add_init_script(
        """for (const [name, value] of [['globalPrivacyControl', true], ['cookieEnabled', false]])
        if (location.search.includes(name)) Object.defineProperty(Navigator.prototype, name, { get: () => value })"""
    )
    address = at(shop, "US-CA")
    for before, query, allowed in (
        ([old(["functional"])], "", [True, False, False]),
        ([old(["functional", "analytics", "marketing"])], "", [True, True, True]),
        ([], "?globalPrivacyControl", [True, True, False]),
        ([], "?cookieEnabled", [False, False, False]),
    ):
        page.context.clear_cookies()
        page.context.add_cookies(before)
        page.goto(address + query)
        expect(banner(page)).to_be_visible()
        assert page.evaluate(ALLOWED) == allowed
    page.context.clear_cookies()
    page.goto(address)
    live = "(on) => Object.defineProperty(navigator, 'globalPrivacyControl', { value: on, configurable: true })"
    for on, allowed in ((False, [True, True, True]), (True, [True, True, False]), (False, [True, True, True])):
        page.evaluate(live, on)
        assert page.evaluate(ALLOWED) == allowed


def test_what_is_off_stays_off_for_who_allowed_it_elsewhere_until_the_place_is_known(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    shop.serve(rules=RULES)
    context = new_context(locale="en-GB", extra_http_headers={"CF-IPCountry": "AZ"})
    context.add_cookies([old(["functional", "analytics", "marketing"], 4_000_000_000)])
    page = context.new_page()
    page.goto(at(shop, "CN"))
    assert page.evaluate(ALLOWED) == [True, True, False]
    asked: list[Any] = []
    page.route("**/v1/shop/place", lambda route: asked.append(route))
    page.goto(at(shop, None))
    assert page.evaluate(ALLOWED) == [True, True, False]
    when(page, lambda: asked)
    asked[0].continue_()
    page.evaluate("consent.when('marketing')")
    expect(banner(page)).to_have_count(0)


def test_where_the_tag_does_not_say_it_the_server_is_asked_once_and_until_then_nothing_is_on(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    shop.serve(rules=RULES)
    context = new_context(locale="en-GB", extra_http_headers={"CF-IPCountry": "US", "CF-Region-Code": "CA"})
    page = context.new_page()
    asked: list[Any] = []
    page.route("**/v1/shop/place", lambda route: asked.append(route))
    page.add_init_script(
        """const { setTimeout } = window; // the answer has as long as this test needs
        window.setTimeout = (act, after) => after == 3000 ? 0 : setTimeout(act, after);
        document.addEventListener('consentchange', ({ detail }) => { window.heard = [detail] })"""
    )
    page.goto(at(shop, None))
    when(page, lambda: asked)
    settle(page)
    assert page.evaluate(ALLOWED) == [False, False, False]
    expect(banner(page)).to_have_count(0)
    asked[0].continue_()
    expect(banner(page)).to_be_visible()
    assert page.evaluate(ALLOWED) == [True, True, True]
    assert page.evaluate("window.heard") == [None]
    assert len(asked) == 1
    page.evaluate("consent.decide({ marketing: true })")
    assert decided(shop, page, 1)["allow"] == ["marketing"]  # of the others nobody has said anything


@pytest.mark.troubles("Failed to load resource")
def test_a_place_that_cannot_be_asked_for_is_the_strictest_where_nobody_is_offered_what_is_off_anywhere(
    shop: Shop, page: Page
) -> None:
    shop.serve(rules=RULES)
    page.route("**/v1/shop/place", lambda route: route.fulfill(status=503, body="{}"))
    page.goto(
        at(shop, None, f'<iframe title="F" data-consent="marketing" data-src="{shop.url("/f", "video")}"></iframe>')
    )
    expect(banner(page)).to_be_visible()
    expect(page.frame_locator("iframe").locator("body")).to_contain_text(EN["unavailable"])
    assert page.evaluate(ALLOWED) == [False, False, False]
    press(page, "choose")
    expect(page.get_by_role("switch")).to_have_count(2)
    press(page, "accept")
    answer = decided(shop, page, 1)
    assert (sorted(answer["allow"]), answer["notice"]) == (["analytics", "functional"], notice(shop, "unknown").hash)
    until(page, "consent.token")
    assert page.evaluate("consent.decide({ marketing: true }), consent.allows('marketing')") is False


FRAME = '<iframe title="F" width="400" height="300" data-consent="marketing" data-src="{}"></iframe>'


@pytest.mark.troubles("Failed to load resource")  # nobody has signed the answer of before
def test_who_has_answered_is_offered_and_allows_what_is_only_off_elsewhere(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    shop.serve(rules=RULES)
    context = new_context(locale="en-GB", extra_http_headers={"CF-IPCountry": "DE"})
    context.add_cookies([old(["analytics"], 4_000_000_000)])
    page = context.new_page()
    address = at(shop, None, FRAME.format(shop.url("/f", "video")))
    page.goto(address)
    expect(page.frame_locator("iframe").get_by_role("button", name=EN["always"])).to_be_visible()
    page.goto(address)  # where nothing has asked for the place yet
    page.evaluate("consent.decide({ marketing: true })")
    until(page, "consent.allows('marketing')")
    assert page.evaluate(ALLOWED) == [False, True, True]
