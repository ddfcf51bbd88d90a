"""A page view that is watched reports the names that the lists do not allow, and nothing else; the marketer reads them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from folded import FOLDED
from playwright.sync_api import BrowserContext, Page

from consent_server.banner import lists
from consent_server.web.marketer.session import hash_password

from .conftest import Shop, cookie, posted, press, settle, until, when

LISTS = {"cookies": {"necessary": (cookie("basket"),), "analytics": (cookie("_a*"),)}, "watch": 1.0}
LEAKS_ON_REFUSALS = """<script>
  const look = () => {
    if (consent.choice && !consent.choice.analytics) document.cookie = '_xyz=secret-value;path=/';
  };
  look();
  document.addEventListener('consentchange', look);
</script>"""


def seen(shop: Shop, page: Page, times: int = 1) -> list[dict[str, Any]]:
    """Wait for so many reports, and return them."""
    when(page, lambda: len(posted(shop, "seen")) >= times, 30)
    return posted(shop, "seen")


def leave(page: Page) -> None:
    """Leave a page whose watcher is there, which then reports at the latest."""
    page.goto("about:blank")
    settle(page)


def watched(page: Page, url: str) -> None:
    """Open a page, and wait until its watcher is there."""
    with page.expect_response("**/watch.*.js"):
        page.goto(url)
    settle(page)


def counted(shop: Shop) -> set[tuple[str, str, str]]:
    """Return what was counted of this shop."""
    days = shop.app.extensions["consent"].store.leaks.counts(shop.site, datetime.now(UTC).date() + timedelta(1))
    return {name for names in days.values() for name in names}


def marketers_page(shop: Shop) -> str:
    shop.app.extensions["consent"].store.marketers.add("leyla", hash_password("a password"), ["shop"])
    window = shop.app.test_client()
    window.post("/login", data={"name": "leyla", "password": "a password"})
    return window.get("/?lang=en").text


def test_a_page_that_leaks_in_one_of_three_states_is_on_the_marketers_page_after_twenty_sightings(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    shop.serve(**LISTS)
    url = shop.page(LEAKS_ON_REFUSALS)
    for word in (None, "accept"):
        page = new_context(locale="en-GB").new_page()
        watched(page, url)
        if word:
            press(page, word)
            until(page, "consent.token")
            watched(page, url)
        leave(page)
    assert posted(shop, "seen") == []
    context = new_context(locale="en-GB")
    page = context.new_page()
    page.goto(url)
    press(page, "refuse")
    until(page, "consent.token")
    seen(shop, page)  # the page in which it was refused
    for _ in range(18):
        context.new_page().goto(url)
    seen(shop, page, 19)
    assert "_xyz" not in marketers_page(shop)
    page.goto(url)
    page.evaluate("sessionStorage.setItem('ext-once', 1)")
    reports = seen(shop, page, 20)
    assert reports[:19] == [{"state": "refused", "seen": [["cookie", "_xyz"]]}] * 19
    assert reports[19] == {"state": "refused", "seen": [["cookie", "_xyz"], ["session-storage", "ext-once"]]}
    html = marketers_page(shop)
    assert "<code>_xyz</code> (cookie) since " in html
    assert "on refusals, about 20 a day" in html
    assert "ext-once" not in html
    assert "secret-value" not in html


def test_it_sees_storage_and_third_parties_and_folds_what_may_be_somebody_s(shop: Shop, page: Page) -> None:
    shop.serve(**LISTS, trackers=(("*.stats.localhost", "analytics"), ("cdn.localhost/lib/*", "necessary")))
    shop.page("", "/lib/x.png")
    hosts = ["a.stats", "cdn", "img.shop", "pixel", "o123456.tags"]
    page.goto(
        shop.page(
            f"""<script>
              for (const host of {hosts}) new Image().src = `http://${{host}}.localhost:{shop.port}/lib/x.png?id=77`;
              for (const key of {[name for name, _ in FOLDED]}) localStorage.setItem(key, 'secret-value');
              for (const name of ['basket', '_a1', 'x']) document.cookie = name + '=1';
            </script>"""
        )
    )
    (report,) = seen(shop, page)
    assert report["state"] == "before"
    assert {tuple(each) for each in report["seen"]} == {
        *(("cookie", name) for name in ("_a*", "x")),
        *(("local-storage", folded) for _, folded in FOLDED),
        *(("request", f"{host}.localhost:*") for host in ("pixel", "*.tags")),
    }


def test_many_names_of_one_kind_leave_room_for_the_others(shop: Shop, page: Page) -> None:
    shop.serve(**LISTS)
    shop.page("", "/x.png")
    page.goto(
        shop.page(
            f"""<script>
              for (let n = 0; n < 40; n++) document.cookie = `c_${{'abcdefghij'[n % 10]}}${{'klmn'[n / 10 | 0]}}=1`;
              sessionStorage.setItem('last', 1);
              new Image().src = 'http://pixel.localhost:{shop.port}/x.png';
            </script>"""
        )
    )
    (report,) = seen(shop, page)
    assert [kind for kind, _ in report["seen"]] == ["cookie"] * 28 + ["session-storage", "request"]


def test_a_listed_third_party_counts_until_it_is_allowed(
    shop: Shop, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of what several use one has to be allowed, and a tracker's path says more than a service's whole host.
    both = (("cdn.localhost/lib/*", "necessary"), ("cdn.localhost", "analytics"))
    whole = SimpleNamespace(
        hosts=["a.stats.localhost"], category="necessary", patterns=[], name="Whole", provider="Whole"
    )
    monkeypatch.setattr(lists, "service", lambda _: whole)
    shop.serve(**LISTS, trackers=(("*.stats.localhost", "analytics"), *both), services=("whole",))
    # A style's picture is what no script can hold back.
    pictures = (shop.url("/pixel.png", "a.stats"), shop.url("/lib/x.png", "cdn"))
    url = shop.page("".join(f'<p style="background: url({each})">Goods</p>' for each in pictures))
    page.goto(url)
    assert seen(shop, page) == [{"state": "before", "seen": [["request", "a.stats.localhost:*"]]}]
    press(page, "accept")
    until(page, "consent.token")
    watched(page, url)
    leave(page)
    assert len(posted(shop, "seen")) == 1


def test_a_report_carries_no_cookie_no_page_and_no_value(shop: Shop, page: Page) -> None:
    shop.serve(**LISTS)
    headers: list[dict[str, str]] = []
    page.on("request", lambda made: headers.append(made.all_headers()) if made.url.endswith("/seen") else None)
    page.goto(shop.page("<script>document.cookie = 'x=secret-value;path=/'</script>", "/az/somebody-s-page"))
    seen(shop, page)
    when(page, lambda: headers)
    text = repr(headers) + repr(shop.posts)
    assert "secret-value" not in text
    assert "somebody" not in text
    assert "cookie" not in headers[0]


def test_it_reports_once_and_nothing_where_nothing_is_amiss(shop: Shop, page: Page) -> None:
    shop.serve(**LISTS)
    watched(page, shop.page("<script>document.cookie = 'basket=1'</script>"))
    leave(page)
    assert posted(shop, "seen") == []
    page.goto(shop.page("<script>document.cookie = 'x=1'</script>", "/leaky"))
    seen(shop, page)
    page.evaluate("document.cookie = 'y=1'")
    leave(page)
    assert len(posted(shop, "seen")) == 1


def test_what_was_there_before_a_withdrawal_is_no_leak(shop: Shop, page: Page) -> None:
    shop.serve(**LISTS, trackers=(("stats.localhost", "analytics"),))
    url = shop.page(
        f'<img alt="" data-consent="analytics" data-src="{shop.url("/pixel", "stats")}"><button data-consent-open>Cookies</button>'
        "<script>consent.when('analytics').then(() => { document.cookie = '_a=1;path=/' })</script>"
    )
    watched(page, url)
    press(page, "accept")
    until(page, "consent.token && document.cookie.includes('_a=1')")
    page.evaluate("consent.decide({ analytics: false })")
    until(page, "!document.cookie.includes('_a=1')")
    leave(page)
    assert posted(shop, "seen") == []


def test_a_shop_that_does_not_watch_loads_no_watcher(shop: Shop, page: Page) -> None:
    shop.serve(**{**LISTS, "watch": 0.0})
    asked: list[str] = []
    page.on("request", lambda made: asked.append(made.url))
    page.goto(shop.page("<script>document.cookie = 'x=1'</script>"))
    page.wait_for_load_state("networkidle")
    leave(page)
    assert not [url for url in asked if "watch" in url]
    assert posted(shop, "seen") == []


@pytest.mark.troubles("Report Only|report-only|Content Security Policy")
def test_chromium_s_own_policy_reports_count_too(shop: Shop, page: Page) -> None:
    policy = f"default-src 'self' 'unsafe-inline'; report-uri {shop.url('/v1/shop/reports')}"
    url = shop.page(f'<img alt="" src="{shop.url("/pixel.png", "third")}">', Content_Security_Policy_Report_Only=policy)
    page.goto(url)
    press(page, "refuse")
    until(page, "consent.token")
    page.reload()
    wanted = {(state, "request", "third.localhost:*") for state in ("unknown", "refused")}
    when(page, lambda: counted(shop) == wanted)
