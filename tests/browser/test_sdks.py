"""What shops really load, as npm has it: works as ever where no pattern matches, and waits where one does."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route

from .conftest import Shop, settle, until, when
from .libraries import bundle, library

PATTERN = (("*.tracker.localhost", "analytics"),)
ALLOW = "consent.decide({ analytics: true })"

pytestmark = pytest.mark.troubles("Failed to load resource|MIME|posthog|Stripe|blocked by CORS")


def load(shop: Shop, page: Page, text: str, body: str = "") -> None:
    """Open a page with a library in it, of a shop whose pattern names the tracker."""
    shop.serve(trackers=PATTERN)
    shop.pages["/library.js"] = ("text/javascript", text, {})
    page.goto(shop.page(f"{body}<script>ran = () => 0</script><script src='/library.js'></script>"))


def calls(shop: Shop) -> list[str]:
    """Return the paths that the SDK's server was asked for."""
    return [hit.partition("/")[2] for hit in shop.hits if hit.startswith("a.tracker/")]


def test_sentry_sends_its_errors_once_that_is_allowed(shop: Shop, page: Page) -> None:
    text = bundle("import * as Sentry from '@sentry/browser'; window.Sentry = Sentry;")
    load(shop, page, text)
    key = shop.url("/1", "a.tracker").replace("://", "://key@")
    page.evaluate(
        f"Sentry.init({{ dsn: '{key}', tracesSampleRate: 1, integrations: [Sentry.browserTracingIntegration()] }})"
    )
    page.evaluate("Sentry.captureException(Error('once')); undefined")
    page.evaluate("fetch('/own').then(({ status }) => (window.own = status))")
    until(page, "window.own == 404")
    settle(page)
    assert calls(shop) == []
    page.evaluate(ALLOW)
    when(page, lambda: "api/1/envelope/" in calls(shop))
    sent = len(calls(shop))
    page.evaluate("setTimeout(() => Sentry.captureException(Error('twice')))")
    when(page, lambda: len(calls(shop)) > sent)


def test_posthog_sends_its_events_once_that_is_allowed(shop: Shop, page: Page) -> None:
    load(shop, page, bundle("import posthog from 'posthog-js'; window.posthog = posthog;"))
    host = shop.url("", "a.tracker").rstrip("/")
    page.evaluate(
        f"posthog.init('phc_key', {{ api_host: '{host}', request_batching: false, opt_out_useragent_filter: true }}); undefined"
    )
    page.evaluate("posthog.capture('seen'); undefined")
    settle(page)
    assert calls(shop) == []
    page.evaluate(ALLOW)
    when(page, lambda: calls(shop))
    page.evaluate("posthog.capture('again'); undefined")
    when(page, lambda: any(path.startswith(("e/", "i/", "batch/")) for path in calls(shop)))


def test_stripes_loader_gets_its_script_and_its_frame_while_nothing_is_answered(shop: Shop, page: Page) -> None:
    """The loader is the real one; what it loads stands in for Stripe: a field in a frame of another host, that talks."""

    def stripe(route: Route) -> None:
        if "frame" in route.request.url:
            script = "addEventListener('message', ({ data, source }) => source.postMessage('card ' + data, '*'))"
            route.fulfill(content_type="text/html", body=f"<input aria-label='Card'><script>{script}</script>")
            return
        route.fulfill(
            content_type="text/javascript",
            body="window.Stripe = Object.assign((key) => ({ key, mount(into) {"
            " const field = document.createElement('iframe'); field.title = 'Card';"
            " field.setAttribute('src', 'https://js.stripe.com/frame'); into.append(field);"
            " field.onload = () => field.contentWindow.postMessage('4242', '*') },"
            " _registerWrapper() {} }), { version: 3 })",
        )

    page.route("https://js.stripe.com/**", stripe)
    load(
        shop,
        page,
        bundle("import { loadStripe } from '@stripe/stripe-js/pure'; window.loadStripe = loadStripe;"),
        "<form action='/pay' method='post'><div></div><button>Pay</button></form>",
    )
    page.evaluate(
        "() => { addEventListener('message', ({ data }) => (window.token = data));"
        " loadStripe('pk_test_1').then((stripe) => stripe.mount(document.querySelector('form div'))) }"
    )
    until(page, "window.token == 'card 4242'")
    shop.page("<h2>Paid</h2>", path="/pay")
    page.get_by_role("button", name="Pay").click()
    page.get_by_role("heading", name="Paid").wait_for()


def test_jquery_asks_loads_and_calls_off_as_ever(shop: Shop, page: Page) -> None:
    shop.pages["/own.js"] = ("text/javascript", "window.loaded = (window.loaded || 0) + 1", {})
    shop.pages["/part.html"] = ("text/html", "<b>part</b><script src='/own.js'></script>", {})
    load(shop, page, library("jquery"), "<div id='box'></div>")
    tracker = shop.url("/it", "a.tracker")
    assert page.evaluate("$.ajax('/own.js', { dataType: 'text' }).then((text) => text.length)") > 0
    page.evaluate("$('#box').load('/part.html')")
    until(page, "$('#box b').text() == 'part' && window.loaded == 1")
    page.evaluate("$.getScript('/own.js')")
    until(page, "window.loaded == 2")
    page.evaluate(
        "(url) => { $.ajax(url, { timeout: 50 }).fail((_, how) => (window.late = how));"
        " const call = $.ajax(url).fail((_, how) => (window.off = how)); call.abort();"
        " $('<img>', { src: url + '/picture' }).appendTo('#box'); $('<script>').attr('src', url + '/script.js').appendTo('head') }",
        tracker,
    )
    until(page, "window.late == 'timeout' && window.off == 'abort'")
    settle(page)
    assert calls(shop) == []
    page.evaluate(ALLOW)
    when(page, lambda: len(calls(shop)) == 2)
    settle(page)
    assert sorted(calls(shop)) == ["it/picture", "it/script.js"]
