"""The server as people run it: a process of its own, quoted when its test fails, and ended by its own process id."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from checkout import CONSENT_SERVER
from stores import SECONDS_TO_START, free_port


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
