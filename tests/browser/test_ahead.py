"""A page that the browser makes ahead, and that may never be seen, asks for nothing and counts nobody until it is."""

from __future__ import annotations

from playwright.sync_api import Page

from .conftest import Shop, banner, posted, press, settle, until, when
from .rows import COUNT, HELD

AHEAD = """
Object.defineProperty(Document.prototype, 'prerendering', { configurable: true, get: () => !window.shown });
Object.defineProperty(Document.prototype, 'hidden', { configurable: true, get: () => !window.shown });
window.show = () => {
  window.shown = 1;
  for (const type of ['prerenderingchange', 'visibilitychange']) document.dispatchEvent(new Event(type, { bubbles: true }));
}"""
"""What a page sees of it, as Chromium tells: it is made in a window without a way to be driven from here."""


def test_it_waits_until_it_is_seen(shop: Shop, page: Page) -> None:
    shop.page("", "/x")
    url = shop.page(
        f"{COUNT}<script {HELD}>ran('held')</script><iframe title=F data-consent=marketing data-src=/x></iframe>"
    )
    page.goto(url)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.rsplit("/", 1)[1].split(".")[0]))
    press(page, "accept")
    until(page, "consent.token")
    page.add_init_script(AHEAD)
    asked.clear()
    page.goto(url)
    settle(page)
    assert asked[asked.index("") :] == ["", "consent"]  # a busy browser tells late of what the page before asked for
    page.evaluate("show()")
    until(page, "order.join() == 'held'")


def test_who_is_undecided_is_shown_the_banner_once_it_is_seen_and_counted_then(shop: Shop, page: Page) -> None:
    page.add_init_script(AHEAD)
    shop.page("", "/x")
    page.goto(shop.page("<iframe title=F data-consent=marketing data-src=/x></iframe>"))
    until(page, "document.readyState == 'complete'")
    settle(page)
    assert posted(shop, "shown") == []
    page.evaluate("show()")
    when(page, lambda: posted(shop, "shown"))
    banner(page).wait_for()
