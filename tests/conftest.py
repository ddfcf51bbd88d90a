"""What the tests share: real servers, a real browser, and the same few people everywhere.

The people: the shopper, the marketer of this shop, the marketer of another shop, a stranger. Every server has a free
port or a socket of its own, prints its last words when a test fails, and is ended by its own process id.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zlib import crc32

import hypothesis
import psutil
import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright
from receiver import Receiver
from werkzeug.routing import Rule
from werkzeug.security import generate_password_hash
from werkzeug.test import TestResponse

from consent_server import create_app
from consent_server.settings.environment import Settings
from consent_server.settings.shops import read_sites
from consent_server.site import Site
from consent_server.store import Store, embedded
from consent_server.store.connection import clock as store_clock
from consent_server.web import accounts, cookies, foreign_origins, limits, showing
from consent_server.web import me as me_views
from consent_server.web import shopper as shopper_views
from consent_server.web.marketer import session
from consent_server.web.marketer.session import hash_password

HERE = Path(__file__).parent
ROOT = HERE.parent
RESULTS = ROOT / "test-results"
"""Where tests leave what people may want to look at."""

CONSENT_SERVER = Path(sys.executable).with_name("consent-server")
"""The command, as it is installed where the tests run."""

expect.set_options(timeout=45_000)

_compile_builder = Rule._compile_builder
_compiled: dict[Any, Any] = {}


def _compile_builder_once(rule: Rule, append_unknown: bool = True) -> Any:
    """Compile what makes an address out of a rule once, not in each app of each test: it was two thirds of an app."""
    of = (tuple(rule._trace), repr(rule.defaults), append_unknown)
    if of not in _compiled:
        _compiled[of] = _compile_builder(rule, append_unknown)
    return _compiled[of]


Rule._compile_builder = _compile_builder_once  # type: ignore[method-assign]

hypothesis.settings.register_profile("untimed", deadline=None)  # how long a case takes says how busy the machine is
hypothesis.settings.load_profile("untimed")

SECRET = "the-secret-of-the-tests-is-long-enough"
SECONDS_TO_START = 120


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--store",
        choices=("valkey", "redis7"),
        default="valkey",
        help="what the server keeps decisions in, where a test does not try all: the embedded Valkey or redis-server",
    )
    parser.addoption(
        "--few",
        action="store_true",
        help="of a browser test with many cases try a few, always the same: the root of their number, three at least",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out most cases of the long tables that real browsers try: they are half of the suite's time."""
    if not config.getoption("--few"):
        return
    tables: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.nodeid.startswith("tests/browser/"):
            tables.setdefault(item.nodeid.partition("[")[0], []).append(item)
    left_out: set[pytest.Item] = set()
    for cases in tables.values():
        # In the order of a sum of their names, so that those of two tables crossed are not all of one row.
        cases.sort(key=lambda case: crc32(case.nodeid.encode()))
        left_out.update(cases[max(3, math.isqrt(len(cases))) :])
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=[*left_out])


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "troubles(pattern): a page may report errors whose text matches the pattern")


# ---- Servers that keep things ----


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


# ---- The server within the test's own process ----


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


# ---- The server as people run it ----


def left_of(family: list[psutil.Process], seconds: float = 5) -> list[psutil.Process]:
    """Return those of some processes that still run after this time. A zombie has ended, whoever buries it."""
    until = time.monotonic() + seconds
    while True:
        left = []
        for process in family:
            with suppress(psutil.NoSuchProcess):
                if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                    left.append(process)
        if not left or time.monotonic() > until:
            return left
        time.sleep(0.02)


PATIENT = {"REDIS_TIMEOUT": "5000"}
"""A machine that is busy with tests may take longer to write to its disk than a shop's should."""


@dataclass
class Live:
    """``consent-server`` as a process of its own, on a free port, with a folder of its own."""

    folder: Path
    arguments: tuple[str, ...] = ("demo",)
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None
    printed: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Live:
        """Start it, and return when it is ready."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("CONSENT_", "REDIS_"))}
        command = [str(CONSENT_SERVER), *self.arguments]
        if self.arguments[0] == "demo":
            command += ["--port", str(self.port), "--data", str(self.folder / "data")]
        self.process = subprocess.Popen(
            command,
            cwd=self.folder,
            env={**environment, **PATIENT, "PORT": str(self.port), "PYTHONUNBUFFERED": "1", **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._listen, args=(self.process,), daemon=True).start()
        until = time.monotonic() + SECONDS_TO_START
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"consent-server did not start; it said:\n{self.words()}")
            time.sleep(0.05)
        return self

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout
        with process.stdout as lines:
            self.printed.extend(lines)

    def words(self) -> str:
        """Return all it has printed."""
        return "".join(self.printed)

    def ready(self) -> bool:
        with suppress(OSError), urllib.request.urlopen(f"{self.url}/readyz", timeout=2):
            return True
        return False

    def get(self, path: str) -> Any:
        """Return the JSON at a path."""
        with urllib.request.urlopen(self.url + path, timeout=45) as answer:
            return json.load(answer)

    def family(self) -> list[psutil.Process]:
        """Return its processes: the parent, its workers, its Valkey."""
        assert self.process
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def stop(self) -> None:
        """End it as Ctrl-C does, and see that nothing of it is left."""
        if not self.process or self.process.poll() is not None:
            return
        family = self.family()
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(120)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"Ctrl-C did not end it; it said:\n{self.words()}") from None
        left = left_of(family)
        for process in left:
            process.kill()
        assert not left, f"left behind by Ctrl-C: {left}"

    def kill(self) -> None:
        """End every process of it at once with SIGKILL."""
        assert self.process
        family = self.family()
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()
        left_of(family)

    def freeze(self) -> None:
        """Stop every process where it stands: it takes connections, and answers none."""
        for process in self.family():
            process.suspend()

    def thaw(self) -> None:
        """Let every process go on."""
        for process in self.family():
            process.resume()


@pytest.fixture
def run_live(request: pytest.FixtureRequest, short_folder: Callable[[], Path]) -> Iterator[Callable[..., Live]]:
    """Start ``consent-server ARGUMENTS`` with an environment; ended, and quoted if the test fails, afterwards."""
    running: list[Live] = []

    def run(*arguments: str, **environment: str) -> Live:
        running.append(Live(short_folder(), arguments or ("demo",), environment))
        return running[-1].start()

    yield run
    failed = getattr(request.node, "failed", False)
    for live in running:
        if live.process and live.process.poll() is None:
            live.thaw()
            live.stop()
        if failed:
            print(f"consent-server on port {live.port} said:\n{live.words()}")


@pytest.fixture(scope="module")
def demo(short_folder: Callable[[], Path]) -> Iterator[Live]:
    """The demo, shared by the tests of a module that leave it running."""
    live = Live(short_folder()).start()
    yield live
    live.stop()


@pytest.fixture
def live(run_live: Callable[..., Live]) -> Live:
    """The demo, for this test alone: it may be stopped, killed and started again."""
    return run_live("demo")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Let fixtures know whether their test failed."""
    report = yield
    item.failed = getattr(item, "failed", False) or report.failed  # type: ignore[attr-defined]
    return report


# ---- Browsers ----

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIETLY = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Chromium heeds the last such list alone: Playwright's, and the two pages of the address bar that nobody sees here
    # and that are half of what a window costs.
    "--disable-features=AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,HttpsUpgrades,"
    "HttpsFirstBalancedModeAutoEnable,LensOverlay,MediaRouter,PaintHolding,ThirdPartyStoragePartitioning,"
    "AvoidCorsURLLoaderRestartOnRedirect,OptimizationHints,NetworkTimeServiceQuerying,PreconnectToSearch,"
    # A process kept ready for the next page of a profile, which the next test's fresh profile cannot use.
    "SpareRendererForSitePerProcess,"
    "WebUIOmniboxPopup,WebUIOmniboxAimPopup",
)


def chromium_path() -> str:
    """Return where the machine's Chromium or Chrome is."""
    found = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    assert found, "there is no Chromium or Chrome; `make test` installs one"
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The machine's Chromium or Chrome, without a window."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=[*QUIETLY])
        yield chromium
        chromium.close()


@pytest.fixture
def requests() -> list[Request]:
    """Every request that the pages of this test made, in order; the browser's cache answers without one."""
    return []


@pytest.fixture
def new_context(
    browser: Browser, request: pytest.FixtureRequest, requests: list[Request]
) -> Iterator[Callable[..., BrowserContext]]:
    """Open a fresh profile with Playwright's context options: another shopper, another device.

    The test fails if one of its pages throws or logs an error, unless marked ``troubles(pattern)``.
    """
    contexts: list[BrowserContext] = []
    troubles: list[str] = []
    expected = [re.compile(mark.args[0]) for mark in request.node.iter_markers("troubles")]

    def note(text: str) -> None:
        if not any(pattern.search(text) for pattern in expected):
            troubles.append(text)

    def open_context(**options: Any) -> BrowserContext:
        context = browser.new_context(**options)
        contexts.append(context)
        context.on("request", lambda made: requests.append(made))
        context.on("weberror", lambda error: note(f"uncaught: {error.error}"))
        context.on("console", lambda said: note(f"console: {said.text}") if said.type in ("error", "warning") else None)
        return context

    yield open_context
    for context in contexts:
        context.close()
    assert not troubles, "\n".join(troubles)


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Page:
    """A window of the shopper's browser: Azerbaijani, 1280 by 800."""
    return new_context(locale="az-AZ", viewport={"width": 1280, "height": 800}).new_page()
