"""Other servers and managers of processes run it too."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
from beside import SECONDS, described, running, up
from conftest import ROOT, SECRET, free_port, left_of
from examples import example

__all__ = ["running"]


def test_gunicorn_runs_it_too(running: Callable[..., subprocess.Popen[bytes]], redis_url: str, tmp_path: Path) -> None:
    port = free_port()
    config = described(tmp_path, f"http://127.0.0.1:{port}")
    running(
        "sh",
        "-c",
        "exec " + example("gunicorn").replace(":8000", f":{port}").replace("gunicorn", f"{sys.prefix}/bin/gunicorn", 1),
        env={**os.environ, "CONSENT_SECRET": SECRET, "CONSENT_CONFIG": str(config), "REDIS_URL": redis_url},
    )
    up(f"http://127.0.0.1:{port}/readyz")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/shop/consent.js", timeout=45) as answer:
        assert answer.headers["Content-Type"].startswith("text/javascript")


def test_honcho_runs_the_procfile_and_ends_all_of_it(
    running: Callable[..., subprocess.Popen[bytes]], short_folder: Callable[[], Path]
) -> None:
    folder = short_folder()
    for name in ("Procfile", "consent.toml"):
        shutil.copy(ROOT / name, folder / name)
    port = free_port()
    honcho = running(
        Path(sys.executable).with_name("honcho"),
        "start",
        cwd=folder,
        env={
            **os.environ,
            "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}",
            "PORT": str(port),
            "CONSENT_SECRET": SECRET,
        },
    )
    up(f"http://127.0.0.1:{port}/readyz")
    family = psutil.Process(honcho.pid).children(recursive=True)
    assert any("valkey" in process.name() for process in family), "without REDIS_URL it brings a Valkey"
    honcho.send_signal(signal.SIGINT)
    honcho.wait(SECONDS)
    assert not left_of(family)


def test_what_several_workers_of_another_server_count_is_added_up(tmp_path: Path) -> None:
    counts = "from consent_server.web.metrics import Outcome\nwith Outcome('shop') as it: it.name = 'kept'"
    reads = "from consent_server.web.metrics import text\nprint(text([]).decode())"
    typed = example("gunicorn metrics") + '"$1" -c "$2"; "$1" -c "$2"; "$1" -c "$3"; rm -r "$PROMETHEUS_MULTIPROC_DIR"'
    said = subprocess.run(
        ["sh", "-ec", typed, "sh", sys.executable, counts, reads], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert 'consent_decisions_total{outcome="kept",site="shop"} 2.0' in said
