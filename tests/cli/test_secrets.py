"""The secret: how it is changed, and what an operator is told who has given none."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import SECRET

from consent_server import create_app
from consent_server.cli import main
from consent_server.settings.environment import Settings
from consent_server.settings.rows import SettingsError


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without a shop, in an environment without a setting."""
    monkeypatch.chdir(tmp_path)
    for name in ("CONSENT_SECRET", "CONSENT_SECRET_FILE", "CONSENT_CONFIG", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def told(words: str) -> str:
    """Return what is said to whoever has given no secret."""
    if words == "serve":
        with pytest.raises(SettingsError) as refused:
            create_app(Settings(redis_url="unix://nowhere"))
        return str(refused.value)
    return CliRunner().invoke(main, words.split()).output


@pytest.mark.parametrize("words", ["serve", "check --offline", "keys"])
def test_whoever_has_a_server_is_not_told_to_make_another_secret(words: str, empty_folder: Path) -> None:
    assert "take the one that the server has; for a shop that nobody has answered yet, type: (umask" in told(words)
    (empty_folder / "consent-secret").write_text(f"{SECRET}\n")
    assert "type: export CONSENT_SECRET_FILE=consent-secret" in told(words)
    assert "token_urlsafe" not in told(words)


def test_a_change_of_the_secret_stops_every_server_first() -> None:
    said = CliRunner().invoke(main, ["keys", "rotate"], env={"CONSENT_SECRET": SECRET})
    assert said.exit_code == 0
    assert "stop every server, then start them" in said.output
    assert "Pages keep what is answered meanwhile." in said.output
    assert "restart every server" not in said.output
