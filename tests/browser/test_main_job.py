"""From the shopper's click to the marketer's page, in a real browser against the real server."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable
from urllib.parse import quote, unquote

import pytest
from conftest import RESULTS, Live
from playwright.sync_api import BrowserContext, Page, Request, expect

from .conftest import until
from .smartmarket import FILM, STAND_INS, WORDS, banner, counted, decisions, delivered, page, press, ran, settled

__all__ = ["page"]
LEFT_BY = {
    "functional": {"_sm_settings"},
    "analytics": {"_sm_analytics", "_sm_analytics_pages"},
    "marketing": {"_sm_ads", "_sm_ads_interests", "_sm_video"},
}
"""What each kind leaves on a device, on a product's page with the film."""


def device(page: Page) -> set[str]:
    """Return the names of all that the shop has left in the browser: cookies of any kind, and both storages."""
    stored = page.evaluate("[...Object.keys(localStorage), ...Object.keys(sessionStorage)]")
    databases = page.evaluate("indexedDB.databases().then((all) => all.map(({ name }) => name))")
    return {cookie["name"] for cookie in page.context.cookies()} | set(stored) | set(databases)


def hits_from(requests: list[Request]) -> list[str]:
    """Return what the stand-ins sent, in order."""
    return [str(request.post_data) for request in requests if request.url.endswith("/demo/hits")]


# ---- Before a choice ----


@pytest.mark.parametrize("path", ["/demo/", FILM, "/demo/privacy", "/demo/basket"])
def test_nothing_runs_and_nothing_is_stored_before_a_choice(
    demo: Live, page: Page, requests: list[Request], path: str
) -> None:
    before = demo.get("/demo/hits")
    page.goto(demo.url + path)
    expect(banner(page)).to_be_visible()
    settled(page)
    assert device(page) == set()
    assert ran(page) == []
    assert not any("/tags/" in request.url or "/video" in request.url for request in requests)
    assert demo.get("/demo/hits") == before
    assert page.evaluate("consent.choice") is None
    assert page.evaluate("['functional', 'analytics', 'marketing'].some(consent.allows)") is False


@pytest.mark.parametrize("lang", ["az", "ru", "en", "tr"])
def test_the_banner_speaks_the_language_of_the_page(demo: Live, page: Page, lang: str) -> None:
    page.goto(f"{demo.url}/demo/{'' if lang == 'az' else lang + '/'}")
    expect(banner(page, lang)).to_be_visible()
    for word in ("accept", "refuse", "choose"):
        expect(page.get_by_role("button", name=WORDS[lang][word], exact=True)).to_be_visible()


def test_putting_off_the_answer_decides_nothing(demo: Live, page: Page, requests: list[Request]) -> None:
    page.goto(demo.url + FILM)
    expect(banner(page)).to_be_visible()
    banner(page).press("Escape")
    expect(banner(page)).to_be_hidden()
    settled(page)
    assert (device(page), ran(page), decisions(requests)) == (set(), [], [])
    page.goto(demo.url + "/demo/")
    expect(banner(page)).to_be_visible()


# ---- Refuse ----


def test_refusing_all_runs_nothing_names_nobody_and_is_not_asked_again(
    demo: Live, page: Page, requests: list[Request]
) -> None:
    before = demo.get("/demo/hits")
    page.goto(demo.url + FILM)
    press(page, "refuse")
    expect(banner(page)).to_be_hidden()
    said = delivered(page)
    assert said["allow"] == []
    assert not {"sub", "jti"} & said.keys()
    assert said["at"] % 3600 == 0, "the hour is all that a refusal tells"

    page.goto(demo.url + "/demo/")
    settled(page)
    expect(banner(page)).to_be_hidden()
    assert ran(page) == []
    assert device(page) == {"consent"}
    assert demo.get("/demo/hits") == before
    assert len(decisions(requests)) == 1


# ---- Choose ----


def test_choosing_analytics_runs_exactly_that_tag_at_once(demo: Live, page: Page, requests: list[Request]) -> None:
    page.goto(demo.url + FILM)
    page.evaluate("window.thisVeryPage = true")
    press(page, "choose")
    switches = page.get_by_role("switch")
    expect(switches).to_have_count(3)
    for switch in switches.all():
        expect(switch).not_to_be_checked()
    page.get_by_role("switch", name=WORDS["az"]["analytics"]).check()
    press(page, "save")
    until(page, "performance.getEntriesByName('smartmarket').length")
    said = delivered(page)
    settled(page)
    assert page.evaluate("window.thisVeryPage"), "no reload"
    assert ran(page) == ["analytics"]
    assert hits_from(requests) == ["analytics"]
    assert device(page) == {"consent"} | LEFT_BY["analytics"]
    assert said["allow"] == ["analytics"]
    assert {"sub", "jti"} <= said.keys()

    page.goto(demo.url + "/demo/")
    settled(page)
    expect(banner(page)).to_be_hidden()
    assert ran(page) == ["analytics"]


def test_accepting_all_runs_each_once_in_page_order(demo: Live, page: Page, requests: list[Request]) -> None:
    page.goto(demo.url + FILM)
    press(page, "accept")
    until(page, "performance.getEntriesByName('smartmarket').length == 4")
    delivered(page)
    settled(page)
    assert sorted(hits_from(requests)) == sorted(STAND_INS)
    assert [name for name in ran(page) if name != "video"] == ["functional", "analytics", "marketing"]
    assert device(page) == {"consent"}.union(*LEFT_BY.values())
    expect(page.frame_locator("iframe").get_by_role("img")).to_be_visible()


def test_withdrawing_removes_what_was_left_and_nothing_runs_again(
    demo: Live, page: Page, requests: list[Request]
) -> None:
    page.goto(demo.url + FILM)
    press(page, "accept")
    until(page, "performance.getEntriesByName('smartmarket').length == 4")
    delivered(page)
    settled(page)
    assert device(page) > LEFT_BY["marketing"]
    sent = len(hits_from(requests))
    before = counted(demo)

    page.locator("footer [data-consent-open]").click()
    switches = page.get_by_role("switch")
    expect(switches).to_have_count(3)
    for switch in switches.all():
        expect(switch).to_be_checked()
    with page.expect_navigation():  # what ran cannot be unloaded
        press(page, "refuse")
    settled(page)
    said = delivered(page)
    assert said["allow"] == []
    assert device(page) == {"consent", "ask-withdrawn"}  # the latter until the tab is closed
    assert ran(page) == []

    for path in ("/demo/", FILM):
        page.goto(demo.url + path)
        settled(page)
        expect(banner(page)).to_be_hidden()
        assert ran(page) == []
        assert device(page) == {"consent", "ask-withdrawn"}
    assert len(hits_from(requests)) == sent
    # Seen at the server: of a request made in the moment of the reload a browser may tell nobody.
    after = counted(demo)
    assert [after[what] - before[what] for what in ("answered", "changes", "withdrawals")] == [0, 1, 1]


@pytest.mark.troubles("Failed to load resource")
def test_the_operator_sees_that_an_answer_came_late(demo: Live, page: Page) -> None:
    def late() -> float:
        with urllib.request.urlopen(f"{demo.url}/metrics", timeout=45) as answer:
            found = re.search(r'decisions_total\{outcome="late",site="smartmarket"\} (\S+)', answer.read().decode())
        return float(found[1]) if found else 0

    page.route("**/decisions", lambda route: route.abort())
    page.goto(demo.url + FILM)
    press(page, "accept")
    settled(page)
    (kept,) = [cookie for cookie in page.context.cookies() if cookie["name"] == "consent"]
    waiting = json.loads(unquote(kept["value"][1:]))
    waiting[0]["at"] -= 3600
    page.context.add_cookies([{**kept, "value": "~" + quote(json.dumps(waiting))}])
    before = late()
    page.unroute("**/decisions")
    page.reload()
    delivered(page)
    assert late() == before + 1


# ---- To look at ----


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(320, 640), (360, 740), (1280, 800)])
def test_it_fits_the_screen_and_can_be_looked_at(
    demo: Live, new_context: Callable[..., BrowserContext], width: int, height: int, scheme: str
) -> None:
    page = new_context(viewport={"width": width, "height": height}, color_scheme=scheme, locale="az-AZ").new_page()
    RESULTS.mkdir(exist_ok=True)

    def look(name: str) -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.screenshot(path=RESULTS / f"{name}-{width}-{scheme}.png")

    page.goto(demo.url + "/demo/")
    expect(banner(page)).to_be_visible()
    settled(page)
    look("1-banner")
    buttons = [page.get_by_role("button", name=WORDS["az"][word], exact=True) for word in ("accept", "refuse")]
    boxes = [button.bounding_box() for button in buttons]
    assert boxes[0]
    assert boxes[1]
    assert (boxes[0]["width"], boxes[0]["height"]) == (boxes[1]["width"], boxes[1]["height"])
    for box in boxes:
        assert box["height"] >= 44
        assert box["y"] + box["height"] <= height
    press(page, "choose")
    expect(page.get_by_role("switch")).to_have_count(3)
    look("2-preferences")
    press(page, "accept")
    until(page, "performance.getEntriesByName('smartmarket').length == 4")
    delivered(page)
    page.locator("[data-panel] summary").click()
    look("3-panel")
    page.locator("[data-panel] summary").click()
    page.locator(".film").scroll_into_view_if_needed()
    page.frame_locator("iframe").get_by_role("img").wait_for()
    look("4-film")
    page.goto(demo.url + FILM)
    settled(page)
    page.locator("[data-add]").first.click()
    look("5-product")
    page.goto(demo.url + "/demo/basket")
    expect(page.locator("[data-row='kulek-r1']")).to_be_visible()
    look("6-basket")
    page.goto(demo.url + "/demo/privacy")
    look("7-privacy")
