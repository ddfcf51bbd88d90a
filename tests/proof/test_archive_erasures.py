"""Who is erased is in no archive, at whatever moment they are."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
from archived_log import Stopped, log, stopped_before_the_trim
from proof.killed import KEYS, NOW, OLD, SHOP

from consent_server.proof import archive as proof_archive
from consent_server.proof import log as proof
from consent_server.proof.archive import archive
from consent_server.proof.erasure import erase
from consent_server.store import StoreAway
from consent_server.store.keys import buckets, midnight
from consent_server.store.packing import pack_erased
from consent_server.verify import opened, verify

__all__ = ["log"]


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
