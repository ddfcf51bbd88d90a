"""What an app has put in the place of what was released stays when it takes the mark off; only what came from us goes."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from .conftest import Shop, settle, until
from .films import SONG
from .rows import tracker
from .visits import ALLOW

pytestmark = pytest.mark.troubles("Failed to load resource")

REUSE = """{
  for (const id of ['film', 'song']) document.getElementById(id).src = '/own.wav';
  document.getElementById('frame').srcdoc = '<p>Own</p>';
  for (const marked of document.querySelectorAll('[data-consent]')) marked.removeAttribute('data-consent');
}"""

SHOWN = """(() => {
  const [film, song, frame] = ['film', 'song', 'frame'].map((id) => document.getElementById(id));
  return [film.getAttribute('src'), film.poster, song.getAttribute('src'), song.firstChild.getAttribute('src'),
    frame.getAttribute('src'), frame.contentDocument?.body?.textContent];
})()"""


def test_a_film_a_song_and_a_frame_that_an_app_uses_for_something_of_its_own_keep_that(shop: Shop, page: Page) -> None:
    there = tracker(shop, "it")
    shop.pages["/own.wav"] = ("audio/wav", SONG, {})
    page.goto(
        shop.page(
            f"<video id=film data-consent=analytics poster=/own.gif data-poster='{there}'></video>"
            f"<audio id=song><source data-consent=analytics data-src='{there}'></audio>"
            f"<iframe id=frame title=F data-consent=analytics data-src='{there}'></iframe>"
        )
    )
    page.evaluate(ALLOW)
    until(page, f"{SHOWN}.filter((each) => each == '{there}').length == 3 && consent.token")
    page.evaluate(REUSE)
    until(page, f"{SHOWN}[5] == 'Own' && document.getElementById('film').poster.endsWith('/own.gif')")
    settle(page)
    own = shop.url("/own.gif")
    assert page.evaluate(SHOWN) == ["/own.wav", own, "/own.wav", None, None, "Own"]
    assert page.evaluate("['film', 'song'].every((id) => document.getElementById(id).currentSrc.endsWith('/own.wav'))")
