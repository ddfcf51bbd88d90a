"""A privacy signal is heeded and answers nothing; preferences that do not load leave yes and no."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .conftest import WORDS, Shop, banner, decided, posted, press, settle, until, when

SIGNAL = "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => window.off ? false : true })"
SETTINGS = "<button data-consent-open>Cookie settings</button>"


# ---- When the preferences do not load ----


def away(page: Page) -> None:
    page.route("**/details.*", lambda route: route.abort())


@pytest.mark.troubles("Failed to load resource")
@pytest.mark.parametrize("lang", ["az", "en", "ru", "tr"])
def test_preferences_that_do_not_load_say_so_and_leave_yes_and_no(shop: Shop, page: Page, lang: str) -> None:
    away(page)
    page.goto(shop.page(SETTINGS, lang=lang))
    press(page, "choose", lang)
    said = banner(page, lang).get_by_role("alert")
    expect(said).to_have_text(f"{WORDS[lang]['choose']}: {WORDS[lang]['unloaded']}")
    expect(banner(page, lang)).to_be_focused()
    press(page, "choose", lang)
    expect(said).to_have_count(1)
    press(page, "refuse", lang)
    expect(banner(page, lang)).to_have_count(0)
    assert page.evaluate("consent.choice.analytics") is False
    assert decided(shop, page, 1)["how"] == "refuse"


@pytest.mark.troubles("Failed to load resource")
@pytest.mark.parametrize("word", ["accept", "refuse", "choose", "Escape"])
def test_who_answered_before_can_withdraw_without_the_preferences(shop: Shop, page: Page, word: str) -> None:
    page.goto(shop.page(SETTINGS))
    press(page, "accept")
    until(page, "consent.token")
    away(page)
    page.reload()
    page.get_by_role("button", name="Cookie settings").click()
    expect(banner(page).get_by_role("alert")).to_be_visible()
    expect(banner(page)).to_be_focused()
    if word == "Escape":
        page.keyboard.press("Escape")
        expect(banner(page)).to_have_count(0)
        expect(page.get_by_role("button", name="Cookie settings")).to_be_focused()
        assert page.evaluate("consent.allows('marketing')") is True
        return
    if word == "choose":
        page.unroute("**/details.*")
        press(page, "choose")
        expect(page.get_by_role("dialog", name=WORDS["en"]["details"])).to_be_visible()
        expect(banner(page)).to_have_count(0)
        return
    press(page, word)
    answer = decided(shop, page, 2)
    assert (answer["how"], len(answer["allow"])) == ("preferences", 3 if word == "accept" else 0)
    assert page.evaluate("consent.allows('marketing')") is (word == "accept")
    when(page, lambda: posted(shop, "shown"))
    assert len(posted(shop, "shown")) == 1


# ---- Global Privacy Control ----


def test_a_privacy_signal_denies_marketing_is_told_stores_nothing_and_answers_nothing(shop: Shop, page: Page) -> None:
    shop.serve(gpc=True)
    page.add_init_script(SIGNAL)
    held = '<script type="text/plain" data-consent="marketing">window.ran = 1</script>'
    page.goto(shop.page(held + SETTINGS))
    expect(banner(page).get_by_text("Global Privacy Control")).to_be_visible()
    when(page, lambda: posted(shop, "shown"))
    settle(page)
    assert posted(shop, "shown") == [{"lang": "en", "variant": "", "signal": "gpc"}]
    assert posted(shop, "decisions") == []
    assert page.evaluate("[consent.signal, consent.choice, consent.allows('marketing'), document.cookie]") == [
        *("gpc", None, False),
        "",
    ]
    press(page, "choose")
    dialog = page.get_by_role("dialog", name=WORDS["en"]["details"])
    expect(dialog.get_by_text("marketing stays off unless you allow it here")).to_be_visible()
    dialog.get_by_role("switch", name="Analytics").check()
    press(page, "save")
    # The first click after it is the first answer.
    first = decided(shop, page, 1)
    assert (first["how"], first["allow"], "previous" in first) == ("save", ["analytics"], False)
    until(page, "consent.token")
    assert page.evaluate("window.ran") is None


def test_a_later_yes_wins_over_the_signal_is_told_and_can_be_taken_back(shop: Shop, page: Page) -> None:
    shop.serve(gpc=True)
    page.add_init_script(SIGNAL)
    page.goto(shop.page('<script type="text/plain" data-consent="marketing">window.ran = 1</script>' + SETTINGS))
    press(page, "accept")
    until(page, "window.ran")
    until(page, "consent.token")
    page.reload()
    until(page, "window.ran")
    expect(banner(page)).to_be_hidden()
    assert page.evaluate("[consent.signal, consent.allows('marketing')]") == ["gpc", True]
    page.get_by_role("button", name="Cookie settings").click()
    dialog = page.get_by_role("dialog", name=WORDS["en"]["details"])
    expect(dialog.get_by_text(WORDS["en"]["gpc_allowed"])).to_be_visible()
    press(page, "refuse")
    until(page, "!consent.allows('marketing')")
    assert decided(shop, page, 2)["how"] == "preferences"
    until(page, "!window.ran && window.consent?.token")  # the page was loaded anew, without what ran
    page.get_by_role("button", name="Cookie settings").click()
    expect(dialog.get_by_text(WORDS["en"]["gpc"])).to_be_visible()


def test_the_signal_is_read_as_it_is_now_and_not_where_the_shop_says_so(shop: Shop, page: Page) -> None:
    page.add_init_script(SIGNAL)
    page.goto(shop.serve(gpc=True).page("", path="/heeds"))
    assert page.evaluate("[consent.signal, (window.off = true, consent.signal)]") == ["gpc", None]
    when(page, lambda: posted(shop, "shown"))
    other = page.context.new_page()  # a tab says once that it has shown the banner
    other.add_init_script(SIGNAL)
    other.goto(shop.serve(gpc=False).page("", head=shop.tag.replace(".js", ".js?2")))
    expect(banner(other)).to_be_visible()
    when(other, lambda: len(posted(shop, "shown")) > 1)
    settle(other)
    assert other.evaluate("consent.signal") is None
    assert banner(other).get_by_text("Global Privacy Control").count() == 0
    assert posted(shop, "shown")[1:] == [{"lang": "en", "variant": ""}]
