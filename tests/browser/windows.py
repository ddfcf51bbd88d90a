"""Firefox and WebKit, each driven by the protocol that it speaks itself, as Playwright drives only its own builds.

Firefox needs itself and the ``websockets`` package, WebKit Debian's ``webkit2gtk-driver`` and ``xvfb``.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import free_port

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
WEBKIT = shutil.which("WebKitWebDriver")
MINI_BROWSER = next(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"), None)
XVFB = shutil.which("Xvfb")


class Window(ABC):
    """One window, in which nobody has been before."""

    @abstractmethod
    def close(self) -> None:
        """Forget all that this window was told."""

    @abstractmethod
    def goto(self, url: str) -> None:
        """Load a page."""

    @abstractmethod
    def evaluate(self, expression: str) -> Any:
        """Return what a JavaScript expression comes to, by way of JSON."""

    @abstractmethod
    def act(self, source: dict[str, Any]) -> None:
        """Do what a keyboard or a mouse does: a source of actions as WebDriver has them."""

    def until(self, expression: str, seconds: float = 45) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + seconds
        while not self.evaluate(expression):
            assert time.monotonic() < end, f"this never came true: {expression}"
            time.sleep(0.03)

    def keys(self, *keys: str) -> None:
        """Press keys one after the other."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.act({"type": "key", "id": "keyboard", "actions": actions})

    def press(self, name: str) -> None:
        """Click the button of that name, the last there is, as a mouse would; again where the page moved meanwhile."""
        ours = "document.querySelectorAll('[data-ask] button')"
        find = f"[...{ours}].filter((b) => b.textContent == {json.dumps(name)}).at(-1)"
        end = time.monotonic() + 120
        while True:
            self.until(f"!!{find}")
            x, y = self.evaluate(
                f"(() => {{ const b = {find}; b.scrollIntoView(); const r = b.getBoundingClientRect();"
                " window.missed = true; b.addEventListener('click', () => { window.missed = false }, true);"
                " return [r.x + r.width / 2, r.y + r.height / 2].map(Math.round) })()"
            )
            steps = [
                {"type": "pointerMove", "duration": 0, "x": x, "y": y},
                {"type": "pointerDown", "button": 0},
                {"type": "pointerUp", "button": 0},
            ]
            self.act({"type": "pointer", "id": "mouse", "actions": steps})
            if not self.evaluate("window.missed ?? false"):
                return
            assert time.monotonic() < end, f"the button {name!r} could not be hit"


class Firefox(Window):
    """Over WebDriver BiDi, with cookies and storage of its own."""

    def __init__(self, socket: Any, ids: Iterator[int]) -> None:
        self.socket = socket
        self.ids = ids
        self.user = self.call("browser.createUserContext")["userContext"]
        self.context = self.call("browsingContext.create", type="tab", userContext=self.user)["context"]

    def call(self, method: str, **params: Any) -> Any:
        """Send a command, and return its result."""
        number = next(self.ids)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while (answer := json.loads(self.socket.recv(timeout=120))).get("id") != number:
            pass
        assert answer["type"] == "success", answer
        return answer["result"]

    def close(self) -> None:
        self.call("browser.removeUserContext", userContext=self.user)

    def goto(self, url: str) -> None:
        self.call("browsingContext.navigate", context=self.context, url=url, wait="complete")

    def evaluate(self, expression: str) -> Any:
        """Return what a JavaScript expression comes to, by way of JSON."""
        result = self.call(
            "script.evaluate",
            expression=f"JSON.stringify({expression}) ?? 'null'",
            target={"context": self.context},
            awaitPromise=True,
        )
        assert result["type"] == "success", result
        return json.loads(result["result"]["value"])

    def act(self, source: dict[str, Any]) -> None:
        self.call("input.performActions", context=self.context, actions=[source])


class WebKit(Window):
    """Over WebDriver, as WebKitWebDriver speaks it."""

    def __init__(self, address: str) -> None:
        self.address = address
        options = {"binary": str(MINI_BROWSER), "args": ["--automation"]}
        capabilities = {"alwaysMatch": {"webkitgtk:browserOptions": options}}
        session = self.call("POST", "/session", {"capabilities": capabilities})["sessionId"]
        self.address += f"/session/{session}"

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Send a command, and return its value."""
        text = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(self.address + path, text, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(asked, timeout=120) as answer:
            return json.load(answer)["value"]

    def close(self) -> None:
        self.call("DELETE", "")

    def goto(self, url: str) -> None:
        self.call("POST", "/url", {"url": url})

    def evaluate(self, expression: str) -> Any:
        script = f"return JSON.stringify({expression}) ?? 'null'"
        return json.loads(self.call("POST", "/execute/sync", {"script": script, "args": []}))

    def act(self, source: dict[str, Any]) -> None:
        self.call("POST", "/actions", {"actions": [source]})


@contextmanager
def running(*command: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program for as long as it is needed."""
    process = subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(120)
        assert process.stderr
        process.stderr.close()


@contextmanager
def firefox(folder: Path, **settings: object) -> Iterator[Callable[[], Window]]:
    """Start Firefox unseen, with settings as in about:config, ``__`` for a dot; yield what opens a window."""
    if not FIREFOX:
        pytest.skip("Firefox is not installed")
    websockets = pytest.importorskip("websockets.sync.client")
    chosen = {"intl__accept_languages": "en-GB", **settings}
    lines = (f'user_pref("{name.replace("__", ".")}", {json.dumps(value)});' for name, value in chosen.items())
    (folder / "user.js").write_text("\n".join(lines))
    arguments = ("--headless", "--no-remote", "--profile", str(folder), "--remote-debugging-port", "0")
    with running(FIREFOX, *arguments) as process:
        assert process.stderr
        address = next((found[0] for line in process.stderr if (found := re.search(r"ws://\S+", line))), None)
        assert address, "Firefox did not start"
        with websockets.connect(f"{address}/session", max_size=None) as socket:
            socket.send(json.dumps({"id": 0, "method": "session.new", "params": {"capabilities": {}}}))
            assert json.loads(socket.recv(timeout=120))["type"] == "success"
            ids = itertools.count(1)
            yield lambda: Firefox(socket, ids)


@contextmanager
def webkit(folder: Path) -> Iterator[Callable[[], Window]]:
    """Start WebKit's driver on a screen that nobody sees; yield what opens a window of its small browser."""
    if not (WEBKIT and MINI_BROWSER and XVFB):
        pytest.skip("webkit2gtk-driver or xvfb is not installed")
    port, reading = free_port(), os.pipe()
    screen = subprocess.Popen(
        [XVFB, "-displayfd", str(reading[1]), "-screen", "0", "1280x900x24"],
        pass_fds=[reading[1]],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def window() -> Window:
        end = time.monotonic() + 120
        while True:
            try:
                return WebKit(f"http://127.0.0.1:{port}")
            except urllib.error.URLError:
                assert time.monotonic() < end, "WebKitWebDriver did not start"
                time.sleep(0.05)

    try:
        os.close(reading[1])
        with os.fdopen(reading[0]) as said:
            display = said.readline().strip()
        environment = {"DISPLAY": f":{display}", "HOME": str(folder), "WEBKIT_DISABLE_COMPOSITING_MODE": "1"}
        with running(str(WEBKIT), f"--port={port}", **environment):
            yield window
    finally:
        screen.terminate()
        screen.wait(120)
