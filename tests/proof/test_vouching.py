"""A key that no other one endorsed is believed once the operator vouches for it."""

from __future__ import annotations

import contextlib
import json
from datetime import timedelta

import pytest
from click.testing import CliRunner
from conftest import ROOT
from filled_log import FIRST, FORGER, KEYS, NOW, SIGNED_WITH, fill, shop
from newer_keys import NEWER, NEWEST, kid, store
from stamped_shop import answer

from consent_server.cli.check import check as check_command
from consent_server.cli.keys import keys as keys_command
from consent_server.cli.log import log as log_command
from consent_server.proof import keys as proof_keys
from consent_server.proof import log as proof
from consent_server.proof.entries import Unproven
from consent_server.settings.shops import read_sites
from consent_server.tokens import Keys
from consent_server.verify import Failed, key_id, verify
from consent_server.verify import Keys as Believed

__all__ = ["shop", "store"]


def test_the_keys_that_a_version_before_endorsed_one_by_one_are_taken_over(store, shop):
    """Each called the one before it its previous one, and was followed from there on."""
    fill(store, shop, 10)
    proof.seal(store, shop, Keys([SIGNED_WITH]), NOW - timedelta(1))
    first, second, third = (Keys([secret]) for secret in (SIGNED_WITH, NEWER, NEWEST))
    chain = [
        proof_keys._endorsement(by, 0, other.jwks()["keys"][0], {"is": way})
        for by, other, way in (
            (first, second, "next"),
            (second, first, "previous"),
            (second, third, "next"),
            (third, second, "previous"),
        )
    ]
    assert {*Believed(third.jwks()["keys"], chain).jwks} == {kid(SIGNED_WITH), kid(NEWER), kid(NEWEST)}
    for configured in ([NEWEST], ["the fourth secret, which comes with this version", NEWEST]):
        store.connection.client.delete("consent:endorsements")
        store.keys.remember(chain)
        before = proof_keys.believed(store, Keys(configured))
        assert kid(SIGNED_WITH) in before.jwks
        proof.seal(store, shop, Keys(configured), NOW)
        known = proof_keys.believed(store, Keys(configured[:1]))
        assert {kid(secret) for secret in (SIGNED_WITH, NEWER, *configured)} == {*known.jwks}
        assert known.is_older(kid(SIGNED_WITH), kid(NEWER)), "each is older than the one that named it"
        assert known.is_older(kid(NEWER), kid(configured[0]))
        store.connection.client.delete(f"consent:{{{shop.id}}}:seals")


@pytest.mark.parametrize("order", [1, -1])
def test_in_which_order_keys_are_vouched_for_says_nothing_of_their_age(store, shop, order):
    """And whoever vouches before the first start with a new secret loses nothing of what the one before led to."""
    fill(store, shop, 10)
    proof.seal(store, shop, Keys([SIGNED_WITH]), NOW - timedelta(1))
    proof.seal(store, shop, Keys([NEWER, SIGNED_WITH]), NOW)
    strangers = [Keys([secret]).jwks() for secret in ("an old one", "an older one")][::order]
    today = Keys([NEWEST, NEWER])
    for each in strangers:
        proof_keys.vouch(store, today, each["keys"][0]["kid"], each)
    known = proof_keys.believed(store, Keys([NEWEST]))
    assert known.ranks == {kid(NEWEST): 0, kid(NEWER): -1, kid(SIGNED_WITH): -2}
    assert {kid("an old one"), kid("an older one")} <= {*known.jwks}
    for each in (*strangers, Keys([NEWER]).jwks(), today.jwks()):
        with pytest.raises(proof_keys.UnknownKey, match="is believed already"):
            proof_keys.vouch(store, today, each["keys"][0]["kid"], each)
    next_one = Keys(["the secret after that", NEWEST])
    proof_keys.remember(store, next_one)
    known = proof_keys.believed(store, Keys(["the secret after that"]))
    assert {kid("an old one"), kid("an older one"), kid(SIGNED_WITH)} <= {*known.jwks}
    assert known.ranks[kid("an old one")] == known.ranks[kid("an older one")] < known.ranks[kid(SIGNED_WITH)]


def test_keys_of_a_store_without_endorsements_are_believed_once_vouched_for(store, shop, valkey, monkeypatch):
    """As a version before endorsements left it: an old key by itself, whose secret is gone."""
    fill(store, shop, 10)
    (jwk,) = KEYS.jwks()["keys"]
    store.connection.client.hset("consent:keys", jwk["kid"], json.dumps(jwk))
    wrong = {**FORGER.jwks()["keys"][0], "kid": "AAAAAAAAAAA"}
    store.connection.client.hset("consent:keys", wrong["kid"], json.dumps(wrong))
    new = Keys([NEWER])
    with pytest.raises(Unproven, match="signed by none"):
        proof.seal(store, shop, new, NOW)
    monkeypatch.setenv("REDIS_URL", valkey.url)
    monkeypatch.setenv("CONSENT_CONFIG", str(ROOT / "consent.toml"))
    monkeypatch.setenv("CONSENT_SECRET", NEWER)
    for refused in (wrong["kid"], "nothing", FORGER.jwks()["keys"][0]["kid"]):
        assert CliRunner().invoke(keys_command, ["vouch", refused]).exit_code == 2
    assert CliRunner().invoke(keys_command, ["vouch", jwk["kid"]]).exit_code == 0
    assert len(proof.seal(store, shop, new, NOW)) == 2
    assert verify(list(proof.export(store, shop, new, None, NOW.date(), NOW)), new.jwks()).entries == 10


def test_a_log_whose_secret_is_lost_goes_on_once_its_key_is_vouched_for(store, valkey, monkeypatch, tmp_path):
    """Nothing is sealed or exported until then; `check` says so, and what to type."""
    site = read_sites(ROOT / "consent.toml")["smartmarket"]
    answer(store, site, FIRST, 10, KEYS)
    proof.seal(store, site, KEYS, NOW - timedelta(1))
    monkeypatch.setenv("REDIS_URL", valkey.url)
    monkeypatch.setenv("CONSENT_CONFIG", str(ROOT / "consent.toml"))
    monkeypatch.setenv("CONSENT_SECRET", NEWER)
    said = f"is none that this server made: no key of today leads to '{kid(SIGNED_WITH)}'."
    checked = CliRunner().invoke(check_command, ["--offline"])
    assert checked.exit_code == 1
    assert said in checked.stdout
    assert "consent-server keys vouch KID --keys FILE" in checked.stdout
    refused = CliRunner().invoke(log_command, ["seal", site.id])
    assert refused.exit_code == 2
    assert said in refused.stderr
    kept, others = tmp_path / "keys.json", tmp_path / "others.json"
    kept.write_text(json.dumps(proof_keys.published(KEYS)))
    others.write_text(json.dumps(FORGER.jwks()))
    for name, file in ((kid(SIGNED_WITH), others), (kid(SIGNED_WITH), tmp_path / "none"), ("nothing", kept)):
        refused = CliRunner().invoke(keys_command, ["vouch", name, "--keys", str(file)])
        assert refused.exit_code == 2
        assert refused.stderr.startswith("Error: ")
    done = CliRunner().invoke(keys_command, ["vouch", kid(SIGNED_WITH), "--keys", str(kept)])
    assert (done.exit_code, done.stdout) == (0, f"{kid(SIGNED_WITH)} is believed from now on, in exports too.\n")
    assert len(proof.seal(store, site, Keys([NEWER]), NOW)) == 1
    assert said not in CliRunner().invoke(check_command, ["--offline"]).stdout
    lines = list(proof.export(store, site, Keys([NEWER]), None, NOW.date(), NOW))
    assert verify(lines, Keys([NEWER]).jwks()).entries == 10
    with pytest.raises(Failed):  # nobody who trusted the key before has signed for this one
        verify(lines, KEYS.jwks())


def test_a_host_that_lacks_the_newer_secret_exports_nothing(store, valkey, monkeypatch, tmp_path):
    """The file could not be verified: its end would be signed by an older key than a seal in it."""
    site = read_sites(ROOT / "consent.toml")["smartmarket"]
    for n in range(3):
        answer(store, site, FIRST + timedelta(n), 2, KEYS)
    proof.seal(store, site, KEYS, NOW - timedelta(1))
    proof.seal(store, site, Keys([NEWER, SIGNED_WITH]), NOW)
    days = [*store.log.seals(site)]
    monkeypatch.setenv("REDIS_URL", valkey.url)
    monkeypatch.setenv("CONSENT_CONFIG", str(ROOT / "consent.toml"))
    file = tmp_path / "log.jsonl"
    for secret in (SIGNED_WITH, f"{SIGNED_WITH},{NEWER}", NEWEST):
        monkeypatch.setenv("CONSENT_SECRET", secret)
        refused = CliRunner().invoke(log_command, ["export", site.id, "--out", str(file), "--to", str(days[-1])])
        assert refused.exit_code == 2, refused.output
        assert kid(NEWER) in refused.stderr
        assert not file.exists()
    for secret in (NEWER, f"{NEWEST},{NEWER}"):
        monkeypatch.setenv("CONSENT_SECRET", secret)
        done = CliRunner().invoke(log_command, ["export", site.id, "--out", str(file), "--to", str(days[-1])])
        assert done.exit_code == 0, done.output
        assert verify(file.read_bytes().splitlines(), Keys([NEWER]).jwks()).days == len(days)


@pytest.mark.parametrize(
    "change", [{"x": "AAAA"}, {"x": "A" * 44}, {"kty": "RSA"}, {"crv": "X25519"}, {"x": 5}, {"x": "é"}, {"x": None}]
)
def test_what_is_no_key_cannot_be_vouched_for_and_stops_nothing(store, shop, valkey, monkeypatch, change):
    """`keys --all` names whatever somebody wrote there under its own hash; who vouched for that had a dead store."""
    fill(store, shop, 10)
    jwk = {**FORGER.jwks()["keys"][0], **change}
    with contextlib.suppress(TypeError, ValueError, AttributeError):
        jwk["kid"] = key_id(jwk["x"])
    store.connection.client.hset("consent:keys", jwk["kid"], json.dumps(jwk))
    store.connection.client.hset("consent:keys", mapping={"list": "[]", "number": "5"})
    monkeypatch.setenv("REDIS_URL", valkey.url)
    monkeypatch.setenv("CONSENT_CONFIG", str(ROOT / "consent.toml"))
    monkeypatch.setenv("CONSENT_SECRET", SIGNED_WITH)
    for name in (jwk["kid"], "list", "number"):
        refused = CliRunner().invoke(keys_command, ["vouch", name])
        assert refused.exit_code == 2, refused.output
        assert refused.stderr.startswith("Error: The store holds no public key that is ")
    # As a version that vouched for it left it.
    store.keys.remember([proof_keys._endorsement(KEYS, 0, jwk, {"is": "previous"})])
    assert proof.seal(store, shop, KEYS, NOW) == [FIRST, FIRST + timedelta(1)]
    assert verify(list(proof.export(store, shop, KEYS, None, NOW.date(), NOW)), KEYS.jwks()).entries == 10
