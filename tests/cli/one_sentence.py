"""A command that is run in this process, and the one sentence in which it says what went wrong."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import CONSENT_SERVER


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``consent-server`` in an empty folder with nothing but these variables set."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("CONSENT_", "REDIS_", "PORT"))}

    def call(*arguments: object, stdin: str = "", **environment: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [CONSENT_SERVER, *map(str, arguments)],
            cwd=tmp_path,
            env={**plain, **{name: str(value) for name, value in environment.items()}},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return call


Run = Callable[..., subprocess.CompletedProcess[str]]


def assert_one_sentence(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Assert that a command could not be done and said so in one line with these words, without a traceback."""
    assert done.returncode == 2, done
    assert done.stdout == ""
    said = [line for line in done.stderr.splitlines() if not re.match(r"Usage:|Try '|$", line)]
    assert len(said) == 1, done.stderr
    assert said[0].startswith("Error: ")
    for word in words:
        assert word in said[0]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A shop's consent.toml in the folder in which commands run."""
    path = tmp_path / "consent.toml"
    path.write_text(
        '[sites.shop]\nname = "Shop"\norigins = ["https://shop.example"]\n'
        'policy_url = "/privacy"\npolicy_updated = 2025-12-20\n',
        "utf-8",
    )
    return path
