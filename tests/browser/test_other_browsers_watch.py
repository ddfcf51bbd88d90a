"""Firefox and WebKit report what they see that no list allows."""

from __future__ import annotations

import time

from .conftest import Shop, cookie, posted
from .test_other_browsers import new_window, window
from .windows import Window

__all__ = ["new_window", "window"]


def test_a_watched_page_reports_names_of_cookies_storage_and_hosts(shop: Shop, window: Window) -> None:
    shop.serve(cookies={"necessary": (cookie("basket"),)}, watch=1.0)
    tracker = shop.url("/pixel.png", "third")
    window.goto(
        shop.page(
            f"<script>new Image().src = '{tracker}'; localStorage.setItem('kept-1234567', 'secret-value');"
            "for (const name of ['basket', '_xyz']) document.cookie = name + '=secret-value'</script>"
        )
    )
    until = time.monotonic() + 120
    while not posted(shop, "seen"):
        assert time.monotonic() < until, "nothing was reported"
        time.sleep(0.05)
    (report,) = posted(shop, "seen")
    assert report == {
        "state": "before",
        "seen": [["cookie", "_xyz"], ["local-storage", "kept-*"], ["request", "third.localhost:*"]],
    }
