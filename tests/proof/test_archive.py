"""Old days are moved to a file, and nothing is lost or replaced; who asks for them later is told where they are."""

import fcntl
import hashlib
import json
import os
from dataclasses import replace
from datetime import timedelta

import pytest
from click.testing import CliRunner
from conftest import ROOT, closing
from proof.killed import FIRST, KEYS, NOW, OLD, SHOP
from proof.test_killed import Log

from consent_server.cli.log import log as log_command
from consent_server.proof import archive as proof_archive
from consent_server.proof import log as proof
from consent_server.proof.archive import ArchiveMissing, archive
from consent_server.proof.entries import Unproven
from consent_server.proof.erasure import erase
from consent_server.proof.log import CannotWrite
from consent_server.rates import read
from consent_server.rates.period import Period
from consent_server.site import Notice
from consent_server.store import Archive, Archived, Store, StoreAway, Unreadable
from consent_server.store.keys import buckets, midnight
from consent_server.store.packing import pack_erased
from consent_server.verify import Failed, NoExport, opened, verify


class Stopped(Exception):
    pass


@pytest.fixture
def log(valkey, tmp_path):
    made = Log(valkey, None, tmp_path)
    with closing(made.store), made.client:
        yield made


def stopped_before_the_trim(log, monkeypatch):
    """Archive, and stop when the aim is written down and nothing is trimmed yet."""

    def stop(*_):
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(log.store.log, "trim", stop)
        with pytest.raises(Stopped):
            archive(log.store, SHOP, KEYS, log.folder, NOW)
    (made,) = log.store.log.archives(SHOP)
    assert not made.trimmed
    return made


def test_a_file_of_that_name_is_not_replaced(log):
    """As of an earlier version's run that was killed while it trimmed, or of another shop."""
    theirs = log.folder / f"shop-{OLD[0]}-{OLD[-1]}.jsonl.gz"
    theirs.write_bytes(b"the only copy of something")
    (made,) = archive(log.store, SHOP, KEYS, log.folder, NOW)
    assert theirs.read_bytes() == b"the only copy of something"
    assert made.file == f"shop-{OLD[0]}-{OLD[-1]}-2.jsonl.gz"
    assert (log.folder / made.file).stat().st_mode & 0o077 == 0
    assert log.held() == {entry.id for entry in log.entries}


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


def test_two_runs_to_two_folders_do_not_both_have_the_same_days(log, monkeypatch):
    """Around midnight their last days differ: the second, killed while it trims, could not be ended by anybody."""
    made = Archive(OLD[0], OLD[-1], "one.jsonl.gz", "", 5)
    later = replace(made, last=OLD[-1] + timedelta(1))
    assert log.store.log.keep_archive(SHOP, made)
    assert not log.store.log.keep_archive(SHOP, later)
    monkeypatch.setattr(log.store.log, "archives", lambda site: [])  # as it was before the first one wrote it down
    assert not log.store.log.keep_archive(SHOP, later)
    assert log.client.hlen("consent:{shop}:archives") == 1


@pytest.mark.parametrize("what", [b"", b"{}", b"\xff", b"[1]"])
def test_what_somebody_wrote_into_the_store_is_named(log, what):
    log.client.hset("consent:{shop}:archives", b"2026-11-20", what)
    with pytest.raises(Unreadable, match=r"In consent:{shop}:archives stands what this server did not write."):
        list(proof.export(log.store, SHOP, KEYS, None, NOW.date(), NOW))


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


def test_who_was_erased_is_in_no_archive_to_come(log):
    erase(log.store, SHOP, KEYS, log.subject, 5)
    (made,) = archive(log.store, SHOP, KEYS, log.folder, NOW)
    with opened(log.folder / made.file) as lines:
        text = b"".join(lines)
    assert log.subject.encode() not in text
    verify(text.splitlines(), KEYS.jwks())


@pytest.mark.parametrize(
    "moment", ["while it is verified", "before the trim", "within the trim", "after it was killed", "as the trim ends"]
)
def test_who_is_erased_while_it_is_made_is_in_no_archive_either(log, monkeypatch, moment):
    """An archive is the only copy of these days, and what the erasure left goes with them: nobody could erase again."""
    proof.seal(log.store, SHOP, KEYS, NOW)
    sealed = log.store.log.seals(SHOP)
    after = []

    def erase_now():
        if not after:
            assert erase(log.store, SHOP, KEYS, log.subject, 5) == 2
            after.extend(proof.export(log.store, SHOP, KEYS, OLD[-1] + timedelta(1), NOW.date(), NOW))

    def then(whole, first):
        def both(*args, **more):
            if first:
                erase_now()
            done = whole(*args, **more)
            if not first:
                erase_now()
            return done

        return both

    def goes_away(*_):
        raise StoreAway("It is away.")

    if moment == "while it is verified":
        monkeypatch.setattr(proof_archive, "_proven", then(proof_archive._proven, first=False))
    elif moment == "before the trim":
        monkeypatch.setattr(log.store.log, "trim", then(log.store.log.trim, first=True))
    elif moment == "within the trim":
        monkeypatch.setattr(log.store.log, "_page", then(log.store.log._page, first=False))
    elif moment == "as the trim ends":  # another file is written down, and then the store goes away
        monkeypatch.setattr(log.store.log, "_page", then(log.store.log._page, first=False))
        with monkeypatch.context() as away:
            away.setattr(log.store.log, "_drop", goes_away)
            with pytest.raises(StoreAway):
                archive(log.store, SHOP, KEYS, log.folder, NOW)
    else:
        stopped_before_the_trim(log, monkeypatch)
        erase_now()
    (made,) = archive(log.store, SHOP, KEYS, log.folder, NOW)
    assert [path.name for path in log.folder.iterdir()] == [made.file], "the one with the name in it is gone"
    with opened(log.folder / made.file) as lines:
        text = b"".join(lines)
    assert log.subject.encode() not in text
    assert verify(text.splitlines(), KEYS.jwks()).erased == 2
    (kept,) = log.store.log.archives(SHOP)
    assert (kept.trimmed, kept.file) == (True, made.file)
    assert hashlib.sha256((log.folder / made.file).read_bytes()).hexdigest() == kept.sha256
    assert log.store.log.seals(SHOP) == sealed
    verify(proof.export(log.store, SHOP, KEYS, None, NOW.date(), NOW), KEYS.jwks(), text.splitlines())
    assert archive(log.store, SHOP, KEYS, log.folder, NOW) == []


def test_what_somebody_wrote_as_an_erasure_leaves_an_archive_as_it_is(log, monkeypatch):
    """What nobody stated is nothing that an erasure has left, and an archive that was verified is not changed by it."""
    made = stopped_before_the_trim(log, monkeypatch)
    for entry in [entry for entry in log.entries if entry.at < midnight(OLD[-1])][:9]:
        bucket = next(bucket for bucket in buckets(SHOP) if bucket.number == entry.bucket)
        log.client.hset(bucket.erased, f"{entry.at}-{entry.seq}", pack_erased(entry, bytes(69)))
    assert [done.file for done in archive(log.store, SHOP, KEYS, log.folder, NOW)] == [made.file]
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


def in_folder(log):
    return b"".join(b"".join(lines) for path in log.folder.iterdir() for lines in [whole_of(path)])


def whole_of(path):
    with opened(path) as lines:
        return [*lines]


def killed_at(log, monkeypatch, name, *, done=False):
    """Have a run end where it calls ``name`` of the log, before that or once it is done."""
    work = getattr(log.store.log, name)

    def stop(*arguments):
        if done:
            work(*arguments)
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(log.store.log, name, stop)
        with pytest.raises(Stopped):
            archive(log.store, SHOP, KEYS, log.folder, NOW)


@pytest.mark.parametrize("again", [True, False])
def test_who_is_erased_after_a_run_was_killed_that_had_named_its_file_is_in_no_file(log, monkeypatch, again):
    killed_at(log, monkeypatch, "keep_archive")
    assert log.subject.encode() in in_folder(log)
    erase(log.store, SHOP, KEYS, log.subject, int(NOW.timestamp()))
    shop = SHOP if again else replace(SHOP, prove=10**9)  # by now nothing is old enough
    archive(log.store, shop, KEYS, log.folder, NOW)
    assert len([*log.folder.iterdir()]) == again
    assert log.subject.encode() not in in_folder(log)


@pytest.mark.parametrize("done", [True, False])
def test_who_was_erased_is_in_no_file_when_a_run_is_killed_as_it_writes_another_one(log, monkeypatch, done):
    stopped_before_the_trim(log, monkeypatch)
    erase(log.store, SHOP, KEYS, log.subject, int(NOW.timestamp()))
    killed_at(log, monkeypatch, "replace_archive", done=done)
    assert len({path.stat().st_ino for path in log.folder.iterdir()}) == 2
    archive(log.store, SHOP, KEYS, log.folder, NOW)
    assert len([*log.folder.iterdir()]) == 1
    assert log.subject.encode() not in in_folder(log)


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


def test_old_days_are_archived_though_a_younger_one_has_what_nobody_wrote_here(log):
    proof.seal(log.store, SHOP, KEYS, NOW - timedelta(1))
    bucket = buckets(SHOP)[0]
    log.client.xadd(bucket.log, {"e": "x"}, id=f"{midnight(OLD[-1] + timedelta(1)) + 86_399_999}-0")
    with pytest.raises(Unreadable):
        proof.seal(log.store, SHOP, KEYS, NOW)
    (made,) = archive(log.store, SHOP, KEYS, log.folder, NOW)
    assert made.last == OLD[-1]


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
