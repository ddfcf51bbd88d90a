"""Signals that come before the server is there."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import CONSENT_SERVER

from consent_server.cli import demo as demo_module
from consent_server.cli import main


@pytest.mark.parametrize("command", [("serve",), ("demo", "--port", "0", "--data", "data")])
def test_a_reload_that_comes_before_the_server_does_not_end_the_start(
    short_folder: Callable[[], Path], command: tuple[str, ...]
) -> None:
    folder = short_folder()
    os.mkfifo(token := folder / "token")
    environment = {**os.environ, "CONSENT_METRICS_TOKEN_FILE": str(token), "REDIS_URL": "unix://a"}
    starting = subprocess.Popen(
        [CONSENT_SERVER, *command], cwd=folder, env=environment, stderr=subprocess.PIPE, text=True
    )
    with token.open("w"):  # opens once it reads there, and it reads until this is closed
        starting.send_signal(signal.SIGHUP)
    said = starting.communicate(timeout=45)[1]
    assert "which is empty" in said
    assert starting.returncode == 2


@pytest.mark.parametrize(("begun_in", "ends"), [(True, True), (False, False)])
def test_a_demo_ends_when_the_window_is_closed_in_which_it_was_begun(
    short_folder: Callable[[], Path], monkeypatch: pytest.MonkeyPatch, begun_in: bool, ends: bool
) -> None:
    sent: list[int] = []

    def run(configuration: object, read: Callable[[], object], level: object) -> None:
        monkeypatch.setattr(os, "isatty", lambda _: begun_in)
        read()
        assert not sent, "it is there, and somebody wants another configuration"
        monkeypatch.setattr(os, "isatty", lambda _: False)
        read()

    monkeypatch.setattr(demo_module, "run", run)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(os, "isatty", lambda _: begun_in)
    kill, us = os.kill, os.getpid()
    monkeypatch.setattr(os, "kill", lambda whom, number: sent.append(number) if whom == us else kill(whom, number))
    done = CliRunner().invoke(main, ["demo", "--port", "0", "--data", str(short_folder() / "data")])
    assert done.exit_code == 0, done.output
    assert sent == [signal.SIGTERM] * ends
