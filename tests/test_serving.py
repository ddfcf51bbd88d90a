"""Each way to put the server beside a shop, with the real thing: a real proxy, real frameworks, a real browser."""

from __future__ import annotations

import json
import os
import re
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from beside import PAGE, SECONDS, Shop, certificate, described, nginx, running, up, web
from conftest import ROOT, SECRET, Live, free_port
from examples import example
from playwright.sync_api import Page, expect

from consent_server.check import faults, network
from consent_server.settings.environment import Settings
from consent_server.settings.shops import read_sites, snippet_words
from consent_server.tokens import Verifier

__all__ = ["running", "web"]
KEEP = 6 * 30.4375 * 86400


@pytest.fixture
def own_host(run_live: Callable[..., Live], web: Callable[[str, int], None], redis_url: str, tmp_path: Path) -> Shop:
    """The shop on one host, the server on another, which is only named in the tag."""
    port = free_port()
    shop = f"http://localhost:{port}"
    config = described(tmp_path, shop)
    live = run_live("serve", CONSENT_SECRET=SECRET, CONSENT_CONFIG=str(config), REDIS_URL=redis_url)
    web(PAGE.format(tag=example("own host").replace("https://consent.shop.example", live.url)), port)
    return Shop(shop, live.url, redis_url, config, live.stop)


@pytest.fixture
def path_of_host(
    run_live: Callable[..., Live], running: Callable[..., subprocess.Popen[bytes]], redis_url: str, tmp_path: Path
) -> Shop:
    """The shop's nginx passes /consent/ on."""
    port = free_port()
    shop = f"http://127.0.0.1:{port}"
    config = described(tmp_path, shop)
    live = Live(tmp_path, ("serve",))
    environment = {"CONSENT_SECRET": SECRET, "CONSENT_CONFIG": str(config), "REDIS_URL": redis_url}
    process = running(
        Path(sys.executable).with_name("consent-server"),
        "serve",
        env={**os.environ, **environment, "PORT": str(live.port), "CONSENT_PREFIX": "/consent", "TRUSTED_PROXIES": "1"},
    )
    up(f"{live.url}/consent/readyz")
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "index.html").write_text(PAGE.format(tag=example("path")))
    location = example("nginx").replace("127.0.0.1:8000", f"127.0.0.1:{live.port}")
    running(*nginx(tmp_path, f"server {{ listen 127.0.0.1:{port}; root {tmp_path}/www;\n{location} }}"))
    up(shop)

    def stop() -> None:
        process.terminate()
        process.wait(SECONDS)

    return Shop(shop, f"{shop}/consent", redis_url, config, stop)


def under_gunicorn(running: Callable[..., subprocess.Popen[bytes]], app: str, folder: Path, shop: Shop) -> Shop:
    running(
        Path(sys.executable).with_name("gunicorn"),
        *(
            "--workers",
            "2",
            "--threads",
            "4",
            "--log-level",
            "warning",
            "--bind",
            shop.url.removeprefix("http://"),
            app,
        ),
        cwd=folder,
        env={
            **os.environ,
            "CONSENT_SECRET": SECRET,
            "CONSENT_CONFIG": str(shop.config),
            "REDIS_URL": shop.redis_url,
            "PYTHONPATH": str(ROOT),
        },
    )
    up(shop.url)
    return shop


@pytest.fixture
def inside_flask(running: Callable[..., subprocess.Popen[bytes]], redis_url: str, tmp_path: Path) -> Shop:
    """Mounted in a Flask app."""
    (tmp_path / "flask_shop.py").write_text(example("flask mount"))
    url = f"http://127.0.0.1:{free_port()}"
    shop = Shop(url, f"{url}/consent", redis_url, described(tmp_path, url))
    return under_gunicorn(running, "flask_shop:application", tmp_path, shop)


@pytest.fixture
def inside_django(running: Callable[..., subprocess.Popen[bytes]], redis_url: str, tmp_path: Path) -> Shop:
    """Mounted in a Django project."""
    project = tmp_path / "shop"
    project.mkdir()
    (project / "settings.py").write_text(
        'SECRET_KEY = "of-the-shop"\nROOT_URLCONF = "shop.urls"\nALLOWED_HOSTS = ["*"]\nUSE_TZ = True\n'
    )
    (project / "urls.py").write_text(
        "from django.http import HttpResponse\nfrom django.urls import path\n"
        f"PAGE = {PAGE.format(tag=example('path'))!r}\n"
        'urlpatterns = [path("", lambda request: HttpResponse(PAGE))]\n'
    )
    (project / "wsgi.py").write_text(example("django mount"))
    url = f"http://127.0.0.1:{free_port()}"
    shop = Shop(url, f"{url}/consent", redis_url, described(tmp_path, url))
    return under_gunicorn(running, "shop.wsgi:application", tmp_path, shop)


WAYS = ("own_host", "path_of_host", "inside_flask", "inside_django")


@pytest.fixture
def shop(request: pytest.FixtureRequest) -> Shop:
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


@pytest.mark.parametrize("shop", WAYS, indirect=True)
def test_a_decision_its_token_its_cookie_and_its_count(shop: Shop, page: Page) -> None:
    page.goto(shop.url)
    assert page.evaluate("window.counted") is None
    with page.expect_response(re.compile("/decisions$")) as answered:
        page.get_by_role("button", name=snippet_words()["en"]["accept"], exact=True).first.click()
    assert answered.value.status == 201
    assert answered.value.url == f"{shop.server}/v1/shop/decisions"
    page.wait_for_function("window.counted === true")

    assert answered.value.header_value("Set-Cookie") is None, "it may come after the next answer"
    page.wait_for_function("window.consent.token")
    with urllib.request.urlopen(f"{shop.server}/v1/keys.json", timeout=45) as answer:
        verifier = Verifier(json.load(answer), "shop")
    assert verifier.verify(page.evaluate("window.consent.token")).allows("analytics")
    (kept,) = [each for each in page.context.cookies() if each["name"] == "consent"]
    assert kept["value"] == page.evaluate("window.consent.token")
    assert kept["expires"] - time.time() >= KEEP - 60

    counted = json.dumps(shop.rates())
    assert re.search(r'"answered": ?1\b', counted), counted


@pytest.mark.parametrize("shop", WAYS, indirect=True)
def test_every_address_fits_where_the_server_stands(shop: Shop, page: Page, requests: list[object]) -> None:
    page.goto(shop.url)
    page.get_by_role("button", name=snippet_words()["en"]["accept"], exact=True).first.click()
    page.wait_for_function("window.consent && window.consent.token && !window.consent.token.startsWith('~')")
    page.reload()
    page.get_by_role("button", name="Cookie settings").click()
    expect(page.get_by_role("switch").first).to_be_visible()
    receipt = page.evaluate("window.consent.receipt()")
    assert "shop" in json.dumps(receipt)
    called = [made.url for made in requests if "/v1/" in made.url]  # type: ignore[attr-defined]
    assert called
    assert all(url.startswith(f"{shop.server}/v1/shop/") for url in called), called
    for path in ("", "/healthz", "/readyz", "/v1/keys.json"):
        with urllib.request.urlopen(shop.server + (path or "/"), timeout=45) as answer:
            assert answer.status == 200
            assert answer.url.startswith(shop.server), "a redirect left the prefix"


@pytest.mark.troubles("Failed to load resource")
@pytest.mark.parametrize("shop", ["own_host", "path_of_host"], indirect=True)
def test_the_page_loads_as_fast_with_the_server_stopped(shop: Shop, page: Page) -> None:
    def load() -> float:
        page.context.clear_cookies()
        page.goto(shop.url)
        return float(page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"))

    # The fastest tells what the page takes; the others, what else the machine does.
    normal = min(load() for _ in range(7))
    assert shop.stop_server
    shop.stop_server()
    stopped = min(load() for _ in range(7))
    assert stopped - normal < 250, f"{normal:.0f} ms with the server, {stopped:.0f} ms without"
    assert page.evaluate("window.counted") is None, "an outage opens nothing"


def test_behind_nginx_with_tls_the_cookie_is_secure_and_check_finds_nothing(
    running: Callable[..., subprocess.Popen[bytes]],
    redis_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cert, key = certificate(tmp_path)
    port, trusting, careless = free_port(), free_port(), free_port()
    shop = f"https://127.0.0.1:{port}"
    config = described(tmp_path, shop)
    for behind, proxies in ((trusting, "1"), (careless, "0")):
        running(
            Path(sys.executable).with_name("consent-server"),
            "serve",
            env={
                **os.environ,
                **{"CONSENT_SECRET": SECRET, "CONSENT_CONFIG": str(config), "REDIS_URL": redis_url},
                **{"PORT": str(behind), "CONSENT_PREFIX": "/consent", "TRUSTED_PROXIES": proxies},
            },
        )
        up(f"http://127.0.0.1:{behind}/consent/readyz")
    good = example("nginx").replace("127.0.0.1:8000", f"127.0.0.1:{trusting}")
    untold = good.replace("/consent/ {", "/untold/ { rewrite ^/untold/(.*)$ /consent/$1 break;").replace(
        f":{trusting}", f":{careless}"
    )
    forged = good.replace("/consent/ {", "/forged/ { rewrite ^/forged/(.*)$ /consent/$1 break;").replace(
        "proxy_set_header X-Forwarded-Proto $scheme;", ""
    )
    tls = f"ssl_certificate {cert}; ssl_certificate_key {key};"
    running(*nginx(tmp_path, f"server {{ listen 127.0.0.1:{port} ssl; {tls}\n{good}\n{untold}\n{forged} }}"))
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    context = ssl.create_default_context(cafile=str(cert))
    up(f"{shop}/consent/readyz", context)

    with urllib.request.urlopen(f"{shop}/consent/v1/shop/notice", timeout=45, context=context) as answer:
        notice = json.load(answer)["notice"]
    body = {"id": "behind-nginx-with-tls", "allow": [], "notice": notice, "how": "refuse"}
    request = urllib.request.Request(
        f"{shop}/consent/v1/shop/decisions", json.dumps(body).encode(), {"Origin": shop, "Content-Type": "text/plain"}
    )
    with urllib.request.urlopen(request, timeout=45, context=context) as answer:
        assert answer.status == 201
        token = json.load(answer)["token"]
    keep = urllib.request.Request(
        f"{shop}/consent/v1/shop/keep", b"", {"Origin": shop, "Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(keep, timeout=45, context=context) as answer:
        assert "Secure" in answer.headers["Set-Cookie"]

    sites = [*read_sites(config).values()]
    assert [*network.reached(f"{shop}/consent", Settings(trusted_proxies=1), sites)] == []
    assert [*faults.kept_by_safari(sites[0], f"{shop}/consent")] == []
    (finding,) = network.reached(f"{shop}/untold", Settings(), sites)
    assert "set TRUSTED_PROXIES" in finding.cure
    (finding,) = network.reached(f"{shop}/forged", Settings(trusted_proxies=1), sites)
    assert "X-Forwarded-Proto" in finding.cure
