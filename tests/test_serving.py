"""Each way to put the server beside a shop, with the real thing: a real proxy, real frameworks, a real browser."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import psutil
import pytest
from conftest import ROOT, SECRET, Live, free_port, left_of
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from examples import example
from playwright.sync_api import Page, expect

from consent_server.check import faults, network
from consent_server.settings.environment import Settings
from consent_server.settings.shops import read_sites, snippet_words
from consent_server.tokens import Verifier

SECONDS = 120
KEEP = 6 * 30.4375 * 86400
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Shop</title>
<link rel="icon" href="data:,">
{tag}
<script type="text/plain" data-consent="analytics">window.counted = true</script>
<button type="button" data-consent-open>Cookie settings</button>"""


@dataclass
class Shop:
    """A shop with a consent server: its page, the server's address, and what they run as."""

    url: str
    server: str
    redis_url: str
    config: Path
    stop_server: Callable[[], None] | None = None
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def rates(self) -> list[str]:
        done = subprocess.run(
            [Path(sys.executable).with_name("consent-server"), "rates", "shop", "--format", "json"],
            env={**os.environ, "REDIS_URL": self.redis_url, "CONSENT_CONFIG": str(self.config)},
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout)  # type: ignore[no-any-return]


def described(folder: Path, *origins: str) -> Path:
    config = folder / "consent.toml"
    config.write_text(
        f'[sites.shop]\nname = "Shop"\norigins = {json.dumps(origins)}\n'
        'policy_url = "/privacy"\npolicy_updated = 2025-12-20\n'
        '[[sites.shop.cookies.necessary]]\nname = "consent"\nprovider = "Shop"\nlife = "9 months"\n'
        'purpose.en = "Keeps your answer."\n',
        "utf-8",
    )
    return config


def up(url: str, context: ssl.SSLContext | None = None) -> None:
    """Wait until something answers there."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        with suppress(OSError), urllib.request.urlopen(url, timeout=2, context=context):
            return
        time.sleep(0.05)
    raise AssertionError(f"nothing answers at {url}")


@pytest.fixture
def running() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start a process that is ended, with its children, after the test."""
    started: list[subprocess.Popen[bytes]] = []

    def run(*command: object, **options: object) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen([str(word) for word in command], **options))  # type: ignore[call-overload]
        return started[-1]

    yield run
    for process in started:
        with suppress(psutil.NoSuchProcess):
            family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            process.terminate()
            process.wait(SECONDS)
            for left in left_of(family):
                left.kill()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Callable[[str, int], None]]:
    """Serve a page at a port, as a shop does that knows nothing of consent."""
    servers: list[ThreadingHTTPServer] = []

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    def serve(page: str, port: int) -> None:
        folder = tmp_path / "web"
        folder.mkdir()
        (folder / "index.html").write_text(page)
        servers.append(ThreadingHTTPServer(("127.0.0.1", port), partial(Quiet, directory=str(folder))))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def own_host(run_live: Callable[..., Live], web: Callable[[str, int], None], redis_url: str, tmp_path: Path) -> Shop:
    """The shop on one host, the server on another, which is only named in the tag."""
    port = free_port()
    shop = f"http://localhost:{port}"
    config = described(tmp_path, shop)
    live = run_live("serve", CONSENT_SECRET=SECRET, CONSENT_CONFIG=str(config), REDIS_URL=redis_url)
    web(PAGE.format(tag=example("own host").replace("https://consent.shop.example", live.url)), port)
    return Shop(shop, live.url, redis_url, config, live.stop)


def certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert, secret = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert, secret


def nginx(folder: Path, server_block: str, room: str = "events {}") -> list[str]:
    """Write a configuration around a server block and return the command that runs it."""
    found = shutil.which("nginx") or "/usr/sbin/nginx"
    user = "user root; " if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user}daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr;\n"
        f"{room}\n"
        f"http {{ access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;\n"
        f"fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n"
        f"types {{ text/html html; }}\n{server_block}\n}}"
    )
    return [found, "-p", str(folder), "-c", str(folder / "nginx.conf")]


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


def test_gunicorn_runs_it_too(running: Callable[..., subprocess.Popen[bytes]], redis_url: str, tmp_path: Path) -> None:
    port = free_port()
    config = described(tmp_path, f"http://127.0.0.1:{port}")
    running(
        "sh",
        "-c",
        "exec " + example("gunicorn").replace(":8000", f":{port}").replace("gunicorn", f"{sys.prefix}/bin/gunicorn", 1),
        env={**os.environ, "CONSENT_SECRET": SECRET, "CONSENT_CONFIG": str(config), "REDIS_URL": redis_url},
    )
    up(f"http://127.0.0.1:{port}/readyz")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/shop/consent.js", timeout=45) as answer:
        assert answer.headers["Content-Type"].startswith("text/javascript")


def test_honcho_runs_the_procfile_and_ends_all_of_it(
    running: Callable[..., subprocess.Popen[bytes]], short_folder: Callable[[], Path]
) -> None:
    folder = short_folder()
    for name in ("Procfile", "consent.toml"):
        shutil.copy(ROOT / name, folder / name)
    port = free_port()
    honcho = running(
        Path(sys.executable).with_name("honcho"),
        "start",
        cwd=folder,
        env={
            **os.environ,
            "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}",
            "PORT": str(port),
            "CONSENT_SECRET": SECRET,
        },
    )
    up(f"http://127.0.0.1:{port}/readyz")
    family = psutil.Process(honcho.pid).children(recursive=True)
    assert any("valkey" in process.name() for process in family), "without REDIS_URL it brings a Valkey"
    honcho.send_signal(signal.SIGINT)
    honcho.wait(SECONDS)
    assert not left_of(family)


def test_what_several_workers_of_another_server_count_is_added_up(tmp_path: Path) -> None:
    counts = "from consent_server.web.metrics import Outcome\nwith Outcome('shop') as it: it.name = 'kept'"
    reads = "from consent_server.web.metrics import text\nprint(text([]).decode())"
    typed = example("gunicorn metrics") + '"$1" -c "$2"; "$1" -c "$2"; "$1" -c "$3"; rm -r "$PROMETHEUS_MULTIPROC_DIR"'
    said = subprocess.run(
        ["sh", "-ec", typed, "sh", sys.executable, counts, reads], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert 'consent_decisions_total{outcome="kept",site="shop"} 2.0' in said
