"""Zoomed, narrow, in forced colours: nothing of the banner is lost. It does not move, nor does the page under it."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from consent_server.settings.theme import contrast

from .conftest import WORDS, Shop, banner, cookie, press, settle, until

WINDOWS = {
    "200 %": {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2},
    "400 %": {"viewport": {"width": 320, "height": 200}, "device_scale_factor": 4},
}
"""What a page sees of a browser that zooms on a screen of 1280 by 800."""

CUT = """[...document.querySelectorAll('[data-ask] *')].filter((part) => part.offsetWidth
  && (part.scrollWidth > part.clientWidth + 1 && getComputedStyle(part).display != 'inline'
    || part.getBoundingClientRect().right > innerWidth || part.getBoundingClientRect().left < 0))
  .map((part) => part.outerHTML.slice(0, 100))"""


def reach(parts: Locator) -> None:
    """Scroll to each part, and assert that a press would meet it and nothing that lies over it."""
    there = parts.all()
    assert there, "nothing is there to be reached"
    for part in there:
        part.click(trial=True)


@pytest.mark.parametrize("zoom", WINDOWS)
def test_zoomed_everything_can_be_reached_and_nothing_scrolls_sideways(
    shop: Shop, new_context: Callable[..., BrowserContext], zoom: str
) -> None:
    page = new_context(locale="ru-RU", **WINDOWS[zoom]).new_page()
    for layout in ("bar", "box", "centre"):
        shop.serve(theme={"layout": layout}, cookies={"analytics": (cookie("_a_cookie_with_a_rather_long_name"),)})
        page.goto(shop.page("<p>Товары</p>", lang="ru", head=shop.tag.replace(".js", f".js?{layout}")))
        expect(page.locator(f"[data-ask] .{layout}")).to_be_visible()
        reach(banner(page, "ru").locator("h2, a, button"))
        assert page.evaluate(CUT) == [], layout
    press(page, "choose", "ru")
    dialog = page.get_by_role("dialog", name=WORDS["ru"]["details"])
    expect(dialog).to_be_visible()
    expect(dialog.locator("summary")).to_have_count(1)  # of the one category with a cookie
    dialog.locator("summary").click()
    reach(dialog.locator("h2, label, input, summary, dd, a, button"))
    assert page.evaluate(CUT) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_larger_text_in_the_browser_s_own_settings_is_larger_in_the_banner(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    page = new_context(locale="en-GB").new_page()
    page.goto(shop.page(""))
    text = banner(page).locator("p")
    before = text.evaluate("(part) => parseFloat(getComputedStyle(part).fontSize)")
    page.context.new_cdp_session(page).send("Page.setFontSizes", {"fontSizes": {"standard": 32}})
    after = text.evaluate("(part) => parseFloat(getComputedStyle(part).fontSize)")
    assert after == 2 * before


# ---- Forced colours ----

POINTS = """async ([png, points]) => {
  const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d', { willReadFrequently: true });
  canvas.drawImage(bitmap, 0, 0);
  return points.map(([x, y]) => [...canvas.getImageData(x, y, 1, 1).data.slice(0, 3)]);
}"""


def colours(page: Page, part: Locator, *points: tuple[float, float]) -> list[str]:
    """Return the colours drawn at these points, in pixels from the upper left corner of a part."""
    box = part.bounding_box()
    assert box
    png = base64.b64encode(page.screenshot()).decode()
    places = [[int(box["x"] + x), int(box["y"] + y)] for x, y in points]
    return ["#{:02x}{:02x}{:02x}".format(*colour) for colour in page.evaluate(POINTS, [png, places])]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("forced", ["active", "none"])
def test_in_forced_colours_too_buttons_have_an_edge_and_switches_show_whether_they_are_on(
    shop: Shop, new_context: Callable[..., BrowserContext], forced: str, scheme: str
) -> None:
    page = new_context(locale="en-GB", forced_colors=forced, color_scheme=scheme).new_page()
    page.goto(shop.page(""))
    buttons = banner(page).get_by_role("button")
    expect(buttons).to_have_count(3)
    for button in buttons.all():
        edge, outside = colours(page, button, (60, 0.5), (60, -3))
        assert contrast(edge, outside) >= 3
    press(page, "choose")
    for on in (False, True):
        switch = page.get_by_role("switch", name="Analytics")
        switch.set_checked(on)
        page.get_by_role("dialog", name=WORDS["en"]["details"]).focus()
        *edges, left, right, outside = colours(
            page, switch, (26, 0.5), (26, 26.5), (0.5, 14), (50.5, 14), (14, 14), (38, 14), (26, -3)
        )
        assert min(contrast(edge, outside) for edge in edges) >= 3
        assert contrast(left, right) >= 3
        # The knob is on the side where nothing is but the colour of its own.
        knob, field = (right, left) if on else (left, right)
        assert knob != field == colours(page, switch, (26, 14))[0]


# ---- Focus ----


def walk(page: Page, steps: int) -> list[str]:
    """Go on by the Tab key; return what had the focus, each with its outline seen."""
    seen = []
    for _ in range(steps):
        page.keyboard.press("Tab")
        word, *outline = page.evaluate(
            "[document.activeElement.textContent, getComputedStyle(document.activeElement).outlineStyle,"
            " getComputedStyle(document.activeElement).outlineWidth]"
        )
        assert outline == ["solid", "3px"], word
        seen.append(word)
    return seen


@pytest.mark.parametrize("forced", ["active", "none"])
def test_whatever_has_the_focus_shows_it_also_where_the_page_hides_outlines(
    shop: Shop, new_context: Callable[..., BrowserContext], forced: str
) -> None:
    page = new_context(locale="en-GB", forced_colors=forced).new_page()
    page.goto(shop.page("", head="<style>* { outline: none !important }</style>" + shop.tag))
    expect(banner(page)).to_be_focused()
    words = WORDS["en"]
    assert walk(page, 4) == [words[word] for word in ("policy", "accept", "refuse", "choose")]
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name=words["details"])).to_be_focused()
    switches, rest = 3, 6
    assert walk(page, switches + rest)[-1] == "×"


# ---- Motion ----


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_nothing_moves(shop: Shop, new_context: Callable[..., BrowserContext], motion: str) -> None:
    page = new_context(locale="en-GB", reduced_motion=motion).new_page()
    style = (
        "<style>@keyframes k { to { rotate: 1turn } } body * { transition: all 9s; animation: k 9s infinite }"
        " [data-ask] { margin-top: 1px }</style>"
    )
    page.goto(shop.page("", head=style + shop.tag))
    expect(banner(page)).to_be_visible()
    moving = "document.getAnimations().filter(({ effect }) => effect.target.closest('[data-ask]')).length"
    assert page.evaluate("document.getAnimations().length") > 0
    assert page.evaluate(moving) == 0
    press(page, "choose")
    page.get_by_role("switch", name="Analytics").check()
    assert page.evaluate(moving) == 0


@pytest.mark.parametrize("layout", ["bar", "box", "centre"])
def test_the_page_is_not_shifted_when_the_banner_comes_and_goes(
    shop: Shop, new_context: Callable[..., BrowserContext], layout: str
) -> None:
    shop.serve(theme={"layout": layout})
    page = new_context(locale="en-GB").new_page()
    watch = (
        "<script>var shifts = []; const seen = new PerformanceObserver((list) => shifts.push(...list.getEntries()));"
        " seen.observe({ type: 'layout-shift', buffered: true })</script>"
    )
    page.goto(shop.page("<p>Goods</p>" * 60, head=watch + shop.tag.replace("<script", "<script async")))
    expect(banner(page)).to_be_visible()
    page.keyboard.press("Tab")
    press(page, "choose")
    page.keyboard.press("Escape")
    press(page, "refuse")
    until(page, "consent.token")
    shifted = "[...shifts, ...seen.takeRecords()].length"
    assert page.evaluate(shifted) == 0
    # It does see a shift when there is one.
    page.evaluate("document.querySelector('h1').style.marginTop = '200px'")
    until(page, f"{shifted} > 0")


SHADOW = """<style>body { margin: 0 } h1 { display: none }</style><x-app></x-app><script>
customElements.define('x-app', class extends HTMLElement { connectedCallback() {
  this.attachShadow({ mode: 'open' }).innerHTML = '<div style="position: fixed; inset: 0; overflow: auto">'
    + '<p><a href=#>link</a></p>'.repeat(60) + '</div>'
} })</script>"""


def test_what_has_the_focus_in_a_shadow_root_is_not_behind_the_banner(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    page = new_context(locale="en-GB").new_page()
    page.goto(shop.page(SHADOW))
    expect(banner(page)).to_be_visible()
    page.evaluate("[...document.querySelector('x-app').shadowRoot.querySelectorAll('a')].at(-1).focus()")
    settle(page)
    until(
        page,
        """(() => { const { x, y } = document.querySelector('x-app').shadowRoot.activeElement.getBoundingClientRect();
          return !document.elementFromPoint(x + 2, y + 2).closest('[data-ask]') })()""",
    )
