"""What is told without a browser: whose something is, in which category, and what is left to write."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from consent_server.audit.drafting.draft import draft
from consent_server.audit.drafting.suggestions import NoCookieDatabase, Suggestions, company_of
from consent_server.audit.findings import Judge
from consent_server.audit.hosts import is_third_party
from consent_server.audit.lists import Lists
from consent_server.audit.observed import Observed, Sighting, unique
from consent_server.audit.report import Report
from consent_server.net.set_cookie import SetCookie, parse_set_cookie
from consent_server.settings.shops import read_sites

DATABASE = """ID,Platform,Category,Cookie / Data Key name,Description,Retention period,Wildcard match
1,Acme,Analytics,acme_,Counts,1 year,1
2,Own,Functional,mine,"Keeps, things",30 days,0
"""


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("a=1", SetCookie("a", "", False)),
        ("a=1; Domain=.Shop.AZ; Max-Age=5", SetCookie("a", "shop.az", False)),
        ("a=; max-age=0", SetCookie("a", "", True)),
        ("a=; Max-Age=-1; Expires=Thu, 01 Jan 2099 00:00:00 GMT", SetCookie("a", "", True)),
        ("a=; expires=Thu, 01-Jan-1970 00:00:01 GMT", SetCookie("a", "", True)),
        ("a=; expires=Thu Jan 01 00:00:00 1970", SetCookie("a", "", True)),
        ("a=; expires=Thu Jan 01 1970 04:00:00 GMT+0400 (Azerbaijan Standard Time)", SetCookie("a", "", True)),
        ("a=; expires=Thursday, 01-Jan-70 00:00:00 GMT", SetCookie("a", "", True)),
        ("a=1; expires=Sun Nov 16 08:49:37 2036", SetCookie("a", "", False)),
        ("a=1; expires=soon", SetCookie("a", "", False)),
        ("nameless", None),
        ("", None),
    ],
)
def test_a_cookies_line_is_read_as_browsers_do(line: str, read: SetCookie | None) -> None:
    assert parse_set_cookie(line) == read


@pytest.mark.parametrize(
    ("host", "shop", "other"),
    [
        ("img.shop.az", "www.shop.az:8080", False),
        ("shop.com.az", "other.com.az", True),
        ("t.localhost:80", "shop.localhost:80", True),
        ("127.0.0.1:1", "127.0.0.1:2", False),
        ("10.0.0.1", "10.0.0.2", True),
    ],
)
def test_third_party_is_another_registrable_domain(host: str, shop: str, other: bool) -> None:
    assert is_third_party(host, shop) is other


def seen(kind: str, name: str, host: str = "shop.example", **rest: object) -> Sighting:
    page = "https://shop.example/"
    return Sighting(kind, name, host, page, **{"initiator": "", "at": 1.0, **rest})  # type: ignore[arg-type]


def test_one_thing_seen_by_several_is_one_with_the_best_initiator_and_counts_from_the_click() -> None:
    early = seen("cookie", "a", initiator="https://shop.example/s.js")
    late = seen("cookie", "a", at=3.0)
    assert [(each.at, each.initiator) for each in unique([early, late], 2.0)] == [(3.0, early.initiator)]
    assert list(unique([early], 2.0)) == []
    assert [each.initiator for each in unique([late])] == [late.page]


SHOP = """[sites.shop]
name = "Shop"
origins = ["https://shop.example"]
policy_url = "https://shop.example/privacy"
policy_updated = 2025-12-20
services = ["ga4", "stripe"]
"""


def test_a_service_that_the_site_names_is_listed_in_its_category(tmp_path: Path) -> None:
    (tmp_path / "consent.toml").write_text(SHOP)
    lists = Lists.of(read_sites(tmp_path / "consent.toml")["shop"])
    assert lists.category_of(seen("cookie", "_ga_X1")) == "analytics"
    hit = seen("request", "https://region1.google-analytics.com/g/collect", "region1.google-analytics.com")
    assert lists.category_of(hit) == "analytics"
    assert lists.category_of(seen("request", "https://js.stripe.com/v3/", "js.stripe.com")) == "necessary"
    assert Lists.of(None).category_of(hit) is None


@pytest.fixture
def report() -> Report:
    sightings = [
        seen("request", "https://www.googletagmanager.com/gtag/js", "www.googletagmanager.com"),
        seen("request", "https://x.unheard.example/a", "x.unheard.example"),
        seen("cookie", "_ga"),
        seen("cookie", "acme_1"),
        seen("local-storage", "mine"),
        seen("cookie", "i"),
        seen("cookie", "far_1", "x.unheard.example"),
    ]
    judge = Judge("shop.example", None, [Observed("before", sightings)])
    rows = judge.all_seen()
    return Report("https://shop.example/", None, "", ["https://shop.example/"], ["before"], judge.findings(), rows)


def test_a_draft_is_toml_in_which_what_is_unknown_stays_unknown(report: Report, tmp_path: Path) -> None:
    database = tmp_path / "database.csv"
    database.write_text(DATABASE)
    text = draft(report, None, Suggestions.read(database))
    assert tomllib.loads(text) == {"sites": {"SITE": {"services": ["ga4"]}}}
    assert "# Suggestion of the cookie database, to be checked: Acme; Analytics; 1 year; Counts." in text
    assert "Own; Functional; 30 days; Keeps, things" in text
    kept = ("# [[", "# name", "# m", "# host")
    toml = [line.removeprefix("# ") for line in text.splitlines() if line.startswith(kept)]
    written = tomllib.loads("\n".join(toml))["sites"]["SITE"]
    assert [each["name"] for each in written["cookies"]["CATEGORY"]] == ["acme_1", "far_1", "i", "mine"]
    assert [each.get("host") for each in written["cookies"]["CATEGORY"]] == [None, "x.unheard.example", None, None]
    assert [each["match"] for each in written["trackers"]] == ["x.unheard.example"]


def test_a_name_on_several_hosts_of_others_is_a_line_for_each() -> None:
    hosts = ("t.example", "c.t.example", "u.example", "shop.example", "www.shop.example")
    rows = Judge("shop.example", None, [Observed("before", [seen("cookie", "__cf_bm", each) for each in hosts])])
    report = Report("https://shop.example/", None, "", [], ["before"], rows.findings(), rows.all_seen())
    lines = [line.removeprefix("# ") for line in draft(report, None, Suggestions()).splitlines()]
    named = tomllib.loads("\n".join(each for each in lines if each.startswith(("[[", "name", "host"))))
    drafted = named["sites"]["SITE"]["cookies"]["CATEGORY"]
    assert [(each["name"], each.get("host")) for each in drafted] == [
        *(("__cf_bm", "c.t.example"), ("__cf_bm", None), ("__cf_bm", "u.example"))
    ]


def test_the_report_for_a_lawyer_names_the_service(report: Report) -> None:
    table = [line for line in report.markdown().splitlines() if line.startswith("| cookie | _ga |")]
    assert [line.split(" | ")[3:5] for line in table] == 2 * [["not listed", "ga4"]]


def test_a_finding_names_the_service_and_the_line_to_type(report: Report) -> None:
    by_name = {each.name: each for each in report.findings}
    assert by_name["_ga"].service == "ga4"
    assert 'services = ["ga4"]' in by_name["_ga"].fix
    assert by_name["acme_1"].service is None
    assert by_name["i"].service is None


def test_a_companys_hosts_are_known_and_nobody_elses() -> None:
    assert str(company_of("mc.yandex.ru")).startswith("Yandex Metrica")
    assert company_of("nobody.example") is None


def test_a_file_that_is_no_cookie_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(NoCookieDatabase):
        Suggestions.read(tmp_path / "x.csv")
