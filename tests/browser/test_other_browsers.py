"""The gate, the banner and the preferences in Firefox and in WebKit. A browser that is not installed is left out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from .conftest import EVERY_COOKIE, EVERY_HIT, REFUSAL_TOOL, Shop, cookie
from .windows import Window, firefox, webkit


@pytest.fixture(scope="module", params=[firefox, webkit], ids=["firefox", "webkit"])
def new_window(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Window]]:
    """Open a window of a browser that is not Chromium."""
    with request.param(tmp_path_factory.mktemp("profile")) as open_window:
        yield open_window


@pytest.fixture
def window(new_window: Callable[[], Window]) -> Iterator[Window]:
    """A window of a browser that is not Chromium."""
    opened = new_window()
    yield opened
    opened.close()


HELD = """<script>window.order = []; window.ran = (name) => order.push(name)</script>
<script type="text/plain" data-consent="analytics" src="{t}/one.js"></script>
<script type="text/plain" data-consent="analytics">ran('inline'); document.cookie = '_t_one=1;path=/'</script>
<script type="text/plain" data-consent="marketing">ran('marketing')</script>
<iframe width="400" height="200" data-consent="marketing" data-src="{t}/film" title="Film"></iframe>
<button data-consent-open>Cookie settings</button>"""


def page(shop: Shop) -> str:
    return shop.page(HELD.replace("{t}", shop.url("", "tracker").rstrip("/")))


def test_nothing_runs_before_the_answer_then_what_is_allowed_in_page_order(shop: Shop, window: Window) -> None:
    window.goto(page(shop))
    window.until("!!document.querySelector('#ask [role=dialog]')")
    time.sleep(0.5)
    assert window.evaluate("[order.length, document.cookie, localStorage.length]") == [0, "", 0]
    assert shop.hits == []
    window.press("Accept all")
    window.until("order.length == 3")
    assert window.evaluate("order") == ["/one.js", "inline", "marketing"]
    window.until("consent.token")
    window.goto(shop.url("/"))
    window.until("order.length == 3")
    assert window.evaluate("document.querySelector('#ask')") is None


def test_choosing_withdrawing_and_my_choices_work(shop: Shop, window: Window) -> None:
    shop.serve(cookies={"analytics": (cookie("_t_*"),)})
    window.goto(page(shop))
    window.press("Manage preferences")
    window.until("!!document.querySelector('[name=analytics]')")
    window.evaluate("document.querySelector('[name=analytics]').click()")
    window.press("Save my choices")
    window.until("order.length == 2 && document.cookie.includes('_t_one') && consent.token")
    window.evaluate("document.querySelector('[data-consent-open]').click()")
    window.until("!!document.querySelector('#ask dialog')")
    window.evaluate("document.querySelector('#ask dialog > details').open = true")
    window.until("document.querySelector('#ask dialog').textContent.includes('My receipt: The signature is right')")
    window.evaluate("(window.here = true)")
    window.press("Withdraw my consent")
    window.until("!window.here && window.consent && !document.cookie.includes('_t_')")
    window.until("document.querySelector('#ask [role=status]')?.textContent.includes('_t_one')")
    assert window.evaluate("order") == []


def test_in_every_way_nothing_leaves_before_a_yes_then_each_once_and_nothing_after_it_is_withdrawn(
    shop: Shop, window: Window
) -> None:
    url = shop.every_way()
    window.goto(url)
    time.sleep(0.5)
    window.press("Reject all")
    window.until("consent.token")
    window.goto(url)
    time.sleep(0.5)
    assert shop.hits == []
    window.evaluate("consent.decide({ analytics: true })")
    end = time.monotonic() + 10
    while len(shop.hits) < len(EVERY_HIT) and time.monotonic() < end:
        time.sleep(0.05)
    window.until("consent.token")
    time.sleep(0.3)
    assert sorted(shop.hits) == EVERY_HIT
    assert all(window.evaluate(f"document.cookie.includes('{name}')") for name in EVERY_COOKIE)
    shop.hits.clear()
    window.evaluate("(window.here = true, consent.decide({ analytics: false }))")
    window.until("!window.here && window.consent?.token && !document.cookie.includes('_t')")
    time.sleep(0.5)
    assert shop.hits == []


def test_a_tool_that_knows_nothing_of_us_finds_the_refusal_in_each_language(shop: Shop, window: Window) -> None:
    for lang in ("az", "en", "ru", "tr"):
        window.goto(shop.page("", path=f"/{lang}", lang=lang))
        window.until("!!document.querySelector('#ask button')")
        assert window.evaluate(REFUSAL_TOOL) == 1
        assert window.evaluate("Object.values(consent.choice).some(Boolean)") is False
        window.until("consent.token")
        window.evaluate("(document.cookie = 'consent=;Max-Age=0;path=/')")


def test_a_held_frame_says_what_it_waits_for(shop: Shop, window: Window) -> None:
    window.goto(page(shop))
    window.until("frames[0].document.body?.textContent.includes('Marketing')")
    assert shop.hits == []


def test_escape_postpones_and_the_page_s_style_does_not_reach_the_banner(shop: Shop, window: Window) -> None:
    style = "<style>* { all: unset !important } button { display: none !important }</style>"
    window.goto(shop.page("", head=style + shop.tag))
    window.until("document.querySelector('#ask button')?.getBoundingClientRect().height >= 44")
    window.evaluate("(document.querySelector('#ask [role=dialog]').focus(), 1)")
    window.keys("\ue00c")
    window.until("!document.querySelector('#ask [role=dialog]')")
    assert window.evaluate("[consent.choice, document.cookie]") == [None, ""]


def test_the_page_s_own_script_runs_in_its_place_and_a_copy_of_it_does_not(shop: Shop, window: Window) -> None:
    shop.pages["/place.js"] = ("text/javascript", "ran(document.currentScript.parentNode.id)", {})
    scripts = "<script {m} src=/place.js></script><script {m}>ran('inline ' + document.currentScript.parentNode.id)</script>"
    body = HELD.splitlines()[0] + f"<div id=box>{scripts}</div>".replace("{m}", 'type="text/plain" data-consent="analytics"')
    window.goto(shop.page(body + '<div id="later"></div>'))
    window.press("Accept all")
    window.until("order.length == 2")
    assert window.evaluate("order") == ["box", "inline box"]
    assert window.evaluate("box.innerHTML.match(/<script/g).length") == 2
    window.evaluate("(document.body.append(box.cloneNode(true)), 1)")
    window.evaluate("(later.innerHTML = box.innerHTML.replaceAll('inline ', 'later '), 1)")
    window.until("order.length == 4")
    time.sleep(0.5)
    assert window.evaluate("order") == ["box", "inline box", "later", "later later"]


def test_a_name_of_the_page_s_does_not_reach_the_gate(shop: Shop, window: Window) -> None:
    names = "".join(f'<img alt="" name={name}>' for name in ("consent", "cookie", "body", "head", "currentScript", "hidden"))
    ids = "".join(f"<a id={name}></a>" for name in ("consent", "requestIdleCallback", "cookieStore", "trustedTypes"))
    window.goto(shop.page(HELD.splitlines()[0] + names + ids + shop.tag + HELD.splitlines()[2], head=""))
    window.press("Accept all")
    window.until("order.length == 1 && consent.token")
    assert window.evaluate("[typeof window.consent.allows, order[0]]") == ["function", "inline"]


def test_what_a_released_script_writes_does_not_replace_the_page(shop: Shop, window: Window) -> None:
    write = '<script type="text/plain" data-consent="analytics">document.write("<p>gone"); ran("wrote")</script>'
    window.goto(shop.page(HELD.splitlines()[0] + write))
    window.press("Accept all")
    window.until("order.length == 1 && consent.token")
    window.goto(shop.url("/"))
    window.until("order.length == 1")
    assert window.evaluate("document.querySelector('h1').textContent") == "Shop"


def test_a_script_that_the_browser_skips_or_that_markup_made_holds_up_nobody(shop: Shop, window: Window) -> None:
    there = shop.url("", "tracker").rstrip("/")
    mark = 'type="text/plain" data-consent="analytics"'
    body = f"{HELD.splitlines()[0]}<script {mark} nomodule src={there}/old.js></script><script {mark} src={there}/new.js></script>"
    window.goto(shop.page(body + "<div id=box></div>"))
    window.press("Accept all")
    window.until("order.length == 1")
    window.evaluate(f"(box.innerHTML = '<script {mark} src={there}/markup.js><\\/script>', 1)")
    window.until("order.length == 2")
    assert window.evaluate("order") == ["/new.js", "/markup.js"]
