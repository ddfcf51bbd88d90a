"""What shoppers meet: a banner for everybody, their own choices, other tabs and hosts, and no question twice."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from consent_server.settings.theme import contrast
from consent_server.site import Cookie, Variant

from .axe import LAYOUTS, THEMES, violations
from .conftest import WORDS, Shop, banner, cookie, posted, press, settle, until

# ---- Everybody can use it ----


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_axe_finds_nothing_wrong_in_any_layer_layout_language_and_theme(
    shop: Shop, new_context: Callable[..., BrowserContext], layout: str, theme: str, scheme: str
) -> None:
    shop.serve(theme={"layout": layout, **THEMES[theme]}, cookies={"analytics": (cookie("_ga"),)})
    for lang in ("az", "en", "ru", "tr"):
        page = new_context(locale=lang, color_scheme=scheme, viewport={"width": 320, "height": 640}).new_page()
        page.goto(shop.page("<p>Goods</p>", lang=lang))
        expect(banner(page, lang)).to_be_visible()
        assert violations(page) == []
        press(page, "choose", lang)
        expect(page.get_by_role("dialog", name=WORDS[lang]["details"])).to_be_visible()
        page.locator("[data-ask] summary").click()  # of the one category with a cookie
        assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_in_a_held_frame_the_message_of_what_was_removed_and_my_choices(
    shop: Shop, new_context: Callable[..., BrowserContext], scheme: str
) -> None:
    shop.serve(cookies={"marketing": (cookie("_ads"),)})
    page = new_context(locale="en-GB", color_scheme=scheme).new_page()
    film = '<iframe width=400 height=250 data-consent="marketing" data-src="/film" title="Film"></iframe>'
    shop.page("", "/film", head="")
    page.goto(shop.page(film))
    expect(page.frame_locator("iframe").get_by_role("button")).to_have_count(2)
    *heights, text, back = page.frames[1].evaluate(
        "[...[...document.querySelectorAll('button')].map((each) => each.offsetHeight),"
        " getComputedStyle(document.querySelector('p')).color,"
        " getComputedStyle(document.documentElement).backgroundColor]"
    )
    assert min(heights) >= 44
    # On a ground of its own, whatever the shop has behind the frame.
    text, back = ("#{:02x}{:02x}{:02x}".format(*map(int, re.findall(r"\d+", colour))) for colour in (text, back))
    assert contrast(text, back) >= 4.5
    # Without the best practice that a whole page has a heading and landmarks.
    assert violations(page.frames[1], "wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa") == []
    page.evaluate("consent.decide({ marketing: true }); document.cookie = '_ads=1;path=/'")
    until(page, "consent.token")
    page.evaluate("consent.decide({ marketing: false })")
    expect(page.get_by_role("status")).to_contain_text("_ads")
    assert violations(page) == []
    page.evaluate("consent.decide({ marketing: true })")
    until(page, "consent.token")
    page.evaluate("consent.open()")
    page.get_by_text("My choices", exact=True).click()
    expect(page.get_by_role("heading", name="My earlier answers")).to_be_visible()
    assert violations(page) == []


def size(page: Page) -> list[tuple[int, int]]:
    boxes = [button.bounding_box() for button in banner(page).get_by_role("button").all()]
    return [(round(box["width"]), round(box["height"])) for box in boxes if box]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("width", [320, 640, 1280])
def test_the_buttons_are_alike_large_enough_and_fit_a_narrow_window(
    shop: Shop, new_context: Callable[..., BrowserContext], layout: str, width: int
) -> None:
    shop.serve(theme={"layout": layout})
    page = new_context(locale="en-GB", viewport={"width": width, "height": 640}).new_page()
    page.goto(shop.page("<p>Goods</p>"))
    accept, refuse, choose = size(page)
    assert accept == refuse
    assert min(*accept, *choose) >= 44
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    styles = page.evaluate(
        "[...document.querySelectorAll('[data-ask] button')].map((b) => { const s = getComputedStyle(b);"
        " return [s.color, s.backgroundColor, s.font, s.border, s.opacity].join() })"
    )
    assert styles[0] == styles[1] != styles[2]


def tab_to(page: Page, there: str) -> None:
    """Press Tab until what is meant has the focus."""
    passed = []
    while not page.evaluate(there):
        passed.append(page.evaluate("document.activeElement.outerHTML.slice(0, 90)"))
        assert len(passed) <= 40, f"never {there}, but {passed[-10:]}; in front: {page.evaluate('document.hasFocus()')}"
        page.keyboard.press("Tab")


def test_the_whole_journey_goes_by_keyboard_and_the_focus_comes_back(shop: Shop, page: Page) -> None:
    page.goto(shop.page("<button data-consent-open>Cookie settings</button>"))
    expect(banner(page)).to_be_focused()
    for name in ("Privacy policy", "Accept all", "Reject all", "Manage preferences"):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == name
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name=WORDS["en"]["details"])
    expect(dialog).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert page.evaluate("document.activeElement.textContent") == "Manage preferences"
    page.keyboard.press("Enter")
    expect(dialog).to_be_focused()
    tab_to(page, "document.activeElement.name == 'analytics'")
    page.keyboard.press("Space")
    tab_to(page, "document.activeElement.textContent == 'Save my choices'")
    page.keyboard.press("Enter")
    assert page.evaluate("consent.choice") == {"functional": False, "analytics": True, "marketing": False}
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Cookie settings").focus()
    page.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Cookie settings")).to_be_focused()


def test_escape_postpones_decides_nothing_and_the_next_page_asks_again(shop: Shop, page: Page) -> None:
    page.goto(shop.page("<p>Goods</p>"))
    banner(page).press("Escape")
    expect(banner(page)).to_be_hidden()
    assert page.evaluate("[consent.choice, document.cookie]") == [None, ""]
    page.reload()
    expect(banner(page)).to_be_visible()


def test_nobody_is_taken_away_from_what_they_type_and_the_page_scrolls_on(shop: Shop, page: Page) -> None:
    page.goto(shop.page("<input autofocus><div style='height:3000px'></div>", head=""))
    page.locator("input").focus()
    page.evaluate(
        "(src) => { const s = document.createElement('script'); s.src = src; document.head.append(s) }",
        shop.url("/v1/shop/consent.js"),
    )
    expect(banner(page)).to_be_visible()
    expect(page.locator("input")).to_be_focused()
    page.mouse.move(200, 100)
    page.mouse.wheel(0, 500)
    until(page, "scrollY > 0")


def test_the_page_stays_usable_when_something_hides_the_preferences(shop: Shop, page: Page) -> None:
    page.goto(shop.page("<button onclick=\"document.title = 'bought'\">Buy</button>"))
    expect(banner(page)).to_be_visible()
    page.evaluate("document.querySelector('[data-ask]').style.setProperty('display', 'none', 'important')")
    page.evaluate("consent.open()")
    page.get_by_text("Buy").click()
    assert page.title() == "bought"


def test_a_language_from_right_to_left_is_laid_out_so(shop: Shop, page: Page) -> None:
    words = {**WORDS["en"], "title": "ملفات تعريف الارتباط", "text": "بموافقتك نستخدم ملفات تعريف الارتباط."}
    shop.serve(languages=("ar",), words={"ar": words})
    page.goto(shop.page("", lang="ar"))
    dialog = page.get_by_role("dialog", name=words["title"])
    assert dialog.evaluate("(each) => getComputedStyle(each).direction") == "rtl"


def test_it_speaks_the_page_s_language_then_the_browser_s_then_the_shop_s_first(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    for lang, locale, spoken in (
        ("az", "ru-RU", "az"),
        ("de", "ru-RU", "ru"),
        ("de", "fr-FR", "en"),
        ("tr-TR", "az", "tr"),
    ):
        page = new_context(locale=locale).new_page()
        page.goto(shop.page("", lang=lang))
        expect(banner(page, spoken)).to_be_visible()


# ---- One answer, everywhere, once ----


def test_an_answer_reaches_other_open_tabs_at_once(shop: Shop, page: Page) -> None:
    held = '<script type="text/plain" data-consent="analytics">window.ran = 1</script>'
    url = shop.page(held)
    page.goto(url)
    other = page.context.new_page()
    other.goto(url)
    press(page, "accept")
    until(other, "window.ran")
    expect(banner(other)).to_be_hidden()
    settle(page)
    assert [path for path, _ in shop.posts].count("decisions") == 1


def test_an_answer_is_shared_between_subdomains_where_the_shop_says_so(shop: Shop, page: Page) -> None:
    shop.serve(cookie_domain="shop.localhost")
    shop.page("", "/")
    page.goto(shop.url("/", "www.shop"))
    other = page.context.new_page()
    other.goto(shop.url("/", "m.shop"))
    press(page, "accept")
    until(other, "window.consent.allows('marketing')")
    page.goto(shop.url("/", "shop"))
    assert page.evaluate("consent.allows('marketing')") is True
    assert len(page.context.cookies()) == 1


def test_a_new_revision_asks_again_and_says_what_changed_and_follows_the_old_answer(shop: Shop, page: Page) -> None:
    page.goto(shop.page(""))
    press(page, "accept")
    until(page, "consent.token")
    old = page.evaluate("consent.token")
    what = "We now also measure searches."
    shop.serve(revision=2, changed={"en": what, "az": "x", "ru": "x", "tr": "x"})
    page.goto(shop.page("", head=shop.tag.replace(".js", ".js?2")))  # the browser may keep the script for five minutes
    expect(banner(page)).to_be_visible()
    expect(banner(page).get_by_text(what)).to_be_visible()
    assert page.evaluate("[consent.choice, consent.token]") == [None, None]
    press(page, "refuse")
    until(page, "consent.token")
    assert posted(shop, "decisions")[-1]["previous"] == old
    page.reload()
    settle(page)
    expect(banner(page)).to_be_hidden()


@pytest.mark.parametrize("answer", ["accept", "refuse"])
def test_an_expired_answer_is_asked_again(shop: Shop, page: Page, answer: str) -> None:
    shop.serve(keep=30 * 86400)
    page.goto(shop.page(""))
    press(page, answer)
    until(page, "consent.token")
    page.clock.install()
    page.clock.fast_forward(31 * 86400 * 1000)
    page.reload()
    expect(banner(page)).to_be_visible()
    assert page.evaluate("consent.choice") is None


def test_variants_are_drawn_by_weight_and_named_in_the_decision(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    title = {"en": {"title": "Cookies, please"}}
    shop.serve(variants=(Variant("a", 1, None, {}), Variant("b", 1, "box", title)))
    seen = set()
    for _ in range(12):
        page = new_context(locale="en-GB").new_page()
        page.goto(shop.page(""))
        variant = "b" if page.get_by_role("dialog", name="Cookies, please").count() else "a"
        assert page.locator("[data-ask] .box").count() == (variant == "b")
        press(page, "refuse")
        until(page, "consent.token")
        assert posted(shop, "decisions")[-1]["variant"] == variant
        seen.add(variant)
        page.context.close()
    assert seen == {"a", "b"}


# ---- What exactly is asked ----


@pytest.mark.parametrize("lang", ["az", "en", "ru", "tr"])
def test_the_cookie_list_says_whose_what_for_and_how_long_in_the_language_of_the_page(
    shop: Shop, page: Page, lang: str
) -> None:
    said = {each: f"{each}: to count visits" for each in ("az", "en", "ru", "tr")}
    lasts = {each: f"{each}: 13 months" for each in said}
    shop.serve(cookies={"analytics": (Cookie("_ga", "Google", said, lasts),)})
    page.goto(shop.page("", lang=lang))
    press(page, "choose", lang)
    group = page.locator("[data-ask] section").filter(has=page.get_by_role("switch", name=WORDS[lang]["analytics"]))
    group.locator("summary").click()
    listed = dict(zip(group.locator("dt").all_inner_texts(), group.locator("dd").all_inner_texts(), strict=True))
    names = [WORDS[lang][f"cookie_{part}"] for part in ("name", "provider", "purpose", "life")]
    assert listed == dict(zip(names, ["_ga", "Google", said[lang], lasts[lang]], strict=True))


# ---- The shop's scripts ----


def test_the_queue_the_events_and_the_promise_serve_the_shop_s_scripts(shop: Shop, page: Page) -> None:
    word = secrets.token_hex(4)
    page.goto(
        shop.page(
            "<script>consentQueue.push((c) => said.push(['late', c.choice]))</script>",
            head="<script>var said = []; (window.consentQueue ||= []).push((c) => { said.push(['queue', c.choice]);"
            "document.addEventListener('consentready', (e) => said.push(['ready', e.detail])); });"
            "document.addEventListener('consentchange', (e) => said.push(['change', e.detail]));</script>"
            + shop.tag
            + f"<script>consent.when('analytics').then(() => said.push(['{word}', consent.allows('analytics')]));"
            "</script>",
        )
    )
    assert page.evaluate("said") == [["queue", None], ["ready", None], ["late", None]]
    page.evaluate("consent.decide({ functional: true })")
    until(page, "said.length == 4")
    page.evaluate("consent.decide({ analytics: true })")
    functional = {"functional": True, "analytics": False, "marketing": False}
    both = {**functional, "analytics": True}
    until(page, "said.length == 6")
    assert page.evaluate("said.slice(3)") == [["change", functional], ["change", both], [word, True]]
    assert page.evaluate("[consent.allows('necessary'), consent.allows('nonsense')]") == [True, False]
