"""What a shop asks."""

from datetime import date

from consent_server.settings.shops import make_site
from consent_server.site import Notice, Variant, best_language

SITE = make_site("shop", "Shop", ("https://shop.example",), "/privacy", date(2025, 12, 20), languages=("az", "en"))


def test_a_notice_is_named_by_its_exact_words():
    words = {"accept": "Accept all"}
    one = Notice.compose(SITE, "en", Variant("", 1, None, {}), words, {})
    assert one.hash == Notice.compose(SITE, "en", Variant("", 1, None, {}), dict(words), {}).hash
    assert one.hash != Notice.compose(SITE, "en", Variant("", 1, None, {}), {"accept": "Accept all!"}, {}).hash
    assert one.hash != Notice.compose(SITE, "en", Variant("", 1, "box", {}), words, {}).hash


def test_it_finds_the_best_language():
    assert best_language(["de", "ru-RU", "en"], ["az", "en", "ru"]) == "ru"
    assert best_language(["de"], ["az", "en"]) == "az"
