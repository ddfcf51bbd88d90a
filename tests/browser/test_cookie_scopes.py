"""Of the cookies of several domains, paths and shops each answer finds its own, and the newest counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from consent_server import create_app

from .conftest import Shop, banner, press, settle, until, when
from .one_cookie import ACCEPT, DELIVERED, NO, REFUSE, TAG, YES, bodies, choice, cookies, issued, withdraw


def plant(context: BrowserContext, value: str, domain: str = "shop.localhost", path: str = "/", **more: Any) -> None:
    context.add_cookies([{"name": "consent", "value": value, "domain": domain, "path": path, **more}])


def test_a_cookie_domain_that_is_set_changed_and_removed_keeps_every_answer(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    context = new_context()
    page = context.new_page()

    def shop_with(domain: str | None) -> None:
        shop.serve(cookie_domain=domain)
        shop.page(TAG, head=shop.tag.replace(".js", f".js?{domain}"))  # no cache has yesterday's

    shop_with(None)
    page.goto(shop.url("/", "www.shop"))
    press(page, "accept")
    until(page, DELIVERED)
    assert [domain for domain, *_ in cookies(context)] == ["www.shop.localhost"]

    shop_with("shop.localhost")
    page.goto(shop.url("/?2", "www.shop"))
    assert choice(page) == YES
    withdraw(page)
    assert [domain for domain, *_ in cookies(context)] == [".shop.localhost"]
    for host in ("www.shop", "m.shop", "shop"):
        page.goto(shop.url("/?3", host))
        assert choice(page) == NO
    page.evaluate("delete window.ran")

    shop_with("www.shop.localhost")
    page.goto(shop.url("/?4", "www.shop"))
    assert choice(page) == NO
    page.evaluate(ACCEPT)
    until(page, DELIVERED)
    assert [domain for domain, *_ in cookies(context)] == [".www.shop.localhost"]

    shop_with(None)
    page.goto(shop.url("/?5", "www.shop"))
    assert choice(page) == YES
    withdraw(page)
    assert [domain for domain, *_ in cookies(context)] == ["www.shop.localhost"]
    page.goto(shop.url("/?6", "www.shop"))
    assert choice(page) == NO


@pytest.mark.troubles("409")  # the server never gave that yes
def test_an_answer_left_on_any_path_or_parent_is_replaced(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    context = new_context()
    yes = issued(shop, "analytics", at=1_700_000_000)
    for domain, path in ((".shop.localhost", "/"), ("www.shop.localhost", "/a"), (".www.shop.localhost", "/a/b")):
        plant(context, yes, domain, path)
    page = context.new_page()
    shop.page(TAG, "/a/b")
    page.goto(shop.url("/a/b", "www.shop"))
    assert choice(page)["analytics"]
    page.evaluate(REFUSE)
    until(page, DELIVERED)
    assert [(domain, path) for domain, path, _ in cookies(context)] == [("www.shop.localhost", "/")]


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ([((), 0), (("analytics",), 3600)], ["analytics"]),
        ([(("analytics",), 0), ((), 3600)], []),
        ([(("analytics",), 3599), ((), 0)], []),
        ([(("analytics", "marketing"), 5), (("marketing",), 5)], ["marketing"]),
        ([(("marketing",), 5), (("analytics",), 6)], ["analytics"]),
    ],
)
@pytest.mark.parametrize("swapped", [False, True])
def test_of_several_the_newest_counts_and_of_two_without_an_order_the_stricter(
    shop: Shop,
    new_context: Callable[..., BrowserContext],
    given: list[tuple[tuple[str, ...], int]],
    allowed: list[str],
    swapped: bool,
) -> None:
    context = new_context()
    hour = 1_790_000_000 - 1_790_000_000 % 3600
    plant(context, "1", "shop.localhost", "/x")
    for (allow, after), path in zip(given[::-1] if swapped else given, ("/", "/x/"), strict=True):
        plant(context, issued(shop, *allow, at=hour + after), path=path)
    page = context.new_page()
    shop.page(TAG, "/x/y")
    page.goto(shop.url("/x/y"))
    assert [name for name, is_allowed in choice(page).items() if is_allowed] == allowed
    # What is tidied away takes somebody else's with it for a moment, until that is given back.
    when(page, lambda: sorted(value == "1" for *_, value in cookies(context)) == [False, True])


FOREIGN = ["1", "true", "%7B%22analytics%22%3Atrue%7D", "~null", "eyJhIjoxfQ.c2ln", "OTHER"]


@pytest.mark.parametrize("foreign", FOREIGN)
@pytest.mark.parametrize("where", ["parent", "same", "every page"])
def test_somebody_else_s_is_left_alone_and_nobody_is_asked_for_ever(
    shop: Shop, new_context: Callable[..., BrowserContext], foreign: str, where: str
) -> None:
    context = new_context()
    value = issued(shop, "analytics", at=1_790_000_000, site="another") if foreign == "OTHER" else foreign
    domain = ".shop.localhost" if where == "parent" else "www.shop.localhost"
    if where == "every page":
        context.add_init_script(f"try {{ document.cookie = 'consent={value};Path=/;Max-Age=9999' }} catch {{}}")
    else:
        plant(context, value, domain)
    page = context.new_page()
    shop.page(TAG)
    page.goto(shop.url("/", "www.shop"))
    expect(banner(page)).to_be_visible()
    press(page, "refuse")
    until(page, "consent.token && document.cookie.split('consent=').length == 3")
    for n in range(2):
        page.goto(shop.url(f"/?{n}", "www.shop"))
        assert choice(page) == NO
        assert page.evaluate("!!consent.token")
    assert (domain, "/", value) in cookies(context)
    assert len(cookies(context)) == 2
    assert [body["allow"] for body in bodies(shop)] == [[]]
    page.evaluate(ACCEPT)
    until(page, DELIVERED)
    settle(page)
    assert (domain, "/", value) in cookies(context)
    assert len(cookies(context)) == 2
    if where != "every page" and foreign != "OTHER":  # it still goes with the browser's last window, as it came
        assert [each["expires"] for each in context.cookies() if each.get("value") == value] == [-1]
    page.goto(shop.url("/?yes", "www.shop"))
    assert choice(page) == YES


def test_two_shops_on_one_host_keep_an_answer_each(shop: Shop, new_context: Callable[..., BrowserContext]) -> None:
    context = new_context()
    page = context.new_page()
    url = shop.page("")
    page.goto(url)
    press(page, "refuse")
    until(page, DELIVERED)
    first = cookies(context)
    other = replace(shop.site, id="other")
    mine = shop.app
    assert mine
    shop.served = create_app(shop.settings, {"shop": shop.site, "other": other})
    mine.extensions["consent"].store.close()
    shop.page("", "/other", head=shop.tag.replace("/v1/shop/", "/v1/other/"))
    page.goto(shop.url("/other"))
    expect(banner(page)).to_be_visible()
    press(page, "accept")
    until(page, "consent.token && document.cookie.split('consent=').length == 3")
    settle(page)
    assert set(first) < set(cookies(context))
    page.goto(url)
    assert choice(page) == NO
    page.goto(shop.url("/other"))
    assert choice(page) == YES
