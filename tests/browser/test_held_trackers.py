"""What a pattern holds comes back after a yes as the page's policy would have it, and no call of the page's ends by us."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page

from .conftest import Shop, press, settle, until, when

PATTERNS = (("*.tracker.localhost", "analytics"),)

pytestmark = pytest.mark.troubles("Failed to load resource|Content Security Policy|consent: not run|WebSocket")

RAN = "<script nonce=n1>window.order = []; window.ran = (name) => order.push(name)</script>"
STRICT = "script-src 'nonce-n1' 'strict-dynamic'"


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Page:
    """A window of an English shopper."""
    return new_context(locale="en-GB").new_page()


@pytest.fixture
def tracked(shop: Shop) -> Shop:
    """The shop, which names its tracker in consent.toml."""
    return shop.serve(trackers=PATTERNS)


def with_nonce(shop: Shop) -> str:
    """Return our tag as a page with a nonce has it."""
    return shop.tag.replace("<script", "<script nonce=n1")


def allow(page: Page) -> None:
    press(page, "accept")
    until(page, "consent.token")
    settle(page)


# ---- Under a policy ----


@pytest.mark.parametrize("around", ["{}", "<div>{}</div>", "<div><p>a</p><section>{}</section></div>"])
@pytest.mark.parametrize("tag", ["with the nonce", "added by a script"])
def test_a_yes_runs_no_script_of_the_page_s_html_that_its_policy_forbids(
    tracked: Shop, page: Page, around: str, tag: str
) -> None:
    text = "".join(
        around.format(f"<script {nonce} src='{tracked.url(path, 'tracker')}'></script>")
        for path, nonce in (("/planted.js", ""), ("/wrong.js", "nonce=n2"), ("/meant.js", "nonce=n1"))
    )
    ours = f"document.head.append(Object.assign(document.createElement('script'), {{ src: '{tracked.url('/v1/shop/consent.js')}' }}))"
    head = with_nonce(tracked) if tag == "with the nonce" else f"<script nonce=n1>{ours}</script>"
    page.goto(tracked.page(text, head=RAN + head, Content_Security_Policy=STRICT))
    press(page, "accept")
    until(page, "order.length && consent.token")
    settle(page)
    assert page.evaluate("order") == ["/meant.js"]


def test_a_script_of_a_host_that_the_policy_names_comes_back_without_a_nonce(tracked: Shop, page: Page) -> None:
    script = f"<script src='{tracked.url('/it.js', 'tracker')}'></script>"
    policy = f"script-src 'nonce-n1' {tracked.url('', 'tracker')}"
    page.goto(
        tracked.page(f"{script}<div>{script}</div>", head=with_nonce(tracked) + RAN, Content_Security_Policy=policy)
    )
    settle(page)
    assert page.evaluate("order") == []
    press(page, "accept")
    until(page, "order.length == 2")


STANDS = {
    "a frame": '<iframe src="{url}" title="F"></iframe>',
    "a film": '<video src="{url}" preload="auto"></video>',
    "a style sheet": '<link rel="stylesheet" href="{url}">',
    "a picture": '<img src="{url}" alt="">',
}


@pytest.mark.parametrize("before", ["", "<script nonce=n1>'the parser hands over what came so far'</script>"])
@pytest.mark.parametrize("way", STANDS)
def test_what_is_no_script_needs_no_nonce_to_come_back(tracked: Shop, page: Page, way: str, before: str) -> None:
    part = before + STANDS[way].replace("{url}", tracked.url("/it", "tracker"))
    held = "HTMLDocument.prototype.querySelectorAll.call(document, '[src*=tracker],[href*=tracker]').length"
    page.goto(tracked.page(part, head=with_nonce(tracked), Content_Security_Policy=STRICT))
    settle(page)
    assert page.evaluate(held) == 0
    allow(page)
    assert page.evaluate(held) == 1


@pytest.mark.parametrize("copy", ["cloneNode(true)", "cloneNode()"])
@pytest.mark.parametrize("tag", ["img", "iframe", "script"])
def test_a_copy_gets_its_address_after_a_yes_in_a_page_with_a_nonce(
    tracked: Shop, page: Page, tag: str, copy: str
) -> None:
    page.goto(
        tracked.page(
            f"<template><{tag} src='{tracked.url('/it.js', 'tracker')}'></{tag}></template>",
            head=with_nonce(tracked) + RAN,
            Content_Security_Policy=STRICT,
        )
    )
    page.evaluate(
        f"() => {{ document.body.append(document.querySelector('template').content.firstChild.{copy}) }}",
    )
    settle(page)
    assert tracked.hits == []
    allow(page)
    when(page, lambda: tracked.hits == ["tracker/it.js"])


# ---- What is no element ----


@pytest.mark.parametrize(
    "code",
    [
        "document.querySelector('img').getAttributeNode('src').cloneNode().value",
        "document.importNode(document.querySelector('img').getAttributeNode('src')).value",
        "document.createAttribute('src').cloneNode(true).name",
        "document.createComment('src').cloneNode().data",
        "document.createTextNode('src').cloneNode().data",
        "document.importNode(document.createComment('src'), true).data",
        "document.implementation.createHTMLDocument('src').cloneNode(true).title",
        "document.doctype.cloneNode() && 'src'",
    ],
)
def test_copies_of_what_is_no_element_are_the_browser_s(tracked: Shop, page: Page, code: str) -> None:
    page.goto(tracked.page("<img src='src' alt=''>"))
    assert page.evaluate(code) == "src"


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
