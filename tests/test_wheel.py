"""What is handed out: a wheel that works by itself, in each Python that is at hand, with nothing of the checkout.

The packages that it depends on come from the registry that pip is set up for; everything else is on this machine.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from conftest import RESULTS, ROOT, left_of
from playwright.sync_api import Page

from consent_server import __version__
from consent_server.settings.shops import snippet_words

SECONDS_TO_INSTALL = 300
WITHOUT_THE_CHECKOUT = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("CONSENT_", "REDIS_", "PORT", "PYTHON", "VIRTUAL_ENV"))
}


def pythons() -> Iterator[str]:
    """Yield each supported Python that this machine has, this one first."""
    yield sys.executable
    seen = {sys.version_info[1]}
    for minor in range(11, 15):
        found = [shutil.which(f"python3.{minor}"), *Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python3")]
        for path in filter(None, found):
            works = subprocess.run([path, "-c", "import ensurepip, venv"], capture_output=True).returncode == 0
            if works and minor not in seen:
                seen.add(minor)
                yield str(path)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with sdist and wheel, the wheel built from the checkout."""
    folder = tmp_path_factory.mktemp("dist")
    for kind in ("--wheel", "--sdist"):
        build(ROOT, kind, folder)
    return folder


def build(source: Path, kind: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", kind, "--outdir", folder, source],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_has_all_that_serving_needs_and_nothing_else(wheel: Path) -> None:
    names = {*contents(wheel)}
    assert {
        "consent_server/banner/static/consent.js",
        "consent_server/store/lua/record.lua",
        "consent_server/web/marketer/templates/marketer/rates.html",
        "consent_server/web/marketer/words/az.json",
        "consent_server/demo/consent.toml",
        "consent_server/py.typed",
    } <= names
    assert all(name.startswith(("consent_server/", f"consent_server-{__version__}.dist-info/")) for name in names)
    assert not [name for name in names if "__pycache__" in name or name.endswith((".map", ".pyc"))]


def test_the_sdist_builds_the_same_wheel(built: Path, wheel: Path, tmp_path: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    subprocess.run(["tar", "xzf", sdist, "-C", tmp_path], check=True)
    build(tmp_path / sdist.name.removesuffix(".tar.gz"), "--wheel", tmp_path)
    (again,) = tmp_path.glob("*.whl")
    assert contents(again) == contents(wheel)


@dataclass
class Installed:
    """The wheel in a virtual environment of its own, with a demo running in an empty folder."""

    url: str
    said: str
    process: subprocess.Popen[str]
    began: float


@pytest.fixture
def newcomer(wheel: Path, short_folder: Callable[[], Path]) -> Iterator[Callable[[str], Installed]]:
    """Do what a newcomer does: ``pip install`` the wheel with this Python, then ``consent-server demo``."""
    running: list[subprocess.Popen[str]] = []

    def start(python: str) -> Installed:
        folder = short_folder()
        subprocess.run([python, "-m", "venv", folder / "venv"], check=True, env=WITHOUT_THE_CHECKOUT)
        began = time.monotonic()
        done = subprocess.run(
            [folder / "venv/bin/python", "-m", "pip", "install", "--quiet", wheel],
            cwd=folder,
            env=WITHOUT_THE_CHECKOUT,
            capture_output=True,
            text=True,
            timeout=SECONDS_TO_INSTALL,
        )
        assert done.returncode == 0, done.stderr
        process = subprocess.Popen(
            [folder / "venv/bin/consent-server", "demo"],
            cwd=folder,
            env={"PATH": str(folder / "venv/bin"), "HOME": str(folder)},  # no Node, no Redis, no nginx
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        running.append(process)
        said = ""
        assert process.stdout
        for line in process.stdout:
            said += line
            if line.startswith("Ctrl-C"):
                break
        found = re.search(r"(http://127\.0\.0\.1:\d+)/demo/", said)
        assert found, said
        return Installed(found[1], said, process, began)

    yield start
    for process in running:
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)
        assert process.returncode == 0
        assert not left_of(family)


def test_from_pip_install_to_the_first_decision_in_a_browser(newcomer: Callable[[str], Installed], page: Page) -> None:
    there = newcomer(sys.executable)
    page.goto(f"{there.url}/demo/")
    with page.expect_response(lambda answer: answer.url.endswith("/decisions")) as decision:
        page.get_by_role("button", name=snippet_words()["az"]["accept"], exact=True).first.click()
    seconds = time.monotonic() - there.began
    assert decision.value.status == 201
    assert decision.value.json()["allow"] == ["analytics", "functional", "marketing"]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "newcomer.txt").write_text(f"{seconds:.1f} s from pip install to the first recorded decision\n")


@pytest.mark.skipif("PYTHONS" not in os.environ, reason="`make pythons` tries each Python of this machine")
@pytest.mark.parametrize("python", [*pythons()][1:])
def test_it_installs_and_takes_decisions_in_each_python(newcomer: Callable[[str], Installed], python: str) -> None:
    there = newcomer(python)
    with urllib.request.urlopen(f"{there.url}/v1/smartmarket/notice?lang=az", timeout=45) as answer:
        notice = json.load(answer)["notice"]
    body = {"id": secrets.token_urlsafe(16), "allow": ["analytics"], "notice": notice, "how": "save"}
    request = urllib.request.Request(
        f"{there.url}/v1/smartmarket/decisions",
        json.dumps(body).encode(),
        {"Origin": there.url, "Content-Type": "text/plain"},
    )
    with urllib.request.urlopen(request, timeout=45) as answer:
        assert answer.status == 201
