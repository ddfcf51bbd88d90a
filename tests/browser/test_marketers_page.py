"""The marketers' page in a real browser: by keyboard, without scripts, on a phone, in the dark, all from this host."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import ROOT, Live
from playwright.sync_api import BrowserContext, Page, Request, expect

from consent_server.demo.sample import sample
from consent_server.settings.shops import read_sites
from consent_server.store import Store
from consent_server.tokens import Keys
from consent_server.web.marketer.words import LANGUAGES, Words

SIZES = {"desktop": (1280, 900), "phone": (360, 780), "narrow": (320, 640)}
EN = Words.of("en")

OTHERS = ("/keys?site=smartmarket", "/links?site=smartmarket&device=phone&goal=answer", "/sites", "/password")
"""The pages beside the rates."""


@pytest.fixture(scope="module")
def filled(short_folder: Callable[[], Path]) -> Iterator[Live]:
    """A demo with 64 made-up days behind it."""
    live = Live(short_folder()).start()
    store = Store(f"unix://{live.folder / 'data' / 'valkey.sock'}", 5)
    store.connection.client.config_set("appendfsync", "no")  # nothing of it has to last
    keys = Keys(((live.folder / "data" / "secret").read_text(),))
    site = read_sites(ROOT / "consent.toml")["smartmarket"]
    assert len([*sample(store, site, datetime.now(UTC).date(), sign=keys.sign, days=64, shoppers=90)]) == 64
    for _ in range(20):
        store.leaks.add(
            site, datetime.now(UTC).date(), [("refused", "cookie", "_xyz"), ("before", "request", "a.example")]
        )
    store.connection.client.close()
    yield live
    live.stop()


@pytest.fixture(scope="module")
def sessions() -> dict[str, Any]:
    """The browser state of who has logged in to which demo: one login each, for many are slowed down."""
    return {}


@pytest.fixture
def enter(new_context: Callable[..., BrowserContext], sessions: dict[str, Any]) -> Callable[..., Page]:
    """Open the page of a demo as its marketer, logged in."""

    def go(live: Live, size: str = "desktop", **options: Any) -> Page:
        if live.url not in sessions:
            context = new_context()
            page = context.new_page()
            page.goto(f"{live.url}/")
            page.locator("[name=name]").fill("demo")
            page.locator("[name=password]").fill((live.folder / "data" / "password").read_text())
            page.locator("main button").click()
            expect(page.locator("form.asked")).to_be_visible()
            sessions[live.url] = context.storage_state()
        width, height = SIZES[size]
        page = new_context(
            viewport={"width": width, "height": height},
            storage_state=sessions[live.url],
            **{"locale": "en-GB", **options},
        ).new_page()
        page.goto(f"{live.url}/")
        expect(page.locator("form.asked")).to_be_visible()
        return page

    return go


def violations(page: Page) -> list[str]:
    """Return what axe-core finds wrong with a page, with the elements."""
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {[node['target'] for node in each['nodes']]}" for each in found]


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


@pytest.mark.troubles("400 .Bad Request.")
def test_on_a_phone_what_is_chosen_is_folded_so_that_the_number_comes_first(filled, enter):
    page = enter(filled, "phone", java_script_enabled=False)
    assert page.locator("form.asked").bounding_box()["height"] < 70
    for folded in (".presets", "[name=from]", "[name=goal]"):
        expect(page.locator(folded)).to_be_hidden()
    page.locator(".top button").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("[name=from]")).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == str(EN("preset_7"))
    page.keyboard.press("Enter")
    page.wait_for_url("**from=**")
    expect(page.locator(".presets")).to_be_hidden()
    page.goto(f"{filled.url}/?from=spring")
    expect(page.locator("[name=from]")).to_be_visible()  # what is wrong can be mended where it was written
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{filled.url}/")
    expect(page.locator("[name=from]")).to_be_visible()
    expect(page.locator(".filters > summary")).to_be_hidden()


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


def test_the_days_are_written_in_the_language_of_the_page_and_picked_from_a_calendar(filled, enter):
    page = enter(filled, locale="en-US")
    page.goto(f"{filled.url}/?lang=tr")
    words, today = Words.of("tr"), datetime.now(UTC).date()
    expect(page.locator("[name=to]")).to_have_value(words.day(today, year=True))
    page.locator(".calendar").first.click()
    yesterday = today - timedelta(days=1)
    page.locator(".picker").first.evaluate(
        "(it, day) => { it.value = day; it.dispatchEvent(new Event('change')) }", yesterday.isoformat()
    )
    expect(page.locator("[name=from]")).to_have_value(words.day(yesterday, year=True))
    page.get_by_role("button", name=str(words("show")), exact=True).click()
    expect(page.locator(".when")).to_have_text(words.days(yesterday, today))


def test_days_of_ones_own_are_compared_until_another_comparison_is_chosen(filled, enter):
    page = enter(filled)
    page.locator(".own summary").click()
    today = datetime.now(UTC).date()
    first, last = today - timedelta(days=50), today - timedelta(days=40)
    page.locator("[name=against_from]").fill(EN.day(first, year=True))
    page.locator("[name=against_to]").fill(EN.day(last, year=True))
    page.locator("[name=target]").fill("60%")
    page.get_by_role("button", name=str(EN("show")), exact=True).click()
    expect(page.locator(".trend")).to_contain_text(EN.days(first, last))
    expect(page.locator("article.reach_marketing .target")).to_have_count(1)
    expect(page.locator(".aim")).to_contain_text("60%")
    page.locator("[name=against]").select_option("year")
    expect(page.locator(".trend")).to_contain_text(str(EN("trend_unknown", than="")).rstrip(". "))
    expect(page.locator("[name=against_from]")).to_have_value("")
    expect(page.locator("[name=target]")).to_have_value("60%")


def test_what_should_be_done_leads_to_that_part_alone(filled, enter):
    page = enter(filled)
    page.goto(f"{filled.url}/?device=phone&language=ru&goal=answer")
    chips = page.locator(".only a")
    expect(chips).to_have_count(2)
    total = page.request.get(f"{filled.url}/v1/smartmarket/rates?device=phone&language=ru").json()["total"]
    assert total["counts"]["shown"] > 0
    expect(page.locator(".headline")).to_contain_text(EN.number(total["counts"]["shown"]))
    assert violations(page) == []
    chips.first.click()
    expect(page.locator(".only a")).to_have_count(1)
    page.goto(f"{filled.url}/")
    page.locator(".todo a[href*=device], .todo a[href*=language]").first.click()
    expect(page.locator(".only a")).to_have_count(1)


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


def test_the_page_says_the_numbers_of_the_export(filled, enter):
    page = enter(filled)
    rates = page.request.get(f"{filled.url}/v1/smartmarket/rates").json()["total"]
    assert rates["counts"]["answered"] > 1000
    for name in ("answer", "grant_functional", "grant_analytics", "grant_marketing"):
        shown = page.locator(f"article.{name} .figure").inner_text()
        assert shown == f"{rates['rates'][name]['value'] * 100:.1f}%"
    with page.expect_download() as download:
        page.get_by_role("link", name=str(EN("csv"))).click()
    assert download.value.suggested_filename.startswith("smartmarket-by-day-")
    assert len(download.value.path().read_text().splitlines()) == 31


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
