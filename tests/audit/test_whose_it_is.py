"""Whose something is, and what is told of it: by what is a service's own, not by a company's host or half a name."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from consent_server.audit.drafting.draft import draft
from consent_server.audit.drafting.suggestions import Suggestions
from consent_server.audit.findings import Judge
from consent_server.audit.hosts import host_of
from consent_server.audit.lists import Lists
from consent_server.audit.observed import Observed, Sighting
from consent_server.audit.recognise import Recogniser
from consent_server.audit.report import Report
from consent_server.settings.shops import make_site, read_sites, snippet_words
from consent_server.site import Cookie, Site

SHOP = "https://shop.example"
PAGE = f"{SHOP}/"


def seen(kind: str, name: str, host: str = "shop.example") -> Sighting:
    return Sighting(kind, name, host, PAGE, PAGE, 1.0)


def asked(address: str) -> Sighting:
    url = f"https://{address}"
    return Sighting("request", url.partition("?")[0], host_of(url), PAGE, PAGE, 1.0, url=url)


def drafted(*sightings: Sighting, of: Site | None = None) -> str:
    rows = Judge("shop.example", of, [Observed("before", [*sightings])]).all_seen()
    return draft(Report(PAGE, of and of.id, "", [PAGE], ["before"], [], rows), of, Suggestions())


def services_in(text: str) -> list[str]:
    found: dict[str, Any] = tomllib.loads(text).get("sites", {})
    return [name for site in found.values() for name in site["services"]]


COMPANIES = [
    *(
        "accounts.google.com/gsi/client",
        "www.gstatic.com/firebasejs/10/firebase-app.js",
        "pay.google.com/gp/p/js/pay.js",
    ),
    *("translate.google.com/translate_a/element.js", "captcha-api.yandex.ru/captcha.js", "an.yandex.ru/page/1"),
    *("www.facebook.com/plugins/like.php", "platform.twitter.com/widgets.js", "www.tiktok.com/embed/v2/1"),
    *("www.bing.com/api/maps/mapcontrol", "autocomplete.mail.ru/x", "www.linkedin.com/oauth/v2/authorization"),
]


@pytest.mark.parametrize("address", COMPANIES)
def test_a_companys_host_names_none_of_its_services(address: str) -> None:
    assert Recogniser((), [asked(address)]).service_of(asked(address)) is None


def test_a_shop_without_trackers_is_told_of_no_service() -> None:
    nobody = [*map(asked, COMPANIES), seen("local-storage", "ins-policy"), seen("cookie", "mf_cart")]
    text = drafted(*nobody, seen("cookie", "NID", "google.com"), seen("local-storage", "jv_menu"))
    assert services_in(text) == []
    assert "# Suggestion of the catalogue, to be checked: mouseflow may have such a name." in text
    assert "# Suggestion of the catalogue, to be checked: insider may have such a name." in text


def test_a_name_that_begins_as_a_services_is_its_where_something_else_is() -> None:
    cookies = [seen("cookie", name) for name in ("mf_1a2b", "_ga_X1")]
    assert [Recogniser((), cookies).service_of(each) for each in cookies] == [None, None]
    there = [*cookies, asked("cdn.mouseflow.com/projects/1.js"), seen("cookie", "_ga")]
    assert [Recogniser((), there).service_of(each) for each in cookies] == ["mouseflow", "ga4"]
    named = Recogniser(("mouseflow", "ga4"), [])
    assert [named.service_of(each) for each in cookies] == ["mouseflow", "ga4"]


@pytest.mark.parametrize(
    ("other", "whose"),
    [
        ("www.google-analytics.com/g/collect", "ga4"),
        ("googleads.g.doubleclick.net/pagead/viewthroughconversion/1/", "google-ads"),
    ],
)
def test_a_script_that_two_services_share_is_of_the_one_that_is_there(other: str, whose: str) -> None:
    script = asked("www.googletagmanager.com/gtag/js?id=1")
    assert Recogniser((), [script, asked(other)]).service_of(script) == whose
    assert Recogniser((), [script]).service_of(script) == "ga4"


def shop(tmp_path: Path, lines: str, languages: Sequence[str] = ("en",)) -> Site:
    head = f'[sites.shop]\nname = "Shop"\norigins = ["{SHOP}"]\npolicy_url = "{SHOP}/p"\npolicy_updated = 2025-12-20\n'
    words = "".join(f"{key} = {json.dumps(text)}\n" for key, text in snippet_words()["en"].items() if "xx" in languages)
    written = f"[sites.shop.words.xx]\n{words}" if words else ""
    (tmp_path / "consent.toml").write_text(f"{head}languages = {json.dumps(languages)}\n{lines}\n{written}", "utf-8")
    return read_sites(tmp_path / "consent.toml")["shop"]


OWN = '[[sites.shop.cookies.necessary]]\nname = "uid"\nprovider = "Shop"\npurpose = { en = "W" }\nlife = "1 day"\n'


def test_the_shops_own_cookie_lists_no_vendors_of_that_name(tmp_path: Path) -> None:
    site = shop(tmp_path, f'services = ["criteo"]\n{OWN}')
    lists = Lists.of(site)
    assert lists.category_of(seen("cookie", "uid")) == "necessary"
    assert lists.category_of(seen("cookie", "uid", "criteo.com")) == "marketing"
    assert {row.host for row in site.cookies["marketing"] if row.name == "uid"} == {"criteo.com"}
    assert Lists.of(shop(tmp_path, OWN)).category_of(seen("cookie", "uid", "criteo.com")) is None


def test_an_entry_of_a_storage_lists_no_cookie_of_that_name(tmp_path: Path) -> None:
    lists = Lists.of(shop(tmp_path, 'services = ["insider", "mouseflow"]'))
    assert lists.category_of(seen("local-storage", "ins-x")) == "marketing"
    assert lists.category_of(seen("cookie", "ins-x")) is None
    assert lists.category_of(seen("cookie", "mf_x")) == "analytics"
    assert lists.category_of(seen("local-storage", "mf_x")) is None
    any_kind = make_site("shop", "Shop", (SHOP,), PAGE, date(2025, 12, 20))
    own = Lists.of(replace(any_kind, cookies={"analytics": (Cookie("a", "Shop", {}, {"en": "1 day"}),)}))
    assert {own.category_of(seen(kind, "a")) for kind in ("cookie", "local-storage", "indexed-db")} == {"analytics"}


def test_a_draft_names_no_service_that_has_no_words_in_a_language_of_the_shop(tmp_path: Path) -> None:
    site = shop(tmp_path, "", ("en", "xx"))
    tag = asked("www.google-analytics.com/g/collect")
    text = drafted(tag, seen("cookie", "_ga"), asked("plausible.io/js/script.js"), of=site)
    assert services_in(text) == ["plausible"]
    assert "# Google Analytics 4 is in the catalogue as ga4, which has no words in 'xx'." in text
    (finding, _) = Judge("shop.example", site, [Observed("before", [tag, asked("plausible.io/x")])]).findings()
    assert "services = " not in finding.fix
    assert "no words in 'xx'" in finding.fix


@pytest.mark.parametrize("address", ["[::1]:80/x", "tracker/x", "tracker:8080/x"])
def test_no_pattern_is_made_up_for_an_address_that_no_list_can_name(address: str) -> None:
    text = drafted(asked(address))
    assert "no list can name it" in text
    assert "match = " not in text
    (finding,) = Judge("shop.example", None, [Observed("accepted", [asked(address)])]).findings()
    assert finding.fix.startswith("No list can name it: ")


def test_a_path_with_an_asterisk_is_no_pattern_either() -> None:
    hit = asked("shop.example/a*b/g/collect?v=2&tid=G-ABCDE")
    assert "match = " not in drafted(hit)
    (finding,) = Judge("shop.example", None, [Observed("before", [hit])]).findings()
    assert re.match("Suspected: .* mark its tag. No list can name it", finding.fix)
