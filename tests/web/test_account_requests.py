"""What a back end may ask of an account, and what is refused in one sentence."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import replace

import pytest
from conftest import SECRET, Clock, Shopper, closing
from devices import Browser, call, kept, key, laptop, new, other_site, phone, redis, site
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from consent_server import create_app
from consent_server.settings.environment import Settings
from consent_server.site import Site
from consent_server.store import ApiKey
from consent_server.web.marketer.session import digest

__all__ = ["key", "laptop", "new", "other_site", "phone", "redis", "site"]


def test_a_token_that_holds_no_more_is_never_linked_and_says_why(
    app: Flask, settings: Settings, site: Site, phone: Browser, key: str, clock: Clock
) -> None:
    phone.answer("analytics")
    raised = create_app(settings, {site.id: replace(site, revision=site.revision + 1)})
    with closing(raised.extensions["consent"].store):
        device = Browser(Shopper(raised.test_client(use_cookies=False), site), key, dict(phone.cookies))
        found = device.visit("42")
        assert (found["applied"], found["token"]) == ("none", None)
        assert "asked before" in found["refused"]
        assert device.cookies["consent"] == phone.cookies["consent"]  # the page asks, and names what it renews
    clock.pass_by(site.keep + 1)
    found = phone.visit("42")
    assert "expired" in found["refused"]
    assert kept(app) == {}


def test_a_token_of_another_shop_or_nobody_s_is_refused_in_one_sentence(
    app: Flask, client: FlaskClient, other_site: Site, key: str
) -> None:
    other = Shopper(client, other_site)
    other.decide("analytics")
    for token in (other.token, "nonsense", "a.b", "é"):
        answer = call(client, key, {"account": "42", "token": token})
        assert answer.status_code == 401, token
        assert answer.get_json()["detail"].endswith(".")
        assert answer.mimetype == "application/problem+json"
    assert kept(app) == {}


def test_whatever_stands_in_the_cookies_is_answered_in_words(client: FlaskClient, key: str, phone: Browser) -> None:
    phone.answer("analytics")
    phone.visit("42")
    own, state = phone.cookies["ask-own"], phone.cookies["ask-account"]
    near = st.sampled_from([None, "", ".", "0", own, state, phone.cookies["consent"], own[:-1], f"{own}.", "x.0"])
    texts = near | st.text(max_size=40)

    @hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.none() | st.sampled_from(["42", "43"]), texts, texts, texts)
    def fuzz(account: str | None, token: str | None, own: str | None, state: str | None) -> None:
        body = {"account": account, "token": token, "ask_own": own, "ask_account": state}
        answer = call(client, key, body)
        assert answer.status_code in (200, 401), answer.text
        for line in answer.get_json().get("set_cookies", ()):
            assert re.fullmatch(
                r"ask-(own|account)=[\w.-]*; Path=/; SameSite=Lax; Secure; Max-Age=\d+(; HttpOnly)?", line
            )

    fuzz()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"[]",
        b"{}",
        b'{"account": ""}',
        b'{"account": 42}',
        b'{"account": "\xff"}',
        b'{"account": "\\ud800"}',
        json.dumps({"account": "x" * 201}).encode(),
        b'{"account": "42", "token": 1}',
        b'{"account": "42", "cookies": {}}',
        json.dumps({"account": "42", "token": "x" * 5000}).encode(),
    ],
)
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_body_that_is_none_is_refused_in_one_sentence(
    client: FlaskClient, key: str, body: bytes, method: str
) -> None:
    answer = call(client, key, body, method)
    assert answer.status_code == 400, answer.text
    assert answer.get_json()["detail"].endswith(".")
    assert call(client, key, b"x" * 20_000, method).status_code == 413


@pytest.mark.parametrize("account", ["\0", "🛒" * 200, "a\0b", " ", "ə" * 200, "x\r\nSet-Cookie: y=z"])
def test_an_account_is_any_text_that_a_shop_has(app: Flask, phone: Browser, laptop: Browser, account: str) -> None:
    phone.answer("analytics")
    phone.visit(account)
    assert laptop.visit(account)["allow"] == ["analytics"]
    assert Browser(phone.shopper, phone.key).visit(account[1:] + "x")["token"] is None


def test_no_other_key_opens_it_and_it_opens_nothing_else(
    app: Flask, client: FlaskClient, site: Site, other_site: Site, key: str
) -> None:
    store = app.extensions["consent"].store
    rates = secrets.token_urlsafe(32)
    store.rates_keys.add(site, ApiKey(digest("api-key", rates), "rates", 1))
    for wrong in (None, "wrong", "", rates, SECRET):
        for method in ("POST", "DELETE"):
            answer = call(client, wrong, {"account": "42"}, method)
            assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert client.get(f"/v1/{site.id}/rates", headers={"Authorization": f"Bearer {rates}"}).status_code == 200
    assert client.get(f"/v1/{site.id}/rates", headers={"Authorization": f"Bearer {key}"}).status_code == 401
    both = create_app(
        app.extensions["consent"].settings, {each.id: each for each in (site, replace(other_site, accounts=True))}
    )
    with closing(both.extensions["consent"].store):
        assert call(both.test_client(), key, {"account": "42"}).status_code == 200
        assert call(both.test_client(), key, {"account": "42"}, path="kitab").status_code == 401


def test_of_a_shop_that_links_no_accounts_there_is_nothing(client: FlaskClient, key: str) -> None:
    answer = call(client, key, {"account": "42"}, path="kitab")
    assert (answer.status_code, answer.get_json()["type"]) == (404, "/problems/no-accounts")
    assert call(client, key, {"account": "42"}, path="nowhere").get_json()["type"] == "/problems/unknown-site"


def test_no_page_may_call_it(client: FlaskClient, site: Site, key: str) -> None:
    for origin in (site.origins[0], "https://evil.example", "null"):
        answer = call(client, key, {"account": "42"}, Origin=origin)
        assert answer.get_json()["type"] == "/problems/not-for-pages"
        asked = client.options(
            f"/v1/{site.id}/account", headers={"Origin": origin, "Access-Control-Request-Method": "POST"}
        )
        for each in (answer, asked):
            assert not [name for name in dict(each.headers) if name.startswith("Access-Control")]
    for method in ("GET", "HEAD", "PUT"):
        assert call(client, key, {"account": "42"}, method).status_code == 405


def test_wrong_keys_are_taken_so_often_a_minute(settings: Settings, site: Site) -> None:
    app = create_app(replace(settings, client_limit=3), {site.id: site})
    with closing(app.extensions["consent"].store):
        client = app.test_client()
        said = [call(client, "wrong", {"account": "42"}) for _ in range(5)]
    assert [each.status_code for each in said] == [401] * 3 + [429] * 2
    assert said[-1].headers["Retry-After"]


def test_while_redis_is_away_it_says_when_to_come_back(site: Site) -> None:
    app = create_app(Settings(secret=(SECRET,), redis_url="redis://127.0.0.1:1", redis_timeout=100), {site.id: site})
    with closing(app.extensions["consent"].store):
        for method in ("POST", "DELETE"):
            answer = call(app.test_client(), "key", {"account": "42"}, method)
            assert answer.status_code == 503
            assert answer.headers["Retry-After"]


def test_neither_key_nor_account_is_in_a_line_of_the_log(
    client: FlaskClient, key: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("DEBUG")

    def broken(*_: object) -> None:
        raise RuntimeError("of ours")

    monkeypatch.setattr("consent_server.web.accounts.sync_account", broken)
    assert call(client, key, {"account": "leyla@example.az"}).status_code == 500
    assert "of ours" in caplog.text
    assert "leyla@" not in caplog.text
    assert key not in caplog.text
