"""The same few people everywhere, and the server within the test's own process that they meet.

The shopper, the marketer of this shop, the marketer of another shop, a stranger; and a clock that stands still.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest
from checkout import ROOT
from flask import Flask
from flask.testing import FlaskClient
from stores import closing
from werkzeug.security import generate_password_hash
from werkzeug.test import TestResponse

from consent_server import create_app
from consent_server.settings.environment import Settings
from consent_server.settings.shops import read_sites
from consent_server.site import Site
from consent_server.web import accounts, cookies, foreign_origins, limits, showing
from consent_server.web import me as me_views
from consent_server.web import shopper as shopper_views
from consent_server.web.marketer import session
from consent_server.web.marketer.session import hash_password

SECRET = "the-secret-of-the-tests-is-long-enough"


@pytest.fixture(scope="session", autouse=True)
def passwords_hashed_at_once() -> Iterator[None]:
    """Hash passwords with little work in this process: all that work is for who has stolen hashes to guess from."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            session,
            "generate_password_hash",
            lambda password, method: generate_password_hash(password, f"{method}:256:8:1"),
        )
        yield


@pytest.fixture(scope="session")
def site() -> Site:
    """This shop."""
    return read_sites(ROOT / "consent.toml")["smartmarket"]


@pytest.fixture(scope="session")
def other_site(site: Site) -> Site:
    """Another shop on the same server."""
    return replace(site, id="kitab", name="Kitab", origins=("https://kitab.example",), cookie_domain=None)


@pytest.fixture
def settings(redis_url: str) -> Settings:
    return Settings(secret=(SECRET,), redis_url=redis_url, redis_timeout=5000)


@pytest.fixture
def app(settings: Settings, site: Site, other_site: Site) -> Iterator[Flask]:
    """The server with both shops, on an empty store."""
    made = create_app(settings, {each.id: each for each in (site, other_site)})
    with closing(made.extensions["consent"].store):
        yield made


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """The stranger: no token, no session, no origin."""
    return app.test_client()


@pytest.fixture
def stranger(client: FlaskClient) -> FlaskClient:
    """The stranger, by name."""
    return client


@dataclass
class Shopper:
    """A shopper's browser, as far as HTTP goes: it posts as the snippet does."""

    client: FlaskClient
    site: Site
    token: str | None = None

    def decide(self, *allow: str, **fields: Any) -> TestResponse:
        """Post a decision that allows these categories; ``fields`` replace or, if None, leave out parts of it."""
        notice = self.client.get(f"/v1/{self.site.id}/notice?lang={fields.get('lang') or 'az'}").get_json()["notice"]
        body = {
            "id": secrets.token_urlsafe(16),
            "allow": list(allow),
            "notice": notice,
            "lang": "az",
            "variant": "",
            "how": "save" if allow else "refuse",
            "previous": self.token,
        }
        body = {name: value for name, value in {**body, **fields}.items() if value is not None}
        return self.post(json.dumps(body))

    def post(self, body: str | bytes, origin: str | None = None) -> TestResponse:
        """Post this text as a decision, from a page of the shop unless another origin is named."""
        response = self.client.post(
            f"/v1/{self.site.id}/decisions",
            data=body,
            content_type="text/plain",
            headers={"Origin": origin or self.site.origins[0]},
        )
        if response.status_code in (200, 201):
            self.token = response.get_json().get("token")
        return response

    def get(self, path: str) -> TestResponse:
        """Ask for something of the shopper's own, with the token."""
        return self.client.get(f"/v1/{self.site.id}/{path}", headers={"Authorization": f"Bearer {self.token}"})


@pytest.fixture
def shopper(app: Flask, site: Site) -> Shopper:
    """A shopper of this shop."""
    return Shopper(app.test_client(use_cookies=False), site)


def _logged_in(app: Flask, name: str, site: Site) -> FlaskClient:
    app.extensions["consent"].store.marketers.add(name, hash_password(f"{name}-password"), [site.id])
    window = app.test_client()
    answer = window.post("/login", data={"name": name, "password": f"{name}-password"})
    assert answer.status_code == 303, answer.text
    return window


@pytest.fixture
def marketer(app: Flask, site: Site) -> FlaskClient:
    """The marketer of this shop, logged in."""
    return _logged_in(app, "leyla", site)


@pytest.fixture
def other_marketer(app: Flask, other_site: Site) -> FlaskClient:
    """The marketer of another shop, logged in."""
    return _logged_in(app, "murad", other_site)


class Clock:
    """A clock that stands still until a test moves it; stands in for ``time`` where requests are answered."""

    def __init__(self, at: float) -> None:
        self.at = at

    def time(self) -> float:
        return self.at

    def time_ns(self) -> int:
        return int(self.at * 1000) * 1_000_000

    def pass_by(self, seconds: float) -> None:
        self.at += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The server's clock, stopped at noon of 2 March 2026 (UTC)."""
    stopped = Clock(1_772_452_800)
    for reads_it in (shopper_views, me_views, accounts, limits, cookies, foreign_origins, showing):
        monkeypatch.setattr(reads_it, "time", SimpleNamespace(time=stopped.time, time_ns=stopped.time_ns))
    return stopped


class EndsAtRest(threading.Event):
    """Ends what is done again and again, when it rests for the first time."""

    def wait(self, timeout: float | None = None) -> bool:
        self.set()
        return True
