"""Who is erased is erased whole: from the log, its memory, its copy that is under way, and the append-only file."""

import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from conftest import closing
from erased_shoppers import KEEP, KEYS, NOON, TODAY, asked, decide, site

from consent_server.check.store import storage
from consent_server.decision import Decision
from consent_server.proof.archive import archive
from consent_server.rates import read
from consent_server.rates.period import Period
from consent_server.settings.environment import Settings
from consent_server.store import Archive, PreviousReplaced, Store, StoreAway
from consent_server.store import log as store_log
from consent_server.store.feed import entries as store_entries
from consent_server.store.keys import buckets, place

__all__ = ["site"]
MANY = 150


def changes(store, site, notice, many=MANY):
    """Return the decisions of a shopper who changes their mind that often."""
    made, previous = [], None
    for n in range(many):
        decision, kept = decide(store, site, notice, 1 + n % 7, previous, at=NOON + n)
        made.append(decision)
        previous = kept.consent
    return made


def test_any_number_of_decisions_of_one_shopper_is_found_counted_once_and_erased(store, site):
    notice = asked(store, site)
    made = changes(store, site, notice)
    subject = made[0].subject
    assert [entry.id for entry in store.history.of(site, subject)] == [decision.id for decision in made]
    for decision in (made[0], made[20], made[MANY - 65], made[MANY - 64], made[-1]):
        again = store.decisions.record(site, decision, now=NOON + 9999, sign=KEYS.sign)
        assert again.repeat
        assert again.consent.jti == decision.id
    with pytest.raises(PreviousReplaced):
        store.decisions.record(
            site, Decision("y" * 22, 1, notice, "save", made[1].consent(NOON // 1000)), now=NOON, sign=KEYS.sign
        )
    assert read.recount(store, site, Period(TODAY, TODAY)).differences == []
    assert store.history.erase(site, subject, lambda entry: b"") == MANY
    assert store.history.of(site, subject) == []
    assert store.history.erase(site, subject, lambda entry: b"") == 0
    assert {entry.id for entry in store.log.day(site, TODAY)} == {""}
    assert read.recount(store, site, Period(TODAY, TODAY)).differences == []


def test_an_archive_takes_all_that_points_to_its_days_along(valkey, site, tmp_path):
    with valkey.client() as client, closing(Store(valkey.url, 5)) as store:
        client.flushall()
        notice = asked(store, site)
        changes(store, site, notice)
        (made,) = archive(
            store,
            replace(site, keep=0, prove=0),
            KEYS,
            tmp_path,
            datetime.fromtimestamp(NOON // 1000 + KEEP, UTC) + timedelta(2),
        )
        assert made.entries == MANY
        assert not [key for key in client.scan_iter() if b":older:" in key or b":seen:" in key]


def test_no_call_works_on_more_of_a_log_than_a_piece(valkey, site):
    """So that nothing else waits for longer; `make bench` says for how long, at a million entries."""
    many = store_log.PIECE * 4
    with valkey.client() as client, closing(Store(valkey.url, 5)) as store:
        client.flushall()
        notice = asked(store, site)
        subject = decide(store, site, notice)[0].subject
        for bucket in buckets(site):
            (some,) = client.xrange(bucket.log, count=1) or [None]
            calls = client.pipeline(transaction=False)
            for n in range(many if some else 0):
                calls.xadd(bucket.log, some[1], id=f"{NOON + 1 + n}-0")
            calls.execute()
        store.history.erase(site, subject, lambda entry: b"")
        client.config_resetstat()
        assert store.log.compact(site)
        calls = client.info("commandstats")
        added = calls["cmdstat_xadd"]["calls"]
        assert added >= many
        assert (
            calls["cmdstat_evalsha"]["calls"] + calls.get("cmdstat_eval", {"calls": 0})["calls"]
            >= many / store_log.PIECE
        )


@pytest.mark.parametrize("right", ["zadd", "zrem"])
def test_a_user_of_an_earlier_version_is_told_what_it_lacks_and_erases_nothing_by_half(valkey, site, right):
    with valkey.client() as client, closing(Store(valkey.url, 5)) as store:
        client.flushall()
        decided = decide(store, site, asked(store, site))[0].subject
        before = {key: client.dump(key) for key in client.scan_iter()}
        client.execute_command("ACL", "SETUSER", "small", "on", ">word", "resetchannels", "~*", "+@all", f"-{right}")
        url = valkey.url.replace("unix://", "unix://small:word@")
        if right == "zadd":
            with closing(Store(url, 5)) as small, pytest.raises(StoreAway):
                small.history.erase(site, decided, lambda entry: b"")
            assert {key: client.dump(key) for key in client.scan_iter()} == before
        told = "\n".join(str(found) for found in storage(Settings(redis_url=url)))
        assert f"may not {right.upper()}" in told
        assert f"ACL SETUSER NAME +{right}" in told
        client.acl_deluser("small")
        assert "may not" not in "\n".join(str(found) for found in storage(Settings(redis_url=valkey.url)))
        assert store.history.erase(site, decided, lambda entry: b"") == 1


def test_who_asks_in_vain_to_be_erased_takes_nobody_s_turn(valkey, site, monkeypatch):
    """What is written again for replicas is what stands there then, not what stood there when it was read."""
    with valkey.client() as client, closing(Store(valkey.url, 5)) as store:
        client.flushall()
        notice = asked(store, site)
        subject = decide(store, site, notice)[0].subject
        store.history.erase(site, subject, lambda entry: b"")
        assert store.log.compact(site)
        bucket = place(site, subject).bucket
        marks, get = [client.get(bucket.torn)], store.connection.client.get

        def somebody_is_erased_after_the_look(key):
            said = get(key)
            marks.append(b"1.2")
            client.set(bucket.torn, marks[-1])
            return said

        monkeypatch.setattr(store.connection.client, "get", somebody_is_erased_after_the_look)
        assert store.history.erase(site, subject, lambda entry: b"") == 0
        assert client.get(bucket.torn) == marks[-1]


@pytest.fixture
def crowded(valkey, site):
    """A store in which a few answered today, and one of them was erased; and a way to have thousands erased before."""
    with valkey.client() as client, closing(Store(valkey.url, 5)) as store:
        client.flushall()
        notice = asked(store, site)
        made = [decide(store, site, notice, n % 2)[1].consent for n in range(20)]
        gone = next(consent for consent in made if consent.sub)
        assert store.history.erase(site, gone.sub, lambda entry: b"") == 1

        def crowd():
            """Erase and refuse, as a version before the index did, on days that are long gone."""
            for bucket in buckets(site):
                ((_, packed),) = client.hscan(bucket.erased, 0, count=1)[1].items() or ((b"", b"x" * 42),)
                client.hset(bucket.erased, mapping={f"{NOON - 10**9 - n}-0": packed for n in range(3000)})
                hours = {struct.pack(">I", NOON // 1000 - 3600 * n) + b"notice": b"s" * 64 for n in range(1000, 4000)}
                client.hset(bucket.refused, mapping=hours)

        yield SimpleNamespace(store=store, client=client, gone=gone, crowd=crowd)


def sent(client, work):
    """Return how many bytes a store sends for some work."""
    before = client.info("stats")["total_net_output_bytes"]
    work()
    return client.info("stats")["total_net_output_bytes"] - before


def test_what_a_day_is_read_for_does_not_grow_with_what_was_erased_and_refused_on_others(crowded, site):
    def read_day():
        return list(crowded.store.log.day(site, TODAY))

    first, alone = read_day(), sent(crowded.client, read_day)
    assert (len(first), sum(bool(entry.erased) for entry in first)) == (20, 1)
    assert all(entry.signature for entry in first if not entry.erased)
    crowded.crowd()
    assert read_day() == first
    assert sent(crowded.client, read_day) < alone + 1000
    assert sent(crowded.client, lambda: crowded.store.log.first_day(site)) < 5000
    assert crowded.store.log.first_day(site) < TODAY


def test_looking_up_who_was_erased_does_not_grow_with_how_many_were(crowded, site):
    def look_up():
        return crowded.store.erasures.of(site, crowded.gone.sub, crowded.gone.at)

    (first,), alone = look_up(), sent(crowded.client, look_up)
    crowded.crowd()
    assert look_up() == [first]
    assert sent(crowded.client, look_up) < alone + 1000


def test_the_index_of_what_was_erased_is_put_right_whatever_became_of_it(crowded, site):
    before = list(crowded.store.log.day(site, TODAY))
    for bucket in buckets(site):
        crowded.client.delete(bucket.erasures)
        if bucket.number:
            crowded.client.zadd(bucket.erasures, {"1-0": 1, "2-0": 2})
    assert list(crowded.store.log.day(site, TODAY)) == before
    assert crowded.store.log.first_day(site) == TODAY
    for bucket in buckets(site):
        assert {*crowded.client.zrange(bucket.erasures, 0, -1)} == {*crowded.client.hkeys(bucket.erased)}


def test_what_was_erased_is_trimmed_with_its_day_and_nothing_of_it_is_left(crowded, site):
    crowded.store.log.trim(site, Archive(TODAY, TODAY, "file", "", 20))
    assert list(crowded.store.log.day(site, TODAY)) == []
    assert not any(crowded.client.exists(bucket.erased, bucket.erasures) for bucket in buckets(site))


def erasing(store, monkeypatch, work):
    """Have ``work`` done before and after each look into a log, as by a shopper who is faster."""
    look = store.connection.client.xrange

    def with_erasures(*args, **kwargs):
        work()
        page = look(*args, **kwargs)
        work()
        return page

    monkeypatch.setattr(store.connection.client, "xrange", with_erasures)


def test_who_erases_answers_one_after_the_other_keeps_no_day_from_being_read(valkey, site, monkeypatch):
    """The attack: answer and erase, again and again, from one machine, so that the shop's day is never sealed."""
    with valkey.client() as client, closing(Store(valkey.url, 5)) as store, closing(Store(valkey.url, 5)) as other:
        client.flushall()
        notice, mine = asked(store, site), []
        asked(other, site)
        for _ in range(400):
            mine.append(decide(store, site, notice)[0].subject)
        erasing(store, monkeypatch, lambda: mine and other.history.erase(site, mine.pop(), lambda entry: b""))
        assert len([*store.log.day(site, TODAY)]) == 400
        assert len(mine) > 350, "it was read again and again, until nobody was left to erase"


def test_whoever_is_erased_while_a_day_is_read_page_by_page_is_there_once(valkey, site, monkeypatch):
    monkeypatch.setattr(store_entries, "PAGE", 3)
    with valkey.client() as client, closing(Store(valkey.url, 5)) as store, closing(Store(valkey.url, 5)) as other:
        client.flushall()
        notice = asked(store, site)
        asked(other, site)
        subjects = [decide(store, site, notice, n % 2, at=NOON + n // 5)[0].subject for n in range(100)]
        places = [(each.bucket, each.at, each.seq) for each in store.log.day(site, TODAY)]
        assert len({*places}) == 100
        subjects = sorted(subjects)  # in no order of time
        erasing(store, monkeypatch, lambda: subjects and other.history.erase(site, subjects.pop(), lambda entry: b""))
        read_then = [*store.log.day(site, TODAY)]
        assert [(each.bucket, each.at, each.seq) for each in read_then] == places
        assert 10 < sum(bool(each.erased) for each in read_then) < 100
