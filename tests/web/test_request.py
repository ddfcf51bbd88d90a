"""Who a request comes from: only the proxy that is trusted is believed, only a shop's own pages may read."""

from dataclasses import replace

import pytest
from conftest import closing
from flask import request

from consent_server import app as app_module
from consent_server import create_app

AT = "/v1/smartmarket"
OWN = "https://smartmarket.az"


def test_a_trusted_proxy_tells_client_scheme_and_host_and_nothing_else(app):
    services = app.extensions["consent"]
    behind = create_app(replace(services.settings, trusted_proxies=1), services.sites)
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


def preflight(client, path, origin, method):
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "content-type",
    }
    return client.options(path, headers=asked).headers


@pytest.mark.parametrize(
    ("path", "method"),
    [("notice", "GET"), ("decisions", "POST"), ("shown", "POST"), ("me", "DELETE"), ("me/receipt", "GET")],
)
def test_pages_of_the_shop_may_read_what_is_theirs_and_refusals_too(client, path, method):
    refused = client.open(f"{AT}/{path}?lang=xx", method=method, data="{", headers={"Origin": OWN})
    assert refused.status_code >= 400
    assert refused.headers["Access-Control-Allow-Origin"] == OWN
    assert "Origin" in refused.headers["Vary"]
    assert refused.headers["Access-Control-Expose-Headers"] == "Date"
    assert "Access-Control-Allow-Methods" not in refused.headers
    told = preflight(client, f"{AT}/{path}", OWN, method)
    assert told["Access-Control-Allow-Origin"] == OWN
    assert method in told["Access-Control-Allow-Methods"].split(", ")
    assert told["Access-Control-Allow-Headers"] == "Authorization, Content-Type"
    assert told["Access-Control-Max-Age"] == "86400"
    for stranger in ("https://kitab.example", "https://smartmarket.az.evil.example", "null", "*"):
        assert "Access-Control-Allow-Origin" not in preflight(client, f"{AT}/{path}", stranger, method)
        answer = client.open(f"{AT}/{path}", method=method, headers={"Origin": stranger})
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Access-Control-Allow-Origin" not in client.open(f"{AT}/{path}", method=method).headers


@pytest.mark.parametrize("path", ["allows/analytics", "rates", "rates.csv"])
def test_no_page_reads_what_is_for_back_ends(client, path):
    assert "Access-Control-Allow-Origin" not in client.get(f"{AT}/{path}", headers={"Origin": OWN}).headers


@pytest.mark.parametrize("path", [f"{AT}/consent.js", f"{AT}/details.az.x.js", "/v1/keys.json", "/openapi.json"])
def test_any_page_may_read_what_is_public_and_caches_may_keep_it(client, path):
    for headers in ({}, {"Origin": "https://anybody.example"}):
        answer = client.get(path, headers=headers)
        assert answer.headers.get_all("Access-Control-Allow-Origin") == ["*"]
        assert "Origin" not in answer.headers.get("Vary", "")


def test_no_answer_lets_a_page_read_with_cookies(client):
    assert "Access-Control-Allow-Credentials" not in client.get(f"{AT}/me", headers={"Origin": OWN}).headers
    assert "Access-Control-Allow-Credentials" not in preflight(client, f"{AT}/me", OWN, "GET")


def test_another_shop_of_the_same_server_is_a_stranger(client, other_site):
    for name in (other_site.id, "nobody"):
        answer = client.get(f"/v1/{name}/notice", headers={"Origin": OWN})
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path"),
    [("OPTIONS", f"{AT}/consent.js"), ("GET", f"{AT}/consent.js"), ("HEAD", f"{AT}/consent.js"), ("GET", "/nowhere")],
)
def test_each_answer_says_how_long_it_is_and_what_it_may_do(client, method, path):
    answer = client.open(path, method=method)
    whole = len(client.get(path).data) if method == "HEAD" else len(answer.data)
    assert [*answer.headers.getlist("Content-Length")] == [str(whole)]
    assert answer.headers.getlist("X-Content-Type-Options") == ["nosniff"]
    assert answer.headers.getlist("Referrer-Policy") == ["no-referrer"]


def test_an_app_around_ours_may_say_its_port_as_a_number(app):
    """As Starlette does, which FastAPI mounts other apps by."""
    assert app.test_client().get("/healthz", environ_overrides={"SERVER_PORT": 8000}).status_code == 200


def test_what_many_hosts_are_named_in_is_not_remembered(app):
    client = app.test_client()
    before = app_module._host.cache_info().currsize
    for n in range(3):
        assert client.get("/healthz", headers={"Host": f"{n}" * 100_000}).status_code == 200
    assert app_module._host.cache_info().currsize <= before + 1  # the address of the test client itself
