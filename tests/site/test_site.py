"""What a shop asks."""

from dataclasses import replace
from datetime import date

from consent_server.banner.notices import compose
from consent_server.settings.shops import make_site
from consent_server.site import Cookie, Site, Variant, best_language

SITE = make_site("shop", "Shop", ("https://shop.example",), "/privacy", date(2025, 12, 20), languages=("az", "en"))


def test_a_notice_is_named_by_its_exact_words():
    words = {"accept": "Accept all"}
    one = compose(SITE, "en", Variant("", 1, None, {}), words, {})
    assert one.hash == compose(SITE, "en", Variant("", 1, None, {}), dict(words), {}).hash
    assert one.hash != compose(SITE, "en", Variant("", 1, None, {}), {"accept": "Accept all!"}, {}).hash
    assert one.hash != compose(SITE, "en", Variant("", 1, "box", {}), words, {}).hash


def test_it_finds_the_best_language():
    assert best_language(["de", "ru-RU", "en"], ["az", "en", "ru"]) == "ru"
    assert best_language(["de"], ["az", "en"]) == "az"


def shop(country: str | None, *cookies: Cookie) -> Site:
    return replace(SITE, country=country, cookies={"analytics": cookies})


def test_data_goes_abroad_only_where_that_is_another_country_than_the_shop_s():
    own, other = (Cookie("a", name, {}, {}, "AZ") for name in ("Shop", "Measurer"))
    far = Cookie("b", "Ads", {}, {}, "US")
    assert shop(None, own, other).abroad == set()
    assert shop("AZ", other).abroad == set()
    assert shop(None, other).abroad == {"AZ"}
    assert shop(None, own, far).abroad == {"US"}
    assert shop("TR", own, far).abroad == {"AZ", "US"}


def test_a_third_party_is_who_has_not_the_shop_s_name_or_keeps_it_elsewhere():
    assert not shop(None, Cookie("a", "Shop analytics", {}, {})).has_third_parties
    assert shop(None, Cookie("a", "Measurer", {}, {})).has_third_parties
    assert shop(None, Cookie("a", "Shop", {}, {}, None, "ads.example")).has_third_parties


def test_whose_name_only_begins_with_the_letters_of_the_shop_s_is_a_third_party_whose_country_is_abroad():
    for name in ("Shopify", "Shopping", "Shop2", "Şhop"):
        site = shop("AZ", Cookie("a", name, {}, {}, "CA"))
        assert (site.has_third_parties, site.abroad) == (True, {"CA"}), name
        assert shop(None, Cookie("a", name, {}, {}, "CA")).abroad == {"CA"}, name
    for name in ("Shop", "SHOP", "Shop.example", "Shop (analytics)", "Shop's"):
        assert not shop("AZ", Cookie("a", name, {}, {}, "AZ")).has_third_parties, name
