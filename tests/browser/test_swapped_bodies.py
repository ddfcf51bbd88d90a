"""A page that swaps its body runs what is marked for each page, as docs/frontends.md has it told."""

from __future__ import annotations

import pytest
from examples import example
from playwright.sync_api import Page, expect

from .conftest import Shop, press, settle, until, when
from .libraries import library
from .packaged import for_shop

# ---- Pages from a server ----


@pytest.mark.parametrize("name", ["turbo", "htmx"])
def test_a_page_that_swaps_its_body_runs_what_is_marked_for_each_page(shop: Shop, page: Page, name: str) -> None:
    shop.pages[f"/{name}.js"] = ("text/javascript", library(name), {})
    text = for_shop(example(f"frontends {name}"), shop).replace("<head>", '<head><link rel="icon" href="data:," />')
    shop.pages["/"] = ("text/html", text.replace("</head>", "<script>window.ran = () => 0</script></head>"), {})
    shop.pages["/delivery"] = ("text/html", text.replace("<h1>Shop", "<h1>Delivery"), {})
    page.goto(shop.url("/"))
    settle(page)
    assert shop.hits == []
    press(page, "accept")
    when(page, lambda: shop.hits == ["tags/count.js"])
    until(page, "window.here = consent.token")
    page.get_by_role("link", name="Delivery").click()
    expect(page.get_by_role("heading", name="Delivery")).to_be_visible()
    when(page, lambda: shop.hits == ["tags/count.js"] * 2)
    assert page.evaluate("!!window.here")
