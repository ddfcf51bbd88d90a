"""Requests and sockets that a pattern holds, whatever the page does with them meanwhile."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from .conftest import Shop, settle, until, when
from .tracked_shop import allow, tracked

__all__ = ["tracked"]

pytestmark = pytest.mark.troubles("Failed to load resource|Content Security Policy|consent: not run|WebSocket")


# ---- A request that is asked for more than once ----

MADE = "const x = window.x = new XMLHttpRequest(); const it = '{url}';"
REQUESTS = {
    "sent twice": "x.open('GET', it); x.send(); try { x.send() } catch {}",
    "called off and sent": "x.open('GET', it); x.abort(); x.send()",
    "sent, called off and sent": "x.open('GET', it); x.send(); x.abort(); x.send()",
    "sent as soon as it is opened": "x.onreadystatechange = () => x.readyState == 1 && x.send(); x.open('GET', it)",
    "sent, and opened in vain": "x.open('GET', it); try { x.open('BAD METHOD', '/own') } catch {} x.send()",
    "sent, and opened in vain at a bad address": "x.open('GET', it); try { x.open('GET', 'http://:') } catch {} x.send()",
}


@pytest.mark.parametrize("way", REQUESTS)
def test_a_request_waits_however_often_it_is_opened_sent_and_called_off(tracked: Shop, page: Page, way: str) -> None:
    page.goto(tracked.page(""))
    page.evaluate(f"() => {{ {MADE.replace('{url}', tracked.url('/it.js', 'tracker'))} {REQUESTS[way]} }}")
    settle(page)
    assert tracked.hits == []
    allow(page)
    when(page, lambda: tracked.hits == ["tracker/it.js"])


def test_a_socket_that_a_yes_let_through_closes_with_a_no_in_a_page_that_was_written_anew(
    tracked: Shop, page: Page
) -> None:
    page.route("**/it", lambda route: None)  # which is long on its way
    page.goto(tracked.page(""))
    allow(page)
    page.evaluate(
        f"() => {{ window.source = new EventSource('{tracked.url('/it', 'tracker')}');"
        " document.open(); document.write('<p>Anew'); document.close() }"
    )
    assert page.evaluate("source.readyState") < 2
    page.evaluate("consent.decide({ analytics: false })")
    until(page, "source.readyState == 2")


def test_a_request_that_is_opened_anew_while_it_waits_is_not_the_old_one(tracked: Shop, page: Page) -> None:
    page.goto(tracked.page(""))
    page.evaluate(
        f"() => {{ {MADE.replace('{url}', tracked.url('/it.js', 'tracker'))} x.open('GET', it); x.send(); x.open('GET', '/own'); }}"
    )
    allow(page)
    assert tracked.hits == []


# ---- What is called off ----

OFF = {
    "a signal of null": (
        "fetch(new Request(url, { signal, mode: 'no-cors' }), { signal: null }).catch(() => 0)",
        ["tracker/it"],
    ),
    "a signal of undefined": (
        "fetch(new Request(url, { signal, mode: 'no-cors' }), { signal: undefined }).catch(() => 0)",
        [],
    ),
    "a signal that the request seems to have": (
        "fetch(Object.defineProperty(new Request(url, { mode: 'no-cors' }), 'signal', { value: signal })).catch(() => 0)",
        [],
    ),
}


@pytest.mark.parametrize("way", OFF)
def test_nothing_leaves_when_a_signal_says_so_while_a_request_waits(tracked: Shop, page: Page, way: str) -> None:
    code, after = OFF[way]
    page.goto(tracked.page(""))
    page.evaluate(
        f"(url) => {{ const control = new AbortController(), {{ signal }} = control; {code}; control.abort() }}",
        tracked.url("/it", "tracker"),
    )
    settle(page)
    assert tracked.hits == []
    allow(page)
    assert tracked.hits == after


def test_a_time_out_that_is_set_after_the_request_is_sent_counts(tracked: Shop, page: Page) -> None:
    page.goto(tracked.page(""))
    page.evaluate(
        f"() => {{ {MADE.replace('{url}', tracked.url('/it', 'tracker'))} x.ontimeout = () => (window.over = 1);"
        " x.open('GET', it); x.send(); x.timeout = 50 }"
    )
    until(page, "window.over")
