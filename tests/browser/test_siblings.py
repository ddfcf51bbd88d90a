"""More of what pages do to a gate: they send a script in two parts, give a part its address late, hide a frame, keep a cookie."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from playwright.sync_api import Page

from .conftest import WORDS, Shop, cookie, press, settle, until, when
from .rows import COUNT, HELD, hits, tracker
from .visits import ALLOW, WITHDRAW, accepted, english

__all__ = ["english"]

pytestmark = pytest.mark.troubles(".")

LONG = "<!-- long -->" * 300
ONCE = WORDS["en"]["once"]


class TwoParts:
    """A page whose second part comes when the test says so."""

    def __init__(self, shop: Shop, first: str, second: str) -> None:
        self.parts = f"<!doctype html><html lang=en><title>Shop</title>{shop.tag}<body>{first}", second
        self.second = threading.Event()
        shop.pages["/parts"] = ("text/html; charset=utf-8", cast("Any", self), {})

    def __iter__(self) -> Iterator[bytes]:
        yield self.parts[0].encode()
        self.second.wait(60)
        yield self.parts[1].encode()


# ---- Frames ----

FRAME = "<iframe name=film title=F width=560 height=315 data-consent=analytics data-src='{}' {}></iframe>"


def hidden(page: Page) -> None:
    page.evaluate("document.querySelector('details').open = true")
    page.frame_locator("iframe").get_by_role("button", name=ONCE).wait_for()


def own(page: Page) -> None:
    settle(page)
    assert page.frame_locator("iframe").locator("body").inner_text() == "Own"


def linked(page: Page) -> None:
    page.frame_locator("iframe").get_by_role("button", name=ONCE).wait_for()
    page.get_by_role("link", name="Own").click()
    page.frame_locator("iframe").get_by_text("Own").wait_for()
    own(page)


FRAMES: dict[str, tuple[str, Callable[[Page], None]]] = {
    "in a drawer": ("<details><summary>Film</summary>{}</details>", hidden),
    "with a document of the page's own": (
        "<iframe title=F width=560 height=315 data-consent=analytics srcdoc=Own></iframe>",
        own,
    ),
    "where a link leads": ("{}<a href=/own target=film>Own</a>", linked),
}


@pytest.mark.parametrize("what", FRAMES)
def test_a_held_frame_says_so_when_it_is_seen_and_takes_nothing_away(shop: Shop, page: Page, what: str) -> None:
    shop.pages["/own"] = ("text/html", "Own", {})
    body, check = FRAMES[what]
    page.goto(shop.page(body.format(FRAME.format(tracker(shop, "film"), ""))))
    until(page, "performance.getEntriesByType('resource').some(({ name }) => name.includes('details.en'))")
    settle(page)
    check(page)
