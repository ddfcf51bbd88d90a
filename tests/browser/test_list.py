"""`<div data-consent-list></div>` becomes the cookie list: the same words as the fragment, and the shopper's answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from examples import example
from playwright.sync_api import BrowserContext, Page, expect

from consent_server.settings.shops import snippet_words
from consent_server.site import Cookie

from .axe import THEMES, violations
from .conftest import WORDS, Shop, banner, cookie, decided, press, released, until

LANGUAGES = ("az", "en", "ru", "tr")
PLACE = f"<h2>Cookies</h2>{example('list')}"
AMERICA = {
    "az": "Amerika Birləşmiş Ştatları",
    "en": "United States",
    "ru": "Соединенные Штаты",
    "tr": "Amerika Birleşik Devletleri",
}
TABLES = "[...document.querySelectorAll('[data-consent-list] table')].map(({ innerText }) => innerText.trim())"


def listed() -> dict[str, tuple[Cookie, ...]]:
    """Return a list with something of everybody: a country, another host, what HTML takes for its own."""
    words = {lang: f"<b>{lang}</b> & „what for“" for lang in LANGUAGES}
    life = dict.fromkeys(LANGUAGES, "1 day")
    far = Cookie("IDE", "Ads & Sons", words, life, "US", "ads.example")
    return {"necessary": (cookie("consent"),), "analytics": (cookie("_ga_*"),), "marketing": (far,)}


def cells(page: Page) -> list[list[str]]:
    """Return what is in each row of the tables."""
    found: list[list[str]] = page.locator("[data-consent-list] tr").evaluate_all(
        "(rows) => rows.map(({ cells }) => [...cells].map(({ textContent }) => textContent))"
    )
    return found


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_list_says_what_the_fragment_says_and_that_needs_no_script(
    shop: Shop, new_context: Callable[..., BrowserContext], lang: str
) -> None:
    shop.serve(cookies=listed())
    page = new_context(locale=lang).new_page()
    page.goto(shop.page(PLACE, lang=lang))
    place = page.locator("[data-consent-list] > div")
    expect(place.locator("table")).to_have_count(3)
    assert cells(page)[-1][:3] == ["IDE", "Ads & Sons", AMERICA[lang]]
    assert f"<b>{lang}</b> & „what for“" in cells(page)[-1]
    drawn = page.evaluate(TABLES), place.locator("> p").all_inner_texts()[2:]

    plain = new_context(java_script_enabled=False).new_page()
    plain.goto(shop.url(f"/v1/shop/cookies?lang={lang}"))
    tables = plain.locator("table").all_inner_texts()
    assert ([text.strip() for text in tables], plain.locator("p").all_inner_texts()) == drawn
    assert plain.locator(f'div[lang="{lang}"]').count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_wrong_in_any_language_and_theme(
    shop: Shop, new_context: Callable[..., BrowserContext], theme: str, scheme: str
) -> None:
    shop.serve(theme=THEMES[theme], cookies=listed())
    for lang in LANGUAGES:
        page = new_context(locale=lang, color_scheme=scheme, viewport={"width": 320, "height": 640}).new_page()
        page.goto(shop.page(f'<meta name="color-scheme" content="light dark">{PLACE}', lang=lang))
        expect(page.locator("[data-consent-list] table")).to_have_count(3)
        assert violations(page) == []
        press(page, "accept", lang)
        expect(page.get_by_role("button", name=WORDS[lang]["withdraw"])).to_be_visible()
        assert violations(page) == []
        page.goto(shop.page(shop_fragment(shop, lang), "/plain", head="", lang=lang))
        assert violations(page) == []


@pytest.mark.parametrize("width", [320, 360])
def test_on_a_phone_each_row_is_a_card_and_still_a_row_of_a_table(
    shop: Shop, new_context: Callable[..., BrowserContext], width: int
) -> None:
    shop.serve(cookies=listed(), theme={"radius": "3px"})
    page = new_context(locale="en-GB", viewport={"width": width, "height": 640}).new_page()
    page.goto(shop.page(PLACE))
    expect(page.locator("[data-consent-list] table")).to_have_count(3)
    wide = (
        "(all) => all.filter((it) => it.scrollWidth > it.clientWidth || it.getBoundingClientRect().right > innerWidth)"
    )
    for part in ("table", "td", "tbody th", "button"):
        assert page.locator(f"[data-consent-list] {part}").evaluate_all(f"{wide}.length") == 0

    marketing = page.get_by_role("table", name="Marketing")
    expect(marketing.get_by_role("columnheader")).to_have_count(5)
    expect(marketing.get_by_role("rowheader", name="IDE")).to_be_visible()
    country = marketing.get_by_role("cell", name="United States")
    expect(country).to_be_visible()
    assert country.evaluate("(it) => getComputedStyle(it, '::before').content").startswith('"Country')
    button = page.locator("[data-consent-list]").get_by_role("button", name=WORDS["en"]["choose"])
    expect(button).to_have_css("border-radius", "3px")
    expect(button).to_have_css("background-color", "rgba(0, 0, 0, 0)")
    assert button.evaluate("(it) => it.getBoundingClientRect().height") >= 44


def shop_fragment(shop: Shop, lang: str) -> str:
    return shop.app.test_client().get(f"/v1/shop/cookies?lang={lang}").get_data(as_text=True)


def test_it_shows_the_present_answer_which_can_be_changed_and_withdrawn_there(shop: Shop, page: Page) -> None:
    shop.serve(cookies=listed())
    page.goto(shop.page(PLACE))
    said = page.locator("[data-consent-list] p").first
    withdraw = page.locator("[data-consent-list]").get_by_role("button", name=WORDS["en"]["withdraw"])
    expect(said).to_have_text("You have not answered yet.")
    expect(withdraw).to_be_hidden()

    page.locator("[data-consent-list]").get_by_role("button", name=WORDS["en"]["choose"]).click()
    page.get_by_role("switch", name="Analytics").check()
    press(page, "save")
    expect(said).to_have_text(
        re.compile(r"^You answered on [\d/]+\. Allowed: Analytics\. We will ask again after [\d/]+\.$")
    )
    assert decided(shop, page, 1)["allow"] == ["analytics"]

    withdraw.click()
    expect(said).to_have_text(re.compile("Allowed: Only necessary"))
    expect(withdraw).to_be_hidden()
    assert decided(shop, page, 2)["allow"] == []
    page.reload()
    expect(said).to_have_text(re.compile("Allowed: Only necessary"))


def test_a_place_that_comes_later_or_has_the_fragment_in_it_gets_the_list_once(shop: Shop, page: Page) -> None:
    shop.serve(cookies=listed())
    included = f"<div data-consent-list>{shop_fragment(shop, 'en')}</div>"
    page.goto(shop.page(included))
    expect(page.locator("[data-consent-list] button")).to_have_count(2)
    expect(page.locator("[data-consent-list] table")).to_have_count(3)
    page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<div data-consent-list></div>')")
    expect(page.locator("[data-consent-list] table")).to_have_count(6)
    page.evaluate("document.querySelector('[data-consent-list]').replaceChildren(); undefined")
    page.evaluate("document.body.append(document.createElement('p')); undefined")
    expect(page.locator("[data-consent-list] table")).to_have_count(3)


def test_only_a_page_with_a_place_fetches_the_layer(shop: Shop, page: Page) -> None:
    shop.serve(cookies=listed())
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    page.goto(shop.page("<p>Goods</p>", "/goods"))
    press(page, "accept")
    page.reload()
    released(page)
    assert not any("/list." in url for url in fetched)
    page.goto(shop.page(PLACE))
    expect(page.locator("[data-consent-list] table")).to_have_count(3)
    assert sum("/list." in url for url in fetched) == 1


def test_it_works_under_a_strict_policy_and_gives_way_to_the_shops_style(shop: Shop, page: Page) -> None:
    shop.serve(cookies=listed())
    policy = "default-src 'self'; style-src 'self' 'nonce-n'; require-trusted-types-for 'script'; trusted-types consent"
    style = '<style nonce="n">caption { color: rgb(1, 2, 3); text-align: end }</style>'
    page.goto(shop.page(PLACE, head=style + shop.tag, Content_Security_Policy=policy))
    caption = page.locator("[data-consent-list] caption").first
    expect(caption).to_have_css("text-align", "end")
    expect(caption).to_have_css("font-weight", "600")


def test_the_preferences_say_how_long_an_answer_holds_and_where_data_goes(shop: Shop, page: Page) -> None:
    shop.serve(cookies=listed())
    page.goto(shop.page("<p>Goods</p>"))
    press(page, "choose")
    dialog = page.get_by_role("dialog", name=WORDS["en"]["details"])
    expect(dialog).to_contain_text("Your answer, a yes or a no, holds for 6 months. Countries to which data goes: ")
    marketing = dialog.locator("section", has=page.get_by_role("switch", name="Marketing"))
    marketing.locator("summary").click()
    expect(marketing.locator("dl")).to_contain_text("United States")
    expect(banner(page)).to_be_attached()


def test_every_language_says_the_same_of_both_places() -> None:
    for lang in LANGUAGES:
        words: dict[str, Any] = snippet_words()[lang]
        assert "{keep}" in words["holds"]
        assert "{countries}" in words["abroad"]
        assert "{date}" in words["listed"]


def test_a_place_in_an_open_shadow_root_gets_the_list_once_what_releases_is_there(shop: Shop, page: Page) -> None:
    shop.serve(cookies=listed())
    page.goto(
        shop.page(
            f"{PLACE}<p id=box></p><script>box.attachShadow({{ mode: 'open' }}).innerHTML = '<div data-consent-list></div>'</script>"
        )
    )
    until(page, "box.shadowRoot.querySelector('table')")
