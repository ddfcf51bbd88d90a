"""The secret: how it is changed, and what an operator is told who has given none."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import SECRET

from consent_server.cli import main


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without a shop, in an environment without a setting."""
    monkeypatch.chdir(tmp_path)
    for name in ("CONSENT_SECRET", "CONSENT_SECRET_FILE", "CONSENT_CONFIG", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_a_change_of_the_secret_stops_every_server_first() -> None:
    said = CliRunner().invoke(main, ["keys", "rotate"], env={"CONSENT_SECRET": SECRET})
    assert said.exit_code == 0
    assert "stop every server, then start them" in said.output
    assert "Pages keep what is answered meanwhile." in said.output
    assert "restart every server" not in said.output
