"""What each bridge tells its vendor, before an answer and with it; the vendors' own scripts are stand-ins but for PostHog's."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page

from consent_server.banner.scripts import build_scripts
from consent_server.settings.lists import VENDORS
from consent_server.settings.shops import make_site
from consent_server.site.rules import Rule

from .conftest import Shop, press, settle, until
from .libraries import bundle

ANALYTICS = "consent.decide({ analytics: true })"

STAND_INS = {
    "wordpress": """<script>window.said = []; document.addEventListener('wp_consent_type_defined', () => said.push('type'));
      </script>{tag}<script>window.wp_set_consent = (category, value) => said.push([category, value])</script>""",
    "shopify": """{tag}<script>window.said = []; window.Shopify = { loadFeatures(features, done) {
      Shopify.customerPrivacy = { setTrackingConsent: (answer, heard) => { said.push([features[0].name, answer]); heard() } };
      done();
    } }</script>""",
    # As TikTok's base code begins, and what its queue holds; the script that empties it is not loaded.
    "tiktok": """{tag}<script>const ttq = window.ttq = window.ttq || []; ttq.methods = ['page', 'holdConsent', 'revokeConsent',
      'grantConsent']; for (const name of ttq.methods) ttq[name] = (...all) => ttq.push([name, ...all]);
      ttq.page(); window.said = ttq</script>""",
    "pinterest": """{tag}<script>if (!window.pintrk) { window.pintrk = (...all) => pintrk.queue.push(all); pintrk.queue = [] }
      pintrk('load', '1'); pintrk('page'); window.said = pintrk.queue</script>""",
    "hubspot": "{tag}<script>window.said = _hsp</script>",
    # As Piwik PRO's snippet makes it.
    "piwikpro": """{tag}<script>window.said = []; window.ppms = { tm: {}, cm: { api: (...all) => said.push(all.slice(0, 2)) } }
      </script>""",
}
"""What a page has of each vendor, around or after our tag; ``window.said`` is what it was told."""

TYPES = ("analytics", "ab_testing_and_personalization", "user_feedback", "conversion_tracking", "marketing_automation")


def piwikpro(analytics: int) -> list[Any]:
    of = {name: {"status": int(name == "analytics" and analytics)} for name in (*TYPES, "remarketing")}
    return ["setComplianceSettings", {"consents": of}]


def hubspot(analytics: bool) -> list[Any]:
    return ["setHubSpotConsent", {"analytics": analytics, "advertisement": False, "functionality": False}]


def wordpress(analytics: str) -> list[Any]:
    return [
        ["functional", "allow"],
        ["preferences", "deny"],
        ["statistics", analytics],
        ["statistics-anonymous", analytics],
        ["marketing", "deny"],
    ]


def shopify(analytics: bool) -> list[Any]:
    of = {"analytics": analytics, "marketing": False, "preferences": False, "sale_of_data": False}
    return ["consent-tracking-api", of]


TOLD: dict[str, tuple[list[Any], list[Any], list[Any]]] = {
    "wordpress": (["type"], wordpress("allow"), wordpress("deny")),
    "shopify": ([], [shopify(True)], [shopify(False)]),
    "tiktok": ([["holdConsent"], ["page"]], [["revokeConsent"]], [["revokeConsent"]]),
    "pinterest": ([["load", "1"], ["page"]], [["setconsent", False]], [["setconsent", False]]),
    "hubspot": ([hubspot(False)], [hubspot(True)], [hubspot(False)]),
    "piwikpro": (
        [["setInitialComplianceSettings", {"consents": [*TYPES, "remarketing"]}]],
        [piwikpro(1)],
        [piwikpro(0)],
    ),
}
"""What each is told before an answer, then with analytics alone, then with nothing."""


def test_each_bridge_is_tested_and_only_those_that_are_named_are_in_the_script(shop: Shop) -> None:
    assert {*TOLD, "posthog"} == {*VENDORS} - {"google", "microsoft", "meta", "matomo"}
    for name in (*TOLD, "posthog"):
        made = make_site("shop", "Shop", ("https://shop.example",), "/p", shop.site.policy_updated, vendors={name: {}})
        text = build_scripts(made).consent.plain.decode()
        assert "__BRIDGES__" not in text
        assert [other for other in VENDORS if f"{other}:(()=>" in text] == [name]


@pytest.mark.parametrize("name", TOLD)
def test_it_is_told_before_an_answer_with_it_and_on_the_next_page(shop: Shop, page: Page, name: str) -> None:
    before, yes, no = TOLD[name]
    shop.serve(vendors={name: {}})
    head = STAND_INS[name].replace("{tag}", shop.tag)
    page.goto(shop.page("", head=head))
    until(page, "document.readyState == 'complete'")
    settle(page)
    assert page.evaluate("said") == before
    page.evaluate(ANALYTICS)
    until(page, f"said.length == {len(before) + len(yes)}")
    assert page.evaluate("said") == before + yes
    until(page, "consent.token")
    page.goto(shop.page("", "/next", head=head))
    until(page, f"said.length >= {len(yes)} && document.readyState == 'complete'")
    settle(page)
    again = page.evaluate("said")
    assert all(call in again for call in yes)
    # They keep what they were told: a word that there is no answer would undo it.
    assert [call for call in again if call in before] == ([] if name in ("hubspot", "piwikpro") else before)
    assert again.index(yes[0]) >= len([call for call in before if call in again and call[0] in ("holdConsent", "type")])
    page.evaluate("consent.decide({ analytics: false })")
    until(page, f"said.length >= {len(again) + len(no)}")
    assert page.evaluate("said")[-len(no) :] == no


@pytest.mark.parametrize("name", TOLD)
def test_what_keeps_an_answer_is_told_a_refusal_when_that_has_ended(shop: Shop, page: Page, name: str) -> None:
    before, _, no = TOLD[name]
    shop.serve(vendors={name: {}})
    page.goto(shop.page("", head=STAND_INS[name].replace("{tag}", shop.tag)))
    page.evaluate(ANALYTICS)
    until(page, "consent.token")
    shop.serve(vendors={name: {}}, revision=2)
    newer = shop.tag.replace(".js", ".js?2")  # not from the browser's cache
    page.goto(shop.page("", "/next", head=STAND_INS[name].replace("{tag}", newer)))
    until(page, "document.readyState == 'complete'")
    settle(page)
    assert page.evaluate("consent.choice") is None
    refused = {"wordpress": [*before, *no], "shopify": no, "hubspot": no, "piwikpro": no}
    assert page.evaluate("said") == refused.get(name, before)


def test_what_is_on_without_an_answer_is_no_yes_to_what_keeps_one(shop: Shop, page: Page) -> None:
    before, yes, no = TOLD["wordpress"]
    rules = (Rule("uk", ("GB",), {"analytics": "objection"}),)
    shop.serve(vendors={"wordpress": {}}, rules=rules)
    tag = shop.tag.replace("<script", "<script data-place=GB")
    page.goto(shop.page("", head=STAND_INS["wordpress"].replace("{tag}", tag)))
    page.evaluate(ANALYTICS)
    until(page, "consent.token")
    page.goto(shop.page("", "/next", head=STAND_INS["wordpress"].replace("{tag}", tag)))
    until(page, f"said.length == {len(before) + len(yes)}")
    assert page.evaluate("said") == [*before, *yes]
    shop.serve(vendors={"wordpress": {}}, rules=rules, revision=2)
    page.goto(shop.page("", "/last", head=STAND_INS["wordpress"].replace("{tag}", tag.replace(".js", ".js?2"))))
    until(page, "document.readyState == 'complete'")
    settle(page)
    assert page.evaluate("[consent.choice, consent.allows('analytics')]") == [None, True]
    assert page.evaluate("said") == [*before, *no]


@pytest.mark.parametrize("name", ["wordpress", "shopify", "pinterest", "piwikpro"])
def test_a_tag_that_was_held_is_told_on_the_page_of_the_yes(shop: Shop, page: Page, name: str) -> None:
    _, yes, _ = TOLD[name]
    shop.serve(vendors={name: {}})
    (code,) = re.findall("<script>(.*?)</script>", STAND_INS[name].partition("{tag}")[2], re.DOTALL)
    shop.pages["/vendor.js"] = ("text/javascript", f"window.said = []; {code}", {})
    page.goto(shop.page('<script type="text/plain" data-consent="analytics" src="/vendor.js"></script>'))
    until(page, "document.readyState == 'complete'")
    settle(page)
    page.evaluate(ANALYTICS)
    until(page, f"window.said?.length >= {len(yes)} && consent.token")
    loads = [["load", "1"], ["page"]] if name == "pinterest" else []
    until(page, f"said.length == {len(loads) + len(yes)}")
    assert page.evaluate("said") == [*loads, *yes]


def test_a_yes_to_marketing_reaches_those_who_ask_for_that(shop: Shop, page: Page) -> None:
    shop.serve(vendors={"tiktok": {}, "pinterest": {}})
    tags = STAND_INS["tiktok"] + STAND_INS["pinterest"].replace("{tag}", "").replace("window.said = pintrk.queue", "")
    page.goto(shop.page("", head=tags.replace("{tag}", shop.tag)))
    press(page, "accept")
    until(page, 'JSON.stringify([ttq.at(-1), pintrk.queue.at(-1)]) == \'[["grantConsent"],["setconsent",true]]\'')


POSTHOG = """
import posthog from 'posthog-js';
window.posthog = posthog;
posthog.init('phc_test', { api_host: '{host}', opt_out_capturing_by_default: true, disable_session_recording: true,
  advanced_disable_flags: true, disable_compression: true, request_batching: false });
"""


@pytest.mark.troubles("PostHog|Failed to load|CORS")
def test_posthog_s_own_library_captures_after_a_yes_alone(shop: Shop, page: Page) -> None:
    shop.serve(vendors={"posthog": {}})
    shop.pages["/posthog.js"] = ("text/javascript", bundle(POSTHOG.replace("{host}", shop.url("", "posthog"))), {})
    page.goto(shop.page("", head=f"{shop.tag}<script src=/posthog.js></script>"))
    settle(page)
    assert page.evaluate("posthog.has_opted_in_capturing()") is False
    assert [hit for hit in shop.hits if "/e/" in hit] == []
    page.evaluate(ANALYTICS)
    until(page, "posthog.has_opted_in_capturing()")
    until(page, "consent.token")
    page.reload()
    until(page, "posthog.has_opted_in_capturing()")
    page.evaluate("consent.decide({ analytics: false })")
    until(page, "posthog.has_opted_out_capturing()")
    page.evaluate(ANALYTICS)
    until(page, "posthog.has_opted_in_capturing() && consent.token")
    shop.serve(vendors={"posthog": {}}, revision=2)
    newer = shop.tag.replace(".js", ".js?2")
    page.goto(shop.page("", "/next", head=f"{newer}<script src=/posthog.js></script>"))
    until(page, "window.posthog && posthog.has_opted_out_capturing()")
