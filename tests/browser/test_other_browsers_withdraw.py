"""What a withdrawal does in Firefox and in WebKit, and what patterns stop there."""

from __future__ import annotations

import re
import time

import pytest

from .conftest import Shop
from .films import SONG
from .test_other_browsers import new_window, window
from .test_tracker_ways import MAKE, PATTERN, RAN
from .tracker_ways import BY_SCRIPT
from .windows import WebKit, Window

__all__ = ["new_window", "window"]

ALLOW = "(consent.decide({ functional: true, analytics: true, marketing: true }), 1)"
WITHDRAW = "(consent.decide({ functional: false, analytics: false, marketing: false }), 1)"
INLINE = '<script type="text/plain" data-consent="analytics">window.inline = 1</script>'

SAFE = [way for way, (outcome, _) in BY_SCRIPT.items() if outcome in ("waits", "fails")]


@pytest.mark.parametrize("fragment", ["", "#paid"])
def test_the_answer_page_of_a_form_comes_back_by_get(shop: Shop, window: Window, fragment: str) -> None:
    shop.page(f"{INLINE}<h2>Thank you</h2>", path="/order")
    window.goto(shop.page(f'{INLINE}<form method="post" action="/order{fragment}"></form>'))
    window.evaluate(ALLOW)
    window.until("window.inline && consent.token")
    window.evaluate("(document.forms[0].submit(), 1)")
    window.until("document.querySelector('h2') && window.inline && consent.token")
    shop.visits.clear()
    window.evaluate(WITHDRAW)
    window.until("!window.inline && window.consent && !!document.querySelector('[role=status]')")
    assert window.evaluate("location.pathname + location.search + location.hash") == "/order" + fragment
    assert window.evaluate("document.querySelector('[role=status]').textContent").startswith(
        "Your consent is withdrawn."
    )
    assert "POST /order" not in shop.visits


def test_a_song_stops_and_forgets_what_it_has_loaded(shop: Shop, window: Window) -> None:
    shop.pages["/song.wav"] = ("audio/wav", SONG, {})
    song = shop.url("/song.wav")
    window.goto(shop.page(f'<audio data-consent="marketing" data-src="{song}" loop muted></audio>'))
    window.evaluate(ALLOW)
    window.until("document.querySelector('audio').getAttribute('src')")
    window.evaluate("(window.here = document.querySelector('audio'), here.play().catch(() => {}), 1)")
    window.evaluate(WITHDRAW)
    window.until("here.paused && here.readyState == 0 && here.networkState == 0")
    assert window.evaluate("here == document.querySelector('audio') && !here.getAttribute('src')")


def test_a_frame_that_a_pattern_let_through_is_unloaded_where_it_stands(shop: Shop, window: Window) -> None:
    shop.serve(trackers=PATTERN)
    window.goto(shop.page(""))
    window.evaluate(ALLOW)
    window.until("consent.token")
    url = shop.url("/film", "tracker")
    window.goto(shop.page(f'<iframe src="{url}" title="Film"></iframe>'))
    gone = "(() => { try { return frames[0].location.href == 'about:blank' } catch { return false } })()"
    window.until(f"!{gone}")
    window.evaluate("(window.here = document.querySelector('iframe'), 1)")
    before = window.evaluate("history.length")
    window.evaluate(WITHDRAW)
    window.until(gone)
    assert window.evaluate("here == document.querySelector('iframe')")
    assert window.evaluate("history.length") == before


def test_nothing_leaves_in_any_way_that_the_table_says_waits_or_fails(shop: Shop, window: Window) -> None:
    shop.serve(trackers=PATTERN)
    url = shop.url("/it", "a.tracker")
    template = f'<template><script src="{url}.js"></script></template>'
    for way in SAFE:
        early = "picture of .*(`inner|markup)|picture of `insert" if isinstance(window, WebKit) else "SVG by markup"
        if re.search(early, way):
            continue  # asked for before any script can say no, as docs/tag.md tells
        code = BY_SCRIPT[way][1].replace("{url}", url)
        window.goto(shop.page(f"{RAN}{template}<script>{{ {MAKE} {code}; window.did = 1 }}</script>"))
        window.until("window.did")
        time.sleep(0.3)
        assert shop.hits == [], way


def test_a_script_in_the_page_that_a_pattern_names_waits_for_a_yes(shop: Shop, window: Window) -> None:
    shop.serve(trackers=PATTERN)
    window.goto(shop.page(f"{RAN}<script src='{shop.url('/it.js', 'a.tracker')}'></script>"))
    window.until("document.readyState == 'complete'")
    assert window.evaluate("order.length") == 0
    window.evaluate(ALLOW)
    window.until("order.join() == '/it.js'")


def test_a_page_with_a_router_of_its_own_comes_anew(shop: Shop, window: Window) -> None:
    router = "window.navigation?.addEventListener('navigate', (e) => { e.intercept({ handler: async () => { window.routed = 1 } }) })"
    window.goto(shop.page(f"{INLINE}<script>{router}</script>"))
    window.evaluate(ALLOW)
    window.until("window.inline && consent.token")
    window.evaluate(f"(window.here = 1, {WITHDRAW})")
    window.until("!window.here && window.consent?.choice && !window.inline")


@pytest.mark.parametrize("event", ["pagehide", "beforeunload"])
def test_a_picture_that_a_script_asks_for_as_its_page_ends_does_not_leave(
    shop: Shop, window: Window, event: str
) -> None:
    last = f"addEventListener('{event}', () => {{ new Image().src = '{shop.url('/last', 'tracker')}' }})"
    window.goto(shop.page(f'<script type="text/plain" data-consent="analytics">window.inline = 1; {last}</script>'))
    window.evaluate(ALLOW)
    window.until("window.inline && consent.token")
    window.evaluate(f"(window.here = 1, {WITHDRAW})")
    window.until("!window.here && window.consent?.choice && !window.inline")
    time.sleep(0.4)
    assert shop.hits == []
