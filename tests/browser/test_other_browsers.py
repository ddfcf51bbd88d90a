"""The gate, the banner and the preferences in Firefox and in WebKit. A browser that is not installed is left out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from .conftest import Shop, cookie
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


def test_trackers_called_by_scripts_are_stopped_and_run_once_they_are_allowed(shop: Shop, window: Window) -> None:
    shop.serve(trackers=(("*.tracker.localhost", "analytics"),))
    url = shop.url("/it", "tracker")
    window.goto(
        shop.page(
            f"<script>new Image().src = '{url}?image'; fetch('{url}?fetch', {{ mode: 'no-cors' }});"
            f"navigator.sendBeacon('{url}?beacon', ''); const s = document.createElement('script');"
            f"s.src = '{url}.js'; document.head.append(s)</script>"
        )
    )
    time.sleep(0.5)
    assert shop.hits == []
    window.press("Accept all")
    end = time.monotonic() + 10
    while len(shop.hits) < 4 and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.3)
    assert sorted(shop.hits) == ["tracker/it", "tracker/it", "tracker/it", "tracker/it.js"]


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
