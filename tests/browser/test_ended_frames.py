"""Frames and films that a no once left running: those whose mark says another thing than their pattern, or that a link led on."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from .conftest import Shop, settle, until, when
from .films import SONG
from .rows import hits, tracker
from .visits import ALLOW, PATTERN, WITHDRAW

pytestmark = pytest.mark.troubles("Failed to load resource|MIME|consent: ")

ENDED = """(id) => {
  const frame = document.getElementById(id);
  try { return /^about:/.test(frame.contentWindow.location.href) && !frame.hasAttribute('src') } catch { return false }
}"""


def test_frames_end_with_a_no_whatever_their_mark_says_and_come_back(shop: Shop, page: Page) -> None:
    shop.serve(trackers=PATTERN)
    poster = f"srcdoc=\"<a id=play href='{tracker(shop, 'film')}'>Play</a>\""
    page.goto(
        shop.page(
            f"<iframe id=other title=F src='{tracker(shop, 'other')}'></iframe>"
            f"<iframe id=same title=F data-consent=analytics src='{tracker(shop, 'same')}'></iframe>"
            f"<iframe id=both title=F data-consent=marketing data-src='{tracker(shop, 'film')}' {poster}></iframe>"
        )
    )
    page.evaluate(ALLOW)
    when(page, lambda: {"other", "same"} <= {*hits(shop)})
    until(page, "consent.token && document.getElementById('both').src.endsWith('/film')")
    page.frame_locator("#both").locator("#play").click()
    when(page, lambda: "film" in hits(shop))
    until(page, "!document.getElementById('both').contentDocument")
    page.evaluate("document.getElementById('other').dataset.consent = 'maps'")
    before = page.evaluate("history.length")
    page.evaluate(WITHDRAW)
    for name in ("other", "same", "both"):
        when(page, lambda name=name: page.evaluate(ENDED, name), 9, name)
    page.frame_locator("#both").locator("#play").wait_for()  # the poster is back
    settle(page)
    assert page.evaluate("history.length") <= before
    shop.hits.clear()
    page.evaluate(ALLOW)
    when(page, lambda: "same" in hits(shop), 9)
    settle(page)
    assert "other" not in hits(shop)  # its mark waits for what there is not


def test_a_frame_without_an_address_to_wait_for_that_is_asked_for_once_comes_with_a_yes(shop: Shop, page: Page) -> None:
    shop.serve(trackers=PATTERN)
    frame = f"<iframe title=F data-consent=analytics src='{tracker(shop, 'it')}' width=560 height=315></iframe>"
    page.goto(shop.page(frame))
    page.evaluate("consent.decide({ functional: true, analytics: false, marketing: false })")
    once = page.frame_locator("iframe").get_by_role("button")
    once.first.click()
    settle(page)
    shop.hits.clear()  # the parser may ask for a frame before a pattern sees it
    page.evaluate(ALLOW)
    when(page, lambda: "it" in hits(shop), 9)


def test_what_streams_into_a_film_of_which_the_source_is_marked_ends(shop: Shop, page: Page) -> None:
    shop.pages["/song.wav"] = ("audio/wav", SONG, {})
    page.goto(shop.page("<audio id=song muted loop><source data-consent=analytics data-src=/song.wav></audio>"))
    page.evaluate(ALLOW)
    until(page, "consent.token && document.querySelector('source').hasAttribute('src')")
    page.evaluate("fetch('/song.wav').then((r) => r.blob()).then((b) => { song.src = URL.createObjectURL(b) })")
    until(page, "song.readyState > 1 && /^blob:/.test(song.currentSrc)")
    page.evaluate("song.play()")
    page.evaluate(WITHDRAW)
    until(page, "song.paused && !song.readyState && !song.currentSrc", 9)
