"""What a shopper meets, layer by layer: little of the screen, the answers always in sight, nothing undone by a slip."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .axe import violations
from .conftest import WORDS, Shop, banner, cookie, press, until

LANGUAGES = ("az", "en", "ru", "tr")
SETTINGS = "<button data-consent-open>Cookie settings</button>"
SEVERAL = {"analytics": (cookie("_ga"), cookie("_gid")), "marketing": (cookie("_ads"),)}
FILLED = """[...document.querySelectorAll('[data-ask] button')].filter((each) => each.checkVisibility()
  && !/^rgba\\(0, 0, 0, 0\\)$/.test(getComputedStyle(each).backgroundColor)).map(({ textContent }) => textContent)"""


# ---- The first layer ----


@pytest.mark.parametrize("lang", LANGUAGES)
def test_it_takes_little_of_a_phone_and_says_for_how_long_and_of_third_parties(
    shop: Shop, new_context: Callable[..., BrowserContext], lang: str
) -> None:
    months = {"az": "6 ay", "en": "6 months", "ru": "6 месяцев", "tr": "6 ay"}[lang]
    for cookies in (SEVERAL, {}):
        shop.serve(cookies=cookies)
        page = new_context(locale=lang, viewport={"width": 360, "height": 740}).new_page()
        page.goto(shop.page("<p>Goods</p>", lang=lang, head=shop.tag.replace(".js", f".js?{len(cookies)}")))
        box = banner(page, lang).bounding_box()
        assert box
        assert box["height"] <= 0.38 * 740
        text = banner(page, lang).locator("p").inner_text()
        assert months in text
        assert (WORDS[lang]["others"] in text) is bool(cookies)


def test_its_answers_are_filled_alike_and_the_way_to_the_preferences_is_quieter(shop: Shop, page: Page) -> None:
    page.goto(shop.page(""))
    expect(banner(page)).to_be_visible()
    assert page.evaluate(FILLED) == ["Accept all", "Reject all"]
    boxes = [banner(page).locator(part).last.bounding_box() for part in ("p", "button >> nth=0")]
    assert boxes[0]
    assert boxes[1]
    assert boxes[1]["y"] - boxes[0]["y"] - boxes[0]["height"] >= 12


# ---- The preferences ----


@pytest.mark.parametrize(("width", "height"), [(360, 740), (320, 640), (640, 400), (1280, 800)])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_answers_and_the_way_out_are_always_in_sight(
    shop: Shop, new_context: Callable[..., BrowserContext], lang: str, width: int, height: int
) -> None:
    shop.serve(cookies=SEVERAL)
    page = new_context(locale=lang, viewport={"width": width, "height": height}).new_page()
    page.goto(shop.page("", lang=lang))
    press(page, "choose", lang)
    dialog = page.get_by_role("dialog", name=WORDS[lang]["details"])
    whole = dialog.bounding_box()
    assert whole
    expect(dialog.locator("summary")).to_have_count(len(SEVERAL))
    for _ in range(2):  # before the list is scrolled, and at its end
        for word in ("accept", "refuse", "save", "close"):
            box = dialog.get_by_role("button", name=WORDS[lang][word], exact=True).bounding_box()
            assert box
            assert box["x"] >= 0
            assert box["y"] >= 0
            assert box["x"] + box["width"] <= width
            assert box["y"] + box["height"] <= height
        for part in dialog.locator("summary").all():
            part.click()
        page.evaluate("document.querySelector('[data-ask] .scroll').scrollTo(0, 99999)")
    close = dialog.get_by_role("button", name=WORDS[lang]["close"], exact=True).bounding_box()
    assert close
    assert close["y"] - whole["y"] < 10
    assert whole["x"] + whole["width"] - close["x"] - close["width"] < 10
    scrolling = """[...document.querySelectorAll('[data-ask] dialog, [data-ask] dialog *')]
      .filter((part) => part.scrollHeight > part.clientHeight + 1 && /auto|scroll/.test(getComputedStyle(part).overflowY))"""
    assert page.evaluate(f"{scrolling}.length") <= 1
    assert len(page.evaluate(FILLED)) <= 4  # two of the banner behind, two of the preferences
    assert len(set(page.evaluate(FILLED))) == 2


def test_a_category_is_a_card_with_its_purpose_how_many_cookies_and_their_list(shop: Shop, page: Page) -> None:
    shop.serve(cookies=SEVERAL)
    page.goto(shop.page(""))
    press(page, "choose")
    card = page.locator("[data-ask] section").filter(has=page.get_by_role("switch", name="Analytics"))
    expect(card).to_contain_text("To measure how the site performs.")
    card.get_by_text("Cookies (2)").click()
    expect(card.locator("dl")).to_have_count(2)


def test_the_tabs_go_by_arrow_keys_and_only_one_is_in_the_order_of_the_tab_key(shop: Shop, page: Page) -> None:
    page.goto(shop.page(""))
    press(page, "choose")
    page.get_by_role("tab", name="Cookies").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="My choices")).to_be_focused()
    expect(page.get_by_role("tab", name="My choices")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_text(WORDS["en"]["unanswered"])).to_be_visible()
    expect(page.get_by_role("switch")).to_have_count(0)
    assert violations(page) == []
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("switch")).to_have_count(3)
    assert page.locator("[role=tab][tabindex='0']").count() == 1


def test_the_first_layer_is_out_of_sight_while_the_preferences_lie_over_it(shop: Shop, page: Page) -> None:
    page.goto(shop.page(""))
    press(page, "choose", "en")
    expect(page.get_by_role("dialog", name=WORDS["en"]["details"])).to_be_visible()
    expect(banner(page, "en")).to_have_css("opacity", "0")
    page.keyboard.press("Escape")
    expect(banner(page, "en")).to_have_css("opacity", "1")
    expect(banner(page, "en").get_by_role("button", name=WORDS["en"]["choose"])).to_be_focused()


# ---- After an answer ----

LINES_BESIDE_PREFERENCES = """new Promise((done) => {
  const look = () => document.querySelector('[data-ask] dialog[open]')
    ? done(document.querySelectorAll('[data-ask] [role=status]').length) : requestAnimationFrame(look)
  consent.open()
  look()
})"""


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_line_says_that_it_is_saved_and_where_to_change_it(
    shop: Shop, new_context: Callable[..., BrowserContext], lang: str
) -> None:
    page = new_context(locale=lang).new_page()
    page.goto(shop.page(SETTINGS, lang=lang))
    with page.expect_response(lambda answer: "/details." in answer.url):
        banner(page, lang).hover()
    press(page, "refuse" if lang == "az" else "accept", lang)
    line = page.get_by_role("status")
    expect(line).to_have_text(WORDS[lang]["saved"].replace("{settings}", WORDS[lang]["details"]))
    assert violations(page) == []
    if lang == "az":
        expect(line).to_have_count(0, timeout=45_000)  # it passes
    elif lang == "en":  # opened at once, the preferences do not lie over it
        expect(page.locator("[data-ask] [role=status]")).to_have_count(1)
        assert page.evaluate(LINES_BESIDE_PREFERENCES) == 0


def test_a_script_s_answer_and_another_tab_s_are_no_news_here(shop: Shop, page: Page) -> None:
    page.goto(shop.page(SETTINGS))
    banner(page).hover()
    other = page.context.new_page()
    other.goto(shop.url("/"))
    other.evaluate("consent.decide({ analytics: true })")
    until(page, "consent.allows('analytics')")
    page.evaluate("consent.decide({ functional: true })")
    until(page, "consent.token && consent.allows('functional')")
    expect(page.get_by_role("status")).to_have_count(0)


def test_what_cannot_be_undone_asks_once_more_and_can_be_left_alone(shop: Shop, page: Page) -> None:
    page.goto(shop.page(SETTINGS))
    press(page, "accept")
    until(page, "consent.token")
    page.get_by_role("button", name="Cookie settings").click()
    page.get_by_role("tab", name="My choices").click()
    expect(page.get_by_role("dialog").get_by_role("listitem")).to_have_count(1)
    assert page.evaluate(FILLED) == []
    for word in ("withdraw", "erase"):
        press(page, word)
        expect(page.get_by_text(WORDS["en"]["sure"])).to_be_visible()
        expect(page.get_by_role("button", name="Cancel")).to_be_focused()
        assert violations(page) == []
        press(page, "cancel")
        expect(page.get_by_text(WORDS["en"]["sure"])).to_have_count(0)
    assert page.evaluate("[consent.allows('marketing'), !!consent.token]") == [True, True]


def test_a_refusal_says_its_hour_and_no_minute(shop: Shop, page: Page) -> None:
    page.goto(shop.page(SETTINGS))
    press(page, "refuse")
    until(page, "consent.token")
    page.get_by_role("button", name="Cookie settings").click()
    page.get_by_role("tab", name="My choices").click()
    expect(page.get_by_role("dialog")).to_contain_text(
        # The hour before midnight ends on another day.
        re.compile(r"You answered on [\d/]{10}, \d\d:[03]0\s?–\s?([\d/]{10}, )?\d\d:[03]0\. Allowed: Only necessary\.")
    )


# ---- A held frame ----


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_held_frame_wears_the_theme_and_says_whose_it_is(
    shop: Shop, new_context: Callable[..., BrowserContext], scheme: str
) -> None:
    shop.serve(theme={"accent": "#a5123a"}, services=("youtube",))
    page = new_context(locale="en-GB", color_scheme=scheme).new_page()
    source = ("https://www.youtube-nocookie.com/embed/x", shop.url("/f", "far"), "/own")
    page.goto(
        shop.page(
            "".join(
                f'<iframe data-consent="marketing" data-src="{each}" title="A film" width=400 height=250></iframe>'
                for each in source
            )
        )
    )
    for n, name in enumerate(("YouTube (Google LLC)", f"far.localhost:{shop.port}", "A film")):
        frame = page.locator("iframe").nth(n).content_frame
        expect(frame.locator("b")).to_have_text(name)
        button = frame.get_by_role("button", name="Allow once")
        expect(button).to_have_css(
            "background-color", {"light": "rgb(165, 18, 58)", "dark": "rgb(236, 78, 121)"}[scheme]
        )
        expect(frame.locator("p")).to_contain_text("This content is blocked until you allow: Marketing.")
