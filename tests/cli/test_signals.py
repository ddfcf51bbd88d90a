"""Signals that come before the server is there."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import CONSENT_SERVER


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
