"""The click is over at once; what it starts follows in tasks of its own: vendors, who listens, what is released."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .conftest import WORDS, Shop, banner, press, settle, until
from .rows import COUNT, HELD

WATCH = """<script>
  window.dataLayer = [];
  dataLayer.push = function (item) {
    Array.prototype.push.call(this, item);
    if (item[0] == 'consent' && item[1] == 'update') ran('vendor ' + item[2].analytics_storage);
  };
  document.addEventListener('consentchange', ({ detail }) => ran('listener ' + detail.analytics));
  addEventListener('click', () => queueMicrotask(() => {
    ran('click ' + consent.allows('analytics'));
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => ran('next task');
    port2.postMessage(0);
  }));
</script>"""
"""Notes what hears of a decision, and when: in the click itself, in the task after it, or later."""


def test_a_yes_holds_when_the_click_is_over_then_vendors_listeners_and_tags_follow_in_this_order(
    shop: Shop, page: Page
) -> None:
    shop.serve(vendors={"google": {"mode": "basic"}})
    tags = f"<script {HELD}>ran('tag one')</script><script {HELD}>ran('tag two')</script>"
    page.goto(shop.page(COUNT + WATCH + tags))
    press(page, "accept")
    until(page, "order.includes('tag two')")
    assert page.evaluate("order") == [
        *("click true", "next task", "vendor granted", "listener true", "tag one", "tag two"),
    ]


def test_a_no_reaches_vendors_before_whoever_listens(shop: Shop, page: Page) -> None:
    shop.serve(vendors={"google": {"mode": "basic"}})
    page.goto(shop.page(COUNT + WATCH + "<button data-consent-open>Settings</button>"))
    press(page, "accept")
    until(page, "order.includes('listener true') && consent.token")
    page.get_by_role("button", name="Settings").click()
    expect(page.get_by_role("switch", name="Analytics")).to_be_checked()
    page.evaluate("order.length = 0")
    press(page, "refuse")
    until(page, "order.includes('listener false')")
    assert page.evaluate("order") == ["click false", "next task", "vendor denied", "listener false"]


def test_a_yes_that_is_taken_back_at_once_is_told_to_no_vendor_and_releases_nothing(shop: Shop, page: Page) -> None:
    shop.serve(vendors={"google": {"mode": "basic"}})
    page.goto(shop.page(f"{COUNT}{WATCH}<script {HELD}>ran('tag')</script>"))
    page.evaluate("consent.decide({ analytics: true }); consent.decide({ analytics: false })")
    until(page, "order.includes('listener false') && order.includes('vendor denied')")
    settle(page)
    assert page.evaluate("order") == ["listener true", "vendor denied", "listener false"]


def test_a_listener_or_a_tag_that_takes_long_does_not_keep_the_banner(shop: Shop, page: Page) -> None:
    busy = "const end = performance.now() + 300; while (performance.now() < end);"
    page.goto(
        shop.page(
            f"{COUNT}<script>document.addEventListener('consentchange', () => {{"
            f"  ran(document.querySelector('[role=dialog]') ? 'asked' : 'gone'); {busy} ran('listener');"
            f"}});</script><script {HELD}>ran('tag'); {busy}</script>"
        )
    )
    expect(banner(page)).to_be_visible()
    press(page, "accept")
    until(page, "order.includes('tag')")
    assert page.evaluate("order") == ["gone", "listener", "tag"]


def test_a_thousand_scripts_run_in_tasks_of_their_own_none_of_them_long(shop: Shop, page: Page) -> None:
    page.goto(
        shop.page(
            f"{COUNT}<script>window.long = []; new PerformanceObserver((list) => long.push(...list.getEntries()))"
            f".observe({{ type: 'longtask' }}); window.times = []</script>"
            + "".join(f"<script {HELD}>ran({n}); times.push(performance.now())</script>" for n in range(1000))
        )
    )
    settle(page)
    assert page.evaluate("order") == []
    page.evaluate("window.long.length = 0")
    press(page, "accept")
    until(page, "order.includes(999)")
    times = page.evaluate("[times[999] - times[0], Math.max(0, ...long.map(({ duration }) => duration))]")
    print(f"a thousand held inline scripts: {times[0]:.0f} ms, the longest task {times[1]:.0f} ms")
    assert page.evaluate("order") == [*range(1000)]


@pytest.mark.parametrize("way", ["banner", "preferences"])
def test_the_second_click_of_two_is_not_for_what_was_behind_the_button(shop: Shop, page: Page, way: str) -> None:
    cover = "<a href=/left style='position:fixed;inset:0;background:#eee'>A link under everything</a>"
    heard = "<script>for (const type of ['mousedown', 'click']) addEventListener(type, ({ detail }) => ran(type + detail))</script>"
    page.goto(shop.page(COUNT + cover + heard))
    shop.page("", "/left")
    if way == "preferences":
        press(page, "choose")
        expect(page.get_by_role("switch", name="Analytics")).to_be_visible()
        page.evaluate("order.length = 0")
    box = page.get_by_role("button", name=WORDS["en"]["accept"], exact=True).last.bounding_box()
    assert box
    at = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.dblclick(*at)
    until(page, "consent.choice")
    settle(page)
    assert page.evaluate("order") == ["mousedown1", "click1", "mousedown2"]
    page.mouse.click(*at)  # the next is the page's
    page.wait_for_url("**/left")


def test_a_click_that_a_script_makes_after_an_answer_is_heard(shop: Shop, page: Page) -> None:
    page.goto(
        shop.page(
            f"{COUNT}<p id=play>Play</p><script>play.addEventListener('click', ({{ type }}) => ran(type));"
            "document.addEventListener('consentchange', () => { play.dispatchEvent(new Event('click'));"
            " play.dispatchEvent(new CustomEvent('click', { detail: { a: 1 } })); play.click() })</script>"
        )
    )
    press(page, "accept")
    until(page, "order.length == 3")
