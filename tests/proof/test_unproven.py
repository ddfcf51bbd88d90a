"""Nothing that was read from the store is signed over, nor grants anything, unless it proves itself.

Whoever is meant here can write to Redis and has no secret: what they write, the server is not to sign for them.
"""

from __future__ import annotations

import json
import secrets
from datetime import timedelta

import pytest
from click.testing import CliRunner
from conftest import ROOT, SECRET
from filled_log import KEYS, NOW, START, check, shop
from msgspec.structs import replace

from consent_server.cli.shopper import export_shopper
from consent_server.decision import Decision
from consent_server.proof import log as proof
from consent_server.proof.entries import Unproven
from consent_server.proof.erasure import erase, erase_again
from consent_server.site import Notice
from consent_server.store.keys import place
from consent_server.store.packing import pack, pack_erased, pack_places, unpack_places
from consent_server.verify import unsigned

assert shop

NOTICE = Notice.of({"site": "shop", "revision": 1, "keep": 15_811_200, "lang": "az", "variant": "", "words": {}})
DAY = 86_400_000
LATER = NOW + timedelta(2)


@pytest.fixture
def store(on_valkey, shop):
    on_valkey.notices.serve(shop, [NOTICE])
    return on_valkey


def answer(store, shop, mask, at, previous=None):
    decision = Decision(secrets.token_urlsafe(16), mask, NOTICE, "accept" if mask else "refuse", previous)
    return store.decisions.record(shop, decision, now=at, sign=KEYS.sign, device="phone", country="AZ").consent


def newest(store, shop, subject):
    """Return where a shopper's newest entry is, and what it says."""
    where, entry = place(shop, subject), store.history.newest(shop, subject)
    return where, entry


def plant(store, shop, subject, **changes):
    """Write one more entry of a shopper, their newest one with these changes, and where it is in the index."""
    redis, (where, entry) = store.connection.client, newest(store, shop, subject)
    fake = replace(entry, **{"id": secrets.token_urlsafe(16), **changes})
    kept = {name.decode(): fields[b"e"] for name, fields in redis.xrange(where.bucket.log)}
    while f"{fake.at}-{fake.seq}" in kept:
        fake = replace(fake, seq=fake.seq + 1)
    write(store, where, kept | {f"{fake.at}-{fake.seq}": pack(fake)})
    places = unpack_places(redis.hget(where.seen, where.digest))
    redis.hset(where.seen, where.digest, pack_places(sorted([*places, (fake.at, fake.seq)])))


def rewrite(store, shop, subject, **changes):
    """Write a shopper's newest entry anew, with these changes."""
    where, entry = newest(store, shop, subject)
    kept = {name.decode(): fields[b"e"] for name, fields in store.connection.client.xrange(where.bucket.log)}
    write(store, where, kept | {f"{entry.at}-{entry.seq}": pack(replace(entry, **changes))})


def write(store, where, entries):
    store.connection.client.delete(where.bucket.log)
    for name in sorted(entries, key=lambda name: [*map(int, name.split("-"))]):
        store.connection.client.xadd(where.bucket.log, {"e": entries[name]}, id=name)


INVENTED = {
    "nobody's yes": {"allow": 7, "kind": "first", "signature": bytes(64)},
    "nobody's change": {"allow": 7, "kind": "change", "signature": bytes(64), "own": bytes(64)},
    # Its signature is genuine, as all refusals of an hour share one.
    "a withdrawal that was none": {"allow": 0, "kind": "change", "before": 7, "own": b""},
}
invented = pytest.mark.parametrize("changes", INVENTED.values(), ids=INVENTED)


@pytest.fixture
def mine(store, shop):
    """The shopper's newest consent, on a day that is not sealed; before, each refusal and change was signed itself."""
    for day in range(3):
        answer(store, shop, 0, START + day * DAY)
    proof.seal(store, shop, KEYS, NOW + timedelta(1))
    at = START + 3 * DAY
    mine = answer(store, shop, 7, at)
    answer(store, shop, 0, at + 1000, mine)
    return mine


@invented
def test_an_erasure_states_nothing_of_entries_that_somebody_else_wrote(store, shop, mine, changes):
    """The attack: invented answers in one's own name, erased at once, so that the server signs what they were."""
    before = store.log.seals(shop)
    for _ in range(5):
        plant(store, shop, mine.sub, **changes)
    assert erase(store, shop, KEYS, mine.sub, 5) == 7
    assert not store.history.of(shop, mine.sub), "all are gone"
    with pytest.raises(Unproven, match="is erased, but no statement says so"):
        proof.seal(store, shop, KEYS, LATER)
    assert store.log.seals(shop) == before


@invented
def test_nor_does_one_that_is_done_again_for_a_backup(store, shop, mine, changes):
    redis, before = store.connection.client, store.log.seals(shop)
    backup = {name: redis.dump(name) for name in redis.scan_iter(count=1000)}
    erase(store, shop, KEYS, mine.sub, 5)
    exported = list(proof.export(store, shop, KEYS, None, LATER.date(), LATER))
    redis.flushall()
    for name, value in backup.items():
        redis.restore(name, 0, value)
    plant(store, shop, mine.sub, **changes)
    assert erase_again(store, shop, KEYS, exported, 5) == 3
    with pytest.raises(Unproven, match="is erased, but no statement says so"):
        proof.seal(store, shop, KEYS, LATER)
    assert store.log.seals(shop) == before


def test_what_a_version_before_wrote_is_erased_with_a_statement(store, shop):
    """Its refusals and changes are signed by their tokens alone, and are sealed as long as there are some."""
    mine = answer(store, shop, 7, START)
    answer(store, shop, 0, START + 1000, mine)
    rewrite(store, shop, mine.sub, own=b"")
    assert erase(store, shop, KEYS, mine.sub, 5) == 2
    proof.seal(store, shop, KEYS, NOW)
    assert check(list(proof.export(store, shop, KEYS, None, NOW.date(), NOW))).erased == 2


# ---- What a shopper is told, signed ----


@pytest.fixture
def behind(app):
    """The server's own parts, which whoever writes to Redis has not."""
    return app.extensions["consent"]


def receipt(shopper):
    answered = shopper.get("me/receipt")
    assert answered.status_code == 200, answered.text
    return answered.get_json()


def test_a_receipt_tells_nothing_that_somebody_else_wrote(shopper, behind, site):
    shopper.decide("analytics")
    subject = unsigned(shopper.token)["sub"]
    _, entry = newest(behind.store, site, subject)
    plant(behind.store, site, subject, at=entry.at - 30 * DAY, allow=7, signature=bytes(64), own=bytes(64))
    assert len(behind.store.history.of(site, subject)) == 2
    told = receipt(shopper)
    assert [each["dcterms:description"] for each in told["dpv:hasActivityStatus"]] == ["analytics"]
    assert "dcterms:valid" not in told
    assert [each["allow"] for each in shopper.get("me").get_json()["history"]] == [["analytics"]]


@pytest.mark.parametrize("allow", [0, 7])
def test_nor_that_an_answer_was_changed_or_withdrawn_which_it_was_not(shopper, behind, site, allow):
    """It allows nothing then, as nobody knows what is the newest."""
    shopper.decide("analytics")
    subject = unsigned(shopper.token)["sub"]
    _, entry = newest(behind.store, site, subject)
    plant(behind.store, site, subject, at=entry.at + 1, allow=allow, kind="change", signature=bytes(64), own=bytes(64))
    assert shopper.get("me").get_json()["standing"] == {"now": "unknown", "at": None}
    assert shopper.get("allows/analytics").status_code == 403
    assert receipt(shopper)["dpv:hasConsentStatus"] == {"@id": "dpv:ConsentUnknown"}


@pytest.mark.parametrize(
    "said", [b"", b"\1" + (1_700_000_000).to_bytes(4) + bytes(64), bytes(69)], ids=["no statement", "a time", "nothing"]
)
def test_no_receipt_says_that_an_answer_was_erased_when_somebody_else_says_so(shopper, behind, site, said):
    """The attack: an answer that is whole, an index without it for a moment, and beside it what an erasure leaves."""
    shopper.decide("analytics")
    redis, subject = behind.store.connection.client, unsigned(shopper.token)["sub"]
    where, entry = newest(behind.store, site, subject)
    places = redis.hget(where.seen, where.digest)
    redis.hdel(where.seen, where.digest)
    redis.hset(where.bucket.erased, f"{entry.at}-{entry.seq + 1}", pack_erased(entry, said))
    answered = shopper.client.delete(f"/v1/{site.id}/me", headers={"Authorization": f"Bearer {shopper.token}"})
    assert answered.status_code == 200
    assert answered.get_json().keys() == {"typ", "site", "erased", "detail"}, "no time, and no receipt"
    assert shopper.get("me").get_json()["standing"]["now"] == "unknown"
    redis.hset(where.seen, where.digest, places)
    assert len(shopper.get("me").get_json()["history"]) == 1


@pytest.mark.parametrize("secret", [SECRET, "another secret that is long enough", ""])
def test_the_command_that_prints_what_is_held_says_what_no_known_key_has_signed(
    shopper, behind, site, redis_url, monkeypatch, secret
):
    environment = {"REDIS_URL": redis_url, "CONSENT_SECRET": secret, "CONSENT_CONFIG": f"{ROOT / 'consent.toml'}"}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    shopper.decide("analytics")
    subject = unsigned(shopper.token)["sub"]
    _, entry = newest(behind.store, site, subject)
    plant(behind.store, site, subject, at=entry.at + 1, allow=7, kind="change", signature=bytes(64), own=bytes(64))
    done = CliRunner().invoke(export_shopper, [site.id, subject])
    assert done.exit_code == 0, done.output
    held = [(each["allow"], each.get("proven")) for each in json.loads(done.stdout)["history"]]
    unproven = {SECRET: 1, "": 0}.get(secret, 2)
    is_proven = [None] * (2 - unproven) + [False] * unproven
    assert held == [*zip((["analytics"], ["analytics", "functional", "marketing"]), is_proven, strict=True)]
    said = f"{unproven} entries under that name are signed by no key that is known here." if unproven else ""
    assert done.stderr.strip() == said
