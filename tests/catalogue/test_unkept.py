"""Services that keep nothing in a browser are named to shoppers all the same."""

from __future__ import annotations

from pathlib import Path

from minimal import MINIMAL

from consent_server.banner.scripts import build_scripts
from consent_server.catalogue import services
from consent_server.catalogue.unkept import WORDS, rows
from consent_server.check import faults
from consent_server.settings.shops import read_sites
from consent_server.site import Site

LANGUAGES = {"az", "en", "ru", "tr"}


def written(folder: Path, *more: str) -> Site:
    (folder / "consent.toml").write_text("\n".join((MINIMAL, *more)), "utf-8")
    return read_sites(folder / "consent.toml")["shop"]


def test_each_says_what_it_is_for_in_four_languages_and_no_other_service_does() -> None:
    assert {*WORDS["services"]} == {name for name, each in services().items() if not each.entries}
    assert {*WORDS} == {"services", "life", *WORDS["services"].values()}
    assert all({*texts} == LANGUAGES for key, texts in WORDS.items() if key != "services")


def test_it_stands_in_the_list_and_in_what_is_asked_and_nothing_of_it_could_be_removed(tmp_path: Path) -> None:
    site = written(tmp_path, 'services = ["google-fonts", "gtm"]', 'country = "AZ"')
    (fonts,) = site.cookies["functional"]
    assert (fonts.name, fonts.provider, fonts.country, fonts.host) == (
        *("Google Fonts", "Google LLC", "US", "fonts.googleapis.com"),
    )
    assert site.cookies["necessary"][-1].name == "Google Tag Manager"
    assert site.removable("functional") == []
    assert (site.has_third_parties, site.abroad) == (True, {"US"})
    scripts = build_scripts(site)
    assert '<th scope="row">Google Fonts</th>' in scripts.fragments["en"].plain.decode()
    assert [row["name"] for row in scripts.notices["en"][0].content["cookies"]["functional"]] == ["Google Fonts"]


def test_in_a_language_without_words_for_it_the_countries_are_named_at_least(tmp_path: Path) -> None:
    site = written(tmp_path, 'services = ["plausible"]', 'languages = ["de"]', 'country = "AZ"')
    assert rows(site.services, site.languages) == {}
    assert "analytics" not in site.cookies
    assert (site.has_third_parties, site.abroad) == (True, {"EE"})
    alone = written(tmp_path, 'country = "AZ"')
    assert (alone.has_third_parties, alone.abroad) == (False, set())


def test_it_is_no_cookie_so_a_list_of_it_alone_beside_vendors_or_trackers_names_none(tmp_path: Path) -> None:
    def is_told(*more: str) -> bool:
        return any("names no optional cookie" in each.fault for each in faults.site(written(tmp_path, *more)))

    fonts = 'services = ["google-fonts", "plausible"]'
    tracker = '[[sites.shop.trackers]]\nmatch = "t.example"\ncategory = "analytics"'
    assert [is_told(fonts), is_told('services = ["plausible"]', 'languages = ["de"]')] == [False, False]
    assert [is_told(fonts, more) for more in ("[sites.shop.vendors.google]", tracker)] == [True, True]
    assert not is_told('services = ["google-fonts", "ga4"]')
