"""What a marketer chooses on the page: days, comparisons and parts, and what then stands there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from consent_server.web.marketer.words import Words

from .filled_demo import EN, violations


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
