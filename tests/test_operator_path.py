"""The path of a new operator, as docs/operating.md has it: from a checkout to a second version, in one shell."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import pytest
from conftest import ROOT, free_port, left_of
from examples import blocks, example
from test_wheel import WITHOUT_THE_CHECKOUT

from consent_server import __version__

NEXT = "99.0"
"""The version to which the operator changes."""


class Shell:
    """One shell, into which an operator types; it ends at the first command that fails."""

    def __init__(self, folder: Path, environment: dict[str, str], there: dict[str, str]) -> None:
        self._folder, self._there = folder, there
        self.typed: list[str] = []
        self._process = subprocess.Popen(
            ["bash", "-e"], cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, bufsize=1,
        )  # fmt: skip

    def __call__(self, name: str) -> str:
        """Type an example of the page, with its paths and addresses where this test has them; return what is said."""
        text = example(name)
        self.typed.append(name)
        for path, here in self._there.items():
            text = text.replace(path, here)
        typed = self._folder / "typed.sh"
        typed.write_text(text)
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f". {typed} </dev/null; echo; echo typed\n")
        said = ""
        for line in self._process.stdout:
            if line == "typed\n":
                return said
            said += line
        raise AssertionError(f"{name!r} failed; it said:\n{said}\n{self.log()}")

    def log(self) -> str:
        """Return what the servers have logged."""
        found = self._folder / "srv" / "consent" / "serve.log"
        return found.read_text() if found.exists() else ""

    def end(self) -> None:
        """End it, and all that it has started."""
        with suppress(psutil.NoSuchProcess):
            family = [*psutil.Process(self._process.pid).children(recursive=True), psutil.Process(self._process.pid)]
            for process in family:
                with suppress(psutil.NoSuchProcess):
                    process.terminate()
            self._process.communicate()
            for process in left_of(family):
                process.kill()


@pytest.fixture
def checkout(short_folder: Callable[[], Path]) -> Path:
    """A clone of what is here, in `usr/src/consent-server` of a folder; what it pulls from is `upstream`."""
    folder = short_folder()
    upstream = folder / "upstream"
    upstream.mkdir()
    copied = re.findall(r"^COPY ([^-].*) /src/", (ROOT / "docs" / "Containerfile").read_text(), re.MULTILINE)
    for name in " ".join(copied).split():  # what the image is made of is enough for a wheel
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, upstream / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, upstream / name)
    git(upstream, "init", "--quiet", "--initial-branch=main")
    git(upstream, "add", ".")
    git(upstream, "commit", "--quiet", "--message=As it is")
    git(folder, "clone", "--quiet", str(upstream), "usr/src/consent-server")
    return folder


STUB = """#!/bin/bash
PATH=/usr/bin:/bin
echo "${0##*/} $*" >>FOLDER/typed
[ "$(wc -l <FOLDER/typed)" = "$FAILS" ] && exit 1
case "${0##*/} $*" in
  "python3 -m venv "*) mkdir -p "$3/bin" && for name in pip consent-server; do cp FOLDER/bin/git "$3/bin/$name"; done ;;
  "mkdir -p "*) mkdir -p "$2" ;;
esac
"""
"""A program that writes down how it is called, and fails if it is the one that is to."""


@pytest.fixture
def typed(tmp_path: Path) -> Callable[..., tuple[list[str], bool]]:
    """Have somebody paste an example into a shell at a terminal, which goes on after what fails.

    What comes back is what ran, and whether the server of before still does.

    ``fails`` is the number of the program that fails, ``lost`` a variable that is not set.
    """
    (tmp_path / "bin").mkdir()
    for name in ("git", "python3", "consent-server", "mv", "mkdir", "cp", "ln", "curl", "sed"):
        (tmp_path / "bin" / name).write_text(STUB.replace("FOLDER", str(tmp_path)))
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "kept" / "appendonlydir").mkdir(parents=True)

    def paste(name: str, fails: int = 0, lost: str = "") -> tuple[list[str], bool]:
        (tmp_path / "typed").unlink(missing_ok=True)
        text = f"backup={tmp_path}/kept\nsleep 600 &\nserver=$!\nfirst=$!\nunset {lost}\n{example(name)}\n"
        for path in ("/opt/", "/srv/", "/usr/src/"):
            text = text.replace(path, f"{tmp_path}{path}")
        text += 'kill "$first" 2>/dev/null && echo runs\nwait\n'
        done = subprocess.run(
            ["bash", "--norc", "--noprofile", "--noediting", "-i"],
            input=text, cwd=tmp_path, capture_output=True, text=True, timeout=60,
            env={"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "FAILS": str(fails), "HISTFILE": ""}, start_new_session=True,
        )  # fmt: skip
        ran = (tmp_path / "typed").read_text().splitlines() if (tmp_path / "typed").exists() else []
        return ran, "runs" in done.stdout.splitlines()

    return paste


@pytest.mark.parametrize(
    ("name", "programs", "before", "reads"),
    [
        ("operator webhook", 3, 1, []),
        ("operator backup", 5, 5, []),
        ("operator restore", 7, 1, ["backup", "server"]),
        ("operator upgrade", 7, 4, ["backup", "server"]),
    ],
)
def test_whoever_pastes_it_into_a_terminal_does_nothing_after_what_failed(
    typed: Callable[..., tuple[list[str], bool]], name: str, programs: int, before: int, reads: list[str]
) -> None:
    """``programs`` run, ``before`` of them before the server is ended."""
    ran, _ = typed(name)
    assert len(ran) == programs, ran
    in_turn = [each for each in ran if not each.startswith(("consent-server serve", "curl "))]
    for fails, each in enumerate(in_turn, 1):
        done, runs = typed(name, fails)
        assert done[fails:] == [], f"after {each}"
        assert runs == (fails <= before), f"after {each}"
    for lost in reads:
        assert typed(name, lost=lost) == ([], True), f"without {lost}"


def git(folder: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=Test", "-c", "user.email=test@shop.example", *words], cwd=folder, check=True
    )


def publish(upstream: Path) -> None:
    """Have the next version where the operator pulls from."""
    for name in ("pyproject.toml", "consent_server/__init__.py"):
        path = upstream / name
        path.write_text(path.read_text("utf-8").replace(f'ersion__ = "{__version__}"', f'ersion__ = "{NEXT}"').replace(
            f'\nversion = "{__version__}"', f'\nversion = "{NEXT}"'), "utf-8")  # fmt: skip
    git(upstream, "commit", "--quiet", "--all", "--message=The next version")


@pytest.fixture
def told() -> Iterator[tuple[str, list[Any]]]:
    """Where alarms are posted to: its address, and what came."""
    posted: list[Any] = []

    class Chat(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Chat) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/hooks/consent", posted
        server.shutdown()


def ask(url: str, token: str = "") -> Any:
    """Return the JSON that is at an address."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    with urllib.request.urlopen(request, timeout=45) as answer:
        return json.load(answer)


def decide(url: str) -> str:
    """Answer as a shopper does who allows analytics; return the token."""
    notice = ask(f"{url}/v1/shop/notice")["notice"]
    body = {"id": secrets.token_urlsafe(16), "allow": ["analytics"], "notice": notice, "how": "save"}
    request = urllib.request.Request(
        f"{url}/v1/shop/decisions", json.dumps(body).encode(), {"Origin": "https://shop.example"}
    )
    with urllib.request.urlopen(request, timeout=45) as answer:
        return str(json.load(answer)["token"])


def erase(url: str, token: str) -> None:
    """Have the record of who has a token erased, as in *My choices*."""
    request = urllib.request.Request(f"{url}/v1/shop/me", None, {"Authorization": f"Bearer {token}"}, method="DELETE")
    with urllib.request.urlopen(request, timeout=45) as answer:
        assert json.load(answer)["erased"] == 1


def until_all(holds: Callable[[], bool]) -> None:
    """Wait until something holds of every worker: while they change, an old and a new one answer in turn."""
    until = time.monotonic() + 120
    while True:
        with suppress(OSError):  # a machine that is too busy to start a worker within the time granian gives it
            if all(holds() for _ in range(20)):
                return
        assert time.monotonic() < until
        time.sleep(0.2)


def test_the_path_of_a_new_operator(checkout: Path, told: tuple[str, list[Any]]) -> None:
    assert f"consent_server-{__version__}-py3-none-any.whl" in example("operator install")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    places = ("/opt/", "/srv/", "/usr/src/")
    there = {**{place: f"{checkout}{place}" for place in places}, "http://127.0.0.1:8000": url,
             "https://chat.shop.example/hooks/consent": told[0]}  # fmt: skip
    environment = {
        **WITHOUT_THE_CHECKOUT,
        "PORT": str(port),
        "REDIS_TIMEOUT": "5000",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    python = checkout / "python"
    python.mkdir()
    (python / "python3").symlink_to(sys._base_executable)  # type: ignore[attr-defined]
    shell = Shell(checkout, {**environment, "PATH": f"{python}:{os.environ['PATH']}"}, there)
    folder = checkout / "srv" / "consent"
    try:
        shell("operator install")
        said = shell("operator init")
        assert "Nothing to mend." in said
        assert '<script async src="https://YOUR-SERVER/v1/shop/consent.js"></script>' in said
        assert (folder / "consent-secret").stat().st_mode & 0o077 == 0
        assert '"status":"ready"' in shell("operator serve")
        assert f"consent-server {__version__} at {url}" in shell.log()

        shell("operator change")
        until_all(lambda: ask(f"{url}/v1/shop/notice")["revision"] == 2)
        said = shell("operator typo")
        assert "did you mean 'policy_url'?" in said
        assert "Mend it and reload." in shell.log()
        until_all(lambda: ask(f"{url}/readyz")["warnings"] == [])

        shell("operator webhook")
        assert len(told[1]) == 1
        kept, gone = decide(url), decide(url)
        said = shell("operator backup")
        assert "2 entries of 1 days are whole and unchanged" in said
        assert said.endswith("This backup can be put back.\n\n")

        lost = decide(url)
        erase(url, gone)
        said = shell("operator restore")
        assert re.search(r"^shop: 1 entries that are erased in \S+ were whole in the backup; now erased\.$", said, re.M)
        assert ask(f"{url}/v1/shop/me", gone)["history"] == []
        assert len(ask(f"{url}/v1/shop/me", kept)["history"]) == 1
        assert ask(f"{url}/v1/shop/me", lost)["history"] == []
        assert len([*folder.glob("consent-data.until-*/appendonlydir")]) == 1

        publish(checkout / "upstream")
        said = shell("operator upgrade")
        assert said.count("This backup can be put back.") == 1
        assert ask(f"{url}/openapi.json")["info"]["version"] == NEXT
        assert len(ask(f"{url}/v1/shop/me", kept)["history"]) == 1
        decide(url)
        assert "Traceback" not in shell.log()
        assert shell.typed == [name for block in blocks() if (name := block.name or "").startswith("operator ")]
    finally:
        shell.end()
