"""What passes a sanitiser of the page's neither runs nor wears our style."""

from __future__ import annotations

import pytest
from examples import example
from playwright.sync_api import Page

from .conftest import Shop, press, settle, until
from .libraries import library
from .rows import COUNT, hits, tracker

pytestmark = pytest.mark.troubles("Failed to load|consent: ")


ATTACKS = {
    "a script": "<script type='text/plain' data-consent='analytics'>ran(1)</script>",
    "a script with an address": "<script type='text/plain' data-consent='analytics' src='{t}'></script>",
    "a frame": "<iframe data-consent='analytics' data-src='javascript:parent.ran(1)'></iframe>",
    "a frame in a picture": "<picture data-consent='analytics'><iframe data-src='{t}' src='{t}'></iframe></picture>",
    "a word": "<a data-consent='analytics' data-href='javascript:ran(1)' data-src='javascript:ran(1)'>x</a>",
    "a link": "<link data-consent='analytics' rel='stylesheet' data-href='{t}'>",
    "in svg": "<svg><a data-consent='analytics' data-href='javascript:ran(1)'><text>x</text></a>"
    "<script data-consent='analytics' type='text/plain' data-src='{t}'></script></svg>",
    "a picture": "<img data-consent='analytics' data-src='x' data-onerror='ran(1)' alt='' data-type='module'>",
    "our own tag": "<div data-base='{t}' data-ask data-consent='necessary' data-type='text/javascript' data-src='{t}'>x</div>",
    "a form": "<form data-consent='analytics' data-src='{t}' data-action='{t}'><button data-consent='analytics'>x</button></form>",
    "parts of a film": "<video data-consent='analytics' data-poster='javascript:ran(1)'><source data-src='data:text/html,x'></video>",
    "names": "<img name='currentScript' alt=''><a id='consent' href='{t}'></a><img name='consentQueue' alt=''><p id='ask'>x</p>",
}


def test_what_passes_a_sanitiser_never_runs(shop: Shop, page: Page) -> None:
    shop.pages["/dompurify.js"] = ("text/javascript", library("dompurify"), {})
    page.goto(shop.page(f"{COUNT}<div id=comments></div><script src=/dompurify.js></script>"))
    press(page, "accept")
    until(page, "consent.token")
    there = tracker(shop, "planted.js")
    for attack in ATTACKS.values():
        page.evaluate("(text) => (comments.innerHTML += DOMPurify.sanitize(text))", attack.replace("{t}", there))
    assert page.evaluate("comments.children.length") >= 6
    settle(page)
    page.evaluate("comments.addEventListener('click', (event) => event.preventDefault())")  # a planted link leads away
    parts = page.locator("#comments a, #comments button").all()
    assert parts
    for part in parts:
        part.dispatch_event("click")
    page.reload()
    settle(page)
    assert page.evaluate("order") == []
    assert hits(shop) == []


def test_the_sanitiser_of_the_documentation_leaves_no_mark(shop: Shop, page: Page) -> None:
    call = example("sanitise").strip().rstrip(";")
    shop.pages["/dompurify.js"] = ("text/javascript", library("dompurify"), {})
    page.goto(shop.page("<div id=comments></div><script src=/dompurify.js></script>"))
    marks = (
        "<p data-consent=analytics data-src=x>1</p><button data-consent-open>2</button><div data-consent-list>3</div>"
    )
    for text in (marks, *ATTACKS.values()):
        page.evaluate(f"(text) => (comments.innerHTML += {call})", text)
    assert page.evaluate("comments.textContent.startsWith('123')")
    assert (
        page.evaluate("comments.querySelector('[data-consent],[data-consent-open],[data-consent-list],[data-ask]')")
        is None
    )


FAKES = {
    "data-ask": ["staticauto", "staticauto", "staticauto", "absoluteauto"],
    "data-ask popover=manual": [],
    "data-ask popover": ["fixedauto", "staticauto", "staticauto", "absoluteauto"],
}
"""How what a comment writes as if it were ours is laid out; what is told from a copy of ours by nothing is gone."""


@pytest.mark.parametrize("fake", FAKES)
def test_a_comment_does_not_wear_our_style(shop: Shop, page: Page, fake: str) -> None:
    shop.serve(theme={"layout": "box"})
    page.goto(shop.page(f"<p>Comment</p><div {fake}><div class=box><h2>Fake</h2><dialog open>x</dialog></div></div>"))
    press(page, "choose")
    page.get_by_role("dialog").locator(".close").click()
    style = "main [data-ask]"
    seen = f"[...document.querySelectorAll('{style}, {style} *')].map((part) => getComputedStyle(part)).map(({{ position, zIndex }}) => position + zIndex)"
    assert page.evaluate(seen) == FAKES[fake]
