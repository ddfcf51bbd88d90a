"""A log that was moved ahead, by a clock or by somebody, comes back, and nothing is dated by it."""

import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from conftest import SECRET, closing
from one_clock import KEYS, OFF, YEAR, days, decide, made_up, now, one_clock, shop

from consent_server.check import store as check_store
from consent_server.decision import COLUMNS
from consent_server.events import following
from consent_server.proof import log as proof
from consent_server.proof.entries import Unproven
from consent_server.proof.seals import require_newest_key
from consent_server.settings.environment import Settings
from consent_server.store import ClocksApart, Store
from consent_server.store.keys import DAY, buckets, midnight, single
from consent_server.verify import Failed, verify

__all__ = ["one_clock", "shop"]


YEAR_9000 = 221_845_392_000_000
AHEAD = [90_000, DAY, YEAR, YEAR_9000, 2**63]


def moved(store, site, to):
    """Move a site's log ahead, as whoever writes to Redis can do without leaving an entry."""
    for bucket in buckets(site):
        store.connection.client.xadd(bucket.log, {"e": "x"}, id=f"{to}-0")
        store.connection.client.xdel(bucket.log, f"{to}-0")


@pytest.mark.parametrize("digits", [15, 16, 310, 5_000])
def test_a_number_that_is_the_end_of_no_day_is_none_that_was_sealed(store, shop, digits):
    site, _ = shop
    moved(store, site, YEAR_9000)
    for bucket in buckets(site):
        store.connection.client.set(bucket.sealed, "9" * digits)
    assert [each.sealed for each in store.clock.logs_ahead(site)] == [0, 0]
    with pytest.raises(ClocksApart, match=f"type: consent-server log seal {site.id}"):
        store.clock.must_be_past_log(site)
    store.log.compact(site)
    assert store.clock.logs_ahead(site) == []


@pytest.mark.parametrize("to", AHEAD)
def test_who_writes_to_redis_has_no_answer_dated_ahead_by_a_log_that_they_moved(store, shop, to):
    site, _ = shop
    decide(store, shop, now())
    moved(store, site, now() + to)
    for _ in range(5):  # of both buckets
        with pytest.raises(ClocksApart, match="is ahead of the store's clock: it ends at") as refused:
            decide(store, shop, now())
    with pytest.raises(ClocksApart, match="is ahead of the store's clock") as unread:
        store.feed.until_now(site, now())
    assert {str(each.value).rpartition("; ")[2] for each in (refused, unread)} == {
        "what to do, consent-server check says."
    }, "for which advice holds depends on what is sealed, and that was not looked at"
    proof.seal(store, site, KEYS, datetime.now(UTC))  # days that are over are sealed all the same
    assert days(store, site) == {datetime.now(UTC).date()}
    with pytest.raises(ClocksApart, match=f"type: consent-server log seal {site.id}"):
        store.clock.must_be_past_log(site)
    assert store.log.compact(site) is False  # nobody was erased
    store.clock.must_be_past_log(site)
    assert all(abs(decide(store, shop, now()).consent.at - time.time()) < 60 for _ in range(5))
    assert sum(1 for _ in store.log.day(site, datetime.now(UTC).date())) == 6
    assert refused.value.problem == "clocks-apart"


def test_a_log_that_was_moved_ahead_comes_back_no_further_than_what_stands_in_it_or_was_sealed(store, shop):
    """As after a Redis whose clock was wrong: whether to take that out is for no command to say."""
    site, _ = shop
    made_up(store, shop, now() + 3 * DAY)
    with closing(Store(store.url, 5, any_clock=True)) as other:
        other.log.freeze(site, datetime.now(UTC).date() + timedelta(1), datetime.now(UTC))
    moved(store, site, YEAR_9000)
    with pytest.raises(ClocksApart, match="has no seal: if somebody else wrote that, take the key out, and type"):
        store.clock.must_be_past_log(site)
    store.log.compact(site)
    ends = sorted(each.last for each in store.clock.logs_ahead(site))
    assert ends[0] == midnight(datetime.now(UTC).date() + timedelta(2))
    assert abs(ends[1] - now() - 3 * DAY) < 60_000
    assert sum(1 for day in days(store, site) for _ in store.log.day(site, day)) == 1


def test_what_stands_ahead_is_not_written_anew_again_and_again(store, shop):
    site, _ = shop
    made_up(store, shop, now() + 3 * DAY)
    client = store.connection.client
    (log,) = (each.log for each in store.clock.logs_ahead(site))
    last = client.xinfo_stream(log)["last-generated-id"]
    client.execute_command("XSETID", log, last, "ENTRIESADDED", 77, "MAXDELETEDID", "0-0")  # a new one would say 1
    assert store.log.compact(site) is False
    assert client.xinfo_stream(log)["entries-added"] == 77


def test_once_a_log_is_set_back_a_webhook_is_told_what_comes(store, shop):
    site, _ = shop
    store.feed.untold(site, begins=True)
    moved(store, site, YEAR_9000)
    for bucket in buckets(site):  # an entry that stood there was told
        store.connection.client.hset(bucket.told, "position", f"{YEAR_9000}-0")
    store.log.compact(site)
    for _ in range(5):
        time.sleep(0.002)
        decide(store, shop, now())
    assert store.feed.untold(site)


@pytest.mark.parametrize("off", OFF)
def test_who_is_off_reads_nothing_on_and_moves_no_log_ahead(store, shop, monkeypatch, off):
    """Or a Redis whose clock is a year ahead would have its log there for good, by a look at it."""
    site, _ = shop
    decided = now()
    decide(store, shop, decided)
    monkeypatch.setattr(following, "time", SimpleNamespace(time_ns=lambda: (now() + off) * 1_000_000))
    with pytest.raises(ClocksApart, match="until they agree"):
        [*following.follow(store, site, "start")]
    logs = [bucket.log for bucket in buckets(site) if store.connection.client.exists(bucket.log)]
    assert len(logs) == 1, "no log was begun"
    assert store.connection.client.xinfo_stream(logs[0])["entries-added"] == 1, "nor was anything added to one"
    monkeypatch.undo()
    while now() <= decided + 1:
        time.sleep(0.001)  # what is decided in the millisecond of the question is told by the next one
    assert len([*following.follow(store, site, "start")]) == 1


def test_a_seal_of_today_that_somebody_else_wrote_is_called_that_and_not_one_of_a_clock_that_was_ahead(store, shop):
    site, _ = shop
    today = datetime.now(UTC).date()
    store.connection.client.hset(single.seals(site), f"{today}", "x.y")
    with pytest.raises(Unproven, match=f"the seal of {today} of {site.id} is none that this server made"):
        require_newest_key(store, site, KEYS, today)


def test_days_to_come_that_a_genuine_key_has_sealed_are_told_in_a_sentence_and_nothing_follows_them(store, shop):
    """As on one machine with its own Redis whose clock was ahead: both agreed."""
    site, _ = shop
    made_up(store, shop, now() - 2 * DAY)
    today = datetime.now(UTC).date()
    with closing(Store(store.url, 5, any_clock=True)) as other:
        proof.seal(other, site, KEYS, datetime.now(UTC) + timedelta(20))
        to_come, until_now = (
            [*proof.export(other, site, KEYS, None, day, datetime.now(UTC))] for day in (today + timedelta(3), today)
        )
    sealed = f"up to {max(store.log.seals(site))} are sealed"

    def seal():
        return proof.seal(store, site, KEYS, datetime.now(UTC))

    for work in (
        seal,
        lambda: require_newest_key(store, site, KEYS, today),
        lambda: store.clock.must_be_past_log(site),
    ):
        with pytest.raises(ClocksApart, match="put back the backup from before") as refused:
            work()
        assert (sealed if work is seal else "are sealed") in str(refused.value)
    require_newest_key(store, site, KEYS, today - timedelta(1))  # what was sealed in its time can be exported
    store.counters.shown(site, now=now(), language="az", variant="", device="phone", country="")
    counted = store.counters.counts(site, today - timedelta(3), today + timedelta(30), "day").values()
    assert sum(row[COLUMNS.index("shown")] for row in counted) == 0, "or a day would no longer be what was sealed"
    settings = Settings(secret=(SECRET,), redis_url=store.url)
    assert any(sealed in str(found) for found in check_store._of(store, site, settings))
    with pytest.raises(Failed, match=f"the seal of {today + timedelta(3)} is of a day to come at {today}"):
        verify(to_come, KEYS.jwks())
    assert f"{today} is sealed, and was not over when this was made" in str(verify(until_now, KEYS.jwks()))
