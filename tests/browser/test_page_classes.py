"""Classes and variables of a page do not reach us."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from .conftest import Shop, press, settle, until
from .visits import WITHDRAW, accepted

INLINE = '<script type="text/plain" data-consent="analytics">window.inline = 1</script>'

pytestmark = pytest.mark.troubles(".")


@pytest.mark.parametrize(
    "name",
    [
        "Node",
        "Element",
        "Document",
        "Event",
        "CustomEvent",
        "HTMLElement",
        "MessageChannel",
        "History",
        "ShadowRoot",
        "HTMLScriptElement",
        "HTMLIFrameElement",
        "Text",
        "Range",
        "Response",
        "Set",
        "Request",
    ],
)
def test_a_class_of_the_page_does_not_reach_us(shop: Shop, page: Page, name: str) -> None:
    taken = f"<script>class {name} {{}}</script>"
    page.goto(
        shop.page(f"{taken}<script type='text/plain' data-consent='analytics' data-src='/own.js'></script>{INLINE}")
    )
    shop.pages["/own.js"] = ("text/javascript", "window.own = 1", {})
    press(page, "accept")
    until(page, "window.own && window.inline && consent.token")
    page.evaluate(f"window.here = 1; {WITHDRAW}")
    until(page, "!window.here && window.consent?.choice")


def test_variables_of_the_page_do_not_reach_us(shop: Shop, page: Page) -> None:
    names = (
        "Node Element Document Event CustomEvent HTMLElement HTMLScriptElement HTMLIFrameElement HTMLMediaElement Text"
    )
    others = "History Navigator ShadowRoot Range Set WeakMap WeakSet URL Blob Proxy Response Request"
    taken = f"<script>{';'.join(f'var {name} = {{}}' for name in f'{names} {others}'.split())}</script>"
    shop.page("", path="/frame")
    shop.pages["/own.js"] = ("text/javascript", "window.own = 1", {})
    page.goto(
        shop.page(
            f"{taken}<script type='text/plain' data-consent='analytics' data-src='/own.js'></script>{INLINE}"
            "<iframe title=F data-consent=marketing data-src=/frame></iframe>"
        )
    )
    press(page, "accept")
    until(page, "window.own && window.inline && consent.token && document.querySelector('iframe')?.src")
    page.evaluate(f"window.here = 1; {WITHDRAW}")
    until(page, "!window.here && window.consent?.choice")


def test_a_no_beside_a_class_of_the_name_document_is_kept(shop: Shop, page: Page) -> None:
    shop.page(INLINE + "<script>class Document {}</script>", path="/model")
    url = shop.page(INLINE)
    accepted(page, url)
    page.goto(shop.url("/model"))
    page.evaluate("document.cookie = 'basket=1;path=/'")
    page.evaluate(WITHDRAW)
    page.wait_for_timeout(3000)
    page.goto(url)
    settle(page)
    assert page.evaluate("[consent.allows('analytics'), window.inline]") == [False, None]
