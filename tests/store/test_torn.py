"""What is cut off an append-only file before a server reads it: what one write left half done, and nothing else."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
import yaml
from conftest import ROOT, binary_of
from examples import example

from consent_server.store import embedded
from consent_server.store.connection.torn import LONGEST_WRITE, Damaged, cut_off

DECISIONS = 1500
"""Enough for a file that is longer than one write."""


@pytest.fixture(scope="module")
def written(short_folder: Callable[[], Path]) -> bytes:
    """The append-only file of a Redis that took DECISIONS, of several commands each."""
    return _written(short_folder())


def _written(folder: Path) -> bytes:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedded, "binary", lambda: binary_of("redis7"))
        own = embedded.Embedded(folder)
        with redis.Redis.from_url(own.start()) as client:
            # Written at once, not one by one: it is about what is in the file.
            client.config_set("appendfsync", "no")
            for _ in range(DECISIONS):
                client.eval("redis.call('XADD', 'log', '5-*', 'e', 1) redis.call('INCR', 'count')", 0)
        own.stop()
    (log,) = (folder / "appendonlydir").glob("*.incr.aof")
    return log.read_bytes()


@pytest.fixture
def kept(written: bytes, short_folder: Callable[[], Path]) -> Path:
    """A data folder whose file ``log_of`` finds."""
    folder = short_folder()
    (folder / "appendonlydir").mkdir()
    (folder / "appendonlydir" / "appendonly.aof.1.incr.aof").write_bytes(written)
    (folder / "appendonlydir" / "appendonly.aof.manifest").write_text("file appendonly.aof.1.incr.aof seq 1 type i\n")
    return folder


def log_of(folder: Path) -> Path:
    return folder / "appendonlydir" / "appendonly.aof.1.incr.aof"


def by_ourselves(folder: Path) -> str | None:
    """Mend it as the embedded server does; return what is said where that is refused."""
    try:
        cut_off(Path(binary_of("redis7").replace("-server", "-check-aof")), folder)
    except Damaged as error:
        return str(error)
    return None


def by_systemd(folder: Path) -> str | None:
    """Mend it as the documented unit does."""
    line = example("redis mend").split("ExecStartPre=")[1]
    assert not {"%", "${"} & {*line, *(line[n : n + 2] for n in range(len(line)))}, "systemd would put something there"
    return _ran(shlex.split(line.replace("/var/lib/redis", str(folder))))


def by_compose(folder: Path) -> str | None:
    """Mend it as the container does before its server starts."""
    composed = yaml.safe_load((ROOT / "docs" / "compose.yaml").read_text("utf-8"))
    *shell, script = composed["services"]["redis"]["command"]
    script = script.replace("$$", "$").replace("valkey-", "redis-").replace("/data", str(folder))
    return _ran([*shell, script.replace("exec redis-server", "exec true")])


def _ran(command: list[str]) -> str | None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr if done.returncode else None


WAYS = pytest.mark.parametrize("mend", [by_ourselves, by_systemd, by_compose])


@WAYS
@pytest.mark.parametrize("short", [8, 13, 14, 40, 70], ids="{} bytes short".format)
def test_what_one_write_left_half_done_is_cut_off_and_kept(
    mend: Callable[[Path], str | None], short: int, kept: Path, written: bytes
) -> None:
    os.truncate(log_of(kept), len(written) - short)
    assert mend(kept) is None
    whole = written.rindex(b"*1\r\n$5\r\nMULTI")
    assert log_of(kept).read_bytes() == written[:whole]
    (copy,) = kept.glob("cut-off-*")
    assert copy.read_bytes() == written[whole : len(written) - short]
    assert mend(kept) is None, "what is whole is left alone"
    assert len([*kept.glob("cut-off-*")]) == 1


@WAYS
@pytest.mark.parametrize("place", ["at its start", "near its end"])
def test_one_bad_byte_takes_nothing_away_with_it(
    mend: Callable[[Path], str | None], place: str, kept: Path, written: bytes
) -> None:
    assert len(written) > 2 * LONGEST_WRITE
    spoilt = bytearray(written)
    spoilt[spoilt.index(b"$4\r\nXADD", 0 if place == "at its start" else len(written) - 1000)] ^= 1
    log_of(kept).write_bytes(spoilt)
    assert "damaged" in (mend(kept) or "")
    assert log_of(kept).read_bytes() == spoilt
    assert not [*kept.glob("cut-off-*")]


@WAYS
def test_what_is_longer_than_one_write_is_not_cut_off(
    mend: Callable[[Path], str | None], kept: Path, written: bytes
) -> None:
    log_of(kept).write_bytes(written + b"\0" * (LONGEST_WRITE + 1))
    assert "damaged" in (mend(kept) or "")
    os.truncate(log_of(kept), len(written) + LONGEST_WRITE)
    assert mend(kept) is None
    assert log_of(kept).read_bytes() == written


@WAYS
def test_a_store_that_is_whole_or_new_is_left_alone(
    mend: Callable[[Path], str | None], kept: Path, written: bytes, short_folder: Callable[[], Path]
) -> None:
    assert mend(kept) is None
    assert log_of(kept).read_bytes() == written
    assert mend(short_folder()) is None


def test_it_is_the_last_file_alone_that_a_write_can_have_left_half_done(kept: Path, written: bytes) -> None:
    os.truncate(log_of(kept), len(written) - 8)
    shutil.copy(log_of(kept), kept / "appendonlydir" / "appendonly.aof.2.incr.aof")
    with (kept / "appendonlydir" / "appendonly.aof.manifest").open("a") as manifest:
        manifest.write("file appendonly.aof.2.incr.aof seq 2 type i\n")
    for mend in (by_ourselves, by_systemd, by_compose):
        assert mend(kept)
        assert len(log_of(kept).read_bytes()) == len(written) - 8


def test_a_server_that_finds_such_a_file_says_so_and_does_not_start(
    kept: Path, written: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "binary", lambda: binary_of("redis7"))
    log_of(kept).write_bytes(written.replace(b"XADD", b"YADD", 1).replace(b"$", b"%", 1))
    with pytest.raises(embedded.NoValkey, match=r"is damaged after byte 0, and .* put a backup back"):
        embedded.Embedded(kept).start()


def test_without_room_for_a_copy_nothing_is_cut_off(
    kept: Path, written: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "binary", lambda: binary_of("redis7"))

    def full(path: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    os.truncate(log_of(kept), len(written) - 8)
    with pytest.raises(embedded.NoValkey, match=r"no copy of it can be kept \(No space left on device\): make room"):
        embedded.Embedded(kept).start()
    assert len(log_of(kept).read_bytes()) == len(written) - 8


def test_systemd_takes_the_documented_lines(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd is not installed")
    unit = tmp_path / "redis-test.service"
    unit.write_text(f"[Unit]\nDescription=Redis\n{example('redis mend')}ExecStart=/bin/true\n")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "redis-test.service" not in done.stderr
