"""The embedded Valkey and the processes around it: what was acknowledged stays, and nothing is left behind."""

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
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
from conftest import CONSENT_SERVER, Live, binary_of, left_of

from consent_server.store import embedded
from consent_server.store.embedded import Embedded, InUse, NoValkey

SECONDS = 120
"""How long anything may take that should happen at once."""


def soon(happens: Callable[[], Any]) -> Any:
    """Return what ``happens`` returns once that is true."""
    until = time.monotonic() + SECONDS
    while not (result := happens()):
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)
    return result


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


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.fixture
def folder(short_folder: Callable[[], Path]) -> Path:
    return short_folder() / "data"


@pytest.fixture
def own(folder: Path) -> Iterator[Embedded]:
    started = Embedded(folder)
    started.start()
    yield started
    started.stop()


# ---- By itself ----


def test_it_keeps_each_write_at_once_evicts_nothing_and_listens_on_no_port(own: Embedded, folder: Path) -> None:
    with redis.Redis(unix_socket_path=str(folder / "valkey.sock"), decode_responses=True) as client:
        found = client.config_get("append*", "maxmemory-policy", "port")
    assert found["appendonly"] == "yes"
    assert found["appendfsync"] == "always"
    assert found["maxmemory-policy"] == "noeviction"
    assert found["port"] == "0"
    assert (folder / "valkey.sock").stat().st_mode & 0o077 == 0
    assert folder.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["valkey", "redis7"])
def test_a_decision_that_was_half_written_costs_no_other(
    folder: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = binary_of(name)
    monkeypatch.setattr(embedded, "binary", lambda: program)

    def decided(*more: int) -> list[bytes]:
        server = Embedded(folder)
        server.start()
        with redis.Redis(unix_socket_path=str(folder / "valkey.sock")) as client:
            for n in more:
                client.eval(f"redis.call('XADD', 'log', '5-*', 'e', {n}) redis.call('INCR', 'count')", 0)
            found = [entry[b"e"] for _, entry in client.xrange("log")]
            assert int(client.get("count") or 0) == len(found)
        server.stop()
        return found

    decided(1, 2)
    (log,) = (folder / "appendonlydir").glob("*.incr.aof")
    for short in (8, 40, 70):  # within EXEC, within the second command, within the first
        with log.open("rb+") as file:
            file.truncate(log.stat().st_size - short)
        assert decided() == [b"1"]
        assert decided(3) == [b"1", b"3"]
        assert decided() == [b"1", b"3"], "what came after was lost"


def test_killed_it_is_started_again_with_what_it_had(own: Embedded, folder: Path) -> None:
    client = redis.Redis(unix_socket_path=str(folder / "valkey.sock"))
    client.set("kept", "yes")
    first = own.pid
    os.kill(first, signal.SIGKILL)

    def answers() -> bool:
        with suppress(redis.RedisError):
            return own.pid != first and client.get("kept") == b"yes"
        return False

    soon(answers)
    client.close()


def test_a_second_start_in_one_folder_is_refused_and_harms_nothing(own: Embedded, folder: Path) -> None:
    with pytest.raises(InUse, match=re.escape(str(folder))):
        Embedded(folder).start()
    assert embedded.running(folder) == f"unix://{folder / 'valkey.sock'}"
    with redis.Redis.from_url(str(embedded.running(folder))) as client:
        assert client.set("still", "writes")


def test_stopped_it_leaves_its_data_and_no_process(folder: Path) -> None:
    first = Embedded(folder)
    with redis.Redis.from_url(first.start()) as client:
        client.set("kept", "yes")
    process = psutil.Process(first.pid)
    first.stop()
    assert gone(process)
    assert embedded.running(folder) is None
    with embedded.at(folder) as url, redis.Redis.from_url(url) as client:
        assert client.get("kept") == b"yes"
    assert embedded.running(folder) is None


def test_commands_join_the_one_that_runs_already(own: Embedded, folder: Path) -> None:
    with embedded.at(folder) as url:
        assert url == embedded.running(folder)
    assert embedded.running(folder), "whoever joined must not end it"


def test_commands_make_no_empty_store_of_a_mistyped_folder(folder: Path) -> None:
    with pytest.raises(NoValkey, match="There are no data"), embedded.at(folder):
        pass
    assert not folder.exists()


def test_a_socket_path_too_long_for_the_system_is_put_elsewhere_and_cleared_away(folder: Path) -> None:
    deep = folder / ("d" * 60) / ("e" * 60)
    own = Embedded(deep)
    url = own.start()
    elsewhere = Path(url.removeprefix("unix://")).parent
    try:
        assert elsewhere != deep
        assert embedded.running(deep) == url
        with redis.Redis.from_url(url) as client:
            assert client.ping()
    finally:
        own.stop()
    assert not elsewhere.exists()


def test_a_half_written_last_entry_does_not_stop_it(folder: Path) -> None:
    own = Embedded(folder)
    with redis.Redis.from_url(own.start()) as client:
        client.set("kept", "yes")
    own.stop()
    (log,) = (folder / "appendonlydir").glob("*.incr.aof")
    with log.open("ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$4\r\nlo")
    with embedded.at(folder) as url, redis.Redis.from_url(url) as client:
        assert client.get("kept") == b"yes"


def test_a_log_that_is_damaged_is_told_with_valkeys_own_words(folder: Path) -> None:
    own = Embedded(folder)
    with redis.Redis.from_url(own.start()) as client:
        client.set("kept", "yes")
        client.set("kept", "also")
    own.stop()
    (log,) = (folder / "appendonlydir").glob("*.incr.aof")
    log.write_bytes(b"this is no log\r\n" + log.read_bytes())
    with pytest.raises(NoValkey, match="Bad file format"):
        Embedded(folder).start()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(NoValkey, match="cannot be written"):
        Embedded(tmp_path / "file" / "data").start()


KEEPER = """
import sys, time
from pathlib import Path
from consent_server.store import embedded
if sys.argv[2] == "without the kernel's help":
    embedded._die_with_parent = lambda: None
own = embedded.Embedded(Path(sys.argv[1]))
own.start()
print(own.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def parent_of(folder: Path) -> Iterator[Callable[[str], tuple[subprocess.Popen[str], psutil.Process]]]:
    """Start another process that owns a Valkey in the folder; give both."""
    started: list[subprocess.Popen[str]] = []

    def start(how: str) -> tuple[subprocess.Popen[str], psutil.Process]:
        parent = subprocess.Popen([sys.executable, "-c", KEEPER, str(folder), how], stdout=subprocess.PIPE, text=True)
        started.append(parent)
        assert parent.stdout
        return parent, psutil.Process(int(parent.stdout.readline()))

    yield start
    for parent in started:
        parent.kill()
        parent.communicate()


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_its_parent_however_that_ends(parent_of: Callable[[str], Any], how: signal.Signals) -> None:
    parent, valkey = parent_of("")
    parent.send_signal(how)
    parent.wait()
    soon(lambda: gone(valkey))


def test_an_orphan_is_ended_before_its_folder_is_opened_again(parent_of: Callable[[str], Any], folder: Path) -> None:
    parent, orphan = parent_of("without the kernel's help")
    with redis.Redis(unix_socket_path=str(folder / "valkey.sock")) as client:
        client.set("kept", "yes")
    parent.kill()
    parent.wait()
    assert not gone(orphan)
    own = Embedded(folder)
    try:
        with redis.Redis.from_url(own.start()) as client:
            assert gone(orphan), "two servers had one append-only file open"
            assert client.get("kept") == b"yes"
    finally:
        own.stop()


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
