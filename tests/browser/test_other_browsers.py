"""The gate, the banner and the preferences in Firefox and in WebKit. A browser that is not installed is left out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from .conftest import EVERY_COOKIE, EVERY_HIT, REFUSAL_TOOL, Shop, cookie, slow
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
    window.until("!!document.querySelector('[data-ask] [role=dialog]')")
    time.sleep(0.5)
    assert window.evaluate("[order.length, document.cookie, localStorage.length]") == [0, "", 0]
    assert shop.hits == []
    window.press("Accept all")
    window.until("order.length == 3")
    assert window.evaluate("order") == ["/one.js", "inline", "marketing"]
    window.until("consent.token")
    window.goto(shop.url("/"))
    window.until("order.length == 3")
    assert window.evaluate("document.querySelector('[data-ask]')") is None


def test_choosing_withdrawing_and_my_choices_work(shop: Shop, window: Window) -> None:
    shop.serve(cookies={"analytics": (cookie("_t_*"),)})
    window.goto(page(shop))
    window.press("Manage preferences")
    window.until("!!document.querySelector('[name=analytics]')")
    window.evaluate("document.querySelector('[name=analytics]').click()")
    window.press("Save my choices")
    window.until("order.length == 2 && document.cookie.includes('_t_one') && consent.token")
    window.evaluate("document.querySelector('[data-consent-open]').click()")
    window.until("!!document.querySelector('[data-ask] dialog')")
    window.press("My choices")
    said = "document.querySelector('[data-ask] dialog').textContent"
    window.until(f"{said}.includes('Your answer is recorded and unchanged')")
    window.evaluate("(window.here = true)")
    window.press("Withdraw my consent")
    window.press("Withdraw my consent")  # are you sure?
    window.until("!window.here && window.consent && !document.cookie.includes('_t_')")
    window.until("document.querySelector('[data-ask] [role=status]')?.textContent.includes('_t_one')")
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
    end = time.monotonic() + 120
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


@pytest.mark.parametrize("lang", ["az", "en", "ru", "tr"])
def test_a_tool_that_knows_nothing_of_us_finds_the_refusal(shop: Shop, window: Window, lang: str) -> None:
    window.goto(shop.page("", lang=lang))
    window.until("!!document.querySelector('[data-ask] button')")
    assert window.evaluate(REFUSAL_TOOL) == 1
    assert window.evaluate("Object.values(consent.choice).some(Boolean)") is False


def test_a_held_frame_says_what_it_waits_for(shop: Shop, window: Window) -> None:
    window.goto(page(shop))
    window.until("frames[0].document.body?.textContent.includes('Marketing')")
    assert shop.hits == []


def test_escape_postpones_and_the_page_s_style_does_not_reach_the_banner(shop: Shop, window: Window) -> None:
    style = "<style>* { all: unset !important } button { display: none !important }</style>"
    window.goto(shop.page("", head=style + shop.tag))
    window.until("document.querySelector('[data-ask] button')?.getBoundingClientRect().height >= 44")
    window.evaluate("(document.querySelector('[data-ask] [role=dialog]').focus(), 1)")
    window.keys("\ue00c")
    window.until("!document.querySelector('[data-ask] [role=dialog]')")
    assert window.evaluate("[consent.choice, document.cookie]") == [None, ""]


def test_a_late_yes_does_not_undo_the_no_and_a_shared_cookie_takes_the_old_one_s_place(
    shop: Shop, window: Window
) -> None:
    window.goto(page(shop))
    no = "consent.decide({ functional: false, analytics: false, marketing: false })"
    with slow(shop) as answer:
        window.press("Accept all")
        end = time.monotonic() + 120
        while not answer.taken and time.monotonic() < end:
            time.sleep(0.02)
        assert answer.taken
        window.until("order.length == 3")
        window.evaluate(f"(window.here = 1, {no}, 1)")
        window.until("!window.here && window.consent")  # what has run ends with its page, which comes anew
        window.goto(shop.url("/?2"))
        window.until("consent.token")
        answer.arrive.set()
        time.sleep(0.5)
        assert window.evaluate("consent.allows('analytics')") is False
    window.evaluate("(consent.decide({ analytics: true }), 1)")
    window.until("consent.token")

    shop.serve(cookie_domain="shop.localhost")
    shop.page("", head=shop.tag.replace(".js", ".js?shared"))
    window.goto(shop.url("/?3"))
    assert window.evaluate("consent.allows('analytics')") is True
    window.evaluate(f"({no}, 1)")
    window.until("consent.token && document.cookie.split('consent=').length == 2")
    window.goto(shop.url("/?4"))
    assert window.evaluate("consent.allows('analytics')") is False


def test_an_answer_outlasts_a_script_s_cookie_where_that_ends_after_seven_days(shop: Shop, window: Window) -> None:
    window.goto(page(shop))
    window.press("Accept all")
    window.until("consent.token")
    if not window.evaluate("navigator.vendor.startsWith('Apple')"):
        time.sleep(0.5)
        assert window.evaluate("document.cookie.includes('ask-')") is False
        return
    window.until("document.cookie.includes('ask-kept=')")
    window.evaluate("(document.cookie = 'consent=;Max-Age=0;path=/')")
    window.goto(shop.url("/?2"))
    assert window.evaluate("consent.allows('marketing')") is True
    window.until("/(^|; )consent=/.test(document.cookie)")
