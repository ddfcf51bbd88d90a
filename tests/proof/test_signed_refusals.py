"""A refusal's token is everybody's of that hour, and none says what was before: such entries are signed themselves."""

from __future__ import annotations

import json
import secrets
from datetime import timedelta

import pytest
from filled_log import FIRST, KEYS, NOW, START, shop
from msgspec.structs import replace

from consent_server import verify as stand_alone
from consent_server.decision import Decision, Entry, consent_of
from consent_server.proof import log as proof
from consent_server.proof.entries import Unproven, fields
from consent_server.proof.erasure import erase
from consent_server.site import Notice
from consent_server.store.evidence.own import needs_own, said
from consent_server.store.keys import buckets, place
from consent_server.store.packing import pack, pack_hour
from consent_server.verify import Failed, verify

assert shop

DAY = 86_400_000
LATER = NOW + timedelta(1)
NOTICE = Notice.of({"site": "shop", "revision": 1, "keep": 15_811_200, "lang": "az", "variant": "", "words": {}})


@pytest.fixture
def store(on_valkey, shop):
    on_valkey.notices.serve(shop, [NOTICE])
    return on_valkey


def answer(store, shop, at, allow, previous=None):
    decision = Decision(secrets.token_urlsafe(16), allow, NOTICE, "save", previous)
    return store.decisions.record(shop, decision, now=at, sign=KEYS.sign, device="phone", country="AZ")


def days(store, shop, many=3):
    """On each day a yes, a withdrawal of it, a refusal in the same hour, and a yes that stays, and is changed."""
    for day in range(many):
        at = START + day * DAY + 3_600_000
        first = answer(store, shop, at, 7)
        answer(store, shop, at + 1000, 0, first.consent)
        answer(store, shop, at + 2000, 0)
        second = answer(store, shop, at + 3000, 5)
        answer(store, shop, at + 4000, 1, second.consent)


def entry_of(store, shop, day, **which):
    """Return the first entry of a day that has these values, with its place in Redis."""
    for entry in store.log.day(shop, day):
        if all(getattr(entry, name) == value for name, value in which.items()):
            return entry
    raise AssertionError


def write(store, shop, entry, packed):
    """Put something else in the place of an entry, as somebody does who can write to Redis."""
    redis, log = store.connection.client, place(shop, entry.subject).bucket.log
    found = redis.xrange(log)
    redis.delete(log)
    ours = f"{entry.at}-{entry.seq}".encode()
    for at, content in found:
        redis.xadd(log, {b"e": packed} if at == ours else content, id=at)
    if ours not in dict(found):
        redis.xadd(log, {b"e": packed}, id=ours)


def a_yes_made_a_no(store, shop, day):
    entry = entry_of(store, shop, day, allow=5)
    write(store, shop, entry, pack(replace(entry, allow=0)))
    return entry


def a_yes_made_a_no_with_its_signature(store, shop, day):
    entry = entry_of(store, shop, day, allow=5)
    write(store, shop, entry, pack(replace(entry, allow=0, own=entry.signature)))
    return entry


def a_yes_made_a_withdrawal_with_another_s_signature(store, shop, day):
    entry, other = entry_of(store, shop, day, allow=5), entry_of(store, shop, day, kind="change", allow=0)
    write(store, shop, entry, pack(replace(entry, kind="change", allow=0, before=7, own=other.own)))
    return entry


def a_withdrawal_of_a_part_made_a_first_answer(store, shop, day):
    entry = entry_of(store, shop, day, kind="change", allow=1)
    write(store, shop, entry, pack(replace(entry, kind="first", before=0, own=b"")))
    return entry


def a_yes_where_nobody_finds_it(store, shop, day):
    """Its shopper asks for an erasure, and nothing is found."""
    entry = entry_of(store, shop, day, kind="first", allow=5)
    redis, log = store.connection.client, place(shop, entry.subject).bucket.log
    at = f"{entry.at}-{entry.seq}"
    ((_, content),) = redis.xrange(log, at, at)
    other = next(bucket for bucket in buckets(shop) if bucket.log != log)
    redis.xdel(log, at)
    redis.xadd(other.log, content, id=at)
    return replace(entry, bucket=other.number)


def a_first_yes_made_a_withdrawal_of_a_part(store, shop, day):
    entry = entry_of(store, shop, day, kind="first", allow=5)
    write(store, shop, entry, pack(replace(entry, kind="change", before=7)))
    return entry


def a_change_with_more_before(store, shop, day):
    entry = entry_of(store, shop, day, kind="change", allow=1)
    write(store, shop, entry, pack(replace(entry, before=7)))
    return entry


def an_invented_withdrawal(store, shop, day):
    entry = entry_of(store, shop, day, allow=5)
    made_up = replace(entry, at=entry.at + 600_000, kind="change", allow=0, before=5, id=secrets.token_urlsafe(16))
    write(store, shop, made_up, pack(made_up))
    return made_up


def a_refusal_of_another_day(store, shop, day):
    other = entry_of(store, shop, day - timedelta(1), kind="first", allow=0)
    made_up = replace(other, at=other.at + DAY + 600_000)
    write(store, shop, made_up, pack(made_up))
    return made_up


def a_refusal_from_another_device(store, shop, day):
    entry = entry_of(store, shop, day, kind="first", allow=0)
    write(store, shop, entry, pack(replace(entry, device="desktop")))
    return entry


ATTACKS = (
    a_yes_made_a_no,
    a_yes_made_a_no_with_its_signature,
    a_yes_made_a_withdrawal_with_another_s_signature,
    a_withdrawal_of_a_part_made_a_first_answer,
    a_yes_where_nobody_finds_it,
    a_first_yes_made_a_withdrawal_of_a_part,
    a_change_with_more_before,
    an_invented_withdrawal,
    a_refusal_of_another_day,
    a_refusal_from_another_device,
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_refusal_or_a_change_that_nobody_gave_is_not_sealed_and_named(store, shop, attack):
    days(store, shop)
    assert len(proof.seal(store, shop, KEYS, NOW)) == 2
    entry = attack(store, shop, NOW.date())
    # The token of an hour's refusals is everybody's: whoever writes to Redis has it, or asks the server for it.
    consent = consent_of(NOTICE, 0, entry.at // 1000, "", "")
    refused = place(shop, entry.subject).bucket.refused
    store.connection.client.hset(refused, pack_hour(consent.at, consent.notice), KEYS.sign(consent))
    with pytest.raises(Unproven, match=rf"in bucket {entry.bucket} at {entry.at}-{entry.seq} is "):
        proof.seal(store, shop, KEYS, LATER)
    assert NOW.date() not in store.log.seals(shop)
    with pytest.raises(Unproven, match=rf"at {entry.at}-{entry.seq} is "):
        list(proof.export(store, shop, KEYS, None, NOW.date(), NOW))


def cut_off(store, shop, day):
    """Leave the refusals of a day as a version before wrote them."""
    for entry in [*store.log.day(shop, day)]:
        if needs_own(entry):
            write(store, shop, entry, pack(replace(entry, own=b"")))


def test_refusals_and_changes_that_a_version_before_wrote_are_sealed_until_all_were_signed_for_two_days(store, shop):
    """One such day alone may be one on which servers of both versions answered, and the next one another."""
    days(store, shop, 5)
    for day in (0, 2):
        cut_off(store, shop, FIRST + timedelta(day))
    end = NOW + timedelta(3)
    assert len(proof.seal(store, shop, KEYS, end)) == 5
    assert [stand_alone.unsigned(seal).get("own") for seal in store.log.seals(shop).values()] == [None, 1, None, 1, 2]
    for with_tokens in (True, False):
        lines = list(proof.export(store, shop, KEYS, None, FIRST + timedelta(4), end, with_tokens=with_tokens))
        summary = verify(lines, KEYS.jwks())
        assert summary.unsigned == "2026-11-22"
        assert "Up to 2026-11-22 not each refusal and change was signed itself" in str(summary)
    days_on = list(proof.export(store, shop, KEYS, FIRST + timedelta(3), FIRST + timedelta(4), end))
    assert "signed by itself" not in str(verify(days_on, KEYS.jwks()))


@pytest.mark.parametrize("first", [0, 2])
def test_a_seal_that_is_made_again_after_an_erasure_is_the_same(store, shop, first):
    """Where refusals and changes were erased, on a day that had nothing else too; and two days after any other seal."""
    at = int(NOW.timestamp())
    for day in range(4):
        answer(store, shop, START + day * DAY, 0)
        if day != 1:
            answer(store, shop, START + day * DAY + 1000, 7)
        if day < first:
            erase(store, shop, KEYS, entry_of(store, shop, FIRST + timedelta(day), allow=0).subject, at)
    end = NOW + timedelta(2)
    proof.seal(store, shop, KEYS, end)
    seals = store.log.seals(shop)
    assert [stand_alone.unsigned(seal)["own"] for seal in seals.values()] == [1, 2, 2, 2]
    for entry in [*store.log.day(shop, FIRST + timedelta(first)), *store.log.day(shop, FIRST + timedelta(1))]:
        if entry.subject:
            erase(store, shop, KEYS, entry.subject, at)
    store.connection.client.delete(f"consent:{{{shop.id}}}:seals")
    assert len(proof.seal(store, shop, KEYS, end)) == 4
    assert store.log.seals(shop) == seals
    assert not verify(list(proof.export(store, shop, KEYS, None, end.date(), end)), KEYS.jwks()).unsigned


def test_days_with_nothing_but_a_first_yes_say_nothing_of_it(store, shop):
    answer(store, shop, START, 7)
    answer(store, shop, START + DAY, 0)
    proof.seal(store, shop, KEYS, NOW)
    assert [stand_alone.unsigned(seal).get("own") for seal in store.log.seals(shop).values()] == [None, 1]
    assert not verify(list(proof.export(store, shop, KEYS, None, FIRST, NOW)), KEYS.jwks()).unsigned


def test_a_signature_of_its_own_that_is_taken_away_in_an_export_is_missed(store, shop):
    days(store, shop)
    proof.seal(store, shop, KEYS, NOW)
    lines = list(proof.export(store, shop, KEYS, None, FIRST, NOW, with_tokens=True))
    assert sum(b'"own":' in line for line in lines if b'"entry"' in line) == 3
    for n, line in enumerate(lines):
        content = json.loads(line)
        if "own" in content:
            del content["own"]
            with pytest.raises(Failed, match="is not signed by itself, and its seal says that it is"):
                verify([*lines[:n], json.dumps(content).encode(), *lines[n + 1 :]], KEYS.jwks())


def test_what_the_server_signs_is_what_the_stand_alone_program_checks(shop):
    entry = Entry(0, 5, 0, "change", 0, 3, "save", "phone", "AZ", "n", "one", "another", b"", own=b"x" * 64)
    signed = KEYS.sign(said(entry, "shop"))
    line = fields(replace(entry, own=signed), shop)
    assert stand_alone.Keys(KEYS.jwks()["keys"]).signed(stand_alone.own_payload(line, "shop"), line["own"])
    assert not stand_alone.Keys(KEYS.jwks()["keys"]).signed(stand_alone.own_payload(line, "other"), line["own"])


@pytest.mark.parametrize("number", [65_536, 2**64 - 1])
def test_an_answer_with_a_number_to_which_no_index_points_is_not_sealed_and_named(store, shop, number):
    """The attack: a genuine answer at a place where an erasure does not find it."""
    days(store, shop)
    assert len(proof.seal(store, shop, KEYS, NOW)) == 2
    log = place(shop, entry_of(store, shop, NOW.date(), kind="first", allow=5).subject).bucket.log
    ((at, content),) = store.connection.client.xrevrange(log, count=1)
    store.connection.client.xdel(log, at)
    elsewhere = f"{at.decode().partition('-')[0]}-{number}"
    store.connection.client.xadd(log, content, id=elsewhere)
    with pytest.raises(Unproven, match=f"at {elsewhere} has a number that no answer gets"):
        proof.seal(store, shop, KEYS, LATER)
