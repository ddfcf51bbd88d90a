"""What has run ends with a no, on whatever page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from .conftest import WORDS, Shop, settle, until, when
from .rows import HELD, hits, tracker
from .visits import ALLOW, PATTERN, WITHDRAW, accepted, withdraw

INLINE = f"<script {HELD}>window.inline = 1</script>"
STATUS = "[role=status] span"

pytestmark = pytest.mark.troubles(
    "Failed to load resource|MIME|Content Security Policy|Failed to fetch|unknown category"
)


# Whatever the page does meanwhile

MEANWHILE = {
    "another address of a frame": "document.querySelector('iframe').dataset.src = '/other'",
    "another mark of the script": "document.querySelector('script[data-consent]').dataset.consent = 'functional'",
    "the script is taken out": "document.querySelector('script[data-consent]').remove()",
}


@pytest.mark.parametrize("what", MEANWHILE)
def test_a_script_ends_whatever_the_page_does_to_what_was_released_as_it_hears_the_no(
    shop: Shop, page: Page, what: str
) -> None:
    frame = "<iframe title=F data-consent=analytics data-src='/film'></iframe>"
    accepted(page, shop.page(INLINE + frame))
    until(page, "window.inline && document.querySelector('iframe').getAttribute('src')")
    page.evaluate(f"document.addEventListener('consentchange', () => {{ {MEANWHILE[what]} }})")
    page.evaluate("window.here = 1; consent.decide({ functional: true, analytics: false, marketing: false })")
    until(page, "!window.here && window.consent?.choice")


@pytest.mark.parametrize("fragment", ["", "#size"])
def test_a_page_with_a_router_of_its_own_comes_anew(shop: Shop, page: Page, fragment: str) -> None:
    router = "navigation.addEventListener('navigate', (e) => { if (!window.free) { e.intercept({ handler: async () => { window.routed = 1 } }); e.preventDefault() } })"
    url = shop.page(f"{INLINE}<script>{router}</script>")
    accepted(page, url)
    page.goto("about:blank")
    page.goto(url + fragment)
    until(page, "window.inline")
    withdraw(page)
    assert page.evaluate("[location.hash, window.inline, window.routed]") == [fragment, None, None]
    page.evaluate("history.pushState({}, '', '/next')")  # it routes as ever
    assert page.url == shop.url("/" + fragment)


def test_a_router_routes_on_where_the_page_stays(shop: Shop, page: Page) -> None:
    router = "navigation.addEventListener('navigate', (e) => { if (e.canIntercept) e.intercept({ handler: async () => { window.routed = 1 } }) })"
    stay = "addEventListener('beforeunload', (e) => e.preventDefault())"
    accepted(page, shop.page(f"{INLINE}<script>{router};{stay}</script><p id=p>x</p>"))
    until(page, "window.inline")
    page.locator("#p").click()
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.evaluate(WITHDRAW)
    page.get_by_role("status").wait_for()
    assert page.evaluate("window.routed") is None
    page.evaluate("location.href = '/next'")
    until(page, "window.routed && location.pathname == '/next'")


@pytest.mark.parametrize("status", [401, 404, 410, 503])
def test_a_script_ends_on_a_page_that_says_that_it_is_none(shop: Shop, page: Page, status: int) -> None:
    accepted(page, shop.page(""))
    html = f"<!doctype html><title>Not here</title>{shop.tag}{INLINE}"
    page.route("**/gone", lambda route: route.fulfill(status=status, content_type="text/html", body=html))
    page.goto(shop.url("/gone"))
    until(page, "window.inline")
    withdraw(page)


@pytest.mark.parametrize("status", [400, 403, 404, 500, 501])
def test_a_page_is_got_once_more_before_it_counts_as_none(shop: Shop, page: Page, status: int) -> None:
    accepted(page, shop.page(INLINE))
    until(page, "window.inline")
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.method)
        route.fulfill(status=status)

    page.route(shop.url("/"), answer)
    page.evaluate(WITHDRAW)
    page.get_by_role("status").filter(has_text=WORDS["en"]["stays"]).wait_for()
    assert asked == ["HEAD", "GET"]


@pytest.mark.parametrize("status", [400, 403, 500])
def test_a_script_ends_on_a_server_that_says_no_to_head_alone(shop: Shop, page: Page, status: int) -> None:
    accepted(page, shop.page(INLINE))
    until(page, "window.inline")
    page.route(
        shop.url("/"),
        lambda route: route.fulfill(status=status) if route.request.method == "HEAD" else route.fallback(),
    )
    withdraw(page)


def test_a_page_that_leads_to_another_host_comes_anew(shop: Shop, page: Page) -> None:
    accepted(page, shop.page(INLINE))
    until(page, "window.inline")
    page.route(
        shop.url("/"),
        lambda route: route.fulfill(status=302, headers={"Location": tracker(shop, "login")}),
    )
    page.evaluate(WITHDRAW)
    page.wait_for_url("**/login")


def test_without_the_layer_too_a_page_that_answers_no_get_stays(shop: Shop, page: Page) -> None:
    shop.page(f"{INLINE}<h2>Thank you</h2>", path="/order")
    accepted(page, shop.page('<form method="post" action="/order"></form>'))
    asked: list[str] = []

    def only_by_post(route: Route) -> None:
        asked.append(route.request.method)
        if route.request.method == "POST":
            route.continue_()
        else:
            route.fulfill(status=405)

    page.route("**/order", only_by_post)
    page.evaluate("document.forms[0].submit()")
    until(page, "document.querySelector('h2') && window.inline")
    page.route("**/withdraw.*", lambda route: route.abort())
    page.evaluate(f"window.here = 1; {WITHDRAW}")
    when(page, lambda: asked == ["POST", "HEAD", "GET"])
    settle(page)
    assert page.evaluate("[window.here, !!document.querySelector('h2')]") == [1, True]


def test_withdrawn_is_not_said_where_a_later_yes_holds(shop: Shop, page: Page) -> None:
    accepted(page, shop.page(INLINE))
    until(page, "window.inline")
    asked: list[Route] = []
    page.route(shop.url("/"), lambda r: asked.append(r) if r.request.method == "HEAD" else r.continue_())
    page.evaluate(f"window.here = 1; {WITHDRAW}")
    when(page, lambda: asked)
    page.evaluate(ALLOW)
    asked[0].continue_()
    until(page, "consent.token && consent.choice.analytics")
    settle(page)
    expect(page.locator(STATUS)).to_have_count(0)
    assert page.evaluate("[window.here, sessionStorage['ask-removed'] ?? null]") == [1, None]


def test_the_page_that_comes_anew_does_not_say_so_either(shop: Shop, page: Page) -> None:
    accepted(page, shop.page("<p>x</p>"))
    page.evaluate("sessionStorage['ask-removed'] = `functional,analytics 0 ${location.href} `")
    page.reload()
    until(page, "!('ask-removed' in sessionStorage)")
    settle(page)
    expect(page.locator(STATUS)).to_have_count(0)


# What a page keeps, and puts back with another address


def put_back(shop: Shop, page: Page, change: str) -> None:
    """Have the page take out a frame that was released, change it, and put it back."""
    accepted(page, shop.page(f"<iframe title=F data-consent=analytics data-src='{tracker(shop, 'one')}'></iframe>"))
    when(page, lambda: "one" in hits(shop))
    settle(page)
    page.evaluate(
        "window.f = document.querySelector('iframe'); f.remove();"
        f" setTimeout(() => {{ {change}; document.body.append(f) }}, 50)"
    )


def test_a_frame_that_got_another_address_out_of_the_page_shows_that_one(shop: Shop, page: Page) -> None:
    put_back(shop, page, f"f.dataset.src = '{tracker(shop, 'two')}'")
    when(page, lambda: "two" in hits(shop))
    page.evaluate("f.remove(); setTimeout(() => { f.dataset.consent = ''; document.body.append(f) }, 50)")
    until(page, "!document.querySelector('iframe')?.hasAttribute('src') && f.isConnected")


def test_an_address_that_the_page_itself_gave_stays_when_it_puts_the_frame_back(shop: Shop, page: Page) -> None:
    put_back(shop, page, f"f.src = '{tracker(shop, 'own')}'")
    when(page, lambda: "own" in hits(shop))
    settle(page)
    assert page.evaluate("document.querySelector('iframe').src") == tracker(shop, "own")


# When they run


def test_scripts_run_in_page_order_as_soon_as_they_are_allowed_deferred_ones_and_modules_too(
    shop: Shop, page: Page
) -> None:
    see = "(window.order ||= []).push('{}' + !!document.querySelector('#end'))"
    for name in "ambc":
        shop.pages[f"/{name}.js"] = ("text/javascript", see.replace("{}", name), {})
    url = shop.page(
        f"<script {HELD} defer data-src=/a.js></script>"
        f"<script {HELD} data-type=module data-src=/m.js></script>"
        f"<script {HELD} src=/b.js></script>"
        f"<script {HELD} defer src=/c.js></script>"
        f"<script {HELD}>{see.replace('{}', 'inline')}</script>"
        "<script src=/wait.js></script><p id=end></p>"
    )
    page.goto(shop.page("", path="/first"))
    page.evaluate(ALLOW)
    until(page, "consent.token")
    waits: list[Route] = []
    page.route("**/wait.js", lambda route: waits.append(route))
    page.goto(url, wait_until="commit")
    until(page, "window.order?.length == 5")
    assert page.evaluate("order") == ["afalse", "mfalse", "bfalse", "cfalse", "inlinefalse"]
    waits[0].fulfill(content_type="text/javascript", body="")


# What is forgotten


def test_a_socket_that_the_page_has_thrown_away_is_forgotten(shop: Shop, page: Page) -> None:
    shop.serve(trackers=PATTERN)
    page.goto(shop.page(""))
    page.evaluate("(() => { const s = new EventSource('/none'); s.close(); window.ref = new WeakRef(s) })()")
    settle(page)
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.enable")
    session.send("HeapProfiler.collectGarbage")
    until(page, "!ref.deref()")
