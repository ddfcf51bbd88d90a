"""What SECURITY.md says that somebody can do unseen can be done, and is found where it says so."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from conftest import ROOT
from days_before import LATER, NOTICE, export, lay, store
from filled_log import KEYS, NOW, START, check, shop
from msgspec.structs import replace

from consent_server.cli.log import log as log_command
from consent_server.decision import COLUMNS, Decision
from consent_server.events.following import START as START_CURSOR
from consent_server.events.following import follow
from consent_server.proof import log as proof
from consent_server.proof.entries import Unproven
from consent_server.proof.erasure import erase
from consent_server.proof.receipt import SEAL, SIGNATURE, digest
from consent_server.proof.seals import newest
from consent_server.rates.period import Period
from consent_server.rates.read import recount
from consent_server.site import Notice
from consent_server.store import Archive
from consent_server.store.keys import buckets, place
from consent_server.store.packing import pack, unpack
from consent_server.tokens import token
from consent_server.verify import Failed, verify

__all__ = ["shop", "store"]


@pytest.mark.parametrize("kind", ["left out", "another device", "shown"])
def test_who_writes_to_redis_can_change_a_day_before_it_is_sealed_and_is_found_by_an_export_of_that_day(
    store, shop, kind
):
    lay(store, shop)
    proof.seal(store, shop, KEYS, NOW - timedelta(2))
    older = export(store, shop)  # of days of which none is sealed
    changes = {"left out": {"without": {3}}, "another device": {"device": "desktop"}, "shown": {"shown": 500}}
    lay(store, shop, **changes[kind])
    proof.seal(store, shop, KEYS, LATER)
    newer = export(store, shop, LATER)
    assert check(newer).unsealed == [LATER.date().isoformat()], "it is sealed and verifies: unseen"
    if kind == "shown":
        verify(newer, KEYS.jwks(), older)  # banners shown leave no entry
    else:
        with pytest.raises(Failed, match=r"which is missing|is another one"):
            verify(newer, KEYS.jwks(), older)


def test_who_writes_to_redis_can_write_an_entry_twice_and_the_export_has_its_hash_twice(store, shop):
    store.connection.client.flushall()
    store.notices.serve(shop, [NOTICE])
    decision = Decision("decision-number-000000", 2, NOTICE, "accept", None)
    for _ in range(2):  # the counters too
        store.decisions.record(shop, decision, now=START + 1, sign=KEYS.sign, device="phone", country="AZ")
        for key in store.connection.client.keys("consent:*:seen:*"):
            store.connection.client.delete(key)
    proof.seal(store, shop, KEYS, NOW)
    entries = [line for line in map(json.loads, export(store, shop)) if line["type"] == "entry"]
    assert check(export(store, shop)).entries == 2, "it is sealed and verifies: unseen"
    assert len({line["identity"] for line in entries}) == 1


def test_who_writes_to_redis_can_exchange_the_order_of_answers_of_one_second(store, shop):
    """What is signed of an entry has its second: a yes that was taken back at once may come after that."""
    store.connection.client.flushall()
    store.notices.serve(shop, [NOTICE])
    first = Decision("decision-number-000000", 7, NOTICE, "accept", None)
    yes = store.decisions.record(shop, first, now=START + 1, sign=KEYS.sign, device="phone", country="AZ").consent
    second = Decision("decision-number-000001", 0, NOTICE, "refuse", yes)
    store.decisions.record(shop, second, now=START + 900, sign=KEYS.sign, device="phone", country="AZ")
    redis, bucket = store.connection.client, place(shop, yes.sub).bucket
    (one, granted), (other, withdrawn) = redis.xrange(bucket.log)
    redis.delete(bucket.log)
    redis.xadd(bucket.log, withdrawn, id=one)
    redis.xadd(bucket.log, granted, id=other)
    proof.seal(store, shop, KEYS, NOW)
    assert check(export(store, shop)).entries == 2, "it is sealed and verifies: unseen"
    assert store.history.newest(shop, yes.sub).allow == 7


def test_who_writes_to_redis_can_have_others_told_what_nobody_answered_and_the_day_is_not_sealed(store, shop):
    lay(store, shop)
    bucket = next(bucket for bucket in buckets(shop) if store.connection.client.xlen(bucket.log))
    where, fields = store.connection.client.xrange(bucket.log)[-1]
    at, seq = map(int, where.split(b"-"))
    fake = replace(unpack(fields[b"e"], bucket.number, at, seq), allow=7, signature=bytes(64))
    store.connection.client.xadd(bucket.log, {"e": pack(fake)}, id=f"{at}-{seq + 1}")
    told = [json.loads(line) for line in follow(store, shop, START_CURSOR)]
    assert [each["allow"] for each in told].count(fake.allowed()) == 1
    with pytest.raises(Unproven, match=f"at {at}-{seq + 1} is signed by none of the keys"):
        proof.seal(store, shop, KEYS, LATER)


def test_who_writes_to_redis_can_have_a_day_sealed_again_and_is_found_by_whoever_holds_the_first_seal(
    store, shop, tmp_path
):
    lay(store, shop)
    proof.seal(store, shop, KEYS, NOW)
    older, held = export(store, shop), newest(store, shop, KEYS)
    lay(store, shop, without={5})  # and with it the seals are gone
    proof.seal(store, shop, KEYS, NOW)
    newer = export(store, shop)
    assert check(newer).entries == 11, "by itself it verifies: unseen"
    with pytest.raises(Failed, match="which is missing"):
        verify(newer, KEYS.jwks(), older)

    def given(seal):
        receipt = {"dcterms:issued": "2026-11-23", SEAL: seal}
        said = {"typ": "receipt", "site": "shop", "at": 1, "sha256": digest(receipt)}
        return receipt | {SIGNATURE: token(said, KEYS.sign(said))}

    receipt, oldest = given(held), given(store.log.seals(shop)[NOW.date() - timedelta(2)])
    shortened = list(proof.export(store, shop, KEYS, NOW.date(), NOW.date(), NOW))
    forged = {**receipt, SEAL: newest(store, shop, KEYS)}
    later = {**receipt, SIGNATURE: receipt[SIGNATURE][:-2]}

    def verified(lines, content):
        files = [tmp_path / name for name in ("log.jsonl", "keys.json", "receipt.json")]
        for path, text in zip(files, (b"".join(lines), json.dumps(KEYS.jwks()), json.dumps(content)), strict=True):
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        log, keys, kept = map(str, files)
        return CliRunner().invoke(log_command, ["verify", log, "--keys", keys, "--receipt", kept])

    fits = verified(older, receipt)
    assert (fits.exit_code, f"brought the seal of {NOW.date() - timedelta(1)}, which is" in fits.stdout) == (0, True)
    for lines, content, fault in (
        (newer, receipt, "it brought another seal of 2026-11-21 than the export has: the log was changed since."),
        (export(store, shop, NOW - timedelta(2)), receipt, "has none of that day; hold it against a later one."),
        (shortened, receipt, "it brought another seal of 2026-11-21 than the export has"),
        (older, forged, "it was changed, or is of another site"),
        (older, later, "the receipt is signed by none of the keys"),
    ):
        refused = verified(lines, content)
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert fault in refused.stderr
    for lines, content, fault in (
        (older, [], "is no receipt"),
        (older, {SIGNATURE: "x"}, "brought no seal: no day was sealed yet"),
        (shortened, oldest, "the export begins with 2026-11-22; hold it against the archive of 2026-11-20."),
    ):
        refused = verified(lines, content)
        assert (refused.exit_code, fault in refused.stderr) == (2, True)


def test_who_writes_to_redis_can_bring_back_who_was_erased_and_is_found_by_an_export_from_after_that(store, shop):
    """With all that they read before: the leaf is the same."""
    lay(store, shop)
    proof.seal(store, shop, KEYS, NOW)
    client = store.connection.client
    before = {name: client.dump(name) for name in client.scan_iter()}
    subject = next(entry.subject for entry in store.log.day(shop, NOW.date()) if entry.subject)
    assert erase(store, shop, KEYS, subject, int(NOW.timestamp()))
    older = export(store, shop)
    for name, value in before.items():
        client.restore(name, 0, value, replace=True)
    client.delete(*[name for bucket in buckets(shop) for name in (bucket.erased, bucket.erasures)])
    assert store.history.of(shop, subject)
    newer = export(store, shop)
    assert check(newer).erased == 0, "by itself it verifies: unseen"
    with pytest.raises(Failed, match="was erased; its statement is missing"):
        verify(newer, KEYS.jwks(), older)


def test_who_writes_to_redis_can_change_what_the_rates_say_was_answered_and_a_recount_differs(store, shop):
    lay(store, shop)
    proof.seal(store, shop, KEYS, NOW)
    (bucket, *_) = buckets(shop)
    column = 19 * len(COLUMNS) + COLUMNS.index("first2")  # of the 20th
    store.connection.client.bitfield(bucket.count("2026-11")).incrby("u32", f"#{column}", 1000).execute()
    days = store.counters.counts(shop, NOW.date() - timedelta(2), NOW.date(), "day")
    assert days["2026-11-20"][COLUMNS.index("first2")] > 1000
    assert check(export(store, shop)).entries == 12, "it verifies: unseen"
    differences = recount(store, shop, Period(NOW.date() - timedelta(2), NOW.date())).differences
    assert [difference.by for difference in differences] == ["day"]


def test_who_writes_to_redis_can_add_words_that_were_never_shown_and_the_export_lists_them(shopper, app, site):
    asked = app.extensions["consent"].scripts[site.id].notices["az"][0].content
    made_up = Notice.of({**asked, "words": {**asked["words"], "text": "We sell what you look at to everybody."}})
    store, keys = app.extensions["consent"].store, app.extensions["consent"].keys
    key = f"consent:{{{site.id}}}:notices"
    store.connection.client.hset(key, made_up.hash, json.dumps(made_up.content))
    assert shopper.decide("analytics", notice=made_up.hash).status_code == 201
    today = NOW.fromtimestamp(json.loads(keys.payload(shopper.token))["at"], NOW.tzinfo)
    lines = list(proof.export(store, site, keys, None, today.date(), today))
    assert any(json.loads(line).get("hash") == made_up.hash for line in lines)


def test_who_writes_to_redis_can_have_a_withdrawn_answer_hold_at_the_server_and_the_log_says_otherwise(
    shopper, app, site
):
    shopper.decide("analytics")
    given = shopper.token
    redis = app.extensions["consent"].store.connection.client
    (seen,) = redis.keys("consent:*:seen:*")
    index = redis.hgetall(seen)
    shopper.decide()
    shopper.token = given
    assert shopper.get("allows/analytics").status_code == 403
    redis.hset(seen, mapping=index)
    assert shopper.get("allows/analytics").status_code == 204, "unseen"
    store, keys = app.extensions["consent"].store, app.extensions["consent"].keys
    today = datetime.now(UTC)
    lines = [json.loads(line) for line in proof.export(store, site, keys, None, today.date(), today)]
    withdrawn = [line for line in lines if line["type"] == "entry" and (line["allow"], line["before"]) != ([], [])]
    assert [line["kind"] for line in withdrawn] == ["first", "change"]


def test_who_writes_to_redis_can_have_exports_begin_later_and_these_say_where(store, shop):
    lay(store, shop)
    proof.seal(store, shop, KEYS, NOW)
    older = export(store, shop)
    last = NOW.date() - timedelta(1)
    store.log.keep_archive(shop, Archive(last, last, "made-up.jsonl.gz", "", 5, trimmed=True))
    newer = export(store, shop)
    assert f"It begins with {NOW.date()}; the days before are not in it." in str(check(newer))
    # What was sealed before is still what it was: the first seal that is left names the last one that is not.
    assert f"compared up to {last}: their archive shows the rest." in str(verify(newer, KEYS.jwks(), older))


def test_who_writes_to_redis_can_call_a_yes_after_a_no_a_first_one(store, shop):
    store.notices.serve(shop, [NOTICE])
    refusal = store.decisions.record(
        shop, Decision("r" * 22, 0, NOTICE, "refuse", None), now=START + 1, sign=KEYS.sign, device="phone"
    )
    yes = Decision("y" * 22, 2, NOTICE, "save", refusal.consent)
    store.decisions.record(shop, yes, now=START + 2000, sign=KEYS.sign, device="phone")
    bucket = place(shop, yes.subject).bucket
    redis = store.connection.client
    ((at, content),) = [each for each in redis.xrange(bucket.log) if unpack(each[1][b"e"], 0, 0, 0).id == yes.id]
    entry = unpack(content[b"e"], bucket.number, START + 2000, 0)
    assert entry.kind == "change"
    kept = redis.xrange(bucket.log)
    redis.delete(bucket.log)
    for place_of, each in kept:
        redis.xadd(
            bucket.log, {b"e": pack(replace(entry, kind="first", own=b""))} if place_of == at else each, id=place_of
        )
    sealed = proof.seal(store, shop, KEYS, LATER)
    kinds = {entry.id: entry.kind for day in sealed for entry in store.log.day(shop, day)}
    assert kinds[yes.id] == "first"


def test_who_writes_to_redis_can_have_an_erasure_find_nothing(store, shop):
    lay(store, shop)
    who = "decision-number-000003"
    redis, where = store.connection.client, place(shop, who)
    redis.delete(where.seen)
    assert erase(store, shop, KEYS, who, int(NOW.timestamp())) == 0
    assert any(
        who in line.decode() for line in proof.export(store, shop, KEYS, None, NOW.date(), NOW, with_tokens=True)
    )


def test_each_row_of_both_tables_names_a_test_that_exists():
    part = (
        (ROOT / "SECURITY.md")
        .read_text("utf-8")
        .partition("## Who could want what")[2]
        .partition("## What is never")[0]
    )
    rows = [row for row in part.splitlines() if row.startswith("| ") and not row.startswith("| who | ")]
    assert len(rows) > 60
    for row in rows:
        named = re.findall(r"\[`(test_\w+)`\]\((tests/[\w/]+\.py)\)", row)
        assert named, row
        for name, path in named:
            assert f"\ndef {name}(" in (ROOT / path).read_text("utf-8"), f"{path} has no {name}"
