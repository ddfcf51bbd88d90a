"""What is released once is not released again by a library that compares pages, and again where it is wanted again."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .conftest import Shop, press, settle, until, when
from .libraries import library
from .rows import COUNT, HELD, hits, tracker
from .visits import ALLOW, WITHDRAW

pytestmark = pytest.mark.troubles("Failed to load|consent: ")


def visit(page: Page, name: str) -> None:
    """Follow a link of a page that Turbo draws."""
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()


def turbo(shop: Shop, head: str) -> None:
    """Serve three pages with the same head, for Turbo."""
    shop.pages["/turbo.js"] = ("text/javascript", library("turbo"), {})
    for name in ("one", "two", "three"):
        links = "<a href=/one>one</a> <a href=/two>two</a> <a href=/three>three</a>"
        shop.page(f"<h2>{name}</h2>{links}", f"/{name}", head=f"{shop.tag}{COUNT}<script src=/turbo.js></script>{head}")


def test_a_marked_script_in_the_head_of_each_page_runs_once(shop: Shop, page: Page) -> None:
    turbo(
        shop,
        f"<script {HELD} src={tracker(shop, 'a.js')}></script><script {HELD} data-src={tracker(shop, 'b.js')}></script>",
    )
    page.goto(shop.url("/one"))
    press(page, "accept")
    until(page, "order.length == 2 && consent.token")
    for name in ("two", "three", "one"):
        visit(page, name)
    settle(page)
    assert page.evaluate("order") == ["/a.js", "/b.js"]
    assert page.evaluate("document.head.querySelectorAll('[data-consent]').length") == 2


def test_a_hidden_picture_is_asked_for_again_with_another_address_and_a_second_yes(shop: Shop, page: Page) -> None:
    pixel = f"<img id=it alt='' data-consent=analytics data-src={tracker(shop, 'one')} width=1 height=1 style='display:none'>"
    page.goto(shop.page(pixel))
    page.evaluate(ALLOW)
    when(page, lambda: hits(shop) == ["one"])
    until(page, "it.loading == 'lazy'")
    page.evaluate("(there) => (it.dataset.src = there)", tracker(shop, "two"))
    when(page, lambda: hits(shop) == ["one", "two"])
    until(page, "it.loading == 'lazy'")
    page.evaluate("document.body.append(Object.assign(it.cloneNode(), { id: 'copy' }))")
    when(page, lambda: len(hits(shop)) == 3)
    page.evaluate(WITHDRAW)
    until(page, "!it.hasAttribute('src')")
    page.evaluate(ALLOW)
    when(page, lambda: len(hits(shop)) > 3)  # both have one address
