"""A shop with the server beside it: its page, its settings, and the proxies and processes between them."""

from __future__ import annotations

import json
import os
import shutil
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
from conftest import left_of
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

SECONDS = 120
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
