"""Old days are moved to a file, and nothing is lost or replaced; who asks for them later is told where they are."""

import fcntl
import os
from dataclasses import replace
from datetime import timedelta

import pytest
from archived_log import log, stopped_before_the_trim
from click.testing import CliRunner
from conftest import ROOT, closing
from proof.killed import FIRST, KEYS, NOW, OLD, SHOP

from consent_server.cli.log import log as log_command
from consent_server.proof import log as proof
from consent_server.proof.archive import archive
from consent_server.proof.log import CannotWrite
from consent_server.rates import read
from consent_server.rates.period import Period
from consent_server.site import Notice
from consent_server.store import Archive, Archived, Store, Unreadable
from consent_server.store.keys import buckets, midnight
from consent_server.verify import opened, verify

__all__ = ["log"]


def test_a_file_of_that_name_is_not_replaced(log):
    """As of an earlier version's run that was killed while it trimmed, or of another shop."""
    theirs = log.folder / f"shop-{OLD[0]}-{OLD[-1]}.jsonl.gz"
    theirs.write_bytes(b"the only copy of something")
    (made,) = archive(log.store, SHOP, KEYS, log.folder, NOW)
    assert theirs.read_bytes() == b"the only copy of something"
    assert made.file == f"shop-{OLD[0]}-{OLD[-1]}-2.jsonl.gz"
    assert (log.folder / made.file).stat().st_mode & 0o077 == 0
    assert log.held() == {entry.id for entry in log.entries}


def test_two_runs_to_two_folders_do_not_both_have_the_same_days(log, monkeypatch):
    """Around midnight their last days differ: the second, killed while it trims, could not be ended by anybody."""
    made = Archive(OLD[0], OLD[-1], "one.jsonl.gz", "", 5)
    later = replace(made, last=OLD[-1] + timedelta(1))
    assert log.store.log.keep_archive(SHOP, made)
    assert not log.store.log.keep_archive(SHOP, later)
    monkeypatch.setattr(log.store.log, "archives", lambda site: [])  # as it was before the first one wrote it down
    assert not log.store.log.keep_archive(SHOP, later)
    assert log.client.hlen("consent:{shop}:archives") == 1


def test_an_export_that_begins_later_says_so(log):
    archive(log.store, SHOP, KEYS, log.folder, NOW)
    said = str(verify(proof.export(log.store, SHOP, KEYS, None, NOW.date(), NOW), KEYS.jwks()))
    assert f"It begins with {OLD[-1] + timedelta(1)}; the days before are not in it." in said
    with opened(log.folder / log.store.log.archives(SHOP)[0].file) as lines:
        assert "It begins" not in str(verify(lines, KEYS.jwks()))


def test_answers_that_hold_for_longer_than_today_s_are_not_archived_while_they_do(log):
    """The shop has lowered `keep`: the tokens of before are good for as long as they say."""
    asked = {"site": "shop", "revision": 1, "keep": 30 * 86_400, "lang": "az", "variant": "of before"}
    log.store.notices.serve(SHOP, [Notice.of(asked)])
    assert archive(log.store, SHOP, KEYS, log.folder, NOW) == []
    with closing(Store(log.store.url, 5)) as other:  # the one that serves it puts it back
        other.notices.serve(SHOP, [Notice.of({**asked, "keep": 10**15})])  # which no setting takes
    assert archive(log.store, SHOP, KEYS, log.folder, NOW) == []
    log.client.hdel("consent:{shop}:notices", Notice.of({**asked, "keep": 10**15}).hash)
    assert archive(log.store, SHOP, KEYS, log.folder, NOW + timedelta(29))[0].last == OLD[-1]


def test_days_that_another_server_seals_meanwhile_are_archived(log, monkeypatch):
    keep = log.store.log.keep_seal
    monkeypatch.setattr(log.store.log, "keep_seal", lambda *seal: keep(*seal) and False)  # it was faster
    (made,) = archive(log.store, SHOP, KEYS, log.folder, NOW)
    assert made.last == OLD[-1]
    assert all([*log.store.log.day(SHOP, day)] == [] for day in OLD)


def test_days_that_nobody_gets_sealed_are_not_archived_and_a_sentence_says_so(log, monkeypatch):
    monkeypatch.setattr(log.store.log, "keep_seal", lambda *seal: False)
    with pytest.raises(CannotWrite, match=f"Another server seals the days up to {OLD[-1]} just now"):
        archive(log.store, SHOP, KEYS, log.folder, NOW)
    assert [*log.folder.iterdir()] == []


def test_two_runs_do_not_meet_in_one_folder(log):
    held = os.open(log.folder, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    with pytest.raises(CannotWrite, match="Another run is archiving"):
        archive(log.store, SHOP, KEYS, log.folder, NOW)
    os.close(held)
    assert archive(log.store, SHOP, KEYS, log.folder, NOW)


def test_archives_follow_each_other_without_a_gap(log):
    for days in range(len(OLD)):
        archive(log.store, SHOP, KEYS, log.folder, NOW - timedelta(len(OLD) - 1 - days))
    archives = log.store.log.archives(SHOP)
    assert [(made.first, made.last) for made in archives] == [(day, day) for day in OLD]
    assert archive(log.store, SHOP, KEYS, log.folder, NOW) == []
    assert log.held() == {entry.id for entry in log.entries}


@pytest.mark.parametrize("trimmed", [True, False])
def test_exports_and_recounts_begin_after_what_was_archived_and_say_so(log, monkeypatch, trimmed):
    """Also while it is trimmed: half of a day would look like a forgery."""
    if trimmed:
        archive(log.store, SHOP, KEYS, log.folder, NOW)
    else:
        stopped_before_the_trim(log, monkeypatch)
    lines = [*proof.export(log.store, SHOP, KEYS, None, NOW.date(), NOW)]
    assert f'"from":"{OLD[-1] + timedelta(1)}"'.encode() in lines[0]
    verify(lines, KEYS.jwks())
    with pytest.raises(Archived, match=f"{OLD[1]} is not in the log of shop any more but in its archive shop-"):
        [*proof.export(log.store, SHOP, KEYS, OLD[1], NOW.date(), NOW)]
    found = read.recount(log.store, SHOP, Period(FIRST, NOW.date()))
    assert found.differences == []
    assert found.as_text().startswith(f"The days up to {OLD[-1]} are archived, and were not counted again.\n")
    assert found.as_json()["archived"] == OLD[-1].isoformat()
    with pytest.raises(Archived):
        read.recount(log.store, SHOP, Period(FIRST, OLD[-1]))


def test_an_export_that_is_overtaken_by_an_archive_says_so(log):
    lines = proof.export(log.store, SHOP, KEYS, None, NOW.date(), NOW)
    next(lines)
    archive(log.store, SHOP, KEYS, log.folder, NOW)
    with pytest.raises(Archived):
        list(lines)


def test_the_command_says_what_it_did_in_a_sentence(log, valkey, tmp_path):
    environment = {
        "REDIS_URL": valkey.url,
        "CONSENT_CONFIG": str(ROOT / "consent.toml"),
        "CONSENT_SECRET": "the secret that the log is signed with",
    }
    nowhere = CliRunner().invoke(
        log_command, ["archive", "smartmarket", "--to", str(tmp_path / "nowhere")], env=environment
    )
    assert (nowhere.exit_code, nowhere.stdout) == (2, "")
    assert "cannot be written: No such file or directory." in nowhere.stderr
    nothing = CliRunner().invoke(log_command, ["archive", "smartmarket", "--to", str(tmp_path)], env=environment)
    assert (nothing.exit_code, nothing.stdout) == (0, "No day is old enough.\n")


def test_old_days_are_archived_though_a_younger_one_has_what_nobody_wrote_here(log):
    proof.seal(log.store, SHOP, KEYS, NOW - timedelta(1))
    bucket = buckets(SHOP)[0]
    log.client.xadd(bucket.log, {"e": "x"}, id=f"{midnight(OLD[-1] + timedelta(1)) + 86_399_999}-0")
    with pytest.raises(Unreadable):
        proof.seal(log.store, SHOP, KEYS, NOW)
    (made,) = archive(log.store, SHOP, KEYS, log.folder, NOW)
    assert made.last == OLD[-1]
