"""The servers that are measured, each pinned to the cores it is told, and the requests that they get."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import redis

from consent_server.store import embedded

ROOT = Path(__file__).parents[2]
PHONE = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"
)
ORIGIN = "https://smartmarket.az"
SERVER_CORE, LOAD_CORE = 0, 1
THREADS = 32
SECRET = "the-secret-of-the-bench-is-long-enough"
PATIENCE = 10_000
"""Milliseconds that the server waits for its store: a busy machine is no fault."""


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def load_apart() -> None:
    """Keep the load off the servers' core, where there is another."""
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {LOAD_CORE})
    else:
        print("There is one core only: the load is on it too, and the figures are too low.")


def cpu_seconds(*processes: subprocess.Popen[bytes]) -> float:
    """Return the CPU time that these processes and their children have used so far."""
    total = 0.0
    for process in processes:
        parent = psutil.Process(process.pid)
        for each in (parent, *parent.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                times = each.cpu_times()
                total += times.user + times.system
    return total


@contextmanager
def program(*command: str, cores: set[int], **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program on these cores, and end it afterwards."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("CONSENT_", "REDIS_"))}
    process = subprocess.Popen(
        ["taskset", "-c", ",".join(map(str, sorted(cores))), *command],
        cwd=ROOT,
        env={**inherited, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def answers(port: int, path: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until there is an answer at this path."""
    until = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1):
                return
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"nothing answers at {path}") from None
            time.sleep(0.05)


def _granian(port: int, app: str) -> tuple[str, ...]:
    return (
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port), "--workers", "1", "--no-ws"),
        *("--blocking-threads", str(THREADS), "--log-level", "warning", app),
    )


@contextmanager
def hello(cores: set[int]) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Run the yardstick; gives its port and process."""
    port = free_port()
    with program(*_granian(port, "tests.bench.hello:app"), cores=cores) as process:
        answers(port, "/", process)
        yield port, process


@contextmanager
def store(cores: set[int], binary: str | None = None) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run a Redis or Valkey as the embedded one runs, every write on disk first; gives its URL and process."""
    folder = tempfile.mkdtemp(prefix="ct-")
    path = f"{folder}/valkey.sock"
    try:
        with program(
            *(binary or embedded.binary(), "--port", "0", "--unixsocket", path, "--dir", folder, "--save", ""),
            *("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"),
            cores=cores,
        ) as process:
            with redis.Redis(unix_socket_path=path) as client:
                until = time.monotonic() + 30
                while True:
                    try:
                        client.ping()
                        break
                    except redis.ConnectionError:
                        if process.poll() is not None or time.monotonic() > until:
                            raise RuntimeError("the store did not start") from None
                        time.sleep(0.02)
            yield f"unix://{path}", process
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def written_anew(client: redis.Redis) -> Iterator[None]:
    """Keep what is written within in memory only, and write it to disk at the end, whole."""
    client.config_set("appendonly", "no")
    yield
    client.config_set("appendonly", "yes")
    while client.info("persistence")["aof_rewrite_in_progress"]:
        time.sleep(0.1)


@contextmanager
def consent(
    url: str, cores: set[int], workers: int = 1, **environment: str
) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Run ``consent-server serve`` with everything on; gives its port and process.

    All load comes from one address, so that its limit is raised: it is counted nevertheless.
    """
    port = free_port()
    with program(
        *(str(Path(sys.executable).with_name("consent-server")), "serve"),
        cores=cores,
        CONSENT_SECRET=SECRET,
        REDIS_URL=url,
        CONSENT_CONFIG=str(ROOT / "consent.toml"),
        PORT=str(port),
        WEB_CONCURRENCY=str(workers),
        CONSENT_THREADS=str(THREADS),
        CLIENT_LIMIT="1000000",
        SITE_LIMIT="1000000000",
        **{"REDIS_TIMEOUT": str(PATIENCE), **environment},
    ) as process:
        answers(port, "/readyz", process)
        yield port, process


def notice(port: int, lang: str = "az") -> str:
    """Return the hash of what the shop asks now."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/smartmarket/notice?lang={lang}") as answer:
        return str(json.load(answer)["notice"])


def _head(method: str, path: str, port: int) -> str:
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: {PHONE}\r\nOrigin: {ORIGIN}\r\n"


def plain(port: int, path: str = "/", more: str = "") -> Callable[[], bytes]:
    """Return what makes GET requests for a path, with ``more`` header lines."""
    request = f"{_head('GET', path, port)}{more}\r\n".encode()
    return lambda: request


def posts(port: int, path: str, body: str) -> Callable[[], bytes]:
    """Return what makes POST requests with this body."""
    request = f"{_head('POST', path, port)}Content-Length: {len(body)}\r\n\r\n{body}".encode()
    return lambda: request


def decisions(port: int, allow: tuple[tuple[str, ...], ...] | None = None) -> Callable[[], bytes]:
    """Return what makes decisions, each with an id of its own: two yes to all, one no, one analytics only, in turn."""
    hashed = notice(port)
    every = allow or (
        ("functional", "analytics", "marketing"),
        (),
        ("functional", "analytics", "marketing"),
        ("analytics",),
    )
    bodies = []
    for choice in every:
        how = {0: "refuse", 3: "accept"}.get(len(choice), "save")
        rest = json.dumps({"allow": choice, "notice": hashed, "lang": "az", "variant": "", "how": how})
        length = len('{"id":"",') + 22 + len(rest) - 1
        head = f"{_head('POST', '/v1/smartmarket/decisions', port)}Content-Type: text/plain;charset=UTF-8\r\n"
        bodies.append(((f'{head}Content-Length: {length}\r\n\r\n{{"id":"').encode(), f'",{rest[1:]}'.encode()))
    turn = 0

    def request() -> bytes:
        nonlocal turn
        turn += 1
        before, after = bodies[turn % len(bodies)]
        return before + secrets.token_urlsafe(16).encode() + after

    return request
