"""A visit of a page in a headless Chromium, to see what it sets on a shopper's device before and after a yes.

Chromium is driven over a pipe by its DevTools protocol: nothing to install beside the browser, no port.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from ..decision import OPTIONAL, ConsentError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
SECONDS_TO_ANSWER = 30
SECONDS_TO_SETTLE = 3.0
"""How long tags have to set what they set, after the page has loaded and again after the yes."""

FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

STORED = "[...Object.keys(localStorage), ...Object.keys(sessionStorage)]"
YES = f"(window.consentQueue ||= []).push(consent => consent.decide({json.dumps(dict.fromkeys(OPTIONAL, True))}))"


class NoVisit(ConsentError):
    """The page cannot be looked at in a browser."""

    problem = "no-visit"


@dataclass(frozen=True, slots=True)
class Seen:
    """Names of cookies and storage entries on the device: before any answer, and after everything was allowed."""

    before: frozenset[str]
    after: frozenset[str]


def browser() -> str | None:
    """Return the path of an installed Chromium or Chrome, or None."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def visit(url: str) -> Seen:
    """Open ``url`` in a fresh profile, then allow everything, and return what was set at each time.

    Neither the banner nor the answer is counted: those two requests do not leave the browser.

    Raises:
        NoVisit: there is no browser, or it does not show the page; says why.
    """
    with _chromium() as tab:
        tab.ask("Network.enable")
        tab.ask("Network.setBlockedURLs", urls=["*/v1/*/decisions", "*/v1/*/shown"])
        error = tab.ask("Page.navigate", url=url).get("errorText")
        if error:
            raise NoVisit(f"{url} cannot be opened in a browser: {error}.")
        before = tab.settled()
        tab.ask("Runtime.evaluate", expression=YES)
        return Seen(before, tab.settled())


class _Tab:
    """One tab of a Chromium that listens on a pipe."""

    def __init__(self, send: int, receive: int) -> None:
        self._send, self._receive = send, receive
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def ask(self, method: str, **params: Any) -> Mapping[str, Any]:
        """Call a method of the protocol and return its result."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        try:
            os.write(self._send, json.dumps(message).encode() + b"\0")
        except BrokenPipeError:
            raise NoVisit("The browser ended before it had shown the page.") from None
        until = time.monotonic() + SECONDS_TO_ANSWER
        while True:
            answer = self._next(until)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise NoVisit(f"The browser refuses {method}: {answer['error']['message']}.")
                return dict(answer["result"])

    def _next(self, until: float) -> dict[str, Any]:
        """Return the next message, of which each ends with a zero byte."""
        while b"\0" not in self._buffer:
            if not select.select([self._receive], [], [], max(0, until - time.monotonic()))[0]:
                raise NoVisit(f"The browser did not answer within {SECONDS_TO_ANSWER} s.")
            part = os.read(self._receive, 1 << 16)
            if not part:
                raise NoVisit("The browser ended before it had shown the page.")
            self._buffer += part
        text, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(text))

    def settled(self) -> frozenset[str]:
        """Wait until the page has loaded and its tags have run, and return the names of what is on the device."""
        until = time.monotonic() + SECONDS_TO_ANSWER
        while self._value("document.readyState") != "complete" and time.monotonic() < until:
            time.sleep(0.1)
        time.sleep(SECONDS_TO_SETTLE)
        cookies = self.ask("Network.getAllCookies")["cookies"]
        return frozenset([*(cookie["name"] for cookie in cookies), *(self._value(STORED) or ())])

    def _value(self, expression: str) -> Any:
        return self.ask("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")


@contextmanager
def _chromium() -> Iterator[_Tab]:
    """Give a tab of a browser with a profile of its own, which ends and goes afterwards."""
    path = browser()
    if path is None:
        raise NoVisit("There is no Chromium or Chrome here to look at the page with.")
    profile = tempfile.mkdtemp(prefix="consent-visit-")
    flags = [*FLAGS, f"--user-data-dir={profile}", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    # The protocol is spoken on descriptors 3 and 4 of the browser; ours lie above, so that none is overwritten.
    theirs_in, ours_out = _high_pipe()
    ours_in, theirs_out = _high_pipe()
    nowhere = os.open(os.devnull, os.O_RDWR)
    process = os.posix_spawn(
        path,
        [path, *flags, "about:blank"],
        os.environ,
        file_actions=[
            *((os.POSIX_SPAWN_DUP2, nowhere, number) for number in (0, 1, 2)),
            (os.POSIX_SPAWN_DUP2, theirs_in, 3),
            (os.POSIX_SPAWN_DUP2, theirs_out, 4),
        ],
    )
    for end in (theirs_in, theirs_out, nowhere):
        os.close(end)
    try:
        yield _Tab(ours_out, ours_in)
    finally:
        os.close(ours_out)  # the browser ends when nobody can ask it any more
        os.close(ours_in)
        _ended(process)
        shutil.rmtree(profile, ignore_errors=True)


def _high_pipe() -> tuple[int, int]:
    """Return the reading and the writing end of a pipe, both numbered 10 or more."""
    ends = os.pipe()
    reading, writing = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
    for end in ends:
        os.close(end)
    return reading, writing


def _ended(process: int) -> None:
    """Wait until a child process has ended; kill it if it takes long."""
    until = time.monotonic() + 5
    with suppress(ChildProcessError):
        while os.waitpid(process, os.WNOHANG) == (0, 0):
            if time.monotonic() > until:
                os.kill(process, signal.SIGKILL)
            time.sleep(0.02)
