"""An answer is to what was on the screen, in its language, whatever becomes of the page's."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .conftest import WORDS, Shop, banner, decided, press, until

SETTINGS = "<button data-consent-open>Cookie settings</button>"


# ---- The language and variant ----


@pytest.mark.parametrize("lang", ["ru-x-mtfrom-en", "az_AZ", "tr", "xx", ""])
def test_the_answer_is_to_what_was_on_the_screen_whatever_the_page_s_language_is_then(
    shop: Shop, page: Page, lang: str
) -> None:
    notices = {each.lang: each.hash for each in shop.app.extensions["consent"].store.notices.all(shop.site).values()}
    page.goto(shop.page(SETTINGS))
    expect(banner(page)).to_be_visible()
    page.evaluate("(lang) => { document.documentElement.lang = lang }", lang)
    press(page, "choose")  # the preferences speak as the banner does
    dialog = page.get_by_role("dialog", name=WORDS["en"]["details"])
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    press(page, "accept")
    first = decided(shop, page, 1)
    assert (first["lang"], first["notice"]) == ("en", notices["en"])
    until(page, "consent.token")
    spoken = {"ru-x-mtfrom-en": "ru", "az_AZ": "az", "tr": "tr"}.get(lang, "en")
    page.get_by_role("button", name="Cookie settings").click()
    expect(page.get_by_role("dialog", name=WORDS[spoken]["details"])).to_be_visible()
    page.evaluate("document.documentElement.lang = 'en'")
    press(page, "refuse", spoken)
    second = decided(shop, page, 2)
    assert (second["lang"], second["notice"]) == (spoken, notices[spoken])


def test_a_script_s_decision_is_in_the_language_of_the_banner_or_else_of_the_page(shop: Shop, page: Page) -> None:
    page.goto(shop.page(""))
    expect(banner(page)).to_be_visible()
    page.evaluate("document.documentElement.lang = 'ru'; consent.decide({ analytics: true })")
    assert decided(shop, page, 1)["lang"] == "en"
    until(page, "consent.token")
    page.evaluate("consent.decide({ analytics: false })")
    assert decided(shop, page, 2)["lang"] == "ru"


def test_a_banner_that_comes_back_to_a_page_in_another_language_speaks_that(shop: Shop, page: Page) -> None:
    page.goto(shop.page(""))
    expect(banner(page)).to_be_visible()
    page.evaluate(
        "document.documentElement.lang = 'az'; document.documentElement.innerHTML = '<body><p>Mallar'",
    )
    expect(banner(page, "az")).to_be_visible()
    press(page, "refuse", "az")
    assert decided(shop, page, 1)["lang"] == "az"


@pytest.mark.parametrize(
    ("lang", "languages", "spoken"),
    [
        ("az_AZ", "['en-GB']", "az"),
        ("AZ-Latn-AZ", "['en-GB']", "az"),
        ("de", "undefined", "en"),
        ("de", "[]", "en"),
        ("de", "['*', 'ru']", "ru"),
        ("de", "['tr_TR']", "tr"),
        ("constructor", "['ru']", "ru"),
        ("", "['', 'az']", "az"),
    ],
)
def test_any_spelling_of_a_language_is_understood_and_none_stops_it(
    shop: Shop, page: Page, lang: str, languages: str, spoken: str
) -> None:
    page.add_init_script(f"Object.defineProperty(navigator, 'languages', {{ value: {languages} }})")
    page.goto(shop.page("", lang=lang))
    expect(banner(page, spoken)).to_be_visible()


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Baku", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_date_of_the_policy_is_the_shop_s_in_every_time_zone(
    shop: Shop, new_context: Callable[..., BrowserContext], zone: str
) -> None:
    page = new_context(locale="en-GB", timezone_id=zone).new_page()
    page.goto(shop.page(""))
    press(page, "choose")
    expect(page.get_by_text("Privacy policy of 20/12/2025")).to_be_visible()
