"""A server that runs: what a reload brings, what no fault takes down, how it ends; by real processes and signals."""

from __future__ import annotations

import inspect
import json
import multiprocessing
import os
import pickle
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

import psutil
import pytest
from beside import described
from conftest import ROOT, SECRET, Live
from granian.log import LogLevels
from granian.server.common import AbstractServer
from receiver import TAKEN, Post, Receiver

from consent_server.cli.serving import workers
from consent_server.cli.serving.workers import SECONDS_TO_RELOAD, Worker
from consent_server.settings.environment import Settings
from consent_server.settings.sound import Configuration

ORIGIN = "https://shop.example"
NEW = "a new secret that is long enough, too"
SIGNS = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


def until(is_so: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Wait until something is so; a server that is being asked may be about to end."""
    ends = time.monotonic() + seconds
    while True:
        with suppress(OSError):
            if is_so():
                return
        assert time.monotonic() < ends, what
        time.sleep(0.05)


def decide(server: Live, site: str) -> bool:
    notice = server.get(f"/v1/{site}/notice")["notice"]
    body = {"id": os.urandom(16).hex()[:22], "allow": ["analytics"], "notice": notice, "how": "save"}
    headers = {"Origin": ORIGIN, "Content-Type": "text/plain"}
    request = urllib.request.Request(f"{server.url}/v1/{site}/decisions", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=45) as answer:
        return bool(answer.status == 201)


def warned(server: Live) -> str:
    return " ".join(server.get("/readyz")["warnings"])


def test_no_fault_at_a_reload_takes_the_server_down_and_a_shop_that_is_new_is_told_of_at_once(
    run_live: Callable[..., Live], redis_url: str, tmp_path: Path
) -> None:
    receiver, config = Receiver(), described(tmp_path, ORIGIN)
    (secret := tmp_path / "secret").write_text(SECRET)
    (temporary := tmp_path / "tmp").mkdir()
    server = run_live(
        "serve",
        **{"CONSENT_SECRET_FILE": str(secret), "CONSENT_CONFIG": str(config), "REDIS_URL": redis_url},
        **{"CONSENT_WEBHOOK": receiver.url, "CONSENT_WEBHOOK_SECRET": SIGNS, "TMPDIR": str(temporary)},
    )
    assert server.process
    secret.write_text("")
    written = config.read_text("utf-8")
    config.write_text(written.replace("policy_url", "polcy_url"))
    shutil.rmtree(temporary)  # as systems tidy up /tmp
    children = psutil.Process(server.process.pid).children()
    (worker,) = [each for each in children if "spawn_main" in " ".join(each.cmdline())]
    worker.kill()  # its successor is handed what was sound
    until(lambda: server.words().count("Started worker-1") == 2, "no worker came after the one that ended")
    assert server.get("/v1/shop/notice")["name"] == "Shop"

    server.process.send_signal(signal.SIGHUP)
    until(lambda: "CONSENT_SECRET_FILE names" in warned(server), "nothing says that the secret is empty")
    assert server.words().count("Mend it and reload.") == 1

    secret.write_text(SECRET)
    config.write_text(written + written.replace("sites.shop", "sites.kitab").replace('"Shop"', '"Kitab"'))
    server.process.send_signal(signal.SIGHUP)
    until(lambda: decide(server, "kitab"), "the new shop is not served")
    receiver.wait(lambda: [post.event["site"] for post in receiver.posts] == ["kitab"])
    until(lambda: not warned(server), "it is still said that the configuration is outdated")
    assert "Traceback" not in server.words()
    receiver.stop()


def test_a_receiver_that_takes_its_time_does_not_hold_up_the_end(
    run_live: Callable[..., Live], redis_url: str, tmp_path: Path
) -> None:
    is_asked, may_answer = threading.Event(), threading.Event()

    def answer(post: Post, connection: socket.socket) -> bytes:
        is_asked.set()
        may_answer.wait(45)
        return TAKEN

    receiver, config = Receiver(answer), described(tmp_path, ORIGIN)
    server = run_live(
        "serve",
        **{"CONSENT_SECRET": SECRET, "CONSENT_CONFIG": str(config), "REDIS_URL": redis_url},
        **{"CONSENT_WEBHOOK": receiver.url, "CONSENT_WEBHOOK_SECRET": SIGNS},
    )
    assert server.process
    decide(server, "shop")
    assert is_asked.wait(45)
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(12)  # the receiver has fifteen seconds
    may_answer.set()
    assert server.process.returncode == 0
    assert "Traceback" not in server.words()
    receiver.stop()


def test_a_worker_is_handed_what_was_read_once(tmp_path: Path) -> None:
    config = described(tmp_path, ORIGIN)
    read = Configuration.of(Settings(secret=(SECRET,), config=config))
    config.write_text("half an edit")
    assert pickle.loads(pickle.dumps(Worker(read))).configuration == read
    assert read.sites["shop"].name == "Shop"


class Reloads:
    """Stands for granian: is told to reload once, and says what it would have handed to the new workers."""

    def __init__(self, *_: object, **__: object) -> None:
        self.hooks: list[Callable[[], None]] = []

    def on_reload(self, hook: Callable[[], None]) -> None:
        self.hooks.append(hook)

    def signal_handler_reload(self, *_: object) -> None:
        raise AssertionError("nobody signalled")

    def serve(self, target_loader: Worker, **_: object) -> None:
        for hook in self.hooks:
            hook()
        self.handed.append(target_loader.configuration)

    handed: ClassVar[list[Configuration]] = []


@pytest.mark.parametrize(
    ("secrets", "takes_restart"),
    [((NEW, SECRET), True), ((NEW,), True), ((SECRET, NEW), False), ((SECRET,), False)],
)
def test_a_new_first_secret_is_for_a_restart_as_a_worker_without_it_would_refuse_what_follows_its_answers(
    redis_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    secrets: tuple[str, ...],
    takes_restart: bool,
) -> None:
    monkeypatch.setattr(workers, "Granian", Reloads)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(multiprocessing, "set_start_method", lambda *_, **__: None)
    first = Settings(secret=(SECRET,), config=described(tmp_path, ORIGIN), redis_url=redis_url)
    workers.run(Configuration.of(first), lambda: replace(first, secret=secrets), LogLevels.info)
    handed = Reloads.handed.pop()
    assert handed.settings.secret == ((SECRET,) if takes_restart else secrets)
    assert ("takes a restart: stop every server, then start them" in handed.outdated) == takes_restart
    assert ("takes a restart" in caplog.text) == takes_restart
    assert "reload" not in caplog.text


def test_a_worker_that_ends_while_the_old_one_is_there_still_is_no_loop_to_granian() -> None:
    (loop,) = re.findall(r"respawned_wrks.get\(idx, 0\) <= ([0-9.]+)", inspect.getsource(AbstractServer._serve_loop))
    assert float(loop) < SECONDS_TO_RELOAD


def test_when_a_configuration_was_written_has_its_day_unless_that_is_today(tmp_path: Path) -> None:
    config, now = described(tmp_path, ORIGIN), datetime(2026, 11, 27, 12, 3)
    os.utime(config, (now.timestamp(), now.timestamp()))
    read = Configuration.of(Settings(config=config))
    assert read.in_spite_of("it rains.", now).outdated == "Running on the configuration of 12:03, as it rains."
    later = read.in_spite_of("it rains.", now + timedelta(1)).outdated
    assert later == "Running on the configuration of 2026-11-27 12:03, as it rains."


def test_numbers_of_workers_are_counted_although_somebody_tidied_up(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(gone)}
    counted = "from consent_server.web.metrics import SECONDS; SECONDS.observe(1)"
    subprocess.run([sys.executable, "-c", counted], cwd=ROOT, env=environment, check=True)
    assert [*gone.glob("histogram_*.db")]
