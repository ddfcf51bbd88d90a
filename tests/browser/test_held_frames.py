"""A held frame says what it waits for, watches itself once, and says it anew when that changes."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .conftest import WORDS, Shop, press, settle, until

EN = WORDS["en"]
WATCHED = """
window.watched = 0;
for (const [owner, name] of [[EventTarget.prototype, 'addEventListener'], [ResizeObserver.prototype, 'observe']]) {
  const native = owner[name];
  owner[name] = function (...args) {
    if ([this, args[0]].some((each) => each instanceof HTMLIFrameElement) && (name == 'observe' || args[0] == 'load')) watched++;
    return native.apply(this, args);
  };
}"""


def test_a_held_frame_is_watched_once_however_often_it_is_looked_at_and_says_what_it_waits_for_now(
    shop: Shop, page: Page
) -> None:
    page.add_init_script(WATCHED)
    page.goto(
        shop.page(
            "<iframe width=400 height=300 title=F data-consent=marketing data-src=https://film.invalid/></iframe>"
        )
    )
    inner = page.frame_locator("iframe")
    expect(inner.locator("p")).to_contain_text(EN["marketing"])
    press(page, "refuse")
    until(page, "consent.token")
    once = page.evaluate("watched")
    for category in ("functional", "analytics", "functional", "analytics"):
        page.evaluate(f"document.querySelector('iframe').dataset.consent = '{category}'")
        expect(inner.locator("p")).to_contain_text(EN[category])
    page.evaluate("consent.decide({ functional: true })")
    settle(page)
    expect(inner.locator("p")).to_contain_text(EN["analytics"])
    assert page.evaluate("watched") == once == 2


FILLED = {
    "at once": "it.contentDocument.body.textContent = 'Own'",
    "written": "it.contentDocument.open(); it.contentDocument.write('Own'); it.contentDocument.close()",
}


@pytest.mark.parametrize("way", FILLED)
def test_what_the_page_puts_into_a_held_frame_stays(shop: Shop, page: Page, way: str) -> None:
    frame = "<iframe {} width=400 height=300 title=F data-consent=marketing data-src=https://film.invalid/></iframe>"
    page.goto(shop.page(f"{frame.format('id=it')}{frame.format('name=other')}<script>{FILLED[way]}</script>"))
    expect(page.frame_locator("[name=other]").locator("p")).to_contain_text(EN["marketing"])
    settle(page)
    assert page.evaluate("it.contentDocument.body.textContent") == "Own"
