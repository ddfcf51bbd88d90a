"""The marketers' page in a real browser: by keyboard, without scripts, on a phone, in the dark, all from this host."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, expect

from consent_server.web.marketer.words import LANGUAGES, Words

from .filled_demo import EN, OTHERS, SIZES, violations


def too_wide(page: Page) -> int:
    """Return by how many pixels a page scrolls sideways."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


# Everybody can read it


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_axe_finds_nothing_on_any_page(demo, filled, enter, new_context, scheme, size):
    width, height = SIZES[size]
    login = new_context(viewport={"width": width, "height": height}, color_scheme=scheme).new_page()
    login.goto(f"{demo.url}/")
    assert violations(login) == []
    page = enter(demo, size, color_scheme=scheme)
    assert violations(page) == []
    for path in OTHERS:
        page.goto(f"{demo.url}{path}")
        assert violations(page) == [], path
    page = enter(filled, size, color_scheme=scheme)
    assert violations(page) == []
    page.evaluate("document.querySelectorAll('details').forEach((it) => { it.open = true })")
    assert violations(page) == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_nothing_scrolls_sideways_at_320_pixels(demo, filled, enter, lang):
    for live in (demo, filled):
        page = enter(live, "narrow")
        page.goto(f"{live.url}/?lang={lang}")
        assert too_wide(page) == 0
        page.evaluate("document.querySelectorAll('details').forEach((it) => { it.open = true })")
        assert too_wide(page) == 0
    for path in OTHERS:
        page.goto(f"{live.url}{path}")
        assert too_wide(page) == 0, path


def test_it_is_used_by_keyboard_alone(filled, new_context):
    page = new_context(locale="en-GB").new_page()
    page.goto(f"{filled.url}/")
    expect(page.get_by_role("textbox", name=str(EN("login_name")))).to_be_focused()
    page.keyboard.type("demo")
    page.keyboard.press("Tab")
    page.keyboard.type((filled.folder / "data" / "password").read_text())
    page.keyboard.press("Enter")
    expect(page.locator("form.asked")).to_be_visible()

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    reached = []
    for _ in range(140):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("(document.activeElement.getAttribute('aria-label') || document.activeElement.innerText || "
            "document.activeElement.name || '').trim()")
        )  # fmt: skip
    for name in ("AZ", EN("logout"), EN("preset_7"), EN("show"), EN("slider", rate=EN("rate_answer")), EN("csv")):
        assert str(name) in reached
    assert reached.index(str(EN("preset_7"))) < reached.index(str(EN("csv")))

    slider = page.get_by_role("slider", name=str(EN("slider", rate=EN("rate_grant_marketing"))), exact=True)
    output = page.locator("article.grant_marketing output")
    slider.focus()
    last = output.inner_text()
    page.keyboard.press("ArrowLeft")
    before = output.inner_text()
    assert before != last
    assert slider.get_attribute("aria-valuetext").split(":")[0] in before
    page.keyboard.press("Home")
    row = page.locator("article.grant_marketing tbody tr").first
    assert row.locator("td").first.text_content().strip() in output.inner_text()


def test_the_line_is_read_out_under_the_pointer(filled, enter):
    page = enter(filled)
    line = page.locator("article.answer figure.line svg").first
    output = page.locator("article.answer output")
    assert output.inner_text() == ""
    box = line.bounding_box()
    line.hover(position={"x": box["width"] * 0.5, "y": 30})
    middle = output.inner_text()
    rows = page.locator("article.answer tbody tr").all_text_contents()
    assert any(re.sub(r"\s", "", row)[:4] in re.sub(r"\s", "", middle) for row in rows)
    expect(page.locator("article.answer .cursor")).to_have_attribute("visibility", "visible")
    line.hover(position={"x": box["width"] * 0.8, "y": 30})
    assert output.inner_text() != middle
    page.mouse.move(5, 5)
    expect(output).to_have_text("")


def test_it_works_without_scripts(filled, enter):
    page = enter(filled, java_script_enabled=False)
    expect(page.locator(".headline")).to_contain_text("visits in which the banner was shown")
    page.locator(".presets a", has_text=str(EN("preset_7"))).click()
    expect(page.locator(".presets [aria-current]")).to_have_text(str(EN("preset_7")))
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    page.locator("[name=from]").fill(yesterday.isoformat())
    page.get_by_role("button", name=str(EN("show"))).click()
    assert "from=" in page.url
    page.locator("article.answer summary").click()
    expect(page.locator("article.answer tbody tr")).to_have_count(2)
    page.locator(".tongues").get_by_role("link", name="RU").click()
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    expect(page.get_by_role("button", name=str(Words.of("ru")("logout")))).to_be_visible()


def test_a_report_is_shared_and_a_note_added_without_scripts_and_both_are_read_by_a_stranger(
    filled, enter, new_context, requests: list[Request]
):
    page = enter(filled, java_script_enabled=False)
    page.locator("summary", has_text=str(EN("note_new"))).click()
    page.locator("[name=text]").fill("The autumn sale began")
    page.get_by_role("button", name=str(EN("note_add")), exact=True).click()
    expect(page.locator(".marks")).to_contain_text("The autumn sale began")
    page.get_by_role("link", name=str(EN("share")), exact=True).click()
    page.locator("[name=name]").fill("the board")
    page.get_by_role("button", name=str(EN("links_make"))).click()
    address = page.locator(".once code").inner_text()

    stranger = new_context(viewport={"width": 360, "height": 780}, color_scheme="dark", locale="en-GB").new_page()
    requests.clear()
    stranger.goto(address)
    expect(stranger.locator(".headline")).to_contain_text("in which the banner was shown")
    expect(stranger.locator(".marks")).to_contain_text("The autumn sale began")
    assert violations(stranger) == []
    assert too_wide(stranger) == 0
    assert {each.headers.get("referer") or None for each in requests} == {None}
    assert stranger.locator("form, input:not([type=range])").count() == 0
    stranger.goto(f"{filled.url}/")
    expect(stranger.locator("[name=password]")).to_be_visible()

    page.goto(f"{filled.url}/")
    page.get_by_role("button", name=str(EN("note_remove_one", what="The autumn sale began"))).click()
    expect(page.locator(".marks")).not_to_contain_text("autumn sale")


def test_a_strangers_questions_are_answered_by_the_page(filled, enter):
    """How are we doing, is it better, what brings most, what happened on the day of the outage."""
    page = enter(filled)
    said = page.locator("main").inner_text()
    assert "Marketing was allowed in" in said
    assert re.search(r"(Yes|No|Partly): |No clear change|Too few", page.locator(".trend").inner_text())
    assert re.search(r"If .* about [\d,]+ more (answers|consents) a month", said)
    outage = datetime.now(UTC).date() - timedelta(days=23)
    assert f"{EN.day(outage)} Outage: no banner was shown." in said
    assert "The variant calm began." in said
    assert re.search(r"(calm|short) is better than|no difference larger than|Too early to tell on|is not settled", said)


def test_opening_a_table_moves_nothing_else(filled, enter):
    page = enter(filled)
    places = (
        "[...document.querySelectorAll('h2, h3, .card, section, footer')].map((it) => it.getBoundingClientRect().y)"
    )
    page.evaluate("scrollTo(0, 0)")
    before = page.evaluate(places)
    page.locator("article.answer summary").click()
    expect(page.locator("article.answer .scroll")).to_be_visible()
    page.evaluate("scrollTo(0, 0)")
    assert page.evaluate(places) == before


def test_on_paper_there_is_nothing_to_press_and_nothing_is_cut_off(filled, enter):
    page = enter(filled)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 700, "height": 1000})
    for pressed in (".exports", ".presets", ".dates", ".behind", "header form"):
        expect(page.locator(pressed).first).to_be_hidden()
    assert too_wide(page) <= 0
    breaks = page.evaluate("[...document.querySelectorAll('h2, h3')].map((it) => getComputedStyle(it).breakAfter)")
    assert set(breaks) == {"avoid"}
    rows = page.evaluate("[...document.querySelectorAll('tbody tr')].map((it) => getComputedStyle(it).breakInside)")
    assert set(rows) == {"avoid"}


def test_a_definition_is_one_click_away(filled, enter):
    page = enter(filled)
    terms = page.locator("main a.term").all()
    assert len(terms) > 5
    for term in terms:
        name = term.get_attribute("href")
        assert page.locator(name).count() == 1, name
    page.locator("a.term", has_text=str(EN("reach"))).first.click()
    expect(page.locator("#d-reach")).to_be_in_viewport()


def test_an_empty_shop_offers_the_tag_to_copy(demo, enter):
    page = enter(demo, permissions=["clipboard-read", "clipboard-write"])
    expect(page.get_by_role("heading", name=str(EN("empty_title")))).to_be_visible()
    page.get_by_role("button", name=str(EN("copy"))).click()
    expect(page.get_by_role("button", name=str(EN("copied")))).to_be_visible()
    tag = f'<script async src="{demo.url}/v1/smartmarket/consent.js"></script>'
    assert page.evaluate("navigator.clipboard.readText()") == tag


def test_sample_data_are_marked(demo, filled, enter):
    expect(enter(filled).locator(".notice.sample")).to_be_visible()
    expect(enter(demo).locator(".notice.sample")).to_have_count(0)


# It is light, and keeps to itself


def test_no_request_leaves_the_host_and_the_policy_is_kept(filled, enter, requests: list[Request]):
    page = enter(filled)
    page.add_init_script(
        "window.broken = []; addEventListener('securitypolicyviolation', (e) => broken.push(e.blockedURI))"
    )
    page.goto(f"{filled.url}/?from=2026-01-01")
    page.locator("article.answer summary").click()
    page.locator("article.answer figure.line svg").first.hover()
    assert page.evaluate("broken") == []
    assert requests
    assert {request.url for request in requests if not request.url.startswith((f"{filled.url}/", "data:"))} == set()


@pytest.mark.parametrize("days", [30, 62, 90, 365])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_first_paint_takes_under_100_kilobytes(filled, enter, requests: list[Request], days, lang):
    page = enter(filled)
    to = datetime.now(UTC).date()
    requests.clear()
    page.goto(f"{filled.url}/?lang={lang}&to={to}&from={to.fromordinal(to.toordinal() - days + 1)}")
    fetched = [request for request in requests if request.url.startswith(filled.url)]
    sizes = [request.sizes() for request in fetched]
    assert sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes) < 100_000


# Pictures for the documentation, when they are asked for: CONSENT_PICTURES=docs pytest tests/browser/…


@pytest.mark.skipif(not os.environ.get("CONSENT_PICTURES"), reason="CONSENT_PICTURES names no folder to put them in")
def test_pictures_are_made(demo, filled, enter):
    folder = Path(os.environ["CONSENT_PICTURES"])
    for name, live, size, scheme, height in (
        ("rates-desktop-light", filled, "desktop", "light", 1360),
        ("rates-desktop-dark", filled, "desktop", "dark", 1360),
        ("rates-phone-light", filled, "phone", "light", 1500),
        ("rates-phone-dark", filled, "phone", "dark", 1500),
        ("rates-empty", demo, "desktop", "light", 640),
    ):
        page = enter(live, size, color_scheme=scheme)
        page.set_viewport_size({"width": SIZES[size][0], "height": height})
        page.screenshot(path=folder / f"{name}.png")
