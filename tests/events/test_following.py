"""Who reads the log on from a cursor has each decision once, in order, whatever is decided meanwhile."""

from __future__ import annotations

import gzip
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from conftest import CONSENT_SERVER, SECRET, closing
from decided import KEYS, SHOP, by_shopper, decide, lay_down
from examples import example

from consent_server.cli import main
from consent_server.events.following import UnknownCursor, follow
from consent_server.proof.erasure import erase
from consent_server.proof.log import CannotWrite, append, seal
from consent_server.store import Archive, Archived, Store
from consent_server.store.feed import reader

DAY = 86_400_000


def read(store: Store, cursor: str = "start") -> list[dict[str, Any]]:
    return [json.loads(line) for line in follow(store, SHOP, cursor)]


def now() -> int:
    return time.time_ns() // 1_000_000


def test_each_decision_is_a_line_and_the_cursor_of_the_last_one_is_where_to_go_on(store: Store) -> None:
    decided = [decide(store, 7, 2, 0, now=now() - 10_000 + n) for n in range(20)]
    decide(store, 0, now=now() - 5000)
    found = read(store)
    assert len(found) == 61
    assert by_shopper([event for event in found if event["jti"]]) == {ids[0]: ids for ids in decided}
    assert [*found[0]] == ["kind", "allow", "at", "jti", "sub", "site", "cursor"]
    assert (found[-1]["kind"], found[-1]["jti"], found[-1]["at"] % 3600) == ("first", None, 0)
    for n, event in [*enumerate(found)][::12]:
        assert read(store, event["cursor"]) == found[n + 1 :]


def test_chained_reads_have_each_decision_once_while_many_are_made(kept: Store) -> None:
    decided: dict[str, list[str]] = {}
    goes_on = threading.Event()

    def shopper(number: int) -> None:
        while not goes_on.is_set():
            # some servers' clocks are behind, some ahead
            ids = decide(kept, 7, 1, 2, now=now() + (number - 2) * 150)
            decided[ids[0]] = ids

    threads = [threading.Thread(target=shopper, args=(n,)) for n in range(5)]
    for thread in threads:
        thread.start()
    found, cursor, reads, until = [], "start", 0, time.monotonic() + 120
    try:
        while reads < 10:
            assert time.monotonic() < until, f"nothing new after {len(found)} events"
            new = read(kept, cursor)
            reads += bool(new)
            found += new
            cursor = found[-1]["cursor"] if found else "start"
    finally:
        goes_on.set()
        for thread in threads:
            thread.join()
    decide(kept, 7, now=now() + 500)
    until = time.monotonic() + 120
    # those of clocks that are ahead come when it is time
    while len(found) < 3 * len(decided) and time.monotonic() < until:
        new = read(kept, cursor)
        found += new
        cursor = found[-1]["cursor"]
        time.sleep(0.05)
    ids = [event["jti"] for event in found if event["sub"] in decided]
    assert len(ids) == len({*ids}) == 3 * len(decided)
    assert by_shopper([event for event in found if event["sub"] in decided]) == decided


def test_a_clock_that_is_behind_adds_nothing_before_what_was_read(kept: Store) -> None:
    first = decide(kept, 7, now=now() - 1000)
    found = read(kept)
    late = [decide(kept, 7, now=now() - 30_000)[0] for _ in range(100)]
    time.sleep(0.01)
    after = read(kept, found[-1]["cursor"])
    assert [event["jti"] for event in found] == first
    assert sorted(event["jti"] for event in after) == sorted(late)


def test_many_are_read_in_pages(kept: Store) -> None:
    decided = lay_down(kept, 1000, 3)
    time.sleep(0.01)
    found = read(kept)
    assert by_shopper(found) == decided
    assert len(found) == 3000


def test_what_is_erased_is_left_out_and_its_cursor_is_known_still(kept: Store) -> None:
    ids = [decide(kept, 7, now=now() - 5000 + n)[0] for n in range(3)]
    found = read(kept)
    erase(kept, SHOP, KEYS, ids[1], int(time.time()))
    assert [event["jti"] for event in read(kept)] == [ids[0], ids[2]]
    assert read(kept, found[1]["cursor"]) == [found[2]]


@pytest.mark.parametrize("after", [1, 30])
def test_who_is_erased_while_the_lines_are_taken_slowly_is_left_out(
    kept: Store, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    ids = [decide(kept, 7, now=now() - 5000 + n)[0] for n in range(60)]
    lines = follow(kept, SHOP, "start")
    taken = [json.loads(next(lines)) for _ in range(after)]
    erase(kept, SHOP, KEYS, ids[after], int(time.time()))
    erase(kept, SHOP, KEYS, ids[-1], int(time.time()))
    monkeypatch.setattr(reader, "monotonic", lambda: time.monotonic() + 2)  # so long has the one who takes them paused
    taken += map(json.loads, lines)
    assert [event["jti"] for event in taken] == [each for each in ids if each not in (ids[after], ids[-1])]


@pytest.mark.parametrize(
    "cursor", ["", "0", "begin", "1-2", "1764184000123-7-0", "1764184000123-7-0-0", "1764184000123-9999-0", "٣-٤-٥"]
)
def test_an_unknown_cursor_is_refused_in_one_sentence(kept: Store, cursor: str) -> None:
    decide(kept, 7)
    with pytest.raises(
        UnknownCursor, match=r"has the cursor '.*': take the one of the last line that you had, or 'start'"
    ):
        read(kept, cursor)


def test_a_cursor_whose_day_was_archived_is_refused_as_there_would_be_a_gap(kept: Store) -> None:
    at = now() - 3 * DAY
    decide(kept, 7, now=at)
    cursor = read(kept)[0]["cursor"]
    seal(kept, SHOP, KEYS, _moment())
    archive = Archive(_moment(at).date(), _moment(at).date(), "shop.jsonl.gz", "0" * 64, 1)
    kept.log.keep_archive(SHOP, archive)
    kept.log.trim(SHOP, archive)
    decide(kept, 7, now=now() - 1000)
    with pytest.raises(Archived, match=r"is not in the log of shop any more but in its archive shop\.jsonl\.gz"):
        read(kept, cursor)
    assert len(read(kept)) == 1


def _moment(ms: int | None = None) -> datetime:
    return datetime.fromtimestamp((ms or now()) / 1000, UTC)


@pytest.fixture
def command(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    (tmp_path / "consent.toml").write_text(
        '[sites.shop]\nname = "Shop"\norigins = ["https://shop.example"]\npolicy_url = "/p"\n'
        "policy_updated = 2025-12-20\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("CONSENT_SECRET", SECRET)
    return Store(redis_url, 5)


def test_what_cannot_be_added_to_the_end_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    def lines() -> Iterator[bytes]:
        yield b"new\n"
        raise OSError(28, "No space left on device")

    for name, before in (("a.ndjson", b"old\n"), ("a.ndjson.gz", gzip.compress(b"old\n"))):
        path = tmp_path / name
        path.write_bytes(before)
        with pytest.raises(CannotWrite, match="No space left"):
            append(path, lines())
        assert path.read_bytes() == before
    with pytest.raises(CannotWrite, match="is no file"):
        append(tmp_path, iter(()))


def test_nothing_is_added_to_what_is_compressed_and_torn_nor_where_there_is_nothing_new(tmp_path: Path) -> None:
    """Whoever reads it would find none of the lines that are added after the torn one."""
    path, whole = tmp_path / "a.ndjson.gz", gzip.compress(b"old\n")
    for torn in (whole[:-3], whole[:12], whole + whole[:15], b"old\n"):
        path.write_bytes(torn)
        with pytest.raises(CannotWrite, match="cannot be read to its end: go on in another file"):
            append(path, iter([b"new\n"]))
        assert path.read_bytes() == torn
    path.write_bytes(whole)
    append(path, iter(()))
    assert path.read_bytes() == whole
    append(path, iter([b"new\n"]))
    assert gzip.decompress(path.read_bytes()) == b"old\nnew\n"


def test_the_command_prints_lines_and_reads_on(command: Store, tmp_path: Path) -> None:
    def run(*options: str) -> tuple[int, str, str]:
        done = CliRunner().invoke(main, ["log", "export", *options])
        return done.exit_code, done.stdout, done.stderr

    with closing(command) as store:
        decided = decide(store, 7, 1, now=now() - 1000)
        typed = example("since").replace("consent-server", str(CONSENT_SERVER))
        subprocess.run(typed, shell=True, check=True, cwd=tmp_path)
        assert [json.loads(line)["jti"] for line in (tmp_path / "decisions.ndjson").read_text().splitlines()] == decided
        code, said, _ = run("shop", "--since", "start")
        lines = [json.loads(line) for line in said.splitlines()]
        assert (code, [line["jti"] for line in lines]) == (0, decided)
        assert run("shop", "--since", lines[-1]["cursor"]) == (0, "", "")
        assert run("shop", "--since", lines[0]["cursor"], "--out", "new.ndjson") == (0, "", "")
        assert json.loads((tmp_path / "new.ndjson").read_text()) == lines[1]
        (later,) = decide(store, 1, now=now() - 500)
        kept = tmp_path / "new.ndjson"
        assert kept.stat().st_mode & 0o077 == 0
        assert run("shop", "--since", lines[1]["cursor"], "--out", "new.ndjson") == (0, "", "")
        assert [json.loads(line)["jti"] for line in kept.read_text().splitlines()] == [decided[1], later], (
            "it is added to"
        )
        for name in ("new.ndjson", "new.ndjson.gz"):
            assert run("shop", "--since", lines[1]["cursor"], "--out", name) == (0, "", "")
        packed = tmp_path / "new.ndjson.gz"
        assert run("shop", "--since", lines[1]["cursor"], "--out", packed.name) == (0, "", "")
        assert [json.loads(line)["jti"] for line in gzip.decompress(packed.read_bytes()).splitlines()] == [later] * 2
        kept.write_bytes(kept.read_bytes()[:-5])
        torn = kept.read_bytes()
        code, said, wrong = run("shop", "--since", lines[1]["cursor"], "--out", "new.ndjson")
        assert (code, said, "ends in the middle of a line" in wrong) == (2, "", True)
        assert kept.read_bytes() == torn
        for _ in range(2):
            assert run("shop", "--since", "start", "--out", "new.ndjson") == (0, "", "")
            assert [json.loads(line)["jti"] for line in kept.read_text().splitlines()] == [*decided, later], "all, once"
        for options, sentence in {
            ("shop", "--since", "yesterday"): "No decision of shop has the cursor 'yesterday'",
            ("shop", "--since", "start", "--from", "2026-01-01"): "--since goes from a cursor to now",
            ("shop",): "--out is missing: name the file to write",
            ("shpo", "--since", "start"): "There is no site 'shpo'",
        }.items():
            code, said, wrong = run(*options)
            assert (code, said, wrong.count("\n")) == (2, "", 1)
            assert sentence in wrong
        assert run("shop", "--since", "yesterday", "--out", "none.ndjson")[0] == 2
        assert not (tmp_path / "none.ndjson").exists()
