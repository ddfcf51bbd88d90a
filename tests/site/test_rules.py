"""Rules by place: which one a place has, what its notices say, and that a shop without any has none of it."""

import json
from dataclasses import replace
from datetime import date
from importlib.resources import files

import pytest
from examples import example
from placed import PLACES, RULES

from consent_server.banner.scripts import build_scripts, replay
from consent_server.check.faults import places
from consent_server.decision import Decision, Malformed
from consent_server.proof.receipt import receipt
from consent_server.proof.standing import Standing
from consent_server.settings.environment import Settings
from consent_server.settings.places import COUNTRIES
from consent_server.settings.shops import make_site, words_only_for
from consent_server.site import OPTIONAL, UnknownCategory
from consent_server.site.rules import KINDS, Rule, rule_at
from consent_server.web.preview import create_preview
from consent_server.web.showing import shown_in

PLAIN = make_site(
    "shop", "Shop", ("https://shop.example",), "/privacy", date(2025, 12, 20), languages=("en", "az", "ru", "tr")
)
SITE = replace(PLAIN, rules=RULES)
SCRIPTS = build_scripts(SITE)


def notices(rule: str, lang: str = "en"):
    return [notice for notice in SCRIPTS.notices[lang] if notice.rule == rule]


@pytest.mark.parametrize(("place", "name", "kinds"), PLACES)
def test_each_place_has_the_rule_that_is_written_and_the_strictest_where_it_is_not_known(place, name, kinds):
    rule = rule_at(RULES, place)
    assert rule.name == name
    assert tuple(rule.kinds.get(category, KINDS[0]) for category in OPTIONAL) == kinds


def test_without_anything_off_a_place_that_nobody_knows_is_asked_for_everything():
    assert rule_at(RULES[:2], "") == rule_at((), "GB") == Rule()


def test_the_countries_are_those_of_iso_3166_and_kosovo():
    lines = files("tzdata").joinpath("zoneinfo/iso3166.tab").read_text("utf-8").splitlines()
    assert {line[:2] for line in lines if not line.startswith("#")} | {"XK"} == COUNTRIES


def test_each_rule_has_a_notice_of_its_own_that_names_it_and_leaves_out_what_is_off():
    for lang in SITE.languages:
        assert [notice.rule for notice in SCRIPTS.notices[lang]] == ["", *(rule.name for rule in RULES), "unknown"]
        assert len({notice.hash for notice in SCRIPTS.notices[lang]}) == 6
    (uk,), (china,), (eu,), (plain,) = (notices(name) for name in ("uk", "china", "eu", ""))
    assert uk.content["objection"] == ["analytics"]
    assert uk.content["words"]["text"].startswith("Unless you object, we use cookies to measure how the site performs.")
    assert (
        "Only with your consent, we use cookies to remember your settings and personalise ads."
        in uk.content["words"]["text"]
    )
    assert china.content["categories"] == ["necessary", "functional", "analytics"]
    assert "marketing" not in china.content["cookies"]
    assert eu.content["words"] == plain.content["words"]


def test_a_rule_may_have_words_of_its_own_and_the_refusal_is_named_as_the_button_is():
    rule = Rule(
        "uk", ("GB",), {"analytics": "objection"}, {"en": {"title": "In the UK"}, "az": {"text": "Sözlər {keep}"}}
    )
    made = build_scripts(replace(SITE, rules=(rule,), words={"en": {"refuse": "No"}})).notices
    words = made["en"][1].content["words"]
    assert (words["title"], "press “No”" in words["text"]) == ("In the UK", True)
    assert made["az"][1].content["words"]["text"] == "Sözlər 6 ay"


def test_what_is_off_is_refused_in_an_answer_and_another_rule_is_not_shown():
    (china,) = notices("china")
    body = {"id": "0123456789abcdef", "allow": ["marketing"], "notice": china.hash}
    with pytest.raises(
        UnknownCategory, match="'marketing' is not offered by that notice: it is off in the rule 'china'"
    ):
        Decision.parse(json.dumps(body).encode(), lambda name: china, lambda token: None)
    assert shown_in(b'{"rule":"uk"}', SITE, lambda name: None).rule == "uk"
    assert (shown_in(b"", SITE, lambda name: None).rule, shown_in(b"", PLAIN, lambda name: None).rule) == ("", None)
    for site in (SITE, PLAIN):
        with pytest.raises(Malformed, match="`rule` must be one of"):
            shown_in(b'{"rule":"uks"}', site, lambda name: None)


def test_the_receipt_names_the_rule_and_calls_what_was_not_objected_to_no_consent():
    (uk,) = notices("uk")
    body = {"id": "0123456789abcdef", "allow": ["analytics"], "notice": uk.hash}
    decision = Decision.parse(json.dumps(body).encode(), lambda name: uk, lambda token: None)
    made = receipt(SITE, uk, decision.consent(1), [], "token", 2)
    assert made["dpv:hasNotice"]["dcterms:coverage"] == "uk"
    by_category = dict(zip(uk.content["categories"], made["dpv:hasProcess"], strict=True))
    assert by_category["analytics"]["dcterms:accessRights"] == "not objected to"
    assert "dpv:hasLegalBasis" not in by_category["analytics"]
    assert by_category["marketing"]["dpv:hasConsentStatus"] == {"@id": "dpv:ConsentRefused"}
    since = receipt(SITE, uk, decision.consent(1), [], "token", 2, stands=Standing("withdrawn", 2))
    (process,) = (
        each for each in since["dpv:hasProcess"] if each["dpv:hasPurpose"]["@id"] == "dpv:ServiceUsageAnalytics"
    )
    valid = "withdrawn: 1970-01-01T00:00:01Z/1970-01-01T00:00:02Z"
    assert (process["dcterms:accessRights"], process["dcterms:valid"]) == ("not objected to", valid)
    assert all("dcterms:valid" not in process for process in made["dpv:hasProcess"])


@pytest.mark.parametrize("rule", ["uk", "china", "unknown"])
def test_a_notice_of_a_rule_is_shown_again_by_the_scripts_that_showed_it(rule):
    (asked,) = notices(rule)
    page, same = replay(asked)
    assert same
    assert f'name:"{rule}",where:["AQ"]' in page


def test_the_preview_shows_a_rule_in_a_place_of_its_own(tmp_path):
    file = tmp_path / "consent.toml"
    shop = (
        '[sites.shop]\nname = "Shop"\norigins = ["https://a.example"]\npolicy_url = "/p"\npolicy_updated = 2026-01-01\n'
    )
    file.write_text(f"{shop}{example('places')}", "utf-8")
    client = create_preview(file).test_client()
    page = client.get("/?rule=china", base_url="http://127.0.0.1:1").text
    assert '<option value="china" selected>china</option>' in page
    for rule, place in (("china", "CN"), ("unknown", ""), ("", "AQ")):
        frame = client.get(f"/frames/shop/light/first/en/?rule={rule}", base_url="http://127.0.0.1:1")
        assert f'data-place="{place}"' in frame.text
    assert client.get("/frames/shop/light/first/en/?rule=none", base_url="http://127.0.0.1:1").status_code == 404
    file.write_text(shop, "utf-8")
    assert (
        "data-place"
        not in client.get("/frames/shop/light/first/en/", base_url="http://127.0.0.1:1").text.split("<script")[1]
    )
    assert 'name="rule"' not in client.get("/", base_url="http://127.0.0.1:1").text


def test_check_names_the_header_that_a_rule_needs():
    told = Settings(secret=("x" * 32,))
    assert [each.cure.split()[1] for each in places(SITE, told)] == ["COUNTRY_HEADER"]
    told = replace(told, country_header="X-Country")
    assert [each.cure.split()[1] for each in places(SITE, told)] == ["REGION_HEADER"]
    assert [*places(SITE, replace(told, region_header="X-Region")), *places(PLAIN, Settings(secret=("x" * 32,)))] == []


def test_a_shop_without_rules_is_served_the_bytes_that_it_would_be_if_there_were_none():
    """What only rules need is in builds of their own, and nothing of it in the others, nor in what they ask."""
    made = build_scripts(PLAIN)
    static = files("consent_server.banner").joinpath("static")
    gate = static.joinpath("consent.js").read_text("utf-8")
    before, after = gate.split("__SITE__")
    text = made.consent.plain.decode()
    assert text.startswith(before)
    assert text.endswith(after)
    assert "rules:" not in text[len(before) : len(text) - len(after)]
    assert not {*words_only_for("rules")} & {*made.notices["en"][0].content["words"]}
    for name in ("consent", "consent.full", "details", "list", "mine", "withdraw"):
        plain, ruled = (
            static.joinpath(f"{name}.js").read_text("utf-8") for name in (name, f"{name.removesuffix('.full')}.rules")
        )
        marks = [
            mark
            for mark in ("data-place", '"place"', ".place", ".objection", "presumed", "on_unless", "objected")
            if mark in ruled
        ]
        assert marks, name
        assert not [mark for mark in marks if mark in plain], name


def test_a_shop_has_the_same_bytes_whichever_shops_are_beside_it():
    def all_of(scripts):
        return [scripts.consent.hash, *(each.hash for layer in scripts.layers.values() for each in layer.values())]

    before = all_of(build_scripts(PLAIN))
    build_scripts(SITE)
    build_scripts(replace(PLAIN, accounts=True))
    assert all_of(build_scripts(PLAIN)) == before
