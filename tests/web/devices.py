"""The devices of an account, as their pages and the shop's back end see them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http.cookies import SimpleCookie
from typing import Any

import pytest
from conftest import SECRET, Shopper
from flask import Flask
from flask.testing import FlaskClient

from consent_server.site import Site
from consent_server.store import ApiKey
from consent_server.tokens.accounts import AccountNames
from consent_server.web.accounts import KIND
from consent_server.web.accounts import held as answers
from consent_server.web.marketer.session import digest

NAMES = {"token": "consent", "ask_own": "ask-own", "ask_account": "ask-account"}


@pytest.fixture(scope="session")
def site(site: Site) -> Site:
    """This shop, which links accounts."""
    return replace(site, accounts=True, cookie_domain=None)


@pytest.fixture(scope="session")
def other_site(other_site: Site) -> Site:
    """Another shop, which does not."""
    return replace(other_site, accounts=False)


@pytest.fixture
def key(app: Flask, site: Site) -> str:
    """The key of the shop's back end."""
    made = secrets.token_urlsafe(32)
    app.extensions["consent"].store.account_keys.add(site, ApiKey(digest(KIND, made), "the back end", 1))
    return made


@dataclass
class Browser:
    """A device: its cookies, and what its pages and the shop's back end do with them."""

    shopper: Shopper
    key: str
    cookies: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def answer(self, *allow: str) -> str:
        """Answer in a page, as delivered; the cookie has the token."""
        self.shopper.token = self.cookies.get("consent")
        response = self.shopper.decide(*allow)
        if response.status_code == 409:  # as the page does
            self.shopper.token = None
            response = self.shopper.decide(*allow)
        assert response.status_code == 201, response.text
        self.cookies["consent"] = response.get_json()["token"]
        return self.cookies["consent"]

    def ask(self, account: str | None) -> dict[str, Any]:
        """Have the back end ask, and send on what it is to."""
        body = {"account": account, **{name: self.cookies.get(cookie) for name, cookie in NAMES.items()}}
        response = self.shopper.client.post(
            f"/v1/{self.shopper.site.id}/account", json=body, headers={"Authorization": f"Bearer {self.key}"}
        )
        assert response.status_code == 200, response.text
        for line in response.get_json()["set_cookies"]:
            ((name, morsel),) = SimpleCookie(line).items()
            if morsel["max-age"] == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value
        return response.get_json()

    def page(self) -> None:
        """Do what account.js does, and what tells of it."""
        what, *more = self.cookies.get("ask-account", "").split(".", 3)
        if len(more) == 3:
            seen, mark, token = more
            as_seen = self.cookies.get("consent", answers.NOTHING).endswith(seen)
            if as_seen:
                self.cookies.pop("consent", None)
                if token:
                    self.cookies["consent"] = token
            if what == "out":
                del self.cookies["ask-account"]
                return
            what, more = (what, [mark]) if as_seen else ("in", ["0"])
        if what in ("applied", "conflict"):
            self.said.append(what)
        if what and what != "erased":
            self.cookies["ask-account"] = f"in.{more[0]}"

    def visit(self, account: str | None) -> dict[str, Any]:
        """Ask for a page of the shop, and have it run."""
        answer = self.ask(account)
        self.page()
        return answer

    @property
    def allowed(self) -> list[str] | None:
        """What the device's cookie allows."""
        text = self.cookies.get("consent")
        keys = self.shopper.client.application.extensions["consent"].keys
        return keys.read(text, self.shopper.site.id).allow if text else None


@pytest.fixture
def new(app: Flask, site: Site, key: str) -> Callable[[], Browser]:
    """Make another device."""
    return lambda: Browser(Shopper(app.test_client(use_cookies=False), site), key)


@pytest.fixture
def phone(new: Callable[[], Browser]) -> Browser:
    return new()


@pytest.fixture
def laptop(new: Callable[[], Browser]) -> Browser:
    return new()


def kept(app: Flask) -> dict[bytes, bytes]:
    """Return what is kept of accounts."""
    redis = app.extensions["consent"].store.connection.client
    return {name: redis.get(name) for name in redis.scan_iter("consent:account:*")}


def linked(app: Flask) -> list[str]:
    """Return the tokens of the answers that are kept of accounts, without what marks them as linked here."""
    return [".".join(value.decode().split(".")[-2:]) for value in kept(app).values()]


def call(
    client: FlaskClient, key: str | None, body: Any, method: str = "POST", path: str = "smartmarket", **headers: str
):
    """Call as a back end."""
    if key:
        headers["Authorization"] = f"Bearer {key}"
    data = body if isinstance(body, bytes) else json.dumps(body)
    return client.open(f"/v1/{path}/account", method=method, data=data, headers=headers)


@pytest.fixture
def redis(app: Flask) -> Any:
    """The store, as whoever writes to it without a secret does."""
    return app.extensions["consent"].store.connection.client


def where(site: Site, account: str) -> str:
    """Return under which key an account's answer is kept."""
    return f"consent:account:{site.id}:{AccountNames([SECRET]).names(site.id, account)[0]}"
