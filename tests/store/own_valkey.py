"""An embedded Valkey in a folder of its own, and what its processes leave."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

SECONDS = 120
"""How long anything may take that should happen at once."""


def soon(happens: Callable[[], Any]) -> Any:
    """Return what ``happens`` returns once that is true."""
    until = time.monotonic() + SECONDS
    while not (result := happens()):
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)
    return result


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.fixture
def folder(short_folder: Callable[[], Path]) -> Path:
    return short_folder() / "data"
