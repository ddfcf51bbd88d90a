"""What is said of what goes on after an answer, and how long what may go on has to begin."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from consent_server.audit.browsing.answers import CALLED, UNSEEN
from consent_server.audit.findings import Judge
from consent_server.audit.observed import ConsentCall, Observed, Sighting
from consent_server.audit.report import Report
from consent_server.audit.states import Plan, seconds_with_consent
from consent_server.audit.tag import tag_faults
from consent_server.check.page import compared
from consent_server.settings.shops import make_site

SHOP = "https://shop.example"
PAGE = f"{SHOP}/"
SITE = make_site("shop", "Shop", (SHOP,), f"{SHOP}/privacy", date(2025, 12, 20))


def call(kind: str, at: float, page: str = PAGE, **said: Any) -> ConsentCall:
    return ConsentCall(at, page, ["consent", kind, said])


GRANTED = call("update", 2.0, ad_storage="granted")


@pytest.mark.parametrize(
    ("stayed", "calls", "found"),
    [
        (PAGE, [call("default", 1.0, ad_storage="denied"), GRANTED], ["no update"]),
        (PAGE, [call("default", 1.0, ad_storage="granted")], ["no update"]),
        (PAGE, [GRANTED, call("update", 5.1, ad_storage="denied")], []),
        (PAGE, [GRANTED, call("update", 3.0, ad_storage="denied")], []),
        (PAGE, [call("default", 1.0, ad_storage="granted", region=["US"])], []),
        (PAGE, [call("update", 2.0, f"{PAGE}2", ad_storage="granted")], []),
        ("", [GRANTED], []),
    ],
)
def test_a_page_that_stays_and_does_not_tell_google_of_the_answer_is_named(
    stayed: str, calls: list[ConsentCall], found: list[str]
) -> None:
    observed = Observed("withdrawn", consent_calls=calls, since=5.0, stayed=stayed)
    assert [each.name for each in Judge("shop.example", SITE, [observed]).findings()] == found


@pytest.mark.parametrize(
    ("pages", "wait", "seconds"), [(1, 3.0, 3.0), (13, 3.0, 3.0), (20, 3.0, 2.0), (100, 3.0, 1.0), (20, 0.5, 0.5)]
)
def test_few_pages_are_used_as_long_with_consent_as_without(pages: int, wait: float, seconds: float) -> None:
    assert seconds_with_consent(Plan([PAGE] * pages, wait, lambda: None)) == seconds


def test_a_worker_that_a_withdrawal_leaves_is_ended_by_who_registered_it() -> None:
    of = replace(SITE, trackers=(("shop.example/push.js", "marketing"),))
    worker = Sighting("service-worker", f"{SHOP}/push.js", "shop.example", PAGE, f"{SHOP}/t.js", 1.0)
    found = {
        state: Judge("shop.example", of, [Observed(state, [worker])]).findings()[0].fix
        for state in ("before", "withdrawn")
    }
    assert "have it unregister() the worker at consentchange" in found["withdrawn"]
    assert "unregister" not in found["before"]


def test_one_page_without_a_button_for_the_settings_is_told_by_an_audit_and_no_fault_to_a_check() -> None:
    notes = [f"withdrawn: {UNSEEN}", f"withdrawn: {CALLED}"]
    report = Report(PAGE, "shop", "", [PAGE], [], [], [], notes, {})
    assert UNSEEN in report.text()
    assert [each.fault for each in compared(SITE, report)] == [f"shop: withdrawn: {CALLED.rstrip('.')}."]


@pytest.mark.parametrize(("is_after", "name"), [(True, "late"), (False, "async")])
def test_a_tag_that_a_script_adds_is_late_once_the_page_has_loaded(is_after: bool, name: str) -> None:
    mine = {"src": f"{SHOP}/v1/shop/consent.js", "site": "shop", "async": True, "late": True, "after": is_after}
    tag = {"ours": [mine], "works": True, "choice": None, "banner": True}
    needs = replace(SITE, trackers=(("t.example", "marketing"),))
    assert [[fault for fault, _ in tag_faults(tag, of)] for of in (needs, SITE)] == [[name], []]
