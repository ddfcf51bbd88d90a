"""The gate, the banner and the preferences in Firefox and in WebKit, each driven by the protocol that it speaks itself.

Firefox needs itself and the ``websockets`` package, WebKit Debian's ``webkit2gtk-driver`` and ``xvfb``.
A browser that is not installed is left out.
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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import free_port

from .conftest import Shop, cookie

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
WEBKIT = shutil.which("WebKitWebDriver")
MINI_BROWSER = next(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"), None)
XVFB = shutil.which("Xvfb")


class Window(ABC):
    """One window of a fresh browser."""

    @abstractmethod
    def goto(self, url: str) -> None:
        """Load a page."""

    @abstractmethod
    def evaluate(self, expression: str) -> Any:
        """Return what a JavaScript expression comes to, by way of JSON."""

    @abstractmethod
    def act(self, source: dict[str, Any]) -> None:
        """Do what a keyboard or a mouse does: a source of actions as WebDriver has them."""

    def until(self, expression: str, seconds: float = 10) -> None:
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
        """Click the button of that name, the last there is, as a mouse would."""
        find = (
            f"[...document.querySelectorAll('#ask button')].filter((b) => b.textContent == {json.dumps(name)}).at(-1)"
        )
        self.until(f"!!{find}")
        x, y = self.evaluate(
            f"(() => {{ const b = {find}; b.scrollIntoView(); const r = b.getBoundingClientRect();"
            " return [r.x + r.width / 2, r.y + r.height / 2].map(Math.round) })()"
        )
        steps = [
            {"type": "pointerMove", "duration": 0, "x": x, "y": y},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        self.act({"type": "pointer", "id": "mouse", "actions": steps})


class Firefox(Window):
    """Over WebDriver BiDi."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self.ids = itertools.count(1)
        self.call("session.new", capabilities={})
        self.context = self.call("browsingContext.create", type="tab")["context"]

    def call(self, method: str, **params: Any) -> Any:
        """Send a command, and return its result."""
        number = next(self.ids)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while (answer := json.loads(self.socket.recv(timeout=20))).get("id") != number:
            pass
        assert answer["type"] == "success", answer
        return answer["result"]

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
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return json.load(answer)["value"]

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
        process.wait(20)
        assert process.stderr
        process.stderr.close()


@contextmanager
def firefox(folder: Path) -> Iterator[Window]:
    """Start Firefox without a screen."""
    if not FIREFOX:
        pytest.skip("Firefox is not installed")
    websockets = pytest.importorskip("websockets.sync.client")
    (folder / "user.js").write_text('user_pref("intl.accept_languages", "en-GB");')
    arguments = ("--headless", "--no-remote", "--profile", str(folder), "--remote-debugging-port", "0")
    with running(FIREFOX, *arguments) as process:
        assert process.stderr
        address = next((found[0] for line in process.stderr if (found := re.search(r"ws://\S+", line))), None)
        assert address, "Firefox did not start"
        with websockets.connect(f"{address}/session", max_size=None) as socket:
            yield Firefox(socket)


@contextmanager
def webkit(folder: Path) -> Iterator[Window]:
    """Start WebKit's small browser on a screen that nobody sees."""
    if not (WEBKIT and MINI_BROWSER and XVFB):
        pytest.skip("webkit2gtk-driver or xvfb is not installed")
    port, reading = free_port(), os.pipe()
    screen = subprocess.Popen(
        [XVFB, "-displayfd", str(reading[1]), "-screen", "0", "1280x900x24"],
        pass_fds=[reading[1]],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        os.close(reading[1])
        with os.fdopen(reading[0]) as said:
            display = said.readline().strip()
        environment = {"DISPLAY": f":{display}", "HOME": str(folder), "WEBKIT_DISABLE_COMPOSITING_MODE": "1"}
        with running(str(WEBKIT), f"--port={port}", **environment):
            opened = None
            end = time.monotonic() + 20
            while opened is None:
                try:
                    opened = WebKit(f"http://127.0.0.1:{port}")
                except urllib.error.URLError:
                    assert time.monotonic() < end, "WebKitWebDriver did not start"
                    time.sleep(0.05)
            yield opened
            opened.call("DELETE", "")
    finally:
        screen.terminate()
        screen.wait(20)


@pytest.fixture(params=[firefox, webkit], ids=["firefox", "webkit"])
def window(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Window]:
    """A window of a browser that is not Chromium."""
    with request.param(tmp_path) as opened:
        yield opened


HELD = """<script>window.order = []; window.ran = (name) => order.push(name)</script>
<script type="text/plain" data-consent="analytics" src="{t}/one.js"></script>
<script type="text/plain" data-consent="analytics">ran('inline'); document.cookie = '_t_one=1;path=/'</script>
<script type="text/plain" data-consent="marketing">ran('marketing')</script>
<iframe width="400" height="200" data-consent="marketing" data-src="{t}/film" title="Film"></iframe>
<button data-consent-open>Cookie settings</button>"""


def page(shop: Shop) -> str:
    return shop.page(HELD.replace("{t}", shop.url("", "tracker").rstrip("/")))


def test_nothing_runs_before_the_answer_then_what_is_allowed_in_page_order(shop: Shop, window: Window) -> None:
    window.goto(page(shop))
    window.until("!!document.querySelector('#ask [role=dialog]')")
    time.sleep(0.5)
    assert window.evaluate("[order.length, document.cookie, localStorage.length]") == [0, "", 0]
    assert shop.hits == []
    window.press("Accept all")
    window.until("order.length == 3")
    assert window.evaluate("order") == ["/one.js", "inline", "marketing"]
    window.until("consent.token")
    window.goto(shop.url("/"))
    window.until("order.length == 3")
    assert window.evaluate("document.querySelector('#ask')") is None


def test_choosing_withdrawing_and_my_choices_work(shop: Shop, window: Window) -> None:
    shop.serve(cookies={"analytics": (cookie("_t_*"),)})
    window.goto(page(shop))
    window.press("Manage preferences")
    window.until("!!document.querySelector('[name=analytics]')")
    window.evaluate("document.querySelector('[name=analytics]').click()")
    window.press("Save my choices")
    window.until("order.length == 2 && document.cookie.includes('_t_one') && consent.token")
    window.evaluate("document.querySelector('[data-consent-open]').click()")
    window.until("!!document.querySelector('#ask dialog')")
    window.evaluate("document.querySelector('#ask dialog > details').open = true")
    window.until("document.querySelector('#ask dialog').textContent.includes('The signature is right')")
    window.evaluate("(window.here = true)")
    window.press("Withdraw my consent")
    window.until("!window.here && window.consent && !document.cookie.includes('_t_')")
    window.until("document.querySelector('#ask [role=status]')?.textContent.includes('_t_one')")
    assert window.evaluate("order") == []


def test_trackers_called_by_scripts_are_stopped_and_run_once_they_are_allowed(shop: Shop, window: Window) -> None:
    shop.serve(trackers=(("*.tracker.localhost", "analytics"),))
    url = shop.url("/it", "tracker")
    window.goto(
        shop.page(
            f"<script>new Image().src = '{url}?image'; fetch('{url}?fetch', {{ mode: 'no-cors' }});"
            f"navigator.sendBeacon('{url}?beacon', ''); const s = document.createElement('script');"
            f"s.src = '{url}.js'; document.head.append(s)</script>"
        )
    )
    time.sleep(0.5)
    assert shop.hits == []
    window.press("Accept all")
    end = time.monotonic() + 10
    while len(shop.hits) < 4 and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.3)
    assert sorted(shop.hits) == ["tracker/it", "tracker/it", "tracker/it", "tracker/it.js"]


def test_a_held_frame_says_what_it_waits_for(shop: Shop, window: Window) -> None:
    window.goto(page(shop))
    window.until("frames[0].document.body?.textContent.includes('Marketing')")
    assert shop.hits == []


def test_escape_postpones_and_the_page_s_style_does_not_reach_the_banner(shop: Shop, window: Window) -> None:
    style = "<style>* { all: unset !important } button { display: none !important }</style>"
    window.goto(shop.page("", head=style + shop.tag))
    window.until("document.querySelector('#ask button')?.getBoundingClientRect().height >= 44")
    window.evaluate("(document.querySelector('#ask [role=dialog]').focus(), 1)")
    window.keys("\ue00c")
    window.until("!document.querySelector('#ask [role=dialog]')")
    assert window.evaluate("[consent.choice, document.cookie]") == [None, ""]
