"""`services` of a shop: one line brings cookies, vendors and trackers, and what the shop itself writes wins."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from examples import example

from consent_server.banner.scripts import build_scripts
from consent_server.settings.rows import SettingsError
from consent_server.settings.shops import read_sites, snippet_words
from consent_server.site import Site

SHOP = """[sites.shop]
name = "Shop"
origins = ["https://shop.example"]
policy_url = "https://shop.example/privacy"
policy_updated = 2025-12-20
"""

Read = Callable[..., Site]


@pytest.fixture
def shop(tmp_path: Path) -> Read:
    """Read a shop with these services, languages, and further lines."""

    def read(*services: str, languages: tuple[str, ...] = ("en",), more: str = "") -> Site:
        lines = [SHOP, f"services = {json.dumps(services)}", f"languages = {json.dumps(languages)}", more]
        (tmp_path / "consent.toml").write_text("\n".join(lines), encoding="utf-8")
        return read_sites(tmp_path / "consent.toml")["shop"]

    return read


def gate(site: Site) -> dict[str, object]:
    """Return the settings in a site's consent.js."""
    text = build_scripts(site).consent.plain.decode().partition("=")[2]
    text = re.sub(r"(?<=[{,])([a-z_]+):", r'"\1":', text[text.index('{site:"shop"') :])
    found, _ = json.JSONDecoder().raw_decode(text)
    assert isinstance(found, dict)
    return found


def test_one_line_brings_cookies_vendors_and_trackers(shop: Read) -> None:
    site = shop("ga4", "microsoft-uet", languages=("az", "tr"))
    assert site.services == ("ga4", "microsoft-uet")
    listed = {cookie.name: cookie for cookie in site.cookies["analytics"]}
    assert listed["_ga"].life == {"az": "2 il", "tr": "2 yıl"}
    assert listed["_ga"].country == "US"
    assert site.vendors["google"]["mode"] == "basic"
    assert site.vendors["microsoft"] == {"uet": True, "clarity": False}
    assert ("*.google-analytics.com", "analytics") in site.trackers


def test_the_line_in_the_documentation_is_enough(tmp_path: Path) -> None:
    (tmp_path / "consent.toml").write_text(SHOP + example("services"), encoding="utf-8")
    site = read_sites(tmp_path / "consent.toml")["shop"]
    assert {"_ga", "_fbp", "YSC"} <= {cookie.name for cookies in site.cookies.values() for cookie in cookies}


def test_what_the_shop_writes_wins(shop: Read) -> None:
    site = shop(
        *("ga4", "clarity", "youtube"),
        more="""
[[sites.shop.cookies.functional]]
name = "_ga"
provider = "Us"
purpose = { en = "Ours." }
life = "1 day"

[[sites.shop.trackers]]
match = "*.youtube.com"
category = "functional"

[sites.shop.vendors.google]
mode = "advanced"

[sites.shop.vendors.microsoft]
uet = true
""",
    )
    assert [cookie.provider for cookie in site.cookies["functional"]] == ["Us"]
    assert "_ga" not in {cookie.name for cookie in site.cookies["analytics"]}
    assert "_ga_*" in {cookie.name for cookie in site.cookies["analytics"]}
    assert [category for pattern, category in site.trackers if pattern.endswith("youtube.com")] == ["functional"]
    assert ("i.ytimg.com", "marketing") in site.trackers
    assert site.vendors["google"]["mode"] == "advanced"
    assert site.vendors["microsoft"] == {"uet": True, "clarity": True}


@pytest.mark.parametrize(
    ("own", "covered"),
    [
        ("*.google-analytics.com", True),
        ("www.google-analytics.com", False),
        ("*.google-analytics.com/g/*", False),
        ("*.analytics.com", False),
    ],
)
def test_a_pattern_of_the_shops_replaces_those_that_it_covers(shop: Read, own: str, covered: bool) -> None:
    site = shop("ga4", more=f'[[sites.shop.trackers]]\nmatch = "{own}"\ncategory = "marketing"')
    assert (("*.google-analytics.com", "analytics") not in site.trackers) is covered


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('services = ["ga-4"]', "sites.shop.services has 'ga-4', which the catalogue lacks, did you mean 'ga4'?; "),
        ('services = ["qqqq"]', "sites.shop.services has 'qqqq', which the catalogue lacks; `consent-server services`"),
        ('services = "ga4"', "sites.shop.services takes a list of services"),
        ("services = [4]", "sites.shop.services takes a list of services"),
        ('[[sites.shop.cookies.marketing]]\nname = "a"\ncountry = "USA"', "marketing[0].country takes the code"),
        ('[[sites.shop.cookies.marketing]]\nname = "a"\nhost = "*.a.com"', "cookies.marketing[0].host takes a host"),
    ],
)
def test_it_refuses(tmp_path: Path, lines: str, says: str) -> None:
    whole = lines.replace('"a"', '"a"\nprovider = "A"\npurpose = { en = "A" }\nlife = "1 day"')
    (tmp_path / "consent.toml").write_text(SHOP + whole, encoding="utf-8")
    with pytest.raises(SettingsError) as refusal:
        read_sites(tmp_path / "consent.toml")
    assert says in str(refusal.value)


def test_it_refuses_a_service_without_words_in_a_language_of_the_shop(shop: Read) -> None:
    words = "\n".join(f"{key} = {json.dumps(text)}" for key, text in snippet_words()["en"].items())
    german = f"[sites.shop.words.de]\n{words}"
    assert shop("plausible", languages=("en", "de"), more=german).services == ("plausible",)
    with pytest.raises(SettingsError, match=r"sites.shop.services has 'ga4', which has no words in 'de': leave out"):
        shop("plausible", "ga4", languages=("en", "de"), more=german)


def test_the_gate_removes_what_lies_with_the_shop_and_not_what_lies_elsewhere(shop: Read) -> None:
    site = shop("clarity", "youtube")
    elsewhere = {cookie.name for cookies in site.cookies.values() for cookie in cookies if cookie.host}
    assert "MUID" in elsewhere
    clear = gate(site)["clear"]
    assert isinstance(clear, list)
    names = [name for category in clear for name in category]
    assert "_clck" in names
    assert not elsewhere & {*names}
    withdraw = build_scripts(site).layers["withdraw"]["en"].plain.decode()
    assert "_clck" in withdraw
    assert '"MUID"' not in withdraw


def test_what_is_necessary_is_known_and_nothing_holds_it(shop: Read) -> None:
    site = shop("stripe")
    assert {category for _, category in site.trackers} == {"necessary"}
    assert "trackers" not in gate(site)
    assert len(build_scripts(site).consent.plain) < len(build_scripts(shop("stripe", "hotjar")).consent.plain) - 1000


def test_a_shop_without_services_pays_nothing(shop: Read) -> None:
    settings = gate(shop())
    assert not {"services", "trackers", "vendors"} & {*settings}
    assert settings["clear"] == [[], [], []]
