"""Each kind of refusal has a type of its own (RFC 9457), and only the proxy that is trusted is believed."""

import secrets
from dataclasses import dataclass, replace

import pytest
from conftest import Clock, Shopper, closing
from flask import Flask, request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from consent_server import create_app
from consent_server.web.request import RETRY_SECONDS, STATUS

AT = "/v1/smartmarket"


@dataclass
class Asking:
    """Somebody who does everything wrong, on a server that things go wrong with."""

    app: Flask
    client: FlaskClient
    shopper: Shopper
    other_shopper: Shopper
    marketer: FlaskClient
    other_marketer: FlaskClient
    clock: Clock

    def get(self, path: str, token: str = "") -> TestResponse:
        return self.client.get(path, headers={"Authorization": f"Bearer {token}"})

    def token(self, shopper: Shopper, *allow: str) -> str:
        return str(shopper.decide(*allow).get_json()["token"])

    def expired(self) -> TestResponse:
        token = self.token(self.shopper, "analytics")
        self.clock.pass_by(400 * 86400)
        return self.get(f"{AT}/me", token)

    def used_twice(self) -> TestResponse:
        name = secrets.token_urlsafe(16)
        self.shopper.decide("analytics", id=name)
        self.shopper.token = None
        return self.shopper.decide("marketing", id=name)

    def replaced(self) -> TestResponse:
        token = self.token(self.shopper, "analytics")
        self.shopper.decide("marketing")
        return self.shopper.decide(previous=token)

    def too_often(self) -> TestResponse:
        parts = self.app.extensions["consent"]
        self.app.extensions["consent"] = replace(parts, settings=replace(parts.settings, client_limit=1))
        self.shopper.decide()
        return self.shopper.decide()

    def ready(self, layout: bytes) -> TestResponse:
        redis = self.app.extensions["consent"].store.connection.client
        redis.set("consent:layout", layout)
        return self.get("/readyz")

    def away(self) -> TestResponse:
        parts = self.app.extensions["consent"]
        app = create_app(replace(parts.settings, redis_url="redis://127.0.0.1:1"), parts.sites)
        with closing(app.extensions["consent"].store):
            return Shopper(app.test_client(), self.shopper.site).decide()

    def broken(self) -> TestResponse:
        self.app.extensions["consent"] = replace(self.app.extensions["consent"], limits=None)
        return self.shopper.decide()


REFUSALS = {
    "malformed": lambda it: it.shopper.post("{}"),
    "bad-question": lambda it: it.marketer.get(f"{AT}/rates?by=mood"),
    "bad-token": lambda it: it.get(f"{AT}/me", "no.token"),
    "expired-token": Asking.expired,
    "foreign-token": lambda it: it.get(f"{AT}/me", it.token(it.other_shopper, "analytics")),
    "not-known": lambda it: it.get(f"{AT}/rates"),
    "foreign-origin": lambda it: it.shopper.post("{}", origin="https://evil.example"),
    "not-allowed": lambda it: it.get(f"{AT}/allows/analytics"),
    "not-yours": lambda it: it.other_marketer.get(f"{AT}/rates"),
    "unknown-site": lambda it: it.get("/v1/nobody/notice"),
    "no-such-notice": lambda it: it.get(f"{AT}/notice?lang=fr"),
    "other-content": Asking.used_twice,
    "previous-replaced": Asking.replaced,
    "too-large": lambda it: it.shopper.post(" " * 5000),
    "previous-refused": lambda it: it.shopper.decide(previous="no.token"),
    "unknown-category": lambda it: it.shopper.decide("everything"),
    "unknown-notice": lambda it: it.shopper.decide(notice="of-somebody-else"),
    "too-many": Asking.too_often,
    "store-away": Asking.away,
    "wrong-layout": lambda it: it.ready(b"of the future"),
}
"""The call that meets each kind of refusal."""

OF_HTTP = {
    "not-found": (404, lambda it: it.get("/nowhere")),
    "method-not-allowed": (405, lambda it: it.client.put(f"{AT}/decisions")),
    "internal-error": (500, Asking.broken),
}


def test_every_kind_of_refusal_is_met_below():
    assert REFUSALS.keys() == STATUS.keys()


@pytest.mark.parametrize("kind", [*REFUSALS, *OF_HTTP])
def test_a_refusal_says_its_kind_in_one_shape(kind, app, client, shopper, other_site, marketer, other_marketer, clock):
    other_shopper = Shopper(app.test_client(use_cookies=False), other_site)
    status, refused = OF_HTTP.get(kind) or (STATUS[kind], REFUSALS[kind])
    answer = refused(Asking(app, client, shopper, other_shopper, marketer, other_marketer, clock))
    content = answer.get_json()
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), answer.text
    assert content.keys() == {"type", "title", "status", "detail"}
    assert (content["type"], content["status"]) == (f"/problems/{kind}", status)
    assert content["detail"].endswith((".", "?"))
    assert answer.headers["X-Request-ID"]
    assert answer.headers.get("Retry-After") == RETRY_SECONDS.get(status)
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_trusted_proxy_tells_client_scheme_and_host_and_nothing_else(app):
    parts = app.extensions["consent"]
    behind = create_app(replace(parts.settings, trusted_proxies=1), parts.sites)
    told = {
        "X-Forwarded-For": "192.0.2.1",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "shop.example",
        "X-Forwarded-Port": "666",
        "X-Forwarded-Prefix": "/elsewhere",
    }
    seen = {}
    behind.before_request_funcs[None] = [lambda: seen.update(url=request.url, client=request.remote_addr)]
    with closing(behind.extensions["consent"].store):
        behind.test_client().get("/healthz", headers=told)
        assert seen == {"url": "https://shop.example/healthz", "client": "192.0.2.1"}
    app.before_request_funcs[None] = behind.before_request_funcs[None]
    app.test_client().get("/healthz", headers=told)
    assert seen == {"url": "http://localhost/healthz", "client": "127.0.0.1"}
