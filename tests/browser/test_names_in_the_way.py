"""What a page declares before our tag by the names of the browser's own classes and functions stands in nobody's way."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from .conftest import Shop, posted, press, settle, until, when
from .rows import COUNT, HELD, hits, tracker
from .visits import PATTERN

NAMES = (
    *("URL", "Request", "Node", "Element", "Document", "Range", "ShadowRoot", "Navigator", "Symbol", "Text", "Event"),
    *("HTMLElement", "HTMLScriptElement", "HTMLIFrameElement", "HTMLImageElement", "HTMLMediaElement", "CustomEvent"),
    "fetch",
)
"""Such that a page may have something else by."""


@pytest.mark.parametrize("way", ["var {} = 1", "function {}() {{}}"])
def test_patterns_hold_and_an_answer_is_told_whatever_a_page_has_declared_before(
    shop: Shop, page: Page, way: str
) -> None:
    shop.serve(trackers=PATTERN)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(error.message))
    taken = "".join(f"<script>{way.format(name)}</script>" for name in NAMES)
    add = (
        "<script>for (const [tag, path] of [['script', 's.js'], ['iframe', 'frame'], ['img', 'img'], ['video', 'film']])"
        f"document.body.append(Object.assign(document.createElement(tag), {{ src: '{tracker(shop, '')}' + path }}));"
        f"document.body.append(document.createElement('img')); document.body.lastChild.setAttribute('src', '{tracker(shop, 'set')}');"
        f"document.body.insertAdjacentHTML('beforeend', `<img alt='' src='{tracker(shop, 'markup')}'>`)</script>"
    )
    page.goto(shop.page(f"{add}<script {HELD}>ran('held')</script>", head=f"{COUNT}{taken}{shop.tag}"))
    settle(page)
    assert hits(shop) == []
    press(page, "accept")
    until(page, "order.includes('held') && consent.token")
    when(page, lambda: sorted(set(hits(shop))) == ["film", "frame", "img", "markup", "s.js", "set"])
    assert len(posted(shop, "decisions")) == 1
    assert faults == []
