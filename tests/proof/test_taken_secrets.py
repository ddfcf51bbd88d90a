"""Who reads Redis, hears of answers or has an old secret can do what SECURITY.md says, and is found where it says."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from days_before import DAY, LATER, NOTICE, export, lay, store
from filled_log import KEYS, NOW, SIGNED_WITH, START, shop

from consent_server.decision import Decision, consent_of
from consent_server.events import as_event
from consent_server.proof import log as proof
from consent_server.proof.erasure import erase
from consent_server.proof.keys import published
from consent_server.store.keys import buckets
from consent_server.store.packing import unpack
from consent_server.tokens import Keys, token
from consent_server.verify import Failed, verify

__all__ = ["shop", "store"]


def test_who_reads_redis_has_everybody_s_token_and_can_do_what_they_can(shopper, app, site):
    shopper.decide("analytics")
    redis, sent = app.extensions["consent"].store.connection.client, shopper.token
    (packed, bucket), *_ = (
        (fields[b"e"], bucket) for bucket in buckets(site) for _, fields in redis.xrange(bucket.log) if fields[b"e"]
    )
    ((place, _),) = redis.xrange(bucket.log)
    entry = unpack(packed, bucket.number, *map(int, place.split(b"-")))
    notice = app.extensions["consent"].scripts[site.id].notices["az"][0]
    found = token(consent_of(notice, entry.allow, entry.at // 1000, entry.subject, entry.id), entry.signature)
    assert found == sent
    erased = shopper.client.delete(f"/v1/{site.id}/me", headers={"Authorization": f"Bearer {found}"})
    assert erased.get_json()["erased"] == 1, "with a statement that is genuine"


def test_who_is_told_of_a_decision_at_once_can_get_its_token_by_sending_it_again(shopper, stranger, app, site):
    """A webhook's receiver has all that the browser sent: a repeat is known by its id, which is the event's ``jti``."""
    shopper.decide("analytics")
    (entry,) = app.extensions["consent"].store.log.day(site, datetime.now(UTC).date())
    told = as_event(entry, site)
    notice = stranger.get(f"/v1/{site.id}/notice?lang=az").get_json()["notice"]
    body = {"id": told["jti"], "allow": told["allow"], "notice": notice, "lang": "az", "variant": "", "how": "save"}
    sent = stranger.post(
        f"/v1/{site.id}/decisions",
        data=json.dumps(body),
        content_type="text/plain",
        headers={"Origin": site.origins[0]},
    )
    assert (sent.status_code, sent.get_json()["token"]) == (200, shopper.token)


def test_who_has_an_old_secret_and_writes_to_redis_can_sign_answers_of_a_day_before_it_is_sealed(store, shop):
    lay(store, shop)
    today = Keys(["the secret of today", SIGNED_WITH])
    proof.seal(store, shop, today, NOW - timedelta(1))
    late = Decision("decision-of-a-thief-01", 7, NOTICE, "accept", None)
    store.decisions.record(shop, late, now=START + DAY * 5 // 2, sign=KEYS.sign, device="phone", country="AZ")
    assert proof.seal(store, shop, Keys(["the secret of today"]), LATER)


def test_who_has_an_old_secret_and_writes_to_redis_can_pass_sealed_answers_off_as_erased(store, shop):
    lay(store, shop)
    proof.seal(store, shop, KEYS, NOW)
    today = Keys(["the secret of today", SIGNED_WITH])
    proof.seal(store, shop, today, LATER)
    older = list(proof.export(store, shop, today, None, NOW.date(), NOW))
    entry = next(store.log.day(shop, NOW.date() - timedelta(2)))
    assert erase(store, shop, KEYS, entry.subject, int(LATER.timestamp())) == 1, (
        "as whoever has that secret can write it"
    )
    newer = list(proof.export(store, shop, Keys(["the secret of today"]), None, NOW.date(), NOW))
    assert verify(newer, Keys(["the secret of today"]).jwks(), older).erased == 1


def test_who_has_an_old_secret_can_write_a_history_and_its_export_is_signed_by_that_key_alone(store, shop):
    today = Keys(["the secret of today", SIGNED_WITH])
    lay(store, shop)
    proof.seal(store, shop, KEYS, NOW - timedelta(1))
    proof.seal(store, shop, today, NOW)
    genuine = list(proof.export(store, shop, today, None, NOW.date(), NOW))
    lay(store, shop, without={2}, device="desktop")
    proof.seal(store, shop, KEYS, NOW)
    made_up = export(store, shop)
    head = json.loads(made_up[0])
    head["keys"]["endorsements"] = json.loads(genuine[0])["keys"]["endorsements"]
    made_up[0] = json.dumps(head).encode()
    given = published(Keys(["the secret of today"]))
    old, new = KEYS.jwks()["keys"][0]["kid"], given["root"]
    assert f"Its end is signed by {old}, an older key than {new}." in str(verify(made_up, given))
    assert "Its end" not in str(verify(genuine, given))
    for one, other in ((made_up, genuine), (genuine, made_up)):
        with pytest.raises(Failed, match=r"which is missing|is another one"):
            verify(one, given, other)
