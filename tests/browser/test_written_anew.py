"""What the gate keeps when a page takes away what it listens by, or its banner, and what other windows say meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .conftest import WORDS, Shop, banner, press, settle, until, when
from .test_signal import SIGNAL

SETTINGS = "<button data-consent-open>Cookie settings</button>"
ANEW = (
    "const open = () => { document.open();"
    f" document.write('<!doctype html><title>Anew</title><main><h1>Anew</h1>{SETTINGS}</main>') }};"
)
GPC = WORDS["en"]["gpc"]

pytestmark = pytest.mark.troubles("Failed to load resource|WebSocket")


# ---- A document that is opened anew ----


@pytest.mark.parametrize("closes", ["document.close()", ""])
def test_the_settings_open_in_a_page_that_a_script_has_written_anew(shop: Shop, page: Page, closes: str) -> None:
    page.goto(shop.page(SETTINGS))
    press(page, "refuse")
    until(page, "consent.token")
    page.reload()
    page.evaluate(f"{{ {ANEW} open(); {closes} }}")
    page.get_by_role("button", name="Cookie settings").click()
    expect(page.get_by_role("dialog", name=WORDS["en"]["details"])).to_be_visible()


def test_a_page_that_is_empty_for_a_while_makes_no_fault_and_is_asked_again(shop: Shop, page: Page) -> None:
    page.goto(shop.page(SETTINGS))
    expect(banner(page)).to_be_visible()
    page.evaluate("document.open()")
    settle(page)
    page.evaluate("{ document.write('<p>Anew'); document.close() }")
    expect(banner(page)).to_be_visible()


def test_who_waits_for_an_answer_hears_it_in_a_page_that_was_written_anew(shop: Shop, page: Page) -> None:
    shop.serve(trackers=(("*.tracker.localhost", "analytics"),))
    page.goto(shop.page(""))
    page.evaluate(
        f"() => {{ consent.when('analytics').then(() => (window.heard = 1));"
        f" fetch('{shop.url('/held', 'tracker')}', {{ mode: 'no-cors' }}); {ANEW} open(); document.close() }}"
    )
    press(page, "accept")
    until(page, "window.heard")
    when(page, lambda: shop.hits == ["tracker/held"])


def test_a_held_frame_says_so_in_a_page_that_was_written_anew(shop: Shop, page: Page) -> None:
    page.goto(shop.page(""))
    frame = (
        f"<iframe width=400 height=300 title=F data-consent=marketing data-src={shop.url('/film', 'tracker')}></iframe>"
    )
    page.evaluate(f"{{ document.open(); document.write('<main>{frame}</main>'); document.close() }}")
    expect(page.frame_locator("iframe").get_by_role("button", name=WORDS["en"]["once"])).to_be_visible()


def test_what_has_the_focus_is_not_behind_the_banner_of_a_page_that_was_written_anew(shop: Shop, page: Page) -> None:
    page.goto(shop.page(""))
    page.evaluate(
        '{ document.open(); document.write(\'<main style="position:fixed;inset:0;overflow:auto"><button id=last'
        ' style="position:absolute;bottom:20px">Last</button></main>\'); document.close() }'
    )
    expect(banner(page)).to_be_visible()
    page.locator("#last").focus()
    until(page, "document.querySelector('[data-ask] > *').getBoundingClientRect().top < 9")


# ---- A banner that comes again ----


@pytest.mark.parametrize(
    "again",
    [
        "document.open(); document.write('<p>Anew'); document.close()",
        "document.documentElement.innerHTML = '<body><p>Anew'",
        "document.querySelector('[data-ask] > *').remove()",
    ],
)
def test_a_banner_that_comes_again_says_what_the_first_did_and_once(shop: Shop, page: Page, again: str) -> None:
    shop.serve(gpc=True)
    page.add_init_script(SIGNAL)
    page.goto(shop.page("<p>Shop</p>"))
    expect(banner(page)).to_contain_text(GPC)
    page.evaluate(f"{{ document.querySelector('[data-ask] > *').dataset.first = 1; {again} }}")
    expect(page.locator("[data-ask] [role=dialog]:not([data-first])")).to_contain_text(GPC)
    settle(page)
    expect(banner(page).get_by_text(GPC)).to_have_count(1)


def test_two_banners_at_once_say_it_once(shop: Shop, page: Page) -> None:
    shop.serve(gpc=True)
    page.add_init_script(SIGNAL)
    shop.page("<script>document.body.replaceWith(document.createElement('body'))</script>", "/swaps")
    page.goto(shop.url("/swaps"))
    expect(banner(page)).to_contain_text(GPC)
    settle(page)
    expect(banner(page).get_by_text(GPC)).to_have_count(1)


def test_a_banner_that_comes_again_says_what_is_new(shop: Shop, page: Page) -> None:
    page.goto(shop.page(""))
    press(page, "accept")
    until(page, "consent.token")
    shop.serve(
        revision=2, changed=dict.fromkeys(("en", "az", "ru", "tr"), "We added a map."), policy_updated=date(2026, 1, 2)
    )
    page.goto(shop.page("", head=shop.tag.replace(".js", ".js?2")))  # the browser may keep the script for five minutes
    expect(banner(page)).to_contain_text("We added a map.")
    page.evaluate("document.documentElement.innerHTML = '<body><p>Anew'")
    expect(banner(page)).to_contain_text("We added a map.")


# ---- Two windows beside each other ----


def test_a_no_in_another_window_is_heard_by_whoever_comes_back_to_this_one(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    context = new_context(locale="en-GB")
    context.add_init_script(
        "Object.defineProperty(window, 'cookieStore', { value: undefined })"
    )  # as of an older browser
    one, two = context.new_page(), context.new_page()
    one.goto(shop.page(""))
    press(one, "accept")
    until(one, "consent.token")
    two.goto(shop.url())
    two.evaluate("consent.decide({ functional: false, analytics: false, marketing: false })")
    until(two, "consent.token")
    assert one.evaluate("consent.allows('marketing')") is True
    one.evaluate("window.dispatchEvent(new FocusEvent('focus'))")
    assert one.evaluate("consent.allows('marketing')") is False


# ---- Frames ----


def test_a_banner_in_a_frame_leaves_the_focus_to_who_types_around_it(shop: Shop, page: Page) -> None:
    shop.page("<p>Part</p>", "/part")
    page.goto(
        shop.page(
            "<input id=typing><iframe id=f width=600 height=500 src=/part></iframe>"
            "<script>document.querySelector('#typing').focus()</script>",
            "/around",
            head="",
        )
    )
    inner = page.frame_locator("#f")
    expect(inner.get_by_role("dialog")).to_be_visible()
    settle(page)
    assert page.evaluate("document.activeElement.id") == "typing"


def test_a_frame_that_has_the_focus_is_not_left_behind_the_banner(shop: Shop, page: Page) -> None:
    shop.page("<input id=typing>", "/part", head="")
    page.goto(
        shop.page(
            "<main style='position:fixed;inset:0'><iframe id=f width=300 height=60 src=/part"
            " style='position:absolute;bottom:20px'></iframe></main>"
        )
    )
    expect(banner(page)).to_be_visible()
    page.frame_locator("#f").locator("#typing").focus()
    until(page, "document.querySelector('[data-ask] > *').getBoundingClientRect().top < 9")


@pytest.mark.parametrize("height", ["150vh", "10vh", "180vh"])
def test_a_window_that_loses_the_focus_leaves_the_banner_where_it_is(shop: Shop, page: Page, height: str) -> None:
    page.goto(shop.page(f"<div style='height:{height}'>Shop</div>"))
    expect(banner(page)).to_be_visible()
    page.evaluate("document.activeElement.blur(); window.dispatchEvent(new FocusEvent('blur'))")
    settle(page)
    assert page.evaluate("document.querySelector('[data-ask] > *').style.length") == 0
