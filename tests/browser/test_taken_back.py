"""What is taken back with a no, wherever the page keeps it, and comes again with the next yes."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from .conftest import Shop, settle, until, when
from .rows import hits, tracker
from .visits import ALLOW, PATTERN, WITHDRAW, accepted

pytestmark = pytest.mark.troubles("Failed to load resource|MIME")


# What was shown before


def test_a_placeholder_comes_back(shop: Shop, page: Page) -> None:
    picture = f"<img alt='' data-consent=analytics src='/placeholder.gif' data-src='{tracker(shop, 'it')}'>"
    page.goto(
        shop.page(
            f"{picture}<video data-consent=analytics poster='/poster.gif' data-poster='{tracker(shop, 'poster')}'></video>"
        )
    )
    shown = "[document.images[0].getAttribute('src'), document.querySelector('video').getAttribute('poster')]"
    for _ in range(2):
        page.evaluate(ALLOW)
        until(page, f"{shown}.join() == '{tracker(shop, 'it')},{tracker(shop, 'poster')}' && consent.token")
        page.evaluate(WITHDRAW)
        until(page, f"{shown}.join() == '/placeholder.gif,/poster.gif'")


def test_an_address_that_was_released_is_no_placeholder(shop: Shop, page: Page) -> None:
    page.goto(shop.page(f"<img alt='' data-consent=analytics data-src='{tracker(shop, 'one')}'>"))
    page.evaluate(ALLOW)
    when(page, lambda: "one" in hits(shop))
    page.evaluate(f"document.images[0].dataset.src = '{tracker(shop, 'two')}'")
    when(page, lambda: "two" in hits(shop))
    until(page, "consent.token")
    page.evaluate(WITHDRAW)
    until(page, "!document.images[0].hasAttribute('src')")
    settle(page)
    assert page.evaluate("document.images[0].hasAttribute('src')") is False


# What is out of the page, or in it unseen, when the shopper withdraws

MAKE = "window.kept = Object.assign(document.createElement('iframe'), { title: 'F', src: '{t}' }); document.body.append(kept);"
KEPT = {
    "a frame that the page keeps": MAKE + "when(() => kept.remove())",
    "a frame within what the page keeps": (
        "window.kept = document.createElement('section'); document.body.append(kept);"
        "kept.innerHTML = `<iframe title=F src='{t}'></iframe>`; when(() => kept.remove())"
    ),
    "a copy of a frame": MAKE + "when(() => { const frame = kept; kept = frame.cloneNode(true); frame.remove() })",
    "a copy of a part with a picture that waits to be seen": (
        "const part = document.createElement('section'); part.innerHTML = `<img alt='' loading=lazy src='{t}'>`;"
        "document.body.append(part); when(() => { kept = document.importNode(part, true); part.remove() })"
    ),
    "a style sheet": (
        "window.kept = Object.assign(document.createElement('link'), { rel: 'stylesheet', href: '{t}' });"
        "document.head.append(kept); when(() => kept.remove())"
    ),
}


@pytest.mark.parametrize("what", KEPT)
def test_what_the_page_keeps_asks_nobody_when_it_is_put_back_after_a_no(shop: Shop, page: Page, what: str) -> None:
    shop.serve(trackers=PATTERN)
    accepted(page, shop.page(""))
    code = KEPT[what].replace("{t}", tracker(shop, "it"))
    page.evaluate(f"() => {{ const when = (act) => setTimeout(() => {{ act(); window.done = 1 }}, 400); {code} }}")
    until(page, "window.done")
    asked = len(hits(shop))
    assert asked > 0
    page.evaluate(f"window.here = 1; {WITHDRAW}")
    page.get_by_role("status").wait_for()
    until(page, "!kept.outerHTML.includes('tracker')")
    page.evaluate("document.body.append(kept)")
    settle(page)
    assert page.evaluate("window.here") == 1
    assert len(hits(shop)) == asked
    page.evaluate(ALLOW)
    when(page, lambda: len(hits(shop)) == asked + 1)


AGAIN = {
    "a film's source": "<video preload=auto><source src='{t}'></video>",
    "a picture of SVG": "<svg><image xlink:href='{t}' width=9 height=9 /></svg>",
}


@pytest.mark.parametrize("by", ["innerHTML", "cloneNode"])
@pytest.mark.parametrize("what", AGAIN)
def test_what_was_taken_back_comes_again_with_the_next_yes(shop: Shop, page: Page, what: str, by: str) -> None:
    shop.serve(trackers=PATTERN)
    accepted(page, shop.page("<div id=box></div>"))
    add = {
        "innerHTML": "box.innerHTML = html",
        "cloneNode": "const t = document.createElement('template'); t.innerHTML = html; box.append(t.content.cloneNode(true))",
    }[by]
    page.evaluate(f"(html) => {{ window.here = 1; {add} }}", AGAIN[what].replace("{t}", tracker(shop, "it")))
    when(page, lambda: "it" in hits(shop))
    settle(page)
    page.evaluate(WITHDRAW)
    page.get_by_role("status").wait_for()
    until(page, "!box.innerHTML.includes('tracker')")
    # Of a film that could not be played the browser asks no second time.
    seen = "(document.querySelector('image')?.href.baseVal ?? document.querySelector('video').currentSrc).includes('tracker')"
    assert page.evaluate(seen) is False
    page.evaluate(ALLOW)
    until(page, seen)
    assert page.evaluate("window.here") == 1


def test_a_frame_in_a_closed_shadow_root_is_taken_back(shop: Shop, page: Page) -> None:
    shop.serve(trackers=PATTERN)
    accepted(page, shop.page("<div id=box></div>"))
    page.evaluate(
        "(src) => { window.kept = Object.assign(document.createElement('iframe'), { title: 'F', src });"
        " box.attachShadow({ mode: 'closed' }).append(kept) }",
        tracker(shop, "it"),
    )
    when(page, lambda: "it" in hits(shop))
    page.evaluate(WITHDRAW)
    until(page, "!kept.hasAttribute('src')")


@pytest.mark.parametrize("field", ["closest", "setAttribute", "getAttributeNames", "contentWindow", "shadowRoot"])
def test_a_form_s_field_keeps_nothing_from_being_taken_back(shop: Shop, page: Page, field: str) -> None:
    shop.serve(trackers=PATTERN)
    t = tracker(shop, "it")
    form = f"<form data='{t}' src='{t}'><input name={field}><input name={field}><input name=contentDocument></form>"
    accepted(page, shop.page(f"{form}<iframe title=F src='{t}'></iframe>"))
    when(page, lambda: "it" in hits(shop))
    page.evaluate(WITHDRAW)
    until(page, "!document.querySelector('iframe').hasAttribute('src')")
    until(page, "document.querySelector('[data-ask] .said')")
