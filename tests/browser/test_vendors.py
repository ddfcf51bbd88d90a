"""What each vendor is told, and when: before its tag, on every page, and with each answer."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from .conftest import Shop, press, until

DENIED = {
    "ad_storage": "denied",
    "ad_user_data": "denied",
    "ad_personalization": "denied",
    "analytics_storage": "denied",
    "functionality_storage": "denied",
    "personalization_storage": "denied",
    "security_storage": "granted",
}
ANALYTICS = {**DENIED, "analytics_storage": "granted"}

GTAG = """<script>window.dataLayer = window.dataLayer || []; function gtag() { dataLayer.push(arguments) }
gtag('js', 1); gtag('config', 'G-1')</script>"""

# The base code as Meta publishes it, its script apart.
META = """<script>!function(f,b){if(f.fbq)return;var n=f.fbq=function(){n.callMethod?
n.callMethod.apply(n,arguments):n.queue.push(arguments)};if(!f._fbq)f._fbq=n;
n.push=n;n.loaded=!0;n.version='2.0';n.queue=[];b.title+=' fbevents'}(window,document);
fbq('init', '1'); fbq('track', 'PageView');</script>"""


def layer(page: Page) -> list[Any]:
    return page.evaluate("dataLayer.map((entry) => entry.length === undefined ? entry : [...entry])")


def test_google_has_the_denied_default_before_its_tag_and_the_answer_once_it_is_given(shop: Shop, page: Page) -> None:
    shop.serve(vendors={"google": {"mode": "advanced", "wait": 700, "redact": True, "passthrough": True}})
    page.goto(shop.page(GTAG))
    assert layer(page) == [
        ["consent", "default", {**DENIED, "wait_for_update": 700}],
        ["set", "ads_data_redaction", True],
        ["set", "url_passthrough", True],
        ["js", 1],
        ["config", "G-1"],
    ]
    page.evaluate("consent.decide({ analytics: true })")
    choice = {"functional": False, "analytics": True, "marketing": False}
    until(page, "dataLayer.length == 7")
    assert layer(page)[5:] == [["consent", "update", ANALYTICS], {"event": "consentchange", "consent": choice}]
    # Google tells the calls of gtag from other entries by this.
    assert page.evaluate("toString.call(dataLayer[0])") == "[object Arguments]"


def test_google_is_told_the_default_and_at_once_the_answer_on_each_later_page(shop: Shop, page: Page) -> None:
    shop.serve(vendors={"google": {"mode": "basic", "region": ["AZ", "TR"]}})
    page.goto(shop.page(GTAG))
    page.evaluate("consent.decide({ analytics: true })")
    until(page, "consent.token")
    page.goto(shop.page(GTAG, "/next"))
    assert layer(page)[:2] == [
        ["consent", "default", {**DENIED, "region": ["AZ", "TR"]}],
        ["consent", "update", ANALYTICS],
    ]
    assert sum(entry[:2] == ["consent", "default"] for entry in layer(page) if isinstance(entry, list)) == 1
    press_none = "consent.decide({ analytics: false })"
    page.evaluate(press_none)
    until(page, "dataLayer.some((it) => it[1] == 'update' && it[2].analytics_storage == 'denied')")
    assert ["consent", "update", DENIED] in layer(page)


def test_microsoft_uet_and_clarity_are_told(shop: Shop, page: Page) -> None:
    shop.serve(vendors={"microsoft": {"uet": True, "clarity": True}})
    page.goto(shop.page(""))
    uet = ["consent", "default", {"ad_storage": "denied"}]
    clarity = [["consentv2", {"ad_Storage": "denied", "analytics_Storage": "denied"}]]
    assert page.evaluate("uetq") == uet
    assert page.evaluate("clarity.q.map((call) => [...call])") == clarity
    press(page, "accept")
    until(page, "uetq.length == 6")
    assert page.evaluate("uetq") == [*uet, "consent", "update", {"ad_storage": "granted"}]
    granted = ["consentv2", {"ad_Storage": "granted", "analytics_Storage": "granted"}]
    assert page.evaluate("clarity.q.map((call) => [...call])") == [*clarity, granted]
    until(page, "consent.token")
    page.goto(shop.page("", "/next"))
    assert page.evaluate("uetq") == [*uet, "consent", "update", {"ad_storage": "granted"}]
    # Clarity has no default: a refusal ends the visit, and makes another of it.
    assert page.evaluate("clarity.q.map((call) => [...call])") == [granted]
    page.evaluate("consent.decide({ functional: false, analytics: false, marketing: false })")
    until(page, "clarity.q.length == 2")
    assert page.evaluate("clarity.q.map((call) => [...call])") == [granted, *clarity]


def test_meta_finds_the_refusal_before_its_init_and_still_loads(shop: Shop, page: Page) -> None:
    shop.serve(vendors={"meta": {}})
    page.goto(shop.page(META))
    assert page.title() == "Shop fbevents"
    calls = "fbq.queue.map((call) => [...call])"
    assert page.evaluate(calls) == [["consent", "revoke"], ["init", "1"], ["track", "PageView"]]
    page.evaluate("consent.decide({ marketing: true })")
    until(page, "fbq.queue.length == 4")
    assert page.evaluate(calls)[3:] == [["consent", "grant"]]
    until(page, "consent.token")
    page.goto(shop.page(META, "/next"))
    assert page.evaluate(calls) == [["consent", "revoke"], ["consent", "grant"], ["init", "1"], ["track", "PageView"]]


def test_meta_that_is_there_before_the_gate_finds_the_refusal_in_front(shop: Shop, page: Page) -> None:
    shop.serve(vendors={"meta": {}})
    page.goto(shop.page(shop.tag, head=META))
    assert page.evaluate("fbq.queue.map((call) => [...call])[0]") == ["consent", "revoke"]


@pytest.mark.parametrize(
    ("mode", "require", "given", "forgotten"),
    [
        ("full", "requireConsent", "setConsentGiven", "forgetConsentGiven"),
        ("cookie", "requireCookieConsent", "setCookieConsentGiven", "forgetCookieConsentGiven"),
    ],
)
def test_matomo_waits_for_consent_and_hears_of_it(
    shop: Shop, page: Page, mode: str, require: str, given: str, forgotten: str
) -> None:
    shop.serve(vendors={"matomo": {"mode": mode}})
    page.goto(shop.page("<script>_paq.push(['trackPageView'])</script>"))
    assert page.evaluate("_paq") == [[require], ["trackPageView"]]
    press(page, "accept")
    until(page, "_paq.length == 3")
    page.evaluate("consent.decide({ analytics: false })")
    until(page, "_paq.length == 4")
    assert page.evaluate("_paq.slice(2)") == [[given], [forgotten]]


def test_an_answer_that_has_ended_is_told_to_clarity_as_a_refusal_and_to_google_as_none(shop: Shop, page: Page) -> None:
    vendors = {"google": {}, "microsoft": {"clarity": True}}
    shop.serve(vendors=vendors)
    page.goto(shop.page(""))
    press(page, "accept")
    until(page, "consent.token")
    shop.serve(vendors=vendors, revision=2)
    page.goto(shop.page("", "/next", head=shop.tag.replace(".js", ".js?2")))  # not from the browser's cache
    denied = {"ad_Storage": "denied", "analytics_Storage": "denied"}
    assert page.evaluate("clarity.q.map((call) => [...call])") == [["consentv2", denied]]
    assert [entry[:2] for entry in layer(page)] == [["consent", "default"]]


@pytest.mark.troubles("the vendor is broken")
def test_a_vendor_that_throws_does_not_stop_the_others(shop: Shop, page: Page) -> None:
    shop.serve(vendors={"google": {"mode": "basic"}, "matomo": {"mode": "full"}, "meta": {}})
    broken = "<script>window.dataLayer = { push() { throw Error('the vendor is broken') } }</script>"
    page.goto(
        shop.page('<script type="text/plain" data-consent="analytics">window.ran = 1</script>', head=broken + shop.tag)
    )
    press(page, "accept")
    until(page, "window.ran")
    assert page.evaluate("_paq") == [["requireConsent"], ["setConsentGiven"]]


LISTS = {
    "dataLayer": ({"google": {"mode": "basic"}}, "(entry) => entry[1] ?? entry.event", ["default"], ["update"]),
    "_paq": (
        {"matomo": {"mode": "full"}},
        "(entry) => entry[0] ?? entry.event",
        ["requireConsent"],
        ["setConsentGiven"],
    ),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_page_that_begins_its_list_anew_has_the_refusal_in_front_of_it(shop: Shop, page: Page, name: str) -> None:
    vendors, word, refusal, grant = LISTS[name]
    shop.serve(vendors=vendors)
    page.goto(shop.page(f"<script>{name} = [{{ event: 'page' }}]; {name} = [...{name}, {{ event: 'copy' }}]</script>"))
    assert page.evaluate(f"{name}.map({word})") == [*refusal, "page", "copy"]
    press(page, "accept")
    until(page, f"consent.token && {name}.length > 3")
    told = page.evaluate(f"{name} = []; {name}.map({word})")
    assert told == [*refusal, *grant]
