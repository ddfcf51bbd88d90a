"""What the store says was archived is believed only where the file shows it: nothing else is trimmed."""

import hashlib
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from archived_log import log, stopped_before_the_trim
from proof.killed import KEYS, NOW, OLD, SHOP

from consent_server.proof import log as proof
from consent_server.proof.archive import ArchiveMissing, archive
from consent_server.proof.entries import Unproven
from consent_server.proof.erasure import erase
from consent_server.store import Archive, Unreadable
from consent_server.verify import Failed, NoExport

__all__ = ["log"]


@pytest.mark.parametrize("days", [0, 3])
def test_what_killed_runs_have_left_is_removed_by_the_next_one_and_nothing_else_is(log, days):
    """Whether it archives anything or not; another shop's may be under way in its own folder, and is left alone."""
    left = [f"shop-2026-01-01-2026-01-02.unverified.gz{end}" for end in ("", ".unfinished")]
    kept = ["shop-2-2026-01-01-2026-01-02.unverified.gz", "shop-2026-01-01-2026-01-02.jsonl.gz", "notes.unverified.gz"]
    for name in (*left, *kept):
        (log.folder / name).write_bytes(b"everybody's token")
    assert len(archive(log.store, SHOP, KEYS, log.folder, NOW - timedelta(3 - days))) == (days > 0)
    there = {path.name for path in log.folder.iterdir()}
    assert {*kept} <= there
    assert not {*left} & there


@pytest.mark.parametrize("how", ["changed", "gone"])
def test_nothing_is_trimmed_any_more_when_the_file_is_not_there_as_it_was(log, monkeypatch, how):
    made = stopped_before_the_trim(log, monkeypatch)
    path = log.folder / made.file
    whole = path.read_bytes()
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(whole[:-1] + b"x")
    with pytest.raises(ArchiveMissing, match="nothing is archived or trimmed until then"):
        archive(log.store, SHOP, KEYS, log.folder, NOW)
    assert len(log.logged()) == len(log.entries)
    path.write_bytes(whole)
    assert [done.file for done in archive(log.store, SHOP, KEYS, log.folder, NOW)] == [made.file]
    assert log.held() == {entry.id for entry in log.entries}


@pytest.mark.parametrize("names", ["a day later", "a file of another folder", "another shop's", "nonsense"])
def test_a_record_that_somebody_wrote_into_the_store_trims_nothing(log, names):
    """Who writes to Redis names a genuine archive, and more days than are in it: the next run would trim them."""
    (made,) = archive(log.store, SHOP, KEYS, log.folder, NOW - timedelta(1))
    assert made.last == OLD[-2]
    path, file = log.folder / made.file, made.file
    if names == "a file of another folder":
        file = f"../{log.folder.name}/{file}"
    elif names == "another shop's":
        lines = [*proof.export(log.store, SHOP, KEYS, None, OLD[-1], NOW)]
        proof.write(path, iter([lines[0].replace(b'"shop"', b'"kitab"'), *lines[1:]]))
    elif names == "nonsense":
        path.write_bytes(b"{}")
    said = {"first": f"{OLD[0]}", "last": f"{OLD[-1]}", "file": file, "entries": 5}
    said |= {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    log.client.hset("consent:{shop}:archives", f"{OLD[-1]}", json.dumps(said))
    before = len(log.logged())
    with pytest.raises((Failed, NoExport)):
        archive(log.store, SHOP, KEYS, log.folder, NOW)
    assert len(log.logged()) == before


def by_hash_alone(log, said):
    proof.write(log.folder / "week.jsonl.gz", proof.export(log.store, SHOP, KEYS, OLD[0], OLD[-1], NOW))


def from_a_later_day_on(log, said):
    proof.write(log.folder / "week.jsonl.gz", of_old(log, OLD[-1]))
    said["first"] = f"{OLD[-1]}"


def from_a_later_day_than_it_says(log, said):
    proof.write(log.folder / "week.jsonl.gz", of_old(log, OLD[-1]))


def after_days_that_somebody_says_were_archived(log, said):
    from_a_later_day_on(log, said)
    made_up = {"first": f"{OLD[0]}", "last": f"{OLD[-2]}", "file": "x", "sha256": "", "entries": 5, "trimmed": True}
    log.client.hset("consent:{shop}:archives", f"{OLD[-2]}", json.dumps(made_up))


def in_another_folder(log, said):
    other = log.folder.parent / "exports"
    other.mkdir(exist_ok=True)
    proof.write(other / "week.jsonl.gz", of_old(log, OLD[0]))
    said["file"] = str(other / "week.jsonl.gz")


def above_this_folder(log, said):
    in_another_folder(log, said)
    said["file"] = "../exports/week.jsonl.gz"


def over_a_chain_with_a_foreign_seal(log, said):
    proof.write(log.folder / "week.jsonl.gz", of_old(log, OLD[0]))
    day = min(log.store.log.seals(SHOP))
    log.client.hset("consent:{shop}:seals", f"{day}", "e30.AAAA")


def of_old(log, first):
    return proof.export(log.store, SHOP, KEYS, first, OLD[-1], NOW, with_tokens=True)


@pytest.mark.parametrize(
    "write",
    [
        by_hash_alone,
        from_a_later_day_on,
        from_a_later_day_than_it_says,
        after_days_that_somebody_says_were_archived,
        in_another_folder,
        above_this_folder,
        over_a_chain_with_a_foreign_seal,
    ],
)
def test_a_genuine_export_that_somebody_calls_an_archive_trims_nothing(log, write):
    """Who writes to Redis names some export that lies there, and has days trimmed that are not in it."""
    proof.seal(log.store, SHOP, KEYS, NOW)
    said = {"first": f"{OLD[0]}", "last": f"{OLD[-1]}", "file": "week.jsonl.gz", "entries": 5}
    write(log, said)
    said["sha256"] = hashlib.sha256((log.folder / said["file"]).read_bytes()).hexdigest()
    log.client.hset("consent:{shop}:archives", f"{OLD[-1]}", json.dumps(said))
    before = len(log.logged())
    with pytest.raises((Failed, Unproven)):
        archive(log.store, SHOP, KEYS, log.folder, NOW)
    assert len(log.logged()) == before


@pytest.mark.parametrize("what", [b"", b"{}", b"\xff", b"[1]"])
def test_what_somebody_wrote_into_the_store_is_named(log, what):
    log.client.hset("consent:{shop}:archives", b"2026-11-20", what)
    with pytest.raises(Unreadable, match=r"In consent:{shop}:archives stands what this server did not write."):
        list(proof.export(log.store, SHOP, KEYS, None, NOW.date(), NOW))


def test_a_genuine_archive_stays_when_a_run_has_an_older_copy_of_the_store(log):
    """As where a backup was put back: all of its days are in that log, and its own archive will be another file."""
    proof.seal(log.store, SHOP, KEYS, NOW)
    before = {key: log.client.dump(key) for key in log.client.scan_iter()}
    (made,) = archive(log.store, SHOP, KEYS, log.folder, NOW)
    genuine = (log.folder / made.file).read_bytes()
    for erased in (False, True):
        log.client.flushall()
        for key, value in before.items():
            log.client.restore(key, 0, value)
        if erased:
            erase(log.store, SHOP, KEYS, log.subject, int(NOW.timestamp()))
        archive(log.store, replace(SHOP, prove=10**9), KEYS, log.folder, NOW)
        archive(log.store, SHOP, KEYS, log.folder, NOW)
        assert (log.folder / made.file).read_bytes() == genuine


def test_an_archive_that_was_written_down_when_the_answer_was_lost_is_trimmed(log, monkeypatch):
    """The script is called again where a connection breaks, and finds what it has just written."""
    keep = log.store.log.keep_archive
    monkeypatch.setattr(log.store.log, "keep_archive", lambda *arguments: keep(*arguments) and False)
    (made,) = archive(log.store, SHOP, KEYS, log.folder, NOW)
    assert log.store.log.archives(SHOP) == [replace(made, trimmed=True)]


def test_a_record_of_days_that_are_not_old_enough_trims_nothing(log):
    """The attack: there is an export with tokens in the folder, and somebody writes that it is a run's."""
    proof.seal(log.store, SHOP, KEYS, NOW)
    path = log.folder / "week.jsonl.gz"
    proof.write(path, of_old(log, OLD[0]))
    made = Archive(OLD[0], OLD[-1], path.name, hashlib.sha256(path.read_bytes()).hexdigest(), 5)
    log.store.log.keep_archive(SHOP, made)
    before = len(log.logged())
    with pytest.raises(
        Failed, match=f"days up to {OLD[-1]} are being archived, and only those up to {OLD[-2]} are old"
    ):
        archive(log.store, SHOP, KEYS, log.folder, NOW - timedelta(1))
    assert len(log.logged()) == before
