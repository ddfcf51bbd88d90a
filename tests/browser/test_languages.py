"""Each language on the screen: nothing cut, nothing beyond the edge, read by a screen reader, days as it writes them.

Here a few are laid out, those whose words are long or go from right to left; `make languages` lays out all.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from consent_server.banner.regional import dates, day
from consent_server.site import Cookie

from .axe import LAYOUTS, violations
from .conftest import WORDS, Shop, banner, press

ALL = tuple(lang for lang in WORDS if lang != "nb")
EVERY = bool(os.environ.get("LANGUAGES"))
LANGUAGES = ALL if EVERY else ("ar", "de", "ka")
READ = ("ar", "de", "el", "fi", "he", "hi", "ka", "zh") if EVERY else ("ar", "de")
WIDTHS = (320, 1280)

CUT = """() => {
  const wrong = [];
  const say = (part, what) => wrong.push(`${part.localName} ${what}: ${part.textContent.slice(0, 60)}`);
  for (const part of document.querySelectorAll('[data-ask] *, [data-consent-list] *')) {
    if (!part.checkVisibility() || getComputedStyle(part).clipPath != 'none' || part.matches('thead *')) continue;
    const { left, right, width } = part.getBoundingClientRect();
    if (width && (left < -0.5 || right > innerWidth + 0.5)) say(part, 'reaches beyond the screen');
    if (getComputedStyle(part).display != 'inline' && part.scrollWidth > part.clientWidth + 1) say(part, 'is too wide');
    if (part.matches('button, label, h2, summary') && part.scrollHeight > part.clientHeight + 1) say(part, 'is too high');
  }
  const buttons = [...document.querySelectorAll('[data-ask] > * > .buttons')].flatMap((each) => [...each.children].slice(0, 2));
  if (document.documentElement.scrollWidth > innerWidth) wrong.push('the page scrolls sideways');
  for (let i = 0; i + 1 < buttons.length; i += 2) {
    const [accept, refuse] = buttons.slice(i, i + 2).map((each) => each.getBoundingClientRect());
    if (Math.abs(accept.width - refuse.width) + Math.abs(accept.height - refuse.height) > 0.5) say(buttons[i], 'is not as large as the refusal');
  }
  return wrong;
}"""
"""What of ours is cut off, or beyond the screen; and an accepting button that is not as large as the refusing one."""


def listed(langs: tuple[str, ...]) -> dict[str, tuple[Cookie, ...]]:
    """Return cookies whose purposes are sentences of the language itself."""
    purpose = {lang: WORDS[lang]["analytics_for"] for lang in langs}
    life = dict.fromkeys(langs, "13")
    return {"analytics": (Cookie("_ga_*", "Google", purpose, life, "US"),)}


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Page:
    """A window in which the same page is shown in one language after the other."""
    return new_context(locale="en-GB", viewport={"width": 320, "height": 640}).new_page()


def wrong_at(page: Page, what: str) -> Iterator[str]:
    """Return what is wrong at each width, and of what it is."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 640})
        yield from (f"{what} at {width}: {each}" for each in page.evaluate(CUT))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_nothing_of_the_first_layer_is_cut_or_beyond_the_screen(shop: Shop, page: Page, layout: str) -> None:
    shop.serve(languages=ALL, theme={"layout": layout}, cookies=listed(ALL), accounts=True)
    wrong: list[str] = []
    for lang in LANGUAGES:
        page.goto(shop.page("<p>Goods</p>", lang=lang))
        expect(banner(page, lang)).to_be_visible()
        wrong += wrong_at(page, f"{lang}, {layout}")
    assert "\n".join(wrong) == ""


def test_nor_of_the_preferences_my_choices_and_the_list(shop: Shop, page: Page) -> None:
    shop.serve(languages=ALL, cookies=listed(ALL), contact="privacy@shop.example", accounts=True)
    wrong: list[str] = []
    for lang in LANGUAGES if EVERY else LANGUAGES[:2]:
        page.context.clear_cookies()
        page.goto(shop.page("<button data-consent-open>…</button><div data-consent-list></div>", lang=lang))
        press(page, "choose", lang)
        dialog = page.get_by_role("dialog", name=WORDS[lang]["details"])
        expect(dialog.locator("summary")).to_have_count(1)  # of the one category with a cookie
        dialog.locator("summary").click()
        expect(page.locator("[data-consent-list] table")).to_have_count(1)
        wrong += wrong_at(page, f"{lang}, preferences and list")
        press(page, "accept", lang)
        page.wait_for_function("() => window.consent.token")
        page.evaluate("consent.open()")
        page.get_by_role("tab", name=WORDS[lang]["mine"]).click()
        expect(dialog.get_by_role("status")).to_have_text(WORDS[lang]["recorded"])
        dialog.get_by_text(WORDS[lang]["how"]).click()
        wrong += wrong_at(page, f"{lang}, my choices")
        if lang == "ar":
            with page.expect_popup() as receipt:
                press(page, "receipt", lang)
            expect(receipt.value.get_by_role("heading", level=1)).to_have_css("direction", "rtl")
            receipt.value.close()  # in front of the page it would slow its timers
        page.context.add_cookies([{"name": "ask-account", "value": "conflict.abc", "url": page.url}])
        page.reload()
        expect(page.get_by_role("status").filter(has_text=WORDS[lang]["account_conflict"])).to_be_visible()
        wrong += wrong_at(page, f"{lang}, what is said of an account")
    assert "\n".join(wrong) == ""


def test_axe_finds_nothing_wrong_in_languages_of_other_scripts(shop: Shop, page: Page) -> None:
    shop.serve(languages=ALL, cookies=listed(ALL))
    for lang in READ:
        page.goto(shop.page("<p>Goods</p><div data-consent-list></div>", lang=lang))
        press(page, "choose", lang)
        expect(page.get_by_role("dialog", name=WORDS[lang]["details"])).to_be_visible()
        expect(page.locator("[data-consent-list] table")).to_have_count(1)
        assert violations(page) == [], lang
        assert page.locator("[data-ask] > *").first.evaluate("each => getComputedStyle(each).direction") == (
            "rtl" if lang in ("ar", "he") else "ltr"
        )


def test_from_right_to_left_what_closes_is_left_of_the_title_and_a_cookie_s_name_reads_as_it_is(
    shop: Shop, page: Page
) -> None:
    shop.serve(languages=("he",), cookies=listed(("he",)))
    page.goto(shop.page("<p>Goods</p>", lang="he"))
    press(page, "choose", "he")
    page.locator("[data-ask] summary").click()
    close, title = (page.locator(f"[data-ask] dialog {part}").bounding_box() for part in (".close", "h2"))
    assert close
    assert title
    assert close["x"] < title["x"] + 10
    # The star comes after the letters, as it is written, though the text about it goes the other way.
    star = """() => {
      const [name] = document.querySelector('[data-ask] dd').childNodes;
      const at = (letter) => {
        const range = document.createRange();
        range.setStart(name, name.data.indexOf(letter));
        range.setEnd(name, name.data.indexOf(letter) + 1);
        return range.getBoundingClientRect().x;
      };
      return at('*') > at('a');
    }"""
    assert page.evaluate(star) is True


def test_a_frame_that_is_held_is_laid_out_as_its_language_whoever_provides_it(shop: Shop, page: Page) -> None:
    shop.serve(languages=("ar",))
    film = '<iframe data-consent="marketing" data-src="https://video.example/x" title="Film" width=300 height=200></iframe>'
    page.goto(shop.page(film, lang="ar"))
    frame = page.locator("iframe").content_frame
    expect(frame.get_by_role("button")).to_have_count(2)
    assert frame.locator("p").evaluate("each => getComputedStyle(each).direction") == "rtl"


NUMBERS = "{ day: '2-digit', month: '2-digit', year: 'numeric' }"


def test_days_are_written_as_each_language_does_also_where_the_browser_does_not_know_it(page: Page) -> None:
    written: dict[str, Any] = page.evaluate(
        f"(all) => Object.fromEntries(all.map(([lang, by]) => [lang,"
        f" new Intl.DateTimeFormat(by, {NUMBERS}).formatRange(new Date(2026, 10, 5), new Date(2026, 10, 5))]))",
        [[lang, dates(lang)] for lang in ALL],
    )
    for lang in ("az", "hy", "is", "ka", "kk", "mk", "sq", "uz"):
        assert written.pop(lang) == "05.11.2026", lang
    for lang in ("en", "ga", "mt", "pt"):
        assert written.pop(lang) == "05/11/2026", lang
    assert written.pop("bs") == "05. 11. 2026."
    assert written.pop("fa") == "۱۴۰۵/۰۸/۱۴"
    for lang, said in written.items():
        order = "".join(c for c in said if c.isdecimal())
        assert order == ("20261105" if lang in ("hu", "ja", "ko", "lt", "sv", "zh") else "05112026"), lang


def test_the_server_reckons_days_in_persian_as_the_browser_does(page: Page) -> None:
    first = date(2020, 1, 1)
    theirs = page.evaluate(
        "() => { const said = new Intl.DateTimeFormat('fa', { dateStyle: 'long', timeZone: 'UTC' });"
        " return Array.from({ length: 4000 }, (_, n) => said.format(Date.UTC(2020, 0, 1 + n))) }"
    )
    assert [day(first + timedelta(n), "fa") for n in range(4000)] == theirs
