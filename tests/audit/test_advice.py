"""What to type against a finding: where a cookie lies, who asked, and what can be held."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from consent_server.audit.browsing.initiators import Initiators, behind_in, how_asked
from consent_server.audit.drafting.draft import draft
from consent_server.audit.drafting.suggestions import Suggestions
from consent_server.audit.findings import Judge
from consent_server.audit.observed import UNMARKABLE, Observed, behind_our_tag
from consent_server.audit.report import Report

from .sightings import PAGE, SHOP, TAG, asked, judged, listed, ours, seen, site


def test_a_fault_of_the_tag_names_its_pages() -> None:
    pages = [f"{SHOP}/{n}" for n in range(8)]
    nothing = {"ours": [], "works": False, "choice": None, "banner": False}
    (found,) = judged(tags=dict.fromkeys(pages, nothing), looked_at={*pages})
    assert found.page == pages[0]
    assert found.fix.endswith(f"The same on {', '.join(pages[1:6])} and 2 more.")


def test_what_to_type_says_where_a_cookie_lies_and_who_can_hold_it() -> None:
    of = site(services=("stripe",), cookies={"analytics": (listed("_t"),)})
    answer = f"{SHOP}/basket"
    (own,) = judged(seen("cookie", "_t", initiator=answer, by_response=True), of=of)
    assert own.fix == f"Let consent_server.enforce hold the cookie back where the shop's own {answer} is answered."
    (unknown,) = judged(seen("cookie", "_x", initiator=answer, by_response=True), of=of)
    assert "Unless it is necessary, let consent_server.enforce hold" in unknown.fix
    (foreign,) = judged(seen("cookie", "_x", "t.example", initiator="https://t.example/p", by_response=True), of=of)
    assert 'name = "_x", host = "t.example" in consent.toml. Unless it is necessary, hold ' in foreign.fix
    (stored,) = judged(seen("local-storage", "_x", "t.example:81", frame="https://t.example:81/"), of=of)
    assert 'name = "_x", host = "t.example" in consent.toml.' in stored.fix
    (service,) = judged(seen("cookie", "_ga"), of=of)
    assert 'services = ["stripe", "ga4"]' in service.fix


def test_what_to_type_for_what_is_no_script_is_where_its_address_is_written() -> None:
    of = site(trackers=(("t.example", "marketing"),), cookies={"marketing": (listed("_m", host="t.example"),)})
    frame = asked("https://t.example/film", attribute="src")
    style, script = asked("https://t.example/a.css", attribute="href"), asked("https://t.example/a.js", script=True)
    within = asked("https://t.example/hit", initiator=frame.name)
    held = seen("cookie", "_m", "t.example", initiator=frame.name, by_response=True)
    fixes = [each.fix for each in judged(frame, style, script, within, held, of=of)]
    plain = asked("https://t.example/plain", attribute=UNMARKABLE)
    inside = asked("https://t.example/in", initiator=plain.name)
    script_adds = 'as no mark holds an object, embed or track, and mark that script: type="text/plain" data-consent'
    assert [each.fix for each in judged(plain, inside, of=of)] == [
        f'Have a script add the tag for t.example in {PAGE}, {script_adds}="marketing".',
        f'Have a script add {plain.name}, {script_adds}="marketing".',
    ]
    mark = 'data-consent="marketing"'
    of_frame = f"Hold {frame.name}: {mark}, with data-src in place of src on the tag that loads it."
    assert fixes == [
        f"Mark the tag for t.example in {PAGE}: {mark}, with data-src in place of src.",
        f"Mark the tag for t.example in {PAGE}: {mark}, with data-href in place of href.",
        f'Mark the tag for t.example in {PAGE}: type="text/plain" {mark}.',
        *(of_frame, of_frame),
    ]


@pytest.mark.parametrize("header", ["Sec-Fetch-Dest", "sec-fetch-dest"])
@pytest.mark.parametrize("is_headed_first", [True, False])
def test_an_object_is_known_by_what_its_request_is_for_and_nothing_else_is_one(
    is_headed_first: bool, header: str
) -> None:
    def sent(id_: str, url: str) -> dict[str, Any]:
        return {"type": "Document", "requestId": id_, "request": {"url": url}}

    initiators, of_object = Initiators(), asked("https://t.example/o", attribute="src")
    calls = [
        lambda: initiators.element_asked(sent("1", of_object.url)),
        lambda: initiators.headed({"requestId": "1", "headers": {header: "object"}}),
    ]
    for call in reversed(calls) if is_headed_first else calls:
        call()
    initiators.element_asked(sent("2", "https://t.example/film"))
    initiators.headed({"requestId": "2", "headers": {"Sec-Fetch-Dest": "iframe"}})
    others = [asked("https://t.example/film", attribute="src"), seen("cookie", "_m"), replace(of_object, initiator="x")]
    track = {"type": "TextTrack", "initiator": {"type": "parser"}}
    assert how_asked(track, PAGE)["attribute"] == UNMARKABLE
    assert initiators.marked_by(of_object).attribute == UNMARKABLE
    assert initiators.marked_by(replace(of_object, attribute="")).attribute == UNMARKABLE
    assert [initiators.marked_by(each).attribute for each in others] == ["src", "", UNMARKABLE]
    assert initiators.marked_by(replace(of_object, initiator="https://t.example/s.js", attribute="")).attribute == ""


def test_behind_our_tag_that_stands_in_the_page_is_the_script_that_asked() -> None:
    def frames(*urls: str) -> dict[str, Any]:
        return {"callFrames": [{"url": url} for url in urls]}

    vendor, page = "https://t.example/t.js", f"{PAGE}?lang=az"
    asked_by = {"stack": {**frames(page, page), "parent": frames(page, vendor, page)}}
    assert [behind_in(by, page) for by in (asked_by, {"stack": frames(vendor, page)}, {"stack": frames(page)}, {})] == [
        *(vendor, "", "", "")
    ]
    hit = asked("https://t.example/hit", behind=vendor)
    inline, linked = ({PAGE: {"ours": [{"src": src}]}} for src in ("", "https://c.example/v1/shop/consent.js"))
    assert [each.initiator for tags in (inline, linked, {}) for each in behind_our_tag([hit], tags)] == [
        *(vendor, PAGE, PAGE)
    ]


def test_a_draft_keeps_the_services_that_are_named_and_holds_no_whole_host_of_the_shop() -> None:
    of = site(services=("stripe",))
    judge = Judge("shop.example", of, [Observed("before", [seen("cookie", "_ga"), asked("/g/collect?v=2")])])
    assert [row["name"] for row in judge.all_seen()] == ["_ga", f"{SHOP}/g/collect"]
    text = draft(Report(PAGE, "shop", "", [PAGE], ["before"], [], judge.all_seen()), of, Suggestions())
    assert 'services = ["stripe", "ga4"]' in text
    assert '# match = "shop.example/g/collect"' in text


def test_a_connection_ahead_of_the_tag_is_ours_and_another_vendors_v1_is_not() -> None:
    server, vendor = "https://consent.example", "https://vendor.example"
    both = {**TAG, "ours": [ours(server, "shop"), ours(vendor, "abc")]}
    others = [asked(f"{vendor}/v1/abc/consent.js"), asked(f"{vendor}/v1/track"), asked(f"{server}/pixel")]
    mine = [asked(f"{server}/"), asked(server), asked(f"{server}/v1/shop/consent.js"), asked(f"{server}/v1/shop/place")]
    found = judged(*others, *mine, of=site(), tags={PAGE: both}, looked_at={PAGE})
    assert [each.name for each in found] == [each.name for each in others]
    alone = {**TAG, "ours": [ours(vendor, "abc")], "works": False}
    found = judged(*others[:2], of=site(), tags={PAGE: alone}, looked_at={PAGE})
    assert {each.name for each in found if each.kind == "request"} == {each.name for each in others[:2]}
    wrong = {**TAG, "ours": [ours(server, "other")]}
    found = judged(asked(f"{server}/v1/other/consent.js"), of=site(), tags={PAGE: wrong}, looked_at={PAGE})
    assert [each.name for each in found] == ["wrong site"]
