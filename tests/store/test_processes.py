"""The server's processes: what was acknowledged outlives them, and none is left behind."""

from __future__ import annotations

import http.client
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path

import psutil
import pytest
from conftest import CONSENT_SERVER, Live, left_of
from own_valkey import SECONDS, folder, gone, soon

__all__ = ["folder"]


def decide(url: str, decision: str, *allow: str) -> tuple[int, str]:
    """Post a decision as the demo shop's page does; return status and token."""
    with urllib.request.urlopen(f"{url}/v1/smartmarket/notice?lang=az", timeout=45) as answer:
        notice = json.load(answer)["notice"]
    body = {"id": decision, "allow": [*allow], "notice": notice, "lang": "az", "variant": "", "how": "save"}
    request = urllib.request.Request(
        f"{url}/v1/smartmarket/decisions",
        json.dumps(body).encode(),
        {"Origin": url, "Content-Type": "text/plain"},
    )
    with urllib.request.urlopen(request, timeout=45) as answer:
        return answer.status, json.load(answer)["token"]


def history(url: str, token: str) -> list[str]:
    """Return the ids of the decisions that the server holds of whoever has this token."""
    request = urllib.request.Request(f"{url}/v1/smartmarket/me", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=45) as answer:
        return [entry["id"] for entry in json.load(answer)["history"]]


def valkey_of(family: list[psutil.Process]) -> psutil.Process:
    """Return the Valkey among the processes of a demo."""
    (found,) = [process for process in family if "valkey" in process.name()]
    return found


# ---- As people run it ----


def test_a_decision_survives_a_restart(live: Live) -> None:
    status, token = decide(live.url, "restart-" + secrets.token_urlsafe(9), "analytics")
    assert status == 201
    kept = history(live.url, token)
    assert len(kept) == 1
    live.stop()
    live.start()
    assert history(live.url, token) == kept


def test_a_decision_survives_kill_9_of_everything_right_after_its_201(live: Live) -> None:
    made = []
    for round_ in range(3):
        decision = f"round-{round_}-" + secrets.token_urlsafe(9)
        status, token = decide(live.url, decision, "marketing")
        live.kill()
        assert status == 201
        made.append((decision, token))
        live.start()
        for decision, token in made:
            assert history(live.url, token) == [decision]
    assert decide(live.url, made[0][0], "marketing") == (200, made[0][1]), "the same decision again gets the same token"
    rates = subprocess.run(
        [CONSENT_SERVER, "rates", "smartmarket", "--recount", "--data", live.folder / "data"],
        cwd=live.folder,
        capture_output=True,
        text=True,
    )
    assert rates.returncode == 0, rates.stdout + rates.stderr


def test_ctrl_c_ends_every_process(live: Live) -> None:
    family = live.family()
    assert len(family) >= 3, "the parent, a worker and a Valkey"
    live.stop()
    assert all(gone(process) for process in family)


def test_sigterm_ends_every_process(live: Live) -> None:
    family = live.family()
    assert live.process
    live.process.terminate()
    live.process.wait(SECONDS)
    assert not left_of(family, SECONDS)


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_the_parent_killed_leaves_no_process(live: Live) -> None:
    family = live.family()
    assert live.process
    live.process.kill()
    live.process.wait()
    assert not left_of(family, SECONDS)


def test_valkey_killed_the_shop_is_served_and_decisions_soon_again(live: Live) -> None:
    _, token = decide(live.url, "before-" + secrets.token_urlsafe(9), "analytics")
    valkey_of(live.family()).kill()
    with urllib.request.urlopen(f"{live.url}/v1/smartmarket/consent.js", timeout=45) as answer:
        assert answer.status == 200

    def taken() -> int | None:
        with suppress(urllib.error.HTTPError):
            return decide(live.url, "after-" + secrets.token_urlsafe(9), "analytics")[0]
        return None

    assert soon(taken) == 201
    assert len(history(live.url, token)) == 1


def demo_in(folder: Path, started: list[subprocess.Popen[str]]) -> tuple[str, str]:
    """Run ``consent-server demo`` there as a newcomer does; return its URL and all it said until it was up."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("CONSENT_", "REDIS_", "PORT"))}
    process = subprocess.Popen(
        [CONSENT_SERVER, "demo"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    started.append(process)
    said = ""
    assert process.stdout
    for line in process.stdout:
        said += line
        if line.startswith("Ctrl-C"):
            break
    found = re.search(r"(http://127\.0\.0\.1:\d+)/demo/", said)
    assert found, said
    return found[1], said


def test_ctrl_c_at_a_terminal_ends_it_without_a_word_while_shoppers_come(short_folder: Callable[[], Path]) -> None:
    started: list[subprocess.Popen[str]] = []
    url, _ = demo_in(short_folder(), started)
    came = threading.Barrier(7)

    def come(_: int) -> None:
        with suppress(OSError, http.client.HTTPException):
            for number in count():
                urllib.request.urlopen(f"{url}/demo/", timeout=SECONDS).close()
                if number == 5:
                    came.wait(SECONDS)

    with ThreadPoolExecutor(6) as shoppers:
        coming = [shoppers.submit(come, number) for number in range(6)]
        came.wait(SECONDS)
        os.killpg(started[0].pid, signal.SIGINT)  # a terminal sends it to all that run in it
        said, _ = started[0].communicate(timeout=SECONDS)
    for shopper in coming:
        shopper.result()
    assert said == ""
    assert started[0].returncode == 0


def test_a_second_demo_beside_it_finds_its_own_port_and_folder_and_says_so(short_folder: Callable[[], Path]) -> None:
    folder = short_folder()
    started: list[subprocess.Popen[str]] = []
    try:
        first, said_first = demo_in(folder, started)
        second, said_second = demo_in(folder, started)
        port = second.rpartition(":")[2]
        assert first != second
        assert "warn" not in said_first.lower()
        assert f"Port 8000 is in use; this demo takes {port}." in said_second
        assert f"Decisions kept in {folder / 'consent-demo'}\n" in said_first
        assert f"Another demo keeps its decisions in {folder / 'consent-demo'}; this one takes" in said_second
        assert f"Decisions kept in {folder / 'consent-demo-2'}\n" in said_second
        _, token = decide(first, "only-in-the-first-" + secrets.token_urlsafe(6), "analytics")
        assert len(history(first, token)) == 1
        with pytest.raises(urllib.error.HTTPError):
            history(second, token)
    finally:
        for process in started:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=SECONDS)
    assert [process.returncode for process in started] == [0, 0]
