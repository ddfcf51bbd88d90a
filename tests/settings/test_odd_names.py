"""Whatever a page names its cookies and entries, consent.toml takes the line that the audit says to type."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from consent_server.audit.advice import Reason, advice
from consent_server.audit.drafting.draft import draft
from consent_server.audit.drafting.suggestions import Suggestions
from consent_server.audit.findings import Finding
from consent_server.audit.hosts import host_of
from consent_server.audit.lists import Lists, listable
from consent_server.audit.observed import Sighting
from consent_server.audit.recognise import Recogniser
from consent_server.audit.report import NoReport, Report, known_findings
from consent_server.settings.rows import SettingsError
from consent_server.settings.shops import read_sites

HEAD = """[sites.shop]
name = "Shop"
origins = ["https://shop.example"]
policy_url = "/p"
policy_updated = 2025-12-20
languages = ["en"]
"""
NAMES = [
    *("_ga", "my key", "persist:root", "a=b", "a;b", '{"a":1}', 'a"b', "a\\b", "a|b<c>", "é", "日本", "a b"),
    *("key,b", "key*b", "key\nb", "key\x1b[31mb", "key\u202eb", "key ", "wistia-progress-1,2", "key\xa0b"),
]
NAMELESS = ["a,b", "", " ", "*", "*a", ",", " x", "\n", "\u202e", "\x1b[2J"]


def listed(tmp_path: Path, lines: str) -> Lists:
    (tmp_path / "consent.toml").write_text(HEAD + lines, "utf-8")
    return Lists.of(read_sites(tmp_path / "consent.toml")["shop"])


def entry(name: str) -> Sighting:
    return Sighting("local-storage", name, "shop.example", "https://shop.example/", "", 1)


def report(*names: str, notes: tuple[str, ...] = ()) -> Report:
    seen = [
        {"kind": "local-storage", "name": name, "host": "shop.example", "states": ["before"], "category": None}
        | {"service": None}
        for name in names
    ]
    found = [Finding("before", "local-storage", name, "h", "p", "i", None, None, "Mend it.") for name in names]
    return Report("https://shop.example/", "shop", "then", ["p"], ["before"], found, seen, notes)


@pytest.mark.parametrize("name", NAMES)
def test_the_line_that_the_advice_says_to_type_is_taken_and_lists_the_name(tmp_path: Path, name: str) -> None:
    said = advice(entry(name), "before", None, Reason.UNKNOWN, None, None)
    found = re.search(r"\[\[sites\.SITE\.cookies\.CATEGORY\]\] (name = .*) in consent\.toml", said)
    assert found, said
    rest = 'provider = "P"\npurpose = { en = "W" }\nlife = "1 year"\n'
    lists = listed(tmp_path, f"[[sites.shop.cookies.analytics]]\n{found[1]}\n{rest}")
    assert lists.category_of(entry(name)) == "analytics"
    assert lists.category_of(entry("other")) is None


@pytest.mark.parametrize("name", NAMES)
def test_a_draft_whose_signs_are_taken_away_is_taken(tmp_path: Path, name: str) -> None:
    drafted = draft(report(name), None, Suggestions())
    lines = [line.removeprefix("# ") for line in drafted.splitlines() if re.match(r"# (\[\[|\w+ = )", line)]
    text = "\n".join(lines).replace("CATEGORY", "analytics").replace('""', '"W"')
    assert listed(tmp_path, text).category_of(entry(name)) == "analytics"
    assert all(line.startswith("#") for line in drafted.splitlines() if line), "whatever is in the name"


@pytest.mark.parametrize("name", NAMELESS)
def test_no_line_is_made_up_for_what_no_list_can_name(name: str) -> None:
    assert listable(name) is None
    assert "No list can name it" in advice(entry(name), "before", None, Reason.UNKNOWN, None, None)
    drafted = draft(report(name), None, Suggestions())
    assert "no list can name it" in drafted
    assert tomllib.loads(drafted) == {}


@pytest.mark.parametrize("name", ["*", "_ga, _gid", "a*b*", " _ga", "_ga ", "a\tb", "", "\u200b"])
def test_what_is_mostly_a_slip_is_refused_as_a_name(tmp_path: Path, name: str) -> None:
    cookie = {"name": name, "provider": "P", "purpose": {"en": "W"}, "life": "1 year"}
    said = ", ".join(f"{key} = {json.dumps(value)}" for key, value in cookie.items() if key != "purpose")
    with pytest.raises(SettingsError):
        listed(tmp_path, f'[sites.shop.cookies]\nanalytics = [{{ {said}, purpose = {{ en = "W" }} }}]\n')


def test_a_host_with_an_underscore_is_listed(tmp_path: Path) -> None:
    row = '[[sites.shop.trackers]]\nmatch = "my_bucket.cdn.example"\ncategory = "analytics"\n'
    asked = Sighting("request", "https://my_bucket.cdn.example/x", "my_bucket.cdn.example", "p", "", 1)
    assert listed(tmp_path, row).category_of(asked) == "analytics"


def test_no_name_that_a_page_gives_writes_a_line_of_its_own_or_commands_a_terminal() -> None:
    name = "a\n\nrefused: nothing to mend\x1b[2J\u202e\ud800 [x](javascript:y) | `z` <b>"
    made = report(name, notes=(f"before: starts a download ({name}); it was refused.",))
    for text in (made.text(), made.markdown()):
        text.encode()
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert not re.search(r"^refused", text, re.M)
    assert "[x](" not in made.markdown().replace("\\[x\\](", "")


def test_a_vendor_s_cookie_of_a_short_name_lists_neither_the_shop_s_own_nor_another_vendor_s(tmp_path: Path) -> None:
    """PayPal's necessary `ts` is not RTB House's `ts`, which is marketing, nor the shop's own."""

    def cookie(name: str, host: str) -> Sighting:
        return Sighting("cookie", name, host, "https://shop.example/", "", 1, life=86400 * 1500)

    (tmp_path / "consent.toml").write_text(f'{HEAD}services = ["paypal", "rtb-house", "stripe", "ga4"]\n')
    site = read_sites(tmp_path / "consent.toml")["shop"]
    lists = Lists.of(site)
    assert lists.categories_of(cookie("ts", "paypal.com")) == ["necessary"]
    assert lists.categories_of(cookie("ts", "creativecdn.com")) == ["marketing"]
    assert lists.outlived(cookie("ts", "creativecdn.com")) == "1 year"
    assert lists.categories_of(cookie("m", "m.stripe.com")) == ["necessary"]
    assert [lists.categories_of(cookie(name, "www.shop.example")) for name in ("ts", "m", "u")] == [[], [], []]
    assert lists.categories_of(cookie("_ga", "shop.example")) == ["analytics"]
    asked = Sighting("request", "https://js.stripe.com/v3/", "js.stripe.com", "https://shop.example/", "", 1)
    known = Recogniser((), [asked])
    assert known.service_of(cookie("m", "m.stripe.com")) == "stripe"
    assert known.service_of(cookie("m", "shop.example")) is None


def test_a_script_on_a_host_that_a_necessary_service_shares_still_waits(tmp_path: Path) -> None:
    lists = listed(tmp_path, 'services = ["gtm", "ga4", "recaptcha", "google-ads"]\n')
    for address, category in {
        "www.googletagmanager.com/gtm.js": "necessary",
        "www.googletagmanager.com/gtag/js": "analytics",
        "www.googletagmanager.com/other": "necessary",
        "www.google.com/recaptcha/api.js": "functional",
        "www.google.com/pagead/1p-user-list/": "marketing",
    }.items():
        asked = Sighting("request", f"https://{address}", address.partition("/")[0], "p", "", 1)
        assert category in lists.categories_of(asked)
        assert ("necessary" in lists.categories_of(asked)) == (category == "necessary"), address


def test_what_is_no_address_belongs_to_nobody() -> None:
    assert [host_of(each) for each in ("http://[", "https://[::1", "http://[::1]:8/", "")] == ["", "", "[::1]:8", ""]


def test_a_baseline_that_is_nested_without_end_is_no_report() -> None:
    with pytest.raises(NoReport):
        known_findings(b'{"findings":' + b"[" * 200_000)
    assert replace(report("a")).without(known_findings(report("a").json().encode())).findings == []
