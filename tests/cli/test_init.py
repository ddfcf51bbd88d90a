"""`consent-server init` asks five questions and writes a shop that runs."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Live
from one_sentence import Run, assert_one_sentence, run

__all__ = ["run"]


ANSWERS = "Şəkər Evi\nhttps://sheker.example, https://www.sheker.example\n/privacy\n2025-12-20\naz ru\n"


def test_init_asks_five_questions_and_serve_runs_what_it_wrote(
    run: Run, tmp_path: Path, run_live: Callable[..., Live]
) -> None:
    done = run("init", stdin=ANSWERS)
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r": ", done.stderr)) == 5, done.stderr
    assert stat.S_IMODE((tmp_path / "consent-secret").stat().st_mode) == 0o600
    checked = run("check", "--offline", CONSENT_SECRET_FILE=tmp_path / "consent-secret")
    assert checked.returncode == 0, checked.stdout
    live = run_live(
        "serve", CONSENT_CONFIG=str(tmp_path / "consent.toml"), CONSENT_SECRET_FILE=str(tmp_path / "consent-secret")
    )
    assert live.get("/v1/seker-evi/notice?lang=ru")["name"] == "Şəkər Evi"


def test_init_takes_flags_and_overwrites_nothing(run: Run, tmp_path: Path) -> None:
    flags = ["--name", "Shop", "--origin", "https://shop.example", "--policy-url", "/privacy"]
    flags += ["--policy-updated", "2025-12-20", "--languages", "en,tr"]
    assert run("init", *flags).returncode == 0
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {*written} == {"consent.toml", "consent-secret"}
    assert_one_sentence(run("init", *flags), "consent.toml exists and is left as it is")
    (tmp_path / "consent.toml").unlink()
    assert_one_sentence(run("init", *flags), "consent-secret exists and is left as it is")
    assert (tmp_path / "consent-secret").read_bytes() == written["consent-secret"]


@pytest.mark.parametrize(
    ("flag", "value", "words"),
    [
        ("--origin", "https://shop.example/path", "exact origins"),
        ("--policy-updated", "yesterday", "takes a date"),
        ("--languages", "az,xx", "languages takes some of ar, az, bg, "),
    ],
)
def test_init_refuses_a_wrong_answer_and_writes_nothing(
    run: Run, tmp_path: Path, flag: str, value: str, words: str
) -> None:
    done = run("init", "--name", "Shop", flag, value, stdin=ANSWERS)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert [*tmp_path.iterdir()] == []


def test_init_in_a_folder_that_cannot_be_written_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()  # no folder can be made below it, by root either
    done = run("init", "--folder", tmp_path / "file" / "none", stdin=ANSWERS)
    assert done.returncode == 2
    assert "cannot be written" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
