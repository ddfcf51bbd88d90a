"""A request that waits for a yes is the one that the page made: called off, opened again, out of time or whole."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from .conftest import Shop, press, settle, until

PATTERNS = (("*.tracker.localhost", "analytics"), ("ads.localhost/pixel/*", "marketing"))

pytestmark = pytest.mark.troubles("Failed to load resource|MIME|WebSocket")


def test_a_held_fetch_gives_its_answer_once_it_is_allowed(shop: Shop, page: Page) -> None:
    shop.serve(trackers=PATTERNS)
    url = shop.url("/it.js", "tracker")
    page.goto(shop.page(f"<script>fetch('{url}').then((r) => r.text()).then((t) => (window.answer = t))</script>"))
    settle(page)
    assert page.evaluate("window.answer") is None
    press(page, "accept")
    until(page, "window.answer == `ran('/it.js')`")


HELD = {
    "fetch": "fetch('{url}', { mode: 'no-cors', signal }).catch(({ name }) => (window.ended = name))",
    "fetch of a Request": (
        "fetch(new Request('{url}', { mode: 'no-cors', signal })).catch(({ name }) => (window.ended = name))"
    ),
    "XMLHttpRequest": (
        "const x = new XMLHttpRequest(); x.open('GET', '{url}'); x.send(); window.ended = 'AbortError';"
        "signal.addEventListener('abort', () => x.abort())"
    ),
}


@pytest.mark.parametrize("when_aborted", ["before", "while it waits"])
@pytest.mark.parametrize("way", HELD)
def test_what_is_called_off_while_it_waits_is_not_sent_after_the_yes(
    shop: Shop, page: Page, way: str, when_aborted: str
) -> None:
    shop.serve(trackers=PATTERNS)
    page.goto(shop.page(""))
    code = HELD[way].replace("{url}", shop.url("/it", "tracker"))
    early = "control.abort();" if when_aborted == "before" and way != "XMLHttpRequest" else ""
    page.evaluate(
        f"() => {{ const control = new AbortController(), {{ signal }} = control; {early} {code}; control.abort() }}"
    )
    until(page, "window.ended == 'AbortError'")
    page.evaluate("consent.decide({ analytics: true, marketing: true })")
    until(page, "consent.token")
    settle(page)
    assert shop.hits == []


def test_a_request_that_waits_ends_at_its_time(shop: Shop, page: Page) -> None:
    shop.serve(trackers=PATTERNS)
    url = shop.url("/it", "tracker")
    page.goto(shop.page(""))
    page.evaluate(
        f"() => {{ fetch('{url}', {{ signal: AbortSignal.timeout(50) }}).catch(({{ name }}) => (window.fetched = name));"
        f" const x = new XMLHttpRequest(); x.open('GET', '{url}'); x.timeout = 50; x.ontimeout = () => (window.over = 1);"
        " x.send() }"
    )
    until(page, "window.fetched == 'TimeoutError' && window.over")
    page.evaluate("consent.decide({ analytics: true })")
    until(page, "consent.token")
    settle(page)
    assert shop.hits == []


def test_of_a_request_that_is_opened_again_only_the_last_is_sent(shop: Shop, page: Page) -> None:
    shop.serve(trackers=PATTERNS)
    page.goto(shop.page(""))
    first, last = (shop.url(path, "tracker") for path in ("/first", "/last.js"))
    page.evaluate(
        f"() => {{ const x = new XMLHttpRequest(); x.open('GET', '{first}'); x.send(); x.open('GET', '{last}');"
        " x.onload = () => (window.text = x.responseText); x.send() }"
    )
    settle(page)
    page.evaluate("consent.decide({ analytics: true })")
    until(page, "window.text == `ran('/last.js')`")
    assert shop.hits == ["tracker/last.js"]


def test_a_body_is_sent_as_it_was(shop: Shop, page: Page) -> None:
    shop.serve(trackers=PATTERNS)
    url = shop.url("/it", "tracker")
    page.goto(shop.page(""))
    with page.expect_request(url) as sent:
        page.evaluate(
            f"() => {{ fetch(new Request('{url}', {{ method: 'POST', body: 'the body', mode: 'no-cors', keepalive: true }})) }}"
        )
        page.evaluate("consent.decide({ analytics: true })")
    assert sent.value.post_data == "the body"


def test_a_newer_address_takes_the_place_of_one_that_waits(shop: Shop, page: Page) -> None:
    shop.serve(trackers=PATTERNS)
    page.goto(shop.page("<img alt=''>"))
    page.evaluate(f"document.images[0].src = '{shop.url('/old', 'tracker')}'")
    page.evaluate("document.images[0].src = '/own.png'")
    page.evaluate("consent.decide({ analytics: true })")
    until(page, "consent.token")
    settle(page)
    assert shop.hits == []
    assert page.evaluate("document.images[0].getAttribute('src')") == "/own.png"
