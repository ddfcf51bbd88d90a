"""What a script knows to send as its page ends does not leave, and what is the shop's own does."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from .conftest import WORDS, Shop, settle, until, when
from .rows import HELD, hits, tracker
from .visits import WITHDRAW, accepted, withdraw

INLINE = f"<script {HELD}>window.inline = 1</script>"
STATUS = "[role=status] span"

pytestmark = pytest.mark.troubles(
    "Failed to load resource|MIME|Content Security Policy|Failed to fetch|unknown category"
)


# What is sent as the page ends

FRAME = "const f = document.body.appendChild(document.createElement('iframe'));"
SENDS = {
    "a picture": "new Image().src = '{t}'",
    "a picture's srcset": "new Image().srcset = '{t} 1x'",
    "a request": "const x = new XMLHttpRequest(); x.open('POST', '{t}'); x.send()",
    "a fetch": "fetch('{t}', { mode: 'no-cors' }).catch(() => 0)",
    "a Request that outlives the page": "fetch(new Request('{t}', { mode: 'no-cors', keepalive: true })).catch(() => 0)",
}
SENDS_AT_THE_END = {
    **SENDS,
    "fetchLater": "fetchLater('{t}')",
    "a beacon of a fresh frame": FRAME + "f.contentWindow.navigator.sendBeacon('{t}')",
    "a beacon of a frame that was there": "frames[0].navigator.sendBeacon('{t}')",
    "a form that leads a frame": (
        "const f = Object.assign(document.createElement('form'), { action: '{t}', method: 'post', target: 'old' });"
        "document.body.append(f); f.submit()"
    ),
    "a picture of a style": "document.body.style.background = 'url({t})'; document.body.offsetHeight",
    "a link's ping": "const a = Object.assign(document.createElement('a'), { href: '#x', ping: '{t}' }); document.body.append(a); a.click()",
    "what is fetched ahead": "document.head.append(Object.assign(document.createElement('link'), { rel: 'prefetch', href: '{t}' }))",
    "a script": "document.head.append(Object.assign(document.createElement('script'), { src: '{t}' }))",
}


@pytest.mark.parametrize(
    ("event", "way"),
    [("beforeunload", way) for way in SENDS]
    + [("pagehide", way) for way in SENDS_AT_THE_END]
    + [("unload", "a picture")],
)
def test_what_a_script_sends_as_its_page_ends_does_not_leave_by_other_ways_either(
    shop: Shop, page: Page, event: str, way: str
) -> None:
    code = SENDS_AT_THE_END[way].replace("{t}", tracker(shop, "last"))
    own = "navigator.sendBeacon('/basket')"
    accepted(
        page,
        shop.page(
            f"<iframe name=old title=F></iframe><script {HELD}>window.inline = 1; addEventListener('{event}', () => {{ {own}; {code} }})</script>"
        ),
    )
    until(page, "window.inline")
    settle(page)
    shop.hits.clear()
    shop.visits.clear()
    withdraw(page)
    when(page, lambda: "POST /basket" in shop.visits)
    settle(page)
    assert hits(shop) == []


def test_what_a_script_has_put_off_to_the_end_is_called_off(shop: Shop, page: Page) -> None:
    accepted(page, shop.page(f"<script {HELD}>window.inline = 1; fetchLater('{tracker(shop, 'later')}')</script>"))
    until(page, "window.inline")
    settle(page)
    shop.hits.clear()
    withdraw(page)
    settle(page)
    assert hits(shop) == []


def test_who_stays_after_all_hears_and_sends_as_before(shop: Shop, page: Page) -> None:
    stay = "addEventListener('beforeunload', (e) => { window.stay !== 0 && e.preventDefault() })"
    accepted(page, shop.page(f"{INLINE}<script>{stay}</script><p id=p>x</p>"))
    until(page, "window.inline")
    page.locator("#p").click()
    page.on("dialog", lambda dialog: dialog.dismiss())
    page.evaluate(WITHDRAW)
    page.get_by_role("status").filter(has_text=WORDS["en"]["stays"]).wait_for()
    page.evaluate(
        f"navigator.sendBeacon('{tracker(shop, 'beacon')}'); new Image().src = '{tracker(shop, 'picture')}';"
        f"fetch('{tracker(shop, 'fetch')}', {{ keepalive: true, mode: 'no-cors' }})"
    )
    when(page, lambda: {"beacon", "picture", "fetch"} <= {*hits(shop)})
    page.evaluate("window.stay = 0")


def test_a_page_whose_successor_is_slow_still_sends_nothing_elsewhere(shop: Shop, page: Page) -> None:
    accepted(page, shop.page(INLINE))
    until(page, "window.inline")
    waits: list[Route] = []
    page.route(shop.url("/"), lambda r: waits.append(r) if r.request.method == "GET" else r.fallback())
    # Once the page says that it stays, after the seconds that the next one has.
    send = f"navigator.sendBeacon('{tracker(shop, 'slow')}'); navigator.sendBeacon('/own')"
    page.evaluate(
        "new MutationObserver((_, it) => { if (document.querySelector('[role=status] span'))"
        f" {{ it.disconnect(); {send} }} }}).observe(document, {{ childList: true, subtree: true }}); {WITHDRAW}"
    )
    when(page, lambda: "POST /own" in shop.visits)
    assert "slow" not in hits(shop)
    for route in waits:
        route.abort()


@pytest.mark.parametrize("head", ["", "<base href='http://other.localhost'>"])
def test_a_request_of_the_shop_s_own_is_sent_while_the_page_is_about_to_leave(
    shop: Shop, page: Page, head: str
) -> None:
    send = "{ const x = new XMLHttpRequest(); x.open('POST', '{t}'); addEventListener('beforeunload', () => x.send()) }"
    own = send.replace("{t}", shop.url("/basket"))
    other = send.replace("{t}", tracker(shop, "opened"))
    accepted(page, shop.page(f"<script {HELD}>{own} {other} window.inline = 1</script>", head=head + shop.tag))
    until(page, "window.inline")
    shop.hits.clear()  # of the page before, which ended with a yes
    shop.visits.clear()
    withdraw(page)
    when(page, lambda: "POST /basket" in shop.visits)
    assert hits(shop) == []


# What is said


def test_what_yesterday_s_script_left_for_the_next_page_is_read(shop: Shop, page: Page) -> None:
    accepted(page, shop.page("<p style='height: 3000px'>x</p>"))
    page.evaluate("sessionStorage['ask-removed'] = `700 ${location.href} _ga`")
    page.reload()
    expect(page.locator(STATUS)).to_contain_text("_ga")
    # Scrolled past the top, as Safari does; and a name may have a line's end in it.
    page.evaluate("sessionStorage['ask-removed'] = `analytics -7 ${location.href} _one\\n_two`")
    page.reload()
    expect(page.locator(STATUS)).to_contain_text("_two")
