"""Frames, sockets, films and songs end with a withdrawal, and come back after another yes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, Route
from websockets.sync.server import ServerConnection, serve

from .conftest import Shop, settle, until, when
from .films import SONG
from .visits import ALLOW, PATTERN, WITHDRAW, accepted

pytestmark = pytest.mark.troubles("Failed to load resource|MIME|WebSocket")


@pytest.mark.parametrize("made", ["by the parser", "by a script"])
def test_a_frame_that_a_pattern_let_through_is_unloaded_and_comes_back_after_another_yes(
    shop: Shop, page: Page, made: str
) -> None:
    shop.serve(trackers=PATTERN)
    url = shop.url("/film", "tracker")
    frame = f'<iframe src="{url}" title="Film"></iframe>'
    script = (
        f"<script>document.body.append(Object.assign(document.createElement('iframe'), {{ src: '{url}' }}))</script>"
    )
    page.goto(shop.page(""))
    page.evaluate(ALLOW)
    until(page, "consent.token")
    page.goto(shop.page(frame if made == "by the parser" else script))
    when(page, lambda: shop.hits)
    page.evaluate("window.here = true")
    until(page, "(() => { try { return !frames[0].document } catch { return true } })()")
    before = page.evaluate("history.length")
    page.evaluate(WITHDRAW)
    until(page, "(() => { try { return frames[0].location.href == 'about:blank' } catch { return false } })()")
    assert page.evaluate("[window.here, history.length, document.querySelectorAll('iframe').length]") == [
        True,
        before,
        1,
    ]
    settle(page)
    shop.hits.clear()
    page.evaluate(f"fetch('{shop.url('/more', 'tracker')}', {{ mode: 'no-cors' }}); undefined")
    settle(page)
    assert shop.hits == []
    page.evaluate(ALLOW)
    when(page, lambda: "tracker/film" in shop.hits)


@contextmanager
def socket_server(closed: threading.Event) -> Iterator[int]:
    """Serve sockets that stay open until the other side closes; set ``closed`` when one has."""

    def talk(socket: ServerConnection) -> None:
        for _ in socket:
            pass
        closed.set()

    with serve(talk, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.socket.getsockname()[1]
        server.shutdown()
        thread.join()


def test_a_socket_that_a_pattern_let_through_is_closed_and_opens_again_after_a_yes(shop: Shop, page: Page) -> None:
    closed = threading.Event()
    with socket_server(closed) as port:
        shop.serve(trackers=PATTERN)
        url = f"ws://a.tracker.localhost:{port}/"
        accepted(
            page, shop.page(f"<script>const s = new WebSocket('{url}'); s.onopen = () => (window.opened = s)</script>")
        )
        until(page, "!!window.opened")
        assert page.evaluate("opened instanceof WebSocket && WebSocket.OPEN == opened.readyState")
        page.evaluate(WITHDRAW)
        when(page, closed.is_set)
        page.evaluate(f"new WebSocket('{url}').onerror = () => (window.refused = 1)")
        until(page, "window.refused")
        page.evaluate(ALLOW)
        page.evaluate(f"new WebSocket('{url}').onopen = () => (window.again = 1)")
        until(page, "window.again")


# Films and songs

PLAYERS = {
    "a song": '<audio data-consent="marketing" data-src="{song}" loop muted></audio>',
    "its source": '<audio data-consent="marketing" loop muted><source data-src="{song}" type="audio/wav"></audio>',
    "a song streamed by a script": (
        '<audio data-consent="marketing" loop muted></audio><script>consent.when("marketing").then(() =>'
        " fetch('{song}').then((r) => r.blob()).then((blob) => {"
        " document.querySelector('audio').src = URL.createObjectURL(blob) }))</script>"
    ),
}


@pytest.mark.parametrize(
    ("player", "late"), [*((player, False) for player in PLAYERS), ("a song streamed by a script", True)]
)
def test_a_song_stops_and_forgets_what_it_has_loaded(shop: Shop, page: Page, player: str, late: bool) -> None:
    shop.pages["/song.wav"] = ("audio/wav", SONG, {})
    page.goto(shop.page(PLAYERS[player].replace("{song}", shop.url("/song.wav"))))
    held: list[Route] = []
    if late:  # what releases, and takes back, comes after the no
        page.route("**/release.*", lambda route: held.append(route))
    page.evaluate(ALLOW)
    until(page, "document.querySelector('audio').readyState > 1")
    page.evaluate("document.querySelector('audio').play()")
    until(page, "document.querySelector('audio').currentTime > 0")
    page.evaluate("window.here = document.querySelector('audio')")
    page.evaluate(WITHDRAW)
    for route in held:
        route.continue_()
    until(page, "here.paused && here.readyState == 0 && [0, 3].includes(here.networkState)")  # empty, or no source
    until(page, "here == document.querySelector('audio') && !here.src && !here.currentSrc")
    page.evaluate(ALLOW)
    if "script" not in player:
        until(page, "here.readyState > 1")


def test_a_song_that_plays_outside_the_page_stops(shop: Shop, page: Page) -> None:
    shop.serve(trackers=PATTERN)
    accepted(page, shop.page(""))
    page.evaluate(f"window.here = new Audio(); here.src = '{shop.url('/song', 'tracker')}'")
    when(page, lambda: "tracker/song" in shop.hits)
    page.evaluate(WITHDRAW)
    until(page, "here.paused && !here.hasAttribute('src') && !here.currentSrc")
