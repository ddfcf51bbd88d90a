"""Servers that keep things: Redis and Valkey, alone or as a cluster, each on a free port or a socket of its own."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from receiver import Receiver

from consent_server.store import Store, embedded
from consent_server.store.connection import clock as store_clock

SECONDS_TO_START = 120
_numbers = itertools.count(os.getpid() * 997)


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on, below those that the kernel gives to connections meanwhile."""
    while True:
        port = 11_000 + next(_numbers) % 21_000  # browsers open no 10080
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@dataclass
class RedisServer:
    """A Redis or Valkey in a folder of its own, as the embedded one runs: every write on disk when acknowledged."""

    binary: str
    folder: Path
    port: int = 0
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}" if self.port else f"unix://{self.folder / 'redis.sock'}"

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)

    def start(self) -> RedisServer:
        self.process = subprocess.Popen(
            [
                *(self.binary, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)),
                *("--unixsocket", str(self.folder / "redis.sock"), "--save", "", "--daemonize", "no"),
                *("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"),
                *("--logfile", str(self.folder / "log"), "--repl-diskless-sync-delay", "0", *self.options),
            ],
            stdin=subprocess.DEVNULL,
        )
        until = time.monotonic() + SECONDS_TO_START
        with self.client() as client:
            while True:
                try:
                    client.ping()
                    return self
                except redis.ConnectionError:
                    if self.process.poll() is not None or time.monotonic() > until:
                        log = self.folder / "log"
                        raise RuntimeError(f"{self.binary} did not start:\n{log.read_text()}") from None
                    time.sleep(0.01)

    def files(self) -> list[bytes]:
        """Return what is in its append-only files: one that is gone when it is read has given way to others."""
        while True:
            with suppress(FileNotFoundError):
                return [path.read_bytes() for path in (self.folder / "appendonlydir").iterdir()]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process:
            while True:
                self.process.send_signal(how)
                self.process.send_signal(signal.SIGCONT)
                # A replica that still writes its first file does not end, and forgets that it was told to.
                with suppress(subprocess.TimeoutExpired):
                    self.process.wait(5)
                    return


def binary_of(name: str) -> str:
    """Return the program behind ``valkey`` or ``redis7``."""
    if name == "valkey":
        return embedded.binary()
    found = shutil.which("redis-server")
    assert found, "redis-server is not installed; `make test` installs it"
    return found


@pytest.fixture(scope="session", autouse=True)
def any_clock() -> Iterator[None]:
    """Let this process date decisions as it likes; `tests/store/test_clock.py` and servers go by Redis' clock."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_clock, "LEEWAY", 10**15)
        yield


@pytest.fixture(scope="session")
def short_folder() -> Iterator[Callable[[], Path]]:
    """Make folders whose path is short enough for a socket in them."""
    made: list[str] = []

    def make() -> Path:
        made.append(tempfile.mkdtemp(prefix="ct-"))
        return Path(made[-1])

    yield make
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)


def _single(name: str, folder: Path) -> Iterator[RedisServer]:
    server = RedisServer(binary_of(name), folder).start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def valkey(short_folder: Callable[[], Path]) -> Iterator[RedisServer]:
    """The Valkey that comes with us."""
    yield from _single("valkey", short_folder())


@pytest.fixture(scope="session")
def redis7(short_folder: Callable[[], Path]) -> Iterator[RedisServer]:
    """Debian's redis-server."""
    yield from _single("redis7", short_folder())


@dataclass
class Cluster:
    """Three primaries that share the slots."""

    nodes: list[RedisServer]

    @property
    def url(self) -> str:
        return f"redis+cluster://127.0.0.1:{self.nodes[0].port}"

    def flush(self) -> None:
        for node in self.nodes:
            with node.client() as client:
                client.flushall()


@pytest.fixture(scope="session")
def cluster(short_folder: Callable[[], Path]) -> Iterator[Cluster]:
    """A cluster of three Valkeys."""
    nodes = [
        RedisServer(
            binary_of("valkey"),
            short_folder(),
            free_port(),
            ("--cluster-enabled", "yes", "--cluster-port", str(free_port()), "--cluster-node-timeout", "2000"),
        ).start()
        for _ in range(3)
    ]
    clients = [node.client() for node in nodes]
    for number, client in enumerate(clients):
        client.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
        client.execute_command("CLUSTER ADDSLOTSRANGE", number * 16384 // 3, (number + 1) * 16384 // 3 - 1)
        bus = nodes[0].options[3]
        client.execute_command("CLUSTER MEET", "127.0.0.1", nodes[0].port, bus)
    until = time.monotonic() + SECONDS_TO_START
    while not all(_complete(client) for client in clients):
        assert time.monotonic() < until, "the cluster did not come together"
        time.sleep(0.05)
    for client in clients:
        client.close()
    yield Cluster(nodes)
    for node in nodes:
        node.stop()


def _complete(client: redis.Redis) -> bool:
    info = client.execute_command("CLUSTER INFO")
    text = info if isinstance(info, str) else json.dumps(info) if isinstance(info, dict) else info.decode()
    return re.search(r"cluster_state\W+ok", text) is not None and re.search(r"known_nodes\W+3\b", text) is not None


@pytest.fixture
def redis_url(request: pytest.FixtureRequest) -> str:
    """An empty Redis of the kind that --store names."""
    server: RedisServer = request.getfixturevalue(request.config.getoption("--store"))
    with server.client() as client:
        client.flushall()
    return server.url


@pytest.fixture(params=["valkey", "redis7", "cluster"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """The store, on each kind of Redis in turn, empty."""
    server = request.getfixturevalue(request.param)
    if isinstance(server, Cluster):
        server.flush()
    else:
        with server.client() as client:
            client.flushall()
    with closing(Store(server.url, 5)) as opened:
        yield opened


@pytest.fixture
def kept(redis_url: str) -> Iterator[Store]:
    """The store on the one kind of Redis that --store names, empty."""
    with closing(Store(redis_url, 5)) as opened:
        yield opened


@pytest.fixture
def on_valkey(valkey: RedisServer) -> Iterator[Store]:
    """The store on a Valkey, empty, whatever --store names."""
    with valkey.client() as client:
        client.flushall()
    with closing(Store(valkey.url, 5)) as opened:
        yield opened


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Who is told of decisions."""
    made = Receiver()
    yield made
    made.stop()


class closing:
    """Close a store's connections when a test is done with it, for warnings are errors."""

    def __init__(self, opened: Store) -> None:
        self.opened = opened

    def __enter__(self) -> Store:
        return self.opened

    def __exit__(self, *_: object) -> None:
        self.opened.close()
