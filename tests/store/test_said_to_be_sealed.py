"""What somebody wrote into the store of days to come silences nothing: a day is sealed where a signed seal says so."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from conftest import SECRET, Shopper, closing
from one_clock import KEYS, decide, made_up, now, one_clock, shop
from test_clock_ahead import moved

from consent_server import create_app
from consent_server.check import store as check_store
from consent_server.chores.housekeeping import close_days
from consent_server.decision import COLUMNS
from consent_server.proof import log as proof
from consent_server.proof.attested.ends import is_sealed
from consent_server.settings.environment import Settings
from consent_server.store import Store
from consent_server.store.keys import DAY, buckets, midnight, single

assert shop
assert one_clock
YEAR_9000 = 221_845_392_000_000
TODAY = datetime.now(UTC).date()
TO_COME = {
    "tonight": midnight(TODAY + timedelta(1)),
    "tomorrow": midnight(TODAY + timedelta(2)),
    "no midnight": now() + 5 * DAY,
    "a year": midnight(TODAY + timedelta(365)),
    "9000": YEAR_9000,
    "9999": 253_402_300_800_000,
}
JUNK = ["-1", "nan", "inf", "1e15", "0x7fffffffffff", " 1", "9" * 20, "x", ""]


def count(store, site, **how):
    store.counters.shown(site, now=now(), language="az", variant="", device="phone", country="", **how)
    rows = store.counters.counts(site, TODAY - timedelta(400), TODAY + timedelta(400), "day")
    return {day: row[COLUMNS.index("shown")] for day, row in rows.items() if row[COLUMNS.index("shown")]}


def mark(store, site, what):
    for bucket in buckets(site):
        store.connection.client.set(bucket.sealed, what)


@pytest.mark.parametrize("mark_at", [*TO_COME.values(), *JUNK], ids=[*TO_COME, *map(repr, JUNK)])
def test_a_banner_counts_today_whatever_is_said_without_a_seal(store, shop, mark_at):
    site, _ = shop
    mark(store, site, mark_at)
    store.connection.client.hset(single.seals(site), f"{TODAY + timedelta(1)}", "x.y")  # nobody signed that either

    def looks(end):
        return is_sealed(store, site, KEYS, end)

    assert [count(store, site, is_sealed=looks) for _ in range(2)] == [{f"{TODAY}": 1}, {f"{TODAY}": 2}]


@pytest.mark.parametrize("mark_at", ["9000", "no midnight"])
def test_a_days_counts_are_those_that_are_sealed_after_it(store, shop, mark_at):
    """The mark that somebody wrote is put right by the next seal."""
    site, _ = shop
    made_up(store, shop, now() - 3 * DAY)
    mark(store, site, TO_COME[mark_at])
    sealed, faults = close_days(store, site, KEYS, datetime.now(UTC))
    assert sealed
    assert faults == []
    client = store.connection.client
    assert {int(client.get(bucket.sealed)) for bucket in buckets(site)} == {midnight(max(sealed)) + DAY}
    assert close_days(store, site, KEYS, datetime.now(UTC)) == ([], [])


def test_a_log_that_was_moved_ahead_comes_back_although_somebody_says_that_it_is_sealed_up_to_there(store, shop):
    site, _ = shop
    moved(store, site, YEAR_9000)
    mark(store, site, YEAR_9000 + DAY - YEAR_9000 % DAY)
    assert close_days(store, site, KEYS, datetime.now(UTC))[1] == []
    assert decide(store, shop, now())


def test_days_to_come_that_a_seal_says_are_sealed_are_left_alone(store, shop):
    """As by a clock that was ahead: counted, they would not be what was sealed."""
    site, _ = shop
    made_up(store, shop, now() - 2 * DAY)
    with closing(Store(store.url, 5, any_clock=True)) as other:
        proof.seal(other, site, KEYS, datetime.now(UTC) + timedelta(20))
    end = midnight(max(store.log.seals(site))) + DAY
    assert is_sealed(store, site, KEYS, end)
    assert count(store, site, is_sealed=lambda end: is_sealed(store, site, KEYS, end)) == {}
    close_days(store, site, KEYS, datetime.now(UTC))
    assert {int(store.connection.client.get(bucket.sealed)) for bucket in buckets(site)} == {end}


def test_a_seal_of_the_day_by_somebody_else_is_none(store, shop):
    site, _ = shop
    end = TO_COME["tomorrow"]
    for text in ("x.y", "", "e30.x"):
        store.connection.client.hset(single.seals(site), f"{TODAY + timedelta(1)}", text)
        assert not is_sealed(store, site, KEYS, end)
    store.connection.client.hset(single.seals(site), "x", "x.y")
    assert not is_sealed(store, site, KEYS, end)


def test_check_and_readyz_name_it_and_say_what_to_type_and_the_page_is_counted(redis_url, site, settings):
    app = create_app(settings, {site.id: site})
    store = app.extensions["consent"].store
    with closing(store):
        shopper = Shopper(app.test_client(use_cookies=False), site)
        mark(store, site, YEAR_9000 - YEAR_9000 % DAY)
        answered = shopper.client.post(
            f"/v1/{site.id}/shown",
            data=json.dumps({}),
            headers={
                "Origin": site.origins[0],
                "User-Agent": "Mozilla/5.0 Firefox/130.0",
                "Content-Type": "text/plain",
            },
        )
        assert answered.status_code == 204
        today = store.counters.counts(site, TODAY, TODAY, "day")[f"{TODAY}"]
        assert today[COLUMNS.index("shown")] == 1
        (said,) = [each for each in shopper.client.get("/readyz").get_json()["warnings"] if "sealed" in each]
        assert f"type: consent-server log seal {site.id}" in said
        assert "no seal says so" in said
        found = [*check_store._of(store, site, Settings(secret=(SECRET,), redis_url=redis_url))]
        (named,) = [each for each in found if "no seal says so" in each.fault]
        assert named.cure == f"type: consent-server log seal {site.id}, which puts that right"
        close_days(store, site, app.extensions["consent"].keys, datetime.now(UTC))
        assert not [each for each in shopper.client.get("/readyz").get_json()["warnings"] if "sealed" in each]


def test_who_says_that_somebody_else_tells_a_webhook_for_ever_holds_it_up_no_longer(store, shop):
    site, _ = shop
    client = store.connection.client
    store.feed.begin(site)
    for until in (str(now() + 365 * DAY), "x", "nan", "9" * 30):
        for bucket in buckets(site):
            client.hset(bucket.told, mapping={"holder": "nobody", "until": until})
            assert store.feed.claim(bucket, "us", 30_000)
    (bucket, *_) = buckets(site)
    assert store.feed.claim(bucket, "another", 30_000) is None
    client.hset(bucket.told, "until", f"{time.time() * 1000 + 29_000:.0f}")
    assert store.feed.claim(bucket, "another", 30_000) is None
