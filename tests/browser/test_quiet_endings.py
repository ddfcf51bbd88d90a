"""From a no on a page tells other hosts nothing more, however it ends, whatever it does until then, and whoever leaves it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route

from .conftest import Shop, settle, until, when
from .rows import HELD, hits, tracker
from .visits import ALLOW, WITHDRAW, accepted, withdraw

pytestmark = pytest.mark.troubles("Failed to load resource|MIME|Content Security Policy|consent: ")

ENDING = (
    "for (const at of ['beforeunload', 'pagehide']) addEventListener(at, () => {"
    " navigator.sendBeacon('{t}-beacon-' + at); new Image().src = '{t}-picture-' + at;"
    " navigator.sendBeacon('/own-' + at) }); window.inline = 1;"
)


def talker(shop: Shop) -> str:
    """Return a held script that tells its host as the page ends."""
    return f"<script {HELD}>{ENDING.replace('{t}', tracker(shop, 'last'))}</script>"


@pytest.mark.parametrize("hangs", ["what tells the shopper", "the page that is asked for"])
def test_who_follows_a_link_right_after_a_no_is_told_of_by_nobody(shop: Shop, page: Page, hangs: str) -> None:
    shop.page("<p>Next</p>", "/next")
    frame = "<iframe title=F data-consent=analytics data-src=/film></iframe><a id=next href=/next>Next</a>"
    accepted(page, shop.page(talker(shop) + frame))
    until(page, "window.inline && document.querySelector('iframe').getAttribute('src')")
    asked: list[Route] = []
    page.route("**/withdraw.*" if hangs.startswith("what") else shop.url("/"), lambda route: asked.append(route))
    page.evaluate(WITHDRAW)
    when(page, lambda: asked)
    page.evaluate(f"document.addEventListener('consentchange', () => (window.again = 1)); {WITHDRAW}")
    until(page, "window.again")  # a second no takes nothing back of the first
    until(page, "!document.querySelector('iframe').hasAttribute('src')")
    shop.hits.clear()
    shop.visits.clear()
    page.locator("#next").click()
    until(page, "location.pathname == '/next' && document.readyState == 'complete'")
    when(page, lambda: "POST /own-pagehide" in shop.visits)  # what was sent last
    assert hits(shop) == []


def test_a_page_that_was_written_anew_is_quiet_as_it_ends_too(shop: Shop, page: Page) -> None:
    accepted(page, shop.page(talker(shop)))
    until(page, "window.inline")
    written = f"<!doctype html><title>Anew</title><main>{talker(shop)}</main>"
    page.evaluate("(html) => { window.inline = 0; document.open(); document.write(html); document.close() }", written)
    until(page, "window.inline")
    shop.hits.clear()
    shop.visits.clear()
    withdraw(page)
    when(page, lambda: "POST /own-pagehide" in shop.visits)
    assert hits(shop) == []


def test_as_in_firefox_a_page_that_changes_its_root_is_quiet_all_the_same(shop: Shop, page: Page) -> None:
    page.add_init_script("Object.defineProperty(Navigator.prototype, 'userAgent', { get: () => 'Firefox' })")
    shop.page("<p>Next</p>", "/next")
    frame = "<iframe title=F data-consent=analytics data-src=/film></iframe><a id=next href=/next>Next</a>"
    accepted(page, shop.page(talker(shop) + frame))
    until(page, "window.inline && document.querySelector('iframe').getAttribute('src')")
    page.route("**/withdraw.*", lambda route: None)
    page.evaluate(WITHDRAW)
    until(page, "!document.querySelector('iframe').hasAttribute('src')")
    page.evaluate("document.append(document.createComment(''))")
    shop.visits.clear()
    # What listened before the no is heard before us.
    page.evaluate("(t) => addEventListener('beforeunload', () => { new Image().src = t })", tracker(shop, "late"))
    page.locator("#next").click()
    until(page, "location.pathname == '/next' && document.readyState == 'complete'")
    when(page, lambda: "POST /own-pagehide" in shop.visits)
    assert "late" not in hits(shop)


SOONER = "const later = setTimeout; window.setTimeout = (act, ms, ...all) => later(act, ms == 5000 ? 50 : ms, ...all)"


def test_on_a_page_that_is_still_there_only_a_yes_to_what_was_taken_back_ends_the_quiet(shop: Shop, page: Page) -> None:
    page.add_init_script(SOONER)
    accepted(page, shop.page(talker(shop)))
    until(page, "window.inline")
    page.route(shop.url("/"), lambda route: route.fulfill(status=204))
    page.evaluate(WITHDRAW)
    page.get_by_role("status").wait_for()
    page.evaluate("(to) => navigator.sendBeacon(to)", tracker(shop, "quiet"))
    heard = "(to) => document.addEventListener('consentchange', () => setTimeout(() => navigator.sendBeacon(to)))"
    page.evaluate(heard, tracker(shop, "heard"))
    page.evaluate("consent.decide({ functional: true })")
    until(page, "consent.choice.functional")
    settle(page)
    page.evaluate(ALLOW)
    when(page, lambda: "heard" in hits(shop))
    assert hits(shop).count("heard") == 1
    assert "quiet" not in hits(shop)


def test_a_page_whose_address_always_changes_is_asked_for_twice_and_comes_anew(shop: Shop, page: Page) -> None:
    ticks = (
        "<script>let n = 0; setInterval(() => window.here && history.replaceState(null, '', '?t=' + n++), 5)</script>"
    )
    accepted(page, shop.page(talker(shop) + ticks))
    until(page, "window.inline")
    shop.visits.clear()
    withdraw(page)
    assert [visit.split()[0] for visit in shop.visits if visit.endswith(" /")] == ["HEAD", "HEAD", "GET"]


def test_a_lazy_loader_that_takes_the_address_off_what_was_released_keeps_it_from_no_withdrawal(
    shop: Shop, page: Page
) -> None:
    there = tracker(shop, "film")
    page.goto(shop.page(f"<iframe title=F data-consent=analytics data-src='{there}'></iframe>"))
    page.evaluate("consent.decide({ analytics: true })")
    until(page, "consent.token && document.querySelector('iframe').getAttribute('src')")
    lazy = (
        "(() => { const f = document.querySelector('iframe'); f.src = f.dataset.src; f.removeAttribute('data-src') })()"
    )
    when(page, lambda: "film" in hits(shop))
    page.frames[1].wait_for_load_state()
    entries = page.evaluate("history.length") + 1  # of the page's own making
    page.evaluate(lazy)
    until(page, f"history.length == {entries}")
    page.evaluate(WITHDRAW)
    until(page, "document.querySelector('iframe').dataset.src")
    assert page.evaluate("[document.querySelector('iframe').hasAttribute('src'), history.length]") == [False, entries]
    page.evaluate("consent.decide({ analytics: true })")
    until(page, f"document.querySelector('iframe').getAttribute('src') == '{there}'")


REUSED = """
<img alt='' id=picture data-consent=analytics data-src={t}1 data-srcset={t}2>
<video id=film data-consent=analytics data-src={t}3></video>
<iframe title=F id=frame data-consent=analytics data-src={t}4></iframe>
<link id=style rel=stylesheet data-consent=analytics data-href={t}5>
<picture id=whole data-consent=analytics><source data-srcset={t}6><img alt='' id=part data-src={t}7></picture>
"""
REUSE = """
for (const element of document.querySelectorAll('[data-consent], #part')) {
  for (const name of element.getAttributeNames()) if (name.startsWith('data-')) element.removeAttribute(name);
  if (element.id != 'whole') element.setAttribute(element.id == 'style' ? 'href' : 'src', '/own');
}
"""


def test_what_an_app_uses_for_something_of_its_own_keeps_that_and_nothing_of_what_was_released(
    shop: Shop, page: Page
) -> None:
    shop.page("<p>Own</p>", "/own")
    page.goto(shop.page(REUSED.replace("{t}", tracker(shop))))
    page.evaluate("consent.decide({ analytics: true })")
    until(page, "document.querySelectorAll('[src*=tracker], [srcset*=tracker], [href*=tracker]').length == 6")
    page.evaluate(REUSE)
    until(page, "!document.querySelector('[srcset], [src*=tracker], [href*=tracker]')")
    page.evaluate(WITHDRAW)
    until(page, "!consent.allows('analytics')")
    settle(page)
    own = "[...document.querySelectorAll('#picture, #film, #frame, #style, #part')].map((e) => e.src ?? e.href)"
    assert page.evaluate(own) == [shop.url("/own")] * 5
