"""How held elements are released in Firefox and in WebKit."""

from __future__ import annotations

import time

from .conftest import Shop
from .rows import COUNT, HELD
from .test_other_browsers import new_window, window
from .windows import Window

__all__ = ["new_window", "window"]


def test_the_page_s_own_script_runs_in_its_place_and_a_copy_of_it_does_not(shop: Shop, window: Window) -> None:
    shop.pages["/place.js"] = ("text/javascript", "ran(document.currentScript.parentNode.id)", {})
    scripts = (
        "<script {m} src=/place.js></script><script {m}>ran('inline ' + document.currentScript.parentNode.id)</script>"
    )
    body = COUNT + f"<div id=box>{scripts}</div>".replace("{m}", HELD)
    window.goto(shop.page(body + '<div id="later"></div>'))
    window.press("Accept all")
    window.until("order.length == 2")
    assert window.evaluate("order") == ["box", "inline box"]
    assert window.evaluate("box.innerHTML.match(/<script/g).length") == 2
    window.evaluate("(document.body.append(box.cloneNode(true)), 1)")
    window.evaluate("(later.innerHTML = document.querySelector('#box').innerHTML.replaceAll('inline ', 'later '), 1)")
    window.until("order.length == 4")
    time.sleep(0.5)
    assert window.evaluate("order") == ["box", "inline box", "later", "later later"]


def test_a_name_of_the_page_s_does_not_reach_the_gate(shop: Shop, window: Window) -> None:
    names = "".join(
        f'<img alt="" name={name}>' for name in ("consent", "cookie", "body", "head", "currentScript", "hidden")
    )
    ids = "".join(f"<a id={name}></a>" for name in ("consent", "requestIdleCallback", "cookieStore", "trustedTypes"))
    window.goto(shop.page(COUNT + names + ids + shop.tag + f"<script {HELD}>ran('inline')</script>", head=""))
    window.press("Accept all")
    window.until("order.length == 1 && consent.token")
    assert window.evaluate("[typeof window.consent.allows, order[0]]") == ["function", "inline"]


def test_what_a_released_script_writes_does_not_replace_the_page(shop: Shop, window: Window) -> None:
    write = '<script type="text/plain" data-consent="analytics">document.write("<p>gone"); ran("wrote")</script>'
    window.goto(shop.page(COUNT + write))
    window.press("Accept all")
    window.until("order.length == 1 && consent.token")
    window.goto(shop.url("/"))
    window.until("order.length == 1")
    assert window.evaluate("document.querySelector('h1').textContent") == "Shop"


def test_a_script_that_the_browser_skips_or_that_markup_made_holds_up_nobody(shop: Shop, window: Window) -> None:
    there = shop.url("", "tracker").rstrip("/")

    body = f"{COUNT}<script {HELD} nomodule src={there}/old.js></script><script {HELD} src={there}/new.js></script>"
    window.goto(shop.page(body + "<div id=box></div>"))
    window.press("Accept all")
    window.until("order.length == 1")
    window.evaluate(f"(box.innerHTML = '<script {HELD} src={there}/markup.js><\\/script>', 1)")
    window.until("order.length == 2")
    assert window.evaluate("order") == ["/new.js", "/markup.js"]
