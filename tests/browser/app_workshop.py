"""Where apps are made as people make them, built from the package's tarball, served and walked through."""

from __future__ import annotations

import json
import mimetypes
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from beside import up
from conftest import ROOT

from .conftest import Shop
from .packaged import for_shop

NEEDED = Path(__file__).with_name("frontends.json")
QUIETLY = {"NEXT_TELEMETRY_DISABLED": "1", "NUXT_TELEMETRY_DISABLED": "1", "ASTRO_TELEMETRY_DISABLED": "1", "CI": "1"}


def run(folder: Path, *command: str | Path) -> None:
    """Run a command to its end, and say what it said if it fails."""
    said = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **QUIETLY},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert said.returncode == 0, said.stdout[-5000:]


@pytest.fixture(scope="session")
def workshop(tarball: Path) -> Path:
    """A folder with all the frameworks, kept for the next time, and the package installed from its tarball."""
    folder = ROOT / ".make" / "frontends"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(tarball, folder / "consent-server.tgz")
    needed = json.loads(NEEDED.read_text("utf-8"))
    needed["dependencies"]["consent-server"] = "file:consent-server.tgz"
    (folder / "package.json").write_text(json.dumps(needed))
    shutil.rmtree(folder / "node_modules" / "consent-server", ignore_errors=True)
    (folder / "package-lock.json").unlink(missing_ok=True)  # it has the hash of yesterday's tarball
    run(folder, "npm", "install", "--no-audit", "--no-fund", "--loglevel=error")
    return folder


@pytest.fixture
def make_app(workshop: Path, shop: Shop, request: pytest.FixtureRequest) -> Callable[..., Path]:
    """Write an app's sources, from examples and text that name the consent server as the documentation does."""

    def make(**files: str) -> Path:
        folder = workshop / "apps" / request.node.name
        shutil.rmtree(folder, ignore_errors=True)
        for name, text in files.items():
            path = folder / name.replace("__", ".").replace("_of_", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(for_shop(text, shop))
        (folder / "package.json").write_text('{"type": "module", "private": true}')
        return folder

    return make


def tool(folder: Path, name: str) -> Path:
    """Return a command of a package."""
    return folder.parents[1] / "node_modules" / ".bin" / name


@contextmanager
def serving(folder: Path, *command: str | Path, port: int) -> Iterator[str]:
    """Run an app's server; return the address of its shop."""
    environment = {**os.environ, **QUIETLY, "PORT": str(port), "HOST": "127.0.0.1", "NITRO_HOST": "127.0.0.1"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        up(f"http://127.0.0.1:{port}/")
        yield f"http://shop.localhost:{port}"
    finally:
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        for each in family:
            each.terminate()
        process.wait(120)
        print((folder / "log").read_text("utf-8")[-2000:])


def put(shop: Shop, built: Path) -> None:
    """Have the shop serve what a build has made."""
    for path in filter(Path.is_file, built.rglob("*")):
        kind = mimetypes.guess_type(path.name)[0] or "text/plain"
        text, at = path.read_text("utf-8"), f"/{path.relative_to(built)}"
        for name in {at, at.removesuffix("index.html"), at.removesuffix("/index.html") or "/"}:
            shop.pages[name] = (f"{kind}; charset=utf-8", text, {})
