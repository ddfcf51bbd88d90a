"""A key is believed because one that is believed signed it; one that somebody wrote into the store gets nowhere."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner
from conftest import ROOT
from filled_log import FIRST, FORGER, KEYS, NOW, SIGNED_WITH, START, fill, shop
from newer_keys import NEWER, NEWEST, decide, kid, store

from consent_server.cli.keys import keys as keys_command
from consent_server.cli.log import log as log_command
from consent_server.proof import keys as proof_keys
from consent_server.proof import log as proof
from consent_server.proof.entries import Unproven
from consent_server.tokens import Keys, token
from consent_server.verify import Keys as Believed
from consent_server.verify import verify

__all__ = ["shop", "store"]


def bring_in(store, key=FORGER):
    """Write a key into the store, in every way that somebody may who can write there and has no secret."""
    redis = store.connection.client
    jwk = key.jwks()["keys"][0]
    redis.hset("consent:keys", jwk["kid"], json.dumps(jwk))
    ours = KEYS.jwks()["keys"][0]
    for by in (ours["kid"], jwk["kid"]):
        for way in ("next", "previous"):
            for whose in (jwk, ours):
                content = {"typ": "key", "by": by, "kid": whose["kid"], "x": whose["x"], "is": way}
                redis.sadd("consent:endorsements", token(content, key.sign(content)))
    # Genuine signatures, of something else; and what is no signed text at all.
    said = {"typ": "seal", "by": ours["kid"], "kid": jwk["kid"], "x": jwk["x"], "is": "next"}
    junk = {"typ": "key", "by": [ours["kid"]], "kid": {}, "x": 5, "is": None}
    redis.sadd(
        *("consent:endorsements", token(said, KEYS.sign(said)), token(junk, KEYS.sign(junk)), "", ".", "é", b"\xff"),
        json.dumps(jwk),
    )


def test_a_key_written_into_the_store_gets_nowhere(store, shop, valkey, monkeypatch, app):
    fill(store, shop, 10)
    bring_in(store)
    stranger = FORGER.jwks()["keys"][0]["kid"]
    assert stranger not in proof_keys.believed(store, KEYS).jwks
    assert stranger not in json.dumps(proof_keys.all_published(store, KEYS))
    assert stranger not in app.test_client().get("/v1/keys.json").text
    assert proof.seal(store, shop, KEYS, NOW) == [FIRST, FIRST + timedelta(1)]
    lines = list(proof.export(store, shop, KEYS, None, NOW.date(), NOW, with_tokens=True))
    assert stranger.encode() not in lines[0]
    assert verify(lines, KEYS.jwks()).entries == 10
    monkeypatch.setenv("REDIS_URL", valkey.url)
    monkeypatch.setenv("CONSENT_CONFIG", str(ROOT / "consent.toml"))
    monkeypatch.setenv("CONSENT_SECRET", SIGNED_WITH)
    said = CliRunner().invoke(keys_command, ["--all"])
    assert stranger not in said.stdout
    assert f"No key endorses {stranger}" in said.stderr


def test_an_entry_that_such_a_key_signed_is_not_sealed_and_not_exported(store, shop):
    fill(store, shop, 0)
    for n in range(5):
        decide(store, shop, START + n, KEYS.sign)
    bring_in(store)
    forged = decide(store, shop, START + 80_000_000, FORGER.sign)
    with pytest.raises(Unproven, match=rf"at {forged.consent.at}\d\d\d-0 is signed by none of the keys"):
        proof.seal(store, shop, KEYS, NOW)
    assert store.log.seals(shop) == {}
    with pytest.raises(Unproven, match="is signed by none of the keys"):
        list(proof.export(store, shop, KEYS, None, NOW.date(), NOW))


def test_a_log_that_was_rewritten_and_signed_with_such_a_key_fails(store, shop, tmp_path):
    """The attack: a key of one's own in the store, all of the log signed with it, and the three documented commands."""
    fill(store, shop, 0)
    bring_in(store)
    for n in range(5):
        decide(store, shop, START + n, FORGER.sign)
    assert proof.seal(store, shop, FORGER, NOW), "what somebody with all but the secret can do"
    file, keys = tmp_path / "log.jsonl", tmp_path / "keys.json"
    file.write_bytes(b"".join(proof.export(store, shop, FORGER, None, NOW.date(), NOW, with_tokens=True)))
    keys.write_text(json.dumps(proof_keys.all_published(store, KEYS)))
    result = CliRunner().invoke(log_command, ["verify", str(file), "--keys", str(keys)])
    assert result.exit_code == 1
    assert "is signed by none of the keys" in result.stderr
    with pytest.raises(Unproven, match="as the seal of 2026-11-21 of shop is none that this server made"):
        proof.seal(store, shop, KEYS, NOW + timedelta(1))


def test_one_key_leads_to_those_after_and_before_it(store, shop, tmp_path):
    fill(store, shop, 10)
    proof.seal(store, shop, Keys([SIGNED_WITH]), NOW - timedelta(1))
    proof.seal(store, shop, Keys([NEWER, SIGNED_WITH]), NOW)
    last = Keys([NEWEST, NEWER])
    decide(store, shop, START + 3 * 86_400_000 + 5, last.sign)
    proof.seal(store, shop, last, NOW + timedelta(2))
    last = Keys([NEWEST])
    end = NOW + timedelta(2)
    lines = list(proof.export(store, shop, last, None, end.date(), end, with_tokens=True))
    for pinned in (SIGNED_WITH, NEWER, NEWEST):
        said = str(verify(lines, Keys([pinned]).jwks()))
        assert f"{kid(pinned)}, given" in said
        for other in {SIGNED_WITH, NEWER, NEWEST} - {pinned}:
            assert f"{kid(other)}, endorsed by " in said
    assert f"{kid(NEWEST)}, endorsed by {kid(NEWER)}" in str(verify(lines, Keys([SIGNED_WITH]).jwks()))
    # The newest one endorses each of them by itself, so that none in between can bring in another.
    assert f"{kid(SIGNED_WITH)}, endorsed by {kid(NEWEST)}" in str(verify(lines, Keys([NEWEST]).jwks()))


def test_a_seal_brings_the_endorsement_of_its_key_when_that_is_a_new_one(store, shop):
    fill(store, shop, 10)
    proof.seal(store, shop, KEYS, NOW - timedelta(1))
    proof.seal(store, shop, Keys([NEWER, SIGNED_WITH]), NOW)
    first, second = (
        Believed(Keys([NEWER, SIGNED_WITH]).jwks()["keys"]).read(seal, "seal")
        for seal in store.log.seals(shop).values()
    )
    assert (first["kid"], second["kid"]) == (kid(SIGNED_WITH), kid(NEWER))
    assert "endorsed" not in first
    assert kid(NEWER) in Believed(KEYS.jwks()["keys"], second["endorsed"]).jwks


def test_what_two_endorsements_say_differently_is_compared_with_nothing():
    """As a store holds it in which an earlier start had the secrets in the wrong order."""
    both = [*proof_keys.endorsements(Keys([NEWER, SIGNED_WITH])), *proof_keys.endorsements(Keys([SIGNED_WITH, NEWER]))]
    for root in (NEWER, SIGNED_WITH):
        known = Believed(Keys([root]).jwks()["keys"], both, kid(root))
        assert known.ranks == {kid(root): 0}
        assert {*known.jwks} == {kid(NEWER), kid(SIGNED_WITH)}
    gaps = [
        *proof_keys.endorsements(Keys([NEWEST, SIGNED_WITH])),
        *proof_keys.endorsements(Keys([NEWEST, NEWER, SIGNED_WITH])),
    ]
    known = Believed(Keys([NEWEST]).jwks()["keys"], gaps, kid(NEWEST))
    assert known.ranks == {kid(NEWEST): 0, kid(NEWER): -1}


def test_what_somebody_else_writes_as_said_by_the_newest_key_keeps_it_from_saying_nothing(store, shop):
    fill(store, shop, 10)
    proof.seal(store, shop, Keys([SIGNED_WITH]), NOW - timedelta(1))
    proof.seal(store, shop, Keys([NEWER, SIGNED_WITH]), NOW)
    by = Keys([NEWEST]).jwks()["keys"][0]["kid"]
    for jwk in Keys([NEWER, SIGNED_WITH]).jwks()["keys"]:
        content = {"typ": "key", "by": by, "kid": jwk["kid"], "x": jwk["x"], "is": "previous", "back": 1}
        store.keys.remember([token(content, FORGER.sign(content))])
    proof_keys.remember(store, Keys([NEWEST, NEWER]))
    ranks = {kid(NEWEST): 0, kid(NEWER): -1, kid(SIGNED_WITH): -2}
    assert proof_keys.believed(store, Keys([NEWEST])).ranks == ranks
