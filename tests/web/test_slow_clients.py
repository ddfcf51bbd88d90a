"""A thousand clients that send or read a byte now and then keep nobody else waiting (slowhttptest)."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from beside import described, nginx, up
from conftest import SECRET, free_port
from examples import example

MANY = 1000
SECONDS = 120
SLOWLY = {
    "headers": ["-H", "-i", "1"],
    "bodies": ["-B", "-i", "1", "-s", "4000", "-f", "text/plain"],
    "reads": ["-X", "-k", "3", "-w", "1", "-y", "64", "-n", "2", "-z", "1"],
}
PATHS = {"headers": "/v1/shop/consent.js", "bodies": "/v1/shop/decisions", "reads": "/v1/shop/consent.js"}


@contextmanager
def running(*command: object, **environment: str) -> Iterator[None]:
    with subprocess.Popen([str(word) for word in command], env={**os.environ, **environment}) as process:
        try:
            yield
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def server(short_folder: Callable[[], Path]) -> Iterator[str]:
    """A server of one worker, as it comes; its address."""
    folder, port = short_folder(), free_port()
    environment = {"CONSENT_SECRET": SECRET, "CONSENT_CONFIG": str(described(folder, "https://shop.example"))}
    environment |= {"CONSENT_DATA": str(folder / "data"), "CONSENT_PREFIX": "/consent", "TRUSTED_PROXIES": "1"}
    with running(Path(sys.executable).with_name("consent-server"), "serve", PORT=str(port), **environment):
        up(f"http://127.0.0.1:{port}/consent/readyz")
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def behind_nginx(server: str, short_folder: Callable[[], Path]) -> Iterator[str]:
    """The documented nginx before it; its address."""
    port = free_port()
    location = example("nginx").replace("http://127.0.0.1:8000", server)
    with running(*nginx(short_folder(), f"server {{ listen 127.0.0.1:{port}; {location} }}", example("nginx room"))):
        up(f"http://127.0.0.1:{port}/consent/readyz")
        yield f"http://127.0.0.1:{port}"


@contextmanager
def besieged(url: str, how: str) -> Iterator[None]:
    """Have a thousand slow clients at this address."""
    program = shutil.which("slowhttptest")
    assert program, "slowhttptest is not installed; `make test` installs it"
    command = [program, *SLOWLY[how], "-c", str(MANY), "-r", str(MANY), "-l", "60", "-u", f"{url}/consent{PATHS[how]}"]
    slow = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        port = int(url.rpartition(":")[2])
        until = time.monotonic() + SECONDS
        while connected(slow.pid, port) < MANY * 0.95:  # it keeps a few for looking whether the server still answers
            assert slow.poll() is None, "slowhttptest has ended"
            assert time.monotonic() < until, f"{connected(slow.pid, port)} slow clients only"
            time.sleep(0.1)
        yield
        # So whoever was served meanwhile did not wait for them: they stay for a minute.
        assert connected(slow.pid, port) > MANY // 2, "they were sent away before they could do harm"
    finally:
        slow.terminate()
        slow.wait()


def connected(pid: int, port: int) -> int:
    connections = psutil.Process(pid).net_connections("tcp")
    return sum(each.status == "ESTABLISHED" and each.raddr.port == port for each in connections)


def served(url: str) -> None:
    """Have a few shoppers load the script and be acknowledged."""
    for _ in range(10):
        with urllib.request.urlopen(f"{url}/consent/v1/shop/consent.js", timeout=SECONDS) as answer:
            answer.read()
        with urllib.request.urlopen(f"{url}/consent/v1/shop/notice", timeout=SECONDS) as answer:
            notice = json.load(answer)["notice"]
        body = {"id": secrets.token_urlsafe(16), "allow": [], "notice": notice, "how": "refuse"}
        with urllib.request.urlopen(
            f"{url}/consent/v1/shop/decisions", json.dumps(body).encode(), timeout=SECONDS
        ) as answer:
            assert answer.status == 201


@pytest.mark.parametrize("how", SLOWLY)
def test_behind_nginx_nobody_waits_for_a_thousand_slow_clients(behind_nginx: str, how: str) -> None:
    with besieged(behind_nginx, how):
        served(behind_nginx)


def test_slow_headers_keep_nobody_waiting_without_nginx_either(server: str) -> None:
    with besieged(server, "headers"):
        served(server)
