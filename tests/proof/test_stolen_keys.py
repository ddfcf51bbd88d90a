"""A stolen key that is out of use takes over nothing, whatever is taken back or written into the store."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from filled_log import NOW, SIGNED_WITH, fill, shop
from newer_keys import NEWER, NEWEST, kid, store

from consent_server.proof import keys as proof_keys
from consent_server.proof import log as proof
from consent_server.tokens import Keys
from consent_server.verify import Failed, unsigned, verify
from consent_server.verify import Keys as Believed

__all__ = ["shop", "store"]


def by_a_thief(*ways):
    """What whoever has an old secret can sign: that a key of theirs is its next or previous one."""
    thief, (jwk,) = Keys([SIGNED_WITH]), Keys(["of a thief"]).jwks()["keys"]
    return [proof_keys._endorsement(thief, 0, jwk, way) for way in ways]


THEFTS = [{"is": "next"}], [{"is": "previous"}], [{"is": "previous", "back": 1}, {"is": "previous", "back": -1}]


@pytest.mark.parametrize("ways", THEFTS)
@pytest.mark.parametrize("configured", [[NEWER], [NEWER, SIGNED_WITH], [NEWEST, NEWER], [NEWEST]])
def test_a_stolen_key_that_is_out_of_use_brings_in_no_other(store, shop, ways, configured):
    """Whoever has an old secret can sign that another key is its next or previous one; today's does not follow that."""
    fill(store, shop, 10)
    proof.seal(store, shop, Keys([NEWER, SIGNED_WITH]), NOW)
    store.keys.remember(by_a_thief(*ways))
    today = Keys(configured)
    if NEWEST in configured:
        proof.seal(store, shop, Keys([NEWEST, NEWER]), NOW)
    ours = {kid(secret) for secret in (*configured, NEWER, SIGNED_WITH)}
    assert {*proof_keys.believed(store, today).jwks} == ours
    lines = list(proof.export(store, shop, today, None, NOW.date(), NOW))
    assert verify(lines, proof_keys.all_published(store, today)).entries == 10
    # Whoever got today's list of keys, with the old one in it, and an export that somebody has added to.
    head = json.loads(lines[0])
    head["keys"]["endorsements"] += by_a_thief(*ways)
    for given in (proof_keys.published(today), proof_keys.all_published(store, today), Keys(configured[:1]).jwks()):
        known = Believed(given["keys"], head["keys"]["endorsements"], given.get("root"))
        assert known.jwks
        assert {*known.jwks} <= ours
    lines[0] = json.dumps(head).encode()
    assert "of a thief" not in str(verify(lines, proof_keys.published(today)))


def forget_the_start(store, by):
    """Take away what a key has endorsed, so that its next start seems to be its first."""
    redis = store.connection.client
    for text in redis.smembers("consent:endorsements"):
        said = unsigned(text.decode())
        if (said["by"], said["is"]) == (kid(by), "previous"):
            redis.srem("consent:endorsements", text)


STOLEN = *THEFTS, [{"is": "previous", "back": 0}], [{"is": "next"}, {"is": "previous", "back": 0}]


@pytest.mark.parametrize("ways", STOLEN)
def test_a_key_whose_first_start_somebody_takes_back_takes_over_nothing_once_it_has_sealed(store, shop, ways):
    """The attack: with an old secret that is still configured, and what today's has endorsed taken away."""
    fill(store, shop, 12)
    proof.seal(store, shop, Keys([SIGNED_WITH]), NOW - timedelta(1))
    today = Keys([NEWER, SIGNED_WITH])
    proof.seal(store, shop, today, NOW)
    forget_the_start(store, NEWER)
    store.keys.remember(by_a_thief(*ways))
    proof.seal(store, shop, today, NOW)
    lines = list(proof.export(store, shop, today, None, NOW.date(), NOW))
    assert kid("of a thief") not in lines[0].decode()
    assert {*proof_keys.believed(store, Keys([NEWER])).jwks} == {kid(NEWER), kid(SIGNED_WITH)}


@pytest.mark.parametrize("ways", [*STOLEN, [{"is": "previous", "back": 10**300}, {"is": "previous", "back": True}]])
def test_a_key_that_is_taken_over_is_older_than_the_one_that_named_it(store, shop, ways):
    """Or whoever stole that one would have a key that no newer one outranks, and with it write a whole history.

    Here no seal says that today's has begun: who writes to the store took them away.
    """
    fill(store, shop, 12)
    proof.seal(store, shop, Keys([SIGNED_WITH]), NOW - timedelta(1))
    store.keys.remember(by_a_thief(*ways))
    proof.seal(store, shop, Keys([NEWER, SIGNED_WITH]), NOW)
    known = proof_keys.believed(store, Keys([NEWER]))
    thief = kid("of a thief")
    if thief in known.jwks:
        assert known.is_older(thief, kid(SIGNED_WITH))
        assert known.is_older(kid(SIGNED_WITH), kid(NEWER))
    ends, given = proof_keys.all_published(store, Keys([NEWER]))["endorsements"], proof_keys.published(Keys([NEWER]))
    store.connection.client.flushall()
    fill(store, shop, 6, Keys(["of a thief"]))
    store.keys.remember(ends)
    proof.seal(store, shop, Keys(["of a thief"]), NOW)
    lines = list(proof.export(store, shop, Keys(["of a thief"]), None, NOW.date(), NOW))
    head = json.loads(lines[0])
    head["keys"]["endorsements"] += ends
    lines[0] = json.dumps(head).encode()
    if thief not in known.jwks:
        with pytest.raises(Failed, match="signed by none of the keys"):
            verify(lines, given)
    else:
        assert f"Its end is signed by {thief}, an older key than {kid(NEWER)}." in str(verify(lines, given))
