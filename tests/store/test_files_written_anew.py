"""Who is erased leaves memory and the append-only file too: it is written anew, once it may be."""

from base64 import urlsafe_b64decode
from dataclasses import replace

import pytest
from conftest import RedisServer, binary_of, closing
from erased_shoppers import NOON, TODAY, asked, decide, site

from consent_server.check.store import alarms
from consent_server.chores.housekeeping import clear_files
from consent_server.settings.environment import Settings
from consent_server.store import Store, StoreAway
from consent_server.store import connection as store_connection
from consent_server.store import log as store_log
from consent_server.store.keys import place

__all__ = ["site"]


def needles(subject):
    return subject.encode(), urlsafe_b64decode(subject + "==")


def test_what_is_erased_while_the_log_is_written_anew_leaves_memory_too(valkey, site, monkeypatch):
    """Others decide and are erased between all pieces, also in what is copied already."""
    monkeypatch.setattr(store_log, "PIECE", 7)
    with valkey.client() as client, closing(Store(valkey.url, 5)) as store:
        client.flushall()
        notice = asked(store, site)
        names = [decide(store, site, notice, 2, at=NOON + n)[0].subject for n in range(100)]
        gone = [names.pop(0)]
        assert store.history.erase(site, gone[0], lambda entry: b"") == 1
        piece = store.log._compact

        def between(keys, args):
            done = piece(keys=keys, args=args)
            if len(gone) < 12:
                for _ in range(2):
                    decided = decide(store, site, notice, 5, at=NOON + 1000)[0].subject
                    names.append(decided)
                gone.append(names.pop(0))
                gone.append(names.pop(-1))
                for name in gone[-2:]:
                    assert store.history.erase(site, name, lambda entry: b"") == 1
            return done

        monkeypatch.setattr(store.log, "_compact", between)
        assert store.log.compact(site)
        monkeypatch.setattr(store.log, "_compact", piece)
        assert store.log.compact(site)
        assert len(gone) > 12
        entries = list(store.log.day(site, TODAY))
        assert {entry.id for entry in entries if entry.id} == set(names)
        assert sum(not entry.id for entry in entries) == len(gone)
        for key in client.scan_iter():
            dump = client.dump(key)
            assert not [name for name in gone for needle in needles(name) if needle in dump], key
        assert not [key for key in client.scan_iter() if key.endswith((b":copy", b":old"))]
        decide(store, site, notice, at=NOON)  # the log's clock has not gone back
        places = [(entry.bucket, entry.at, entry.seq) for entry in store.log.day(site, TODAY)]
        assert places == sorted(places)
        assert len(places) == len(entries) + 1


@pytest.mark.parametrize("kind", ["valkey", "redis7"])
def test_who_was_erased_leaves_the_append_only_file_of_a_small_shop_too(kind, short_folder, site):
    server = RedisServer(binary_of(kind), short_folder(), options=("--rdbcompression", "no")).start()
    try:
        with closing(Store(server.url, 5)) as store:
            notice = asked(store, site)
            subjects = [decide(store, site, notice)[0].subject for _ in range(20)]
            assert store.history.erase(site, subjects[0], lambda entry: b"") == 1

            def on_disk(subject):
                return any(needle in content for content in server.files() for needle in needles(subject))

            assert on_disk(subjects[0])
            assert store.log.compact(site)
            clear_files(store, site)
            assert not on_disk(subjects[0])
            assert not store.log.compact(site), "nothing is due any more"
        server.stop()
        server.start()
        with closing(Store(server.url, 5)) as store:
            assert [len(store.history.of(site, subject)) for subject in subjects] == [0, *[1] * 19]
    finally:
        server.stop()


def test_a_file_that_may_not_be_written_anew_is_due_until_it_is(valkey, site, caplog):
    with valkey.client() as client, closing(Store(valkey.url, 5)) as store:
        client.flushall()
        store.history.erase(site, decide(store, site, asked(store, site))[0].subject, lambda entry: b"")
        client.execute_command(
            "ACL", "SETUSER", "small", "on", ">word", "resetchannels", "~*", "+@all", "-bgrewriteaof"
        )
        with closing(Store(valkey.url.replace("unix://", "unix://small:word@"), 5)) as small:
            assert small.log.compact(site)
            clear_files(small, site)
            assert "still in Redis' append-only file" in caplog.text
            assert small.log.compact(site)
        client.acl_deluser("small")
        told = [str(found) for found in alarms(Settings(redis_url=valkey.url), [site])]
        assert any("append-only file still" in each for each in told), told
        clear_files(store, site)
        assert not [*alarms(Settings(redis_url=valkey.url), [site])]
        assert not store.log.compact(site)


def test_who_is_erased_while_the_files_are_written_anew_is_due_still(valkey, site, monkeypatch):
    """They are in the files that were begun before: the run that wrote these knows nothing of a second erasure."""
    with valkey.client() as client, closing(Store(valkey.url, 5)) as store:
        client.flushall()
        notice = asked(store, site)
        decided = [decide(store, site, notice)[0].subject for _ in range(10)]
        first, second = [each for each in decided if place(site, each).bucket == place(site, decided[0]).bucket][:2]
        store.history.erase(site, first, lambda entry: b"")
        assert store.log.compact(site)

        def meanwhile(keys):
            store.history.erase(site, second, lambda entry: b"")
            assert store.log.compact(site)

        with monkeypatch.context() as patch:
            patch.setattr(store.connection, "rewrite_files", meanwhile)
            store.log.rewrite(site)
        assert store.log.is_rewrite_due(site)
        clear_files(store, site)
        assert not store.log.is_rewrite_due(site)


def test_a_large_file_is_not_written_anew_all_the_time_whoever_erases(valkey, site, monkeypatch):
    """The attack: answer and erase every ten minutes, so that Redis does nothing but write."""
    with valkey.client() as client, closing(Store(valkey.url, 5)) as store:
        client.flushall()
        notice, clock, times = asked(store, site), [1000.0], []

        def rewrite(keys):
            times.append(clock[0])
            clock[0] += 20

        monkeypatch.setattr(store_log, "monotonic", lambda: clock[0])
        monkeypatch.setattr(store.connection, "rewrite_files", rewrite)
        for _ in range(12):
            store.history.erase(site, decide(store, site, notice)[0].subject, lambda entry: b"")
            assert store.log.compact(site)
            store.log.rewrite(site)
            clock[0] += 600
        assert len(times) == 6
        assert store.log.is_rewrite_due(site), "until it is its turn"
        clock[0] -= 600  # as it did not go then
        other = replace(site, id=f"{site.id}-b")
        store.history.erase(other, decide(store, other, asked(store, other))[0].subject, lambda entry: b"")
        assert store.log.compact(other)
        store.log.rewrite(other)
        assert not store.log.is_rewrite_due(other), "it is not the other shop that was erased of all the time"


@pytest.fixture
def compacted(cluster, site):
    """A store in a cluster from whose log somebody was erased, and whose files have them still."""
    cluster.flush()
    with closing(Store(cluster.url, 5)) as store:
        store.history.erase(site, decide(store, site, asked(store, site))[0].subject, lambda entry: b"")
        assert store.log.compact(site)
        yield store


def test_in_a_cluster_the_file_of_each_server_is_written_anew(compacted, site, monkeypatch):
    """The answer that an account had of who was erased may be in any of them."""
    written = []
    monkeypatch.setattr(store_connection, "rewrite", written.append)
    compacted.log.rewrite(site)
    assert len(written) == 3
    assert not compacted.log.is_rewrite_due(site)


def test_in_a_cluster_one_server_that_is_away_keeps_the_files_of_no_other(compacted, site, monkeypatch):
    written = []

    def rewrite(client):
        written.append(client)
        if len(written) == 1:
            raise StoreAway("away")

    monkeypatch.setattr(store_connection, "rewrite", rewrite)
    with pytest.raises(StoreAway):
        compacted.log.rewrite(site)
    assert len(written) == 3
    assert compacted.log.is_rewrite_due(site)
