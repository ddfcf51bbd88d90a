"""What no script can stop, or remove: what runs before the gate; marked, what goes unmarked is held."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from .conftest import Shop, cookie, settle, until, when
from .libraries import library

MARKED = {
    "a picture": '<img data-consent="analytics" data-src="{url}" alt="">',
    "a style sheet": '<link data-consent="analytics" rel="stylesheet" data-href="{url}">',
    "a film": '<video data-consent="analytics" data-src="{url}" preload="auto"></video>',
    "a script that makes a worker": (
        '<script type="text/plain" data-consent="analytics">'
        "new Worker(URL.createObjectURL(new Blob([`fetch('{url}', {{ mode: 'no-cors' }})`])))</script>"
    ),
    "a script that opens a socket": (
        '<script type="text/plain" data-consent="analytics">new WebSocket("{url}".replace("http", "ws"))</script>'
    ),
}

pytestmark = pytest.mark.troubles("Failed to load resource|MIME|WebSocket")


@pytest.fixture
def tracked(shop: Shop) -> Shop:
    """The shop, which names its tracker in consent.toml."""
    return shop.serve(trackers=(("*.tracker.localhost", "analytics"),))


def test_what_runs_before_the_gate_is_not_stopped_and_what_runs_after_it_is(tracked: Shop, page: Page) -> None:
    call = "<script>fetch('{url}', {{ mode: 'no-cors' }})</script>"
    before = call.format(url=tracked.url("/before", "tracker"))
    page.goto(tracked.page(call.format(url=tracked.url("/after", "tracker")), head=before + tracked.tag))
    when(page, lambda: tracked.hits)
    settle(page)
    assert tracked.hits == ["tracker/before"]


@pytest.mark.parametrize("way", MARKED)
def test_marked_they_do_not_leave_before_a_yes(tracked: Shop, page: Page, way: str) -> None:
    page.goto(tracked.page(MARKED[way].format(url=tracked.url("/it", "tracker"))))
    settle(page)
    assert tracked.hits == []
    page.evaluate("consent.decide({ analytics: true })")
    when(page, lambda: tracked.hits)


def test_withdrawal_cannot_remove_cookies_hidden_from_scripts_and_partitioned_ones(shop: Shop, page: Page) -> None:
    shop.serve(cookies={"analytics": (cookie("_t_*"), cookie("__Secure-t"))})
    page.goto(shop.page("", Set_Cookie="_t_hidden=1; HttpOnly; Path=/"))
    page.evaluate("consent.decide({ analytics: true })")
    until(page, "consent.token")
    for made in ("_t_seen=1", "_t_partitioned=1;Secure;Partitioned", "__Secure-t=1;Secure"):
        page.evaluate("(made) => { document.cookie = made + ';Path=/' }", made)
    there = {"_t_hidden", "_t_seen", "_t_partitioned", "__Secure-t", "consent"}
    assert {each["name"] for each in page.context.cookies()} == there
    page.evaluate("consent.decide({ analytics: false })")
    until(page, "!document.cookie.includes('_t_seen') && consent.token")
    assert {each["name"] for each in page.context.cookies()} == there - {"_t_seen"}


@pytest.mark.parametrize(
    "body",
    [
        "<script type='module'>import '{url}'</script>",
        "<div><template shadowrootmode='open'><script src='{url}'></script></template></div>",
    ],
)
def test_a_module_s_import_and_a_declared_shadow_root_are_not_stopped(tracked: Shop, page: Page, body: str) -> None:
    page.goto(tracked.page("<script>window.ran = () => 0</script>" + body.format(url=tracked.url("/it.js", "tracker"))))
    when(page, lambda: tracked.hits)


def test_what_is_in_a_closed_shadow_root_waits_for_a_yes_and_goes_after_a_no(tracked: Shop, page: Page) -> None:
    page.goto(tracked.page("<div id=box></div>"))
    frame = f"const frame = document.createElement('iframe'); frame.src = '{tracked.url('/it', 'tracker')}'"
    page.evaluate(f"() => {{ {frame}; box.attachShadow({{ mode: 'closed' }}).append(frame); window.frame = frame }}")
    settle(page)
    assert tracked.hits == []
    page.evaluate("consent.decide({ analytics: true })")
    when(page, lambda: tracked.hits)
    until(page, "consent.token")
    page.evaluate("consent.decide({ analytics: false })")
    page.get_by_role("status").wait_for()
    assert "tracker" not in page.evaluate("frame.src")


def test_a_lazy_loader_needs_a_pattern_to_wait_with_what_is_marked(shop: Shop, page: Page) -> None:
    shop.pages["/lozad.js"] = ("text/javascript", library("lozad"), {})
    marked = f'<img class="lozad" alt="" data-consent="analytics" data-src="{shop.url("/it", "tracker")}" width="9" height="9">'
    page.goto(shop.page(f"{marked}<script src='/lozad.js'></script><script>lozad().observe()</script>"))
    when(page, lambda: shop.hits)


def test_what_a_lazy_loader_gives_waits_for_the_tracker_and_for_the_mark(shop: Shop, page: Page) -> None:
    shop.serve(trackers=(("tracker.localhost", "analytics"),))
    shop.pages["/lozad.js"] = ("text/javascript", library("lozad"), {})
    marked = (
        f'<iframe class="lozad" title="F" data-consent="marketing" data-src="{shop.url("/it", "tracker")}"></iframe>'
    )
    page.goto(shop.page(f"{marked}<script src='/lozad.js'></script><script>lozad().observe()</script>"))
    until(page, "document.querySelector('[data-loaded]')")
    page.evaluate("consent.decide({ functional: false, analytics: true, marketing: false })")
    until(page, "consent.token")
    settle(page)
    assert shop.hits == []
    page.evaluate("consent.decide({ functional: false, analytics: true, marketing: true })")
    when(page, lambda: shop.hits == ["tracker/it"])
