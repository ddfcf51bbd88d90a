"""The command ``audit`` itself: what it reads, what it ends with, and the browser that it finds; none is started."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from minimal import MINIMAL
from playwright.async_api import Error

from consent_server.audit.browsing import browser
from consent_server.audit.report import Report
from consent_server.cli import audit as command
from consent_server.site import Site

PAGE = "https://shop.example/"


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """The shops that each audit was told of; nothing is found."""
    told: list[list[str]] = []

    def audit(*_: Any, sites: Sequence[Site], **__: Any) -> Report:
        told.append([each.id for each in sites])
        return Report(PAGE, None, "", [PAGE], ["before"], [], [])

    monkeypatch.setattr(command, "audit", audit)
    monkeypatch.delenv("CONSENT_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    return told


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(command.audit_command, [PAGE, *arguments])


def test_the_shops_are_those_of_the_file_that_the_environment_names_in_whatever_way(
    known: list[list[str]], tmp_path: Path
) -> None:
    for where in ("elsewhere.toml", "consent.toml"):
        (tmp_path / where).write_text(MINIMAL if where == "consent.toml" else MINIMAL.replace("sites.shop", "sites.b"))
    (tmp_path / "name").write_text("elsewhere.toml\n")
    for environment in (
        *({"CONSENT_CONFIG": "elsewhere.toml"}, {"CONSENT_CONFIG_FILE": "name", "CONSENT_SECRET": "short"}),
        *({"CONSENT_CONFIG": ""}, {}),
    ):
        assert run(**environment).exit_code == 0
    assert known == [["b"], ["b"], ["shop"], ["shop"]]
    done = run(CONSENT_CONFIG_FILE="nowhere")
    assert (done.exit_code, "CONSENT_CONFIG_FILE names nowhere" in done.stderr) == (2, True)


@pytest.mark.parametrize("wait", ["nan", "inf", "-inf", "0", "NaN"])
def test_a_time_that_is_no_number_of_seconds_is_refused(known: list[list[str]], wait: str) -> None:
    done = run("--wait", wait)
    assert (done.exit_code, known) == (2, [])
    assert "--wait" in done.stderr


def test_a_fault_of_the_program_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "audit", lambda *_, **__: {}["nothing"])
    monkeypatch.setenv("CONSENT_CONFIG", "")
    done = run()
    assert done.exit_code == 2
    assert "KeyError: 'nothing'" in done.stderr
    assert done.stderr.splitlines()[-1] == "Error: It could not be done, by a fault of this program."


@pytest.mark.parametrize(
    ("path", "runs", "found"),
    [
        ("/usr/bin/chromium", {"/usr/bin/chromium"}, "/usr/bin/chromium"),
        (None, {None, "own"}, None),
        (None, {"own"}, "own"),
        ("/usr/bin/chromium", {"own"}, "fails"),
        (None, set(), "fails"),
    ],
)
def test_playwrights_own_chromium_is_the_third_choice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path: str | None, runs: set[str | None], found: str | None
) -> None:
    own = tmp_path / "chrome"
    if "own" in runs:
        own.touch()

    async def agent(_: Any, executable: str | None) -> str:
        if (None if executable is None else "own" if executable == str(own) else executable) not in runs:
            raise Error("there is none")
        return "Chrome"

    monkeypatch.setattr(browser, "_programs", {})
    monkeypatch.setattr(browser, "_user_agent", agent)
    playwright: Any = SimpleNamespace(chromium=SimpleNamespace(executable_path=str(own)))
    if found == "fails":
        with pytest.raises(Error):
            asyncio.run(browser._program(playwright, path))
    else:
        program, said = asyncio.run(browser._program(playwright, path))
        assert (program, said) == (str(own) if found == "own" else found, "Chrome")
