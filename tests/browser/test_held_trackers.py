"""What a pattern holds comes back after a yes as the page's policy would have it, and no call of the page's ends by us."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from .conftest import Shop, press, settle, until, when
from .rows import COUNT
from .tracked_shop import allow, tracked

__all__ = ["tracked"]

pytestmark = pytest.mark.troubles("Failed to load resource|Content Security Policy|consent: not run|WebSocket")

RAN = "<script nonce=n1>window.order = []; window.ran = (name) => order.push(name)</script>"
STRICT = "script-src 'nonce-n1' 'strict-dynamic'"


def with_nonce(shop: Shop) -> str:
    """Return our tag as a page with a nonce has it."""
    return shop.tag.replace("<script", "<script nonce=n1")


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


# ---- A script that has a text too, as a loader's that reads its own ----

TEXT = "<script {type} src='{url}'>window.fell = 1</script>"
WITH_TEXT = {
    "in the page": TEXT.replace("{type}", ""),
    "marked too": TEXT.replace("{type}", "type=text/plain data-consent=analytics"),
    "by a script": "<script>{ const s = document.createElement('script'); s.text = 'window.fell = 1'; s.src = '{url}'; document.body.append(s) }</script>",
    "by a script, its type last": "<script>{ const s = document.createElement('script'); s.src = '{url}'; s.text = 'window.fell = 1'; document.body.append(s); s.type = 'text/javascript' }</script>",
    "of a fragment": "<script>document.body.append(document.createRange().createContextualFragment(`<script src='{url}'>window.fell = 1</scr` + 'ipt>'))</script>",
}


@pytest.mark.parametrize("way", WITH_TEXT)
def test_a_script_with_an_address_and_a_text_runs_no_text_and_comes_after_a_yes(
    tracked: Shop, page: Page, way: str
) -> None:
    body = WITH_TEXT[way].replace("{url}", tracked.url("/it.js", "tracker"))
    page.goto(tracked.page(COUNT + body))
    settle(page)
    assert page.evaluate("[window.fell, order]") == [None, []]
    allow(page)
    until(page, "order.join() == '/it.js'")
    assert page.evaluate("window.fell") is None


def test_a_script_that_gets_another_address_instead_runs_at_once_and_as_what_it_is(tracked: Shop, page: Page) -> None:
    tracked.pages["/own.js"] = ("text/javascript", "window.own = typeof import.meta", {})
    page.goto(tracked.page(""))
    page.evaluate(
        "(url) => { const s = document.createElement('script'); s.type = 'module'; s.src = url;"
        " document.body.append(s); s.src = '/own.js' }",
        tracked.url("/it.js", "tracker"),
    )
    until(page, "window.own == 'object'")


# ---- A part of a film that is marked, and of another category by its pattern ----


def test_a_marked_source_waits_for_its_mark_and_for_its_pattern(shop: Shop, page: Page) -> None:
    shop.serve(trackers=(("*.tracker.localhost", "marketing"),))
    film = f"<video data-consent=analytics preload=auto><source data-src='{shop.url('/film', 'tracker')}'></video>"
    page.goto(shop.page(film))
    page.evaluate("consent.decide({ analytics: true })")
    until(page, "consent.token")
    settle(page)
    assert shop.hits == []
    page.evaluate("consent.decide({ marketing: true })")
    when(page, lambda: shop.hits == ["tracker/film"])


# ---- The page's own elements ----

FIELDS = ("removeAttribute", "setAttribute", "getAttributeNames", "matches", "localName", "closest", "attributes")


@pytest.mark.parametrize("field", FIELDS)
def test_a_form_s_field_is_not_asked_in_place_of_the_form(tracked: Shop, page: Page, field: str) -> None:
    url = tracked.url("/it.js", "tracker")
    page.goto(
        tracked.page(f"{COUNT}<form data='{url}' src='{url}'><input name={field}></form><script src='{url}'></script>")
    )
    settle(page)
    assert page.evaluate("[order, document.forms[0].attributes.length]")[0] == []
    allow(page)
    until(page, "order.join() == '/it.js'")


@pytest.mark.parametrize(
    "part", ["<object data='{}'></object>", "<embed src='{}'>", "<svg><script href='{}'></script></svg>"]
)
def test_what_needs_a_trusted_address_is_held_and_comes_back(tracked: Shop, page: Page, part: str) -> None:
    url = tracked.url("/it.js", "tracker")
    body = f"{COUNT}{part.format(url)}<script src='{url}'></script>"
    page.goto(tracked.page(body, Content_Security_Policy="require-trusted-types-for 'script'"))
    settle(page)
    assert page.evaluate(
        "[order, document.querySelectorAll('[src*=tracker],[data*=tracker],[href*=tracker]').length]"
    ) == [[], 0]
    allow(page)
    until(page, "document.querySelectorAll('[src*=tracker],[data*=tracker],[href*=tracker]').length == 2")
    until(page, "order.includes('/it.js')")


KEPT = "<my-button href='{}'></my-button><div data='{}'></div><math href='{}'></math><link rel=me href='{}'><link rel=canonical href='{}'><a href='{}'></a>"


def test_what_asks_for_nothing_keeps_its_address(tracked: Shop, page: Page) -> None:
    url = tracked.url("/it", "tracker")
    page.goto(tracked.page(f"<section>{KEPT.replace('{}', url)}</section>"))
    page.evaluate(
        "(url) => { document.querySelector('section').cloneNode(true);"
        " const it = document.body.appendChild(document.createElement('my-button')); it.setAttribute('href', url) }",
        url,
    )
    assert page.evaluate("document.querySelectorAll('[href*=tracker],[data*=tracker]').length") == 7


def test_attributes_are_named_and_taken_away_as_ever(tracked: Shop, page: Page) -> None:
    page.goto(tracked.page(""))
    assert (
        page.evaluate(
            "(url) => { const i = new Image(); i.setAttribute(['src'], url); i.toggleAttribute('src', false);"
            " const own = new Image(); own.setAttribute(['alt'], ['a']); return own.outerHTML }",
            tracked.url("/it", "tracker"),
        )
        == '<img alt="a">'
    )
    allow(page)
    assert tracked.hits == []
