"""One answer for an account, in real browsers: the back end is that of docs/accounts.md, each device a profile."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import pytest
from conftest import Shopper, free_port
from examples import example
from flask import Flask, redirect, session
from playwright.sync_api import BrowserContext, Page, expect

from consent_server.store import ApiKey
from consent_server.web.accounts import KIND
from consent_server.web.accounts.held import Device as Sent
from consent_server.web.accounts.held import mark
from consent_server.web.accounts.sync import sync_account
from consent_server.web.marketer.session import digest

from .conftest import WORDS, Shop, banner, press, until, when

HOME = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title>{tag}</head><body><main>
<h1>Shop</h1><script type="text/plain" data-consent="analytics">document.title = 'measured'</script>
<button data-consent-open>Cookies</button></main></body></html>"""


@dataclass
class Device:
    """A browser profile of its own, with one window at the shop."""

    shop: Shop
    context: BrowserContext
    page: Page

    def visit(self, path: str = "/") -> None:
        """Load a page of the shop, and wait until it has its answer, or none."""
        self.page.goto(self.shop.url(path))
        until(self.page, "window.consent")

    def answer(self, word: str) -> None:
        """Press a button of the first layer, and wait until the server has taken the answer."""
        press(self.page, word)
        until(self.page, "consent.token")

    @property
    def allows(self) -> bool | None:
        """Whether analytics is allowed; None: nobody has answered."""
        return self.page.evaluate("consent.choice && consent.choice.analytics")

    def cookies(self) -> dict[str, Any]:
        """Return the device's cookies by name."""
        return {each["name"]: each for each in self.context.cookies()}

    def says(self, word: str) -> None:
        """See that a line says this."""
        expect(self.page.get_by_role("status").filter(has_text=WORDS["en"][word])).to_be_visible()

    def says_nothing(self) -> None:
        """See that the page has nothing left to say of an account."""
        when(self.page, lambda: self.cookies().get("ask-account", {}).get("value", "in").startswith("in"))
        for word in ("account_applied", "account_conflict"):
            expect(self.page.get_by_text(WORDS["en"][word])).to_have_count(0)


@pytest.fixture
def linked(shop: Shop) -> Shop:
    """The shop, whose back end links accounts as the documentation says."""
    assert shop.serve(accounts=True).app
    store, key = shop.app.extensions["consent"].store, secrets.token_urlsafe(32)  # type: ignore[union-attr]
    store.account_keys.add(shop.site, ApiKey(digest(KIND, key), "the back end", 1))
    environment = {"SHOP_SECRET": "x", "CONSENT_SERVER": f"http://127.0.0.1:{shop.port}", "ACCOUNTS_KEY": key}
    code: dict[str, Any] = {"__name__": "back"}
    with patch.dict(os.environ, environment):
        exec(example("accounts flask"), code)
    code["EVERY"] = 0
    back: Flask = code["app"]

    @back.get("/")
    def home() -> str:
        return HOME.format(tag=shop.tag)

    @back.get("/favicon.ico")
    def icon() -> tuple[str, int]:
        return "", 204

    @back.get("/login/<account>")
    def login(account: str) -> Any:
        session["account"] = int(account) if account.isdigit() else account
        return redirect("/")

    @back.get("/logout")
    def logout() -> Any:
        session.clear()
        return redirect("/")

    shop._answer = lambda asked: back if asked.host.startswith("shop.") else shop  # type: ignore[assignment, method-assign]
    return shop


@pytest.fixture
def device(linked: Shop, new_context: Callable[..., BrowserContext]) -> Callable[[], Device]:
    """Take another device to the shop."""

    def take() -> Device:
        context = new_context(locale="en-GB", viewport={"width": 390, "height": 800})
        made = Device(linked, context, context.new_page())
        made.visit()
        return made

    return take


def answered_elsewhere(linked: Shop, account: str, *allow: str) -> str:
    """Have another device answer and log in, without a browser; return its token."""
    assert linked.app
    assert linked.site
    shopper = Shopper(linked.app.test_client(use_cookies=False), linked.site)
    shopper.decide(*allow)
    store, keys = linked.app.extensions["consent"].store, linked.app.extensions["consent"].keys
    sync_account(store, keys, linked.site, account, Sent(shopper.token), int(time.time()))
    assert shopper.token
    return shopper.token


def test_who_logs_in_elsewhere_is_told_that_the_account_s_choices_apply(device: Callable[[], Device]) -> None:
    phone, laptop = device(), device()
    expect(banner(phone.page)).to_contain_text(WORDS["en"]["account"])
    phone.answer("accept")
    phone.visit("/login/42")
    phone.says_nothing()
    assert laptop.allows is None
    laptop.visit("/login/42")
    assert laptop.allows is True
    expect(banner(laptop.page)).to_have_count(0)
    expect(laptop.page).to_have_title("measured")
    laptop.says("account_applied")
    laptop.visit()
    laptop.says_nothing()
    assert laptop.cookies()["ask-own"]["httpOnly"]
    assert "ask-own" not in laptop.page.evaluate("document.cookie")


def test_what_is_withdrawn_on_one_device_is_off_on_the_other_at_its_next_page(device: Callable[[], Device]) -> None:
    phone, laptop = device(), device()
    phone.answer("accept")
    for each in (phone, laptop):
        each.visit("/login/42")
        assert each.allows is True
    laptop.page.evaluate("consent.decide({ analytics: false, functional: false, marketing: false })")
    until(laptop.page, "consent.token && !consent.choice.analytics")
    phone.visit()
    assert phone.allows is False
    phone.says("account_applied")


def test_who_answered_otherwise_before_the_login_is_told_that_the_newer_choice_applies(
    linked: Shop, device: Callable[[], Device]
) -> None:
    laptop = device()
    laptop.answer("accept")
    answered_elsewhere(linked, "42")
    laptop.visit("/login/42")
    assert laptop.allows is False
    laptop.says("account_conflict")
    button = laptop.page.get_by_role("status").get_by_role("button", name=WORDS["en"]["details"])
    button.click()
    expect(laptop.page.get_by_role("dialog", name=WORDS["en"]["details"])).to_contain_text(WORDS["en"]["account"])
    laptop.says_nothing()


def test_a_logout_leaves_the_device_s_own(linked: Shop, device: Callable[[], Device]) -> None:
    laptop, shared = device(), device()
    laptop.answer("accept")
    answered_elsewhere(linked, "42")
    for other in (laptop, shared):
        other.visit("/login/42")
        assert other.allows is False
    own = laptop.cookies()["ask-own"]["value"].partition(".")[2]
    laptop.visit("/logout")
    assert laptop.allows is True
    assert laptop.cookies()["consent"]["value"] == own
    shared.visit("/logout")
    assert shared.allows is None
    expect(banner(shared.page)).to_be_visible()
    for other in (laptop, shared):
        other.visit()
        assert not {"ask-own", "ask-account"} & {*other.cookies()}


def test_who_erases_the_record_is_unlinked_on_every_device(linked: Shop, device: Callable[[], Device]) -> None:
    phone, laptop = device(), device()
    phone.answer("accept")
    phone.visit("/login/42")
    laptop.visit("/login/42")
    assert laptop.allows is True
    redis = linked.app.extensions["consent"].store.connection.client  # type: ignore[union-attr]
    assert len([*redis.scan_iter("consent:account:*")]) == 1
    phone.page.get_by_role("button", name="Cookies", exact=True).click()
    phone.page.get_by_role("tab", name=WORDS["en"]["mine"]).click()
    phone.page.evaluate("window.here = 1")
    press(phone.page, "erase")
    press(phone.page, "erase")
    until(phone.page, "!window.here && window.consent")  # something had run: the page comes anew
    assert "consent" not in phone.cookies()
    phone.visit()
    assert phone.allows is None
    assert [*redis.scan_iter("consent:account:*")] == []
    laptop.visit()
    assert laptop.allows is None
    expect(banner(laptop.page)).to_be_visible()


@pytest.mark.parametrize("what", ["applied", "out"])
def test_what_the_server_did_not_see_in_the_cookie_stays(linked: Shop, device: Callable[[], Device], what: str) -> None:
    """A response that was on its way while the shopper answered."""
    phone = device()
    phone.answer("refuse")
    own, theirs = phone.cookies()["consent"]["value"], answered_elsewhere(linked, "42", "analytics")
    for seen, allows in ((mark(theirs), False), ("0", False), (mark(own), True)):
        state = {"name": "ask-account", "value": f"{what}.{seen}.{mark(theirs)}.{theirs}", "url": linked.url()}
        phone.context.add_cookies([state])  # type: ignore[list-item]
        phone.visit()
        assert phone.allows is allows
        assert phone.cookies()["consent"]["value"] == (theirs if allows else own)
        if what == "out":
            assert "ask-account" not in phone.cookies()
        elif allows:
            phone.says("account_applied")
            assert phone.cookies()["ask-account"]["value"] == f"in.{mark(theirs)}"
        else:
            assert phone.cookies()["ask-account"]["value"] == "in.0"


def test_while_the_consent_server_is_away_the_shop_goes_on(
    linked: Shop, device: Callable[[], Device], monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = device()
    phone.answer("accept")
    (back,) = [each.cell_contents for each in linked._answer.__closure__ if isinstance(each.cell_contents, Flask)]  # type: ignore[union-attr, attr-defined]
    (after,) = back.after_request_funcs[None]
    monkeypatch.setitem(after.__globals__, "LINK", f"http://127.0.0.1:{free_port()}/v1/shop/account")
    phone.visit("/login/42")
    assert phone.allows is True
    assert "ask-own" not in phone.cookies()
    monkeypatch.undo()
    phone.visit()
    assert "ask-own" in phone.cookies()
