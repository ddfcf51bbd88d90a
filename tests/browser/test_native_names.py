"""What a page has put around the browser's own functions stays its own, and works in every kind of document."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route

from .conftest import Shop, press, settle, until
from .rows import COUNT, HELD, hits, tracker
from .visits import PATTERN

pytestmark = pytest.mark.troubles("Failed to load resource|net::|consent: ")


def test_a_wrapper_of_write_stays_and_a_script_for_old_browsers_keeps_nothing(shop: Shop, page: Page) -> None:
    wrap = "const w = Document.prototype.write; Document.prototype.write = window.mine = function (...a) { return w.apply(this, a) }"
    shop.pages["/wrap.js"] = ("text/javascript", f"{wrap}; ran('wrapped')", {})
    page.goto(
        shop.page(
            f"{COUNT}<script>window.native = Document.prototype.open</script>"
            f"<script {HELD} nomodule data-src=/old.js></script><script {HELD} data-src=/wrap.js></script>"
        )
    )
    press(page, "accept")
    until(page, "order.includes('wrapped')")
    until(page, "Document.prototype.open == window.native", 9)
    assert page.evaluate("Document.prototype.write == window.mine")


def test_a_drawing_is_guarded_and_what_all_objects_have_is_not_ours(shop: Shop, page: Page) -> None:
    shop.serve(trackers=PATTERN)
    shop.pages["/chart.svg"] = ("image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'/>", {})
    shared = "<script>Object.prototype.data = window.data = function () { return 7 }</script>"
    url = shop.page("<iframe id=chart title=F src=/chart.svg></iframe>", head=f"{shared}{shop.tag}")
    page.goto(url)
    until(page, "frames[0].document.documentElement?.localName == 'svg'")
    page.evaluate(f"document.getElementById('chart').contentWindow.fetch('{tracker(shop, 'it')}').catch(() => 0); 0")
    settle(page)
    assert hits(shop) == []
    assert page.evaluate("[({}).data(), Object.prototype.data == window.data]") == [7, True]


def test_an_answer_that_a_wrapped_fetch_could_not_bring_is_not_posted_in_another_way(shop: Shop, page: Page) -> None:
    wrap = "<script>{ const real = fetch; window.calls = []; window.fetch = (...asked) => (calls.push(asked[0]), real(...asked)) }</script>"
    asked: list[str] = []

    def fail(route: Route) -> None:
        asked.append(route.request.resource_type)
        route.abort()

    page.route("**/decisions", fail)
    page.goto(shop.page("", head=f"{wrap}{shop.tag}"))
    press(page, "refuse")
    until(page, "calls.includes('http://')", 9)  # it was asked whether it can fetch at all
    settle(page)
    assert asked == ["fetch"]
