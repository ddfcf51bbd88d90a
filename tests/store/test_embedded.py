"""The embedded Valkey and the processes around it: what was acknowledged stays, and nothing is left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
from conftest import binary_of
from own_valkey import folder, gone, soon

from consent_server.store import embedded
from consent_server.store.embedded import Embedded, InUse, NoValkey

__all__ = ["folder"]


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
