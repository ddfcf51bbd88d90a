"""A day with what nobody answered is not sealed but named, and what somebody wrote is not built upon."""

from __future__ import annotations

import secrets
from datetime import timedelta

import pytest
from conftest import EndsAtRest
from filled_log import FIRST, KEYS, NOW, START, fill, shop

from consent_server.chores import housekeeping
from consent_server.proof import log as proof
from consent_server.proof.entries import Unproven
from consent_server.store import Unreadable, keys

__all__ = ["shop"]


@pytest.fixture
def store(on_valkey):
    return on_valkey


def replaced(store, shop, change):
    """Rewrite the first entry of the log that ``change`` takes, as somebody does who can write to Redis."""
    redis = store.connection.client
    for bucket in keys.buckets(shop):
        entries = redis.xrange(bucket.log)
        for n, (place, fields) in enumerate(entries):
            if int(place.split(b"-")[0]) >= START + 2 * 86_400_000:
                continue  # of a day that is not over
            packed = change(bytearray(fields[b"e"]))
            if packed is not None:
                entries[n] = (place, {b"e": bytes(packed)})
                redis.delete(bucket.log)
                for at, content in entries:
                    redis.xadd(bucket.log, content, id=at)
                return bucket.number, place.decode(), fields[b"e"]
    raise AssertionError("no entry of that kind")


def allow_marketing(packed):
    """Turn one answer without marketing into one with it."""
    if packed[1] & 7 and not packed[1] & 4:
        packed[1] |= 4
        return packed
    return None


def make_it_a_yes(packed):
    """Turn a refusal into a consent to everything."""
    if not packed[1] & 7:
        packed[1] |= 7
        return packed + bytes(64)
    return None


def another_signature(packed):
    if packed[1] & 7:
        packed[-1] ^= 1
        return packed
    return None


@pytest.mark.parametrize("change", [allow_marketing, make_it_a_yes, another_signature])
def test_a_day_with_an_answer_that_nobody_gave_is_not_sealed_and_named(store, shop, change):
    fill(store, shop)
    bucket, place, _ = replaced(store, shop, change)
    with pytest.raises(Unproven, match=rf"The entry in bucket {bucket} at {place} is signed by none of the keys"):
        proof.seal(store, shop, KEYS, NOW)
    assert FIRST + timedelta((int(place.split("-")[0]) - START) // 86_400_000) not in store.log.seals(shop)
    with pytest.raises(Unproven, match=place):
        list(proof.export(store, shop, KEYS, None, NOW.date(), NOW))


def test_it_is_sealed_when_it_is_put_right(store, shop):
    fill(store, shop)
    bucket, place, was = replaced(store, shop, allow_marketing)
    with pytest.raises(Unproven):
        proof.seal(store, shop, KEYS, NOW)

    def back(packed):
        return bytearray(was) if len(packed) == len(was) and packed[2:] == was[2:] else None

    assert replaced(store, shop, back)[:2] == (bucket, place)
    proof.seal(store, shop, KEYS, NOW)
    assert len(store.log.seals(shop)) == 2


def test_the_keeper_says_so_and_goes_on_with_the_other_sites(store, shop, caplog):
    fill(store, shop)
    _, place, _ = replaced(store, shop, allow_marketing)
    housekeeping.keep(store, {"shop": shop}, KEYS, {}, ending=EndsAtRest())
    assert "shop is not sealed: The entry in bucket" in caplog.text
    assert place in caplog.text


JUNK = [
    lambda redis, bucket: redis.xadd(bucket.log, {"e": b""}, id=f"{START + 86_000_000}-0"),
    lambda redis, bucket: redis.xadd(bucket.log, {"e": b"\xff" * 30}, id=f"{START + 86_000_000}-0"),
    lambda redis, bucket: redis.xadd(bucket.log, {"other": b"x" * 99}, id=f"{START + 86_000_000}-0"),
    lambda redis, bucket: redis.hset(bucket.erased, f"{START + 5}-0", b"short"),
    lambda redis, bucket: redis.hset(bucket.erased, "no place", b"x" * 99),
    lambda redis, bucket: redis.hset("consent:{shop}:seals", "no day", b"x" * 99),
]


@pytest.mark.parametrize("junk", JUNK)
def test_what_was_never_written_here_stops_no_thread_and_is_told_in_a_sentence(store, shop, junk, caplog):
    """Somebody who writes to Redis would otherwise end all sealing, of every site, without a word."""
    store.notices.serve(shop, [])
    junk(store.connection.client, keys.buckets(shop)[0])
    with pytest.raises((Unreadable, Unproven), match=r"server did not write|is signed by none|answers"):
        proof.seal(store, shop, KEYS, NOW)
    housekeeping.work_on(store, shop, KEYS, None, NOW)
    assert "shop is not sealed: " in caplog.text


@pytest.mark.parametrize("day", ["9998-12-31", "2026-11-20", "1970-01-01"])
def test_a_seal_that_somebody_else_wrote_is_not_built_upon(store, shop, day):
    """A seal of a day to come would otherwise end all sealing; one of a day before would be chained to."""
    fill(store, shop)
    store.connection.client.hset("consent:{shop}:seals", day, secrets.token_urlsafe(99))
    with pytest.raises(Unproven, match=f"as the seal of {day} of shop is none that this server made"):
        proof.seal(store, shop, KEYS, NOW)


def test_a_genuine_seal_under_another_day_is_not_built_upon(store, shop):
    fill(store, shop)
    proof.seal(store, shop, KEYS, NOW)
    genuine = store.log.seals(shop)[FIRST]
    store.connection.client.hset("consent:{shop}:seals", "2027-11-20", genuine)
    with pytest.raises(Unproven, match="as the seal of 2027-11-20"):
        proof.seal(store, shop, KEYS, NOW + timedelta(400))
