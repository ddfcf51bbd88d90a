"""What keeps a server from starting is told in one sentence."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from conftest import SECRET, Live
from one_sentence import Run, assert_one_sentence, run, shop

__all__ = ["run", "shop"]


def test_a_port_in_use_is_told(run: Run, shop: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert_one_sentence(run("demo", "--port", port), f"Port {port}", "name another")
        assert_one_sentence(run("serve", PORT=port, CONSENT_SECRET=SECRET), f"Port {port}", "name another")


def test_a_data_folder_that_cannot_be_written_is_told(run: Run, shop: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "data"
    assert_one_sentence(run("demo", "--data", folder), str(folder), "cannot be written")
    assert_one_sentence(run("serve", CONSENT_SECRET=SECRET, CONSENT_DATA=folder), str(folder), "cannot be written")


def test_a_data_folder_in_use_is_told(run: Run, live: Live) -> None:
    assert_one_sentence(run("demo", "--data", live.folder / "data"), "Another process uses", "--data")


def test_a_missing_consent_toml_is_told(run: Run) -> None:
    assert_one_sentence(run("serve", CONSENT_SECRET=SECRET), "consent.toml", "consent-server init")
    assert_one_sentence(run("serve", CONSENT_SECRET=SECRET, CONSENT_CONFIG="other.toml"), "other.toml cannot be read")


def test_an_unknown_key_names_the_nearest_known_one(run: Run, shop: Path) -> None:
    shop.write_text(shop.read_text("utf-8").replace("policy_url", "polcy_url"), "utf-8")
    assert_one_sentence(run("serve", CONSENT_SECRET=SECRET), "sites.shop.polcy_url", "did you mean 'policy_url'?")


def test_a_file_that_is_not_toml_names_the_line(run: Run, shop: Path) -> None:
    shop.write_text(shop.read_text("utf-8") + "keep = six months\n", "utf-8")
    assert_one_sentence(run("serve", CONSENT_SECRET=SECRET), "is not TOML", "line 6")


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, ("CONSENT_SECRET is not set", "secrets.token_urlsafe")),
        ({"CONSENT_SECRET": "short"}, ("CONSENT_SECRET", "at least 32 characters")),
        ({"CONSENT_SECRET_FILE": "nowhere"}, ("CONSENT_SECRET_FILE names nowhere",)),
        ({"CONSENT_SECRET": SECRET, "PORT": "eighty"}, ("PORT is 'eighty'", "whole number")),
        ({"CONSENT_SECRET": SECRET, "REDIS_URL": "http://redis"}, ("REDIS_URL", "redis://")),
        ({"CONSENT_SECRET": SECRET, "CONSENT_PREFIX": "consent"}, ("CONSENT_PREFIX", "a path such as /consent")),
    ],
)
def test_a_wrong_setting_is_told(run: Run, shop: Path, environment: dict[str, str], words: tuple[str, ...]) -> None:
    assert_one_sentence(run("serve", **environment), *words)
    assert "short" not in run("serve", **environment).stderr, "a secret is not repeated"
