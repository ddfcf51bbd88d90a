"""A key is believed because one that is believed signed it; one that somebody wrote into the store gets nowhere."""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
from base64 import urlsafe_b64decode
from datetime import timedelta

import pytest
from click.testing import CliRunner
from conftest import ROOT
from test_proof import FIRST, FORGER, KEYS, NOW, SIGNED_WITH, START, fill, shop
from test_stamps import answer

from consent_server.cli.check import check as check_command
from consent_server.cli.keys import keys as keys_command
from consent_server.cli.log import log as log_command
from consent_server.decision import Decision
from consent_server.proof import keys as proof_keys
from consent_server.proof import log as proof
from consent_server.proof.entries import Unproven
from consent_server.proof.seals import chain
from consent_server.settings.shops import read_sites
from consent_server.tokens import Keys, token
from consent_server.verify import Failed, NoKeys, Tree, canonical, key_id, read_keys, seal_hash, unsigned, verify
from consent_server.verify import Keys as Believed

assert shop

NEWER = "the secret that comes after the first one"
NEWEST = "the secret that comes after the second one"


@pytest.fixture
def store(on_valkey):
    return on_valkey


def kid(secret):
    return Keys([secret]).jwks()["keys"][0]["kid"]


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


def decide(store, shop, at, sign):
    notice = next(iter(store.notices.all(shop).values()))
    decision = Decision(secrets.token_urlsafe(16), 2, notice, "accept", None)
    return store.decisions.record(shop, decision, now=at, sign=sign, device="phone", country="AZ")


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


def test_once_a_newer_key_has_sealed_a_day_an_older_one_seals_none(store, shop):
    fill_days(store, shop, 2)
    proof.seal(store, shop, KEYS, NOW - timedelta(1))
    today = Keys([NEWER, SIGNED_WITH])
    proof.seal(store, shop, today, NOW)
    good = list(proof.export(store, shop, today, None, NOW.date(), NOW))
    lines = good[:]
    end = json.loads(lines[-1])
    said = json.loads(urlsafe_b64decode(end["token"].partition(".")[0] + "=="))
    lines[-1] = json.dumps({**end, "token": token(said, KEYS.sign(said))}).encode()
    for given in (Keys([NEWER]).jwks(), KEYS.jwks(), proof_keys.published(today)):
        assert verify(good, given)
        with pytest.raises(Failed, match=f"the end is signed by {kid(SIGNED_WITH)}, an older key than {kid(NEWER)}"):
            verify(lines, given)
    later = NOW + timedelta(1)
    for configured in ([SIGNED_WITH], [SIGNED_WITH, NEWER]):  # a server that was left behind, or a thief
        with pytest.raises(Unproven, match=f"is by a newer key, {kid(NEWER)}, than today's"):
            proof.seal(store, shop, Keys(configured), later)
    day = seal_by(store, shop, SIGNED_WITH)
    assert [*chain(store, shop, Keys([NEWER]))][-1] == day, "a thief stops nothing"
    lines = list(proof.export(store, shop, Keys([NEWER]), None, NOW.date(), NOW))
    said = str(verify(lines, Keys([NEWER]).jwks()))
    which = f"{kid(SIGNED_WITH)} after {kid(NEWER)}"
    assert f"The seal of {day} is by an older key than the one before it: {which}, either two servers in a " in said
    assert "is by an older key" not in str(verify(good, Keys([NEWER]).jwks()))


def seal_by(store, shop, secret):
    """Seal the next day with a key, as no server does after one by a newer key; one of an earlier version did."""
    seals, keys = store.log.seals(shop), Keys([secret])
    day, newest = max(seals.items())
    day += timedelta(1)
    seal = {**unsigned(newest), "day": f"{day}", "prev": seal_hash(newest), "kid": kid(secret), "entries": 0}
    seal |= {"root": Tree().root(), "counts": hashlib.sha256(canonical({})).hexdigest()}
    seal.pop("endorsed", None)
    seal.pop("own", None)
    assert store.log.keep_seal(shop, day, token(seal, keys.sign(seal)))
    return day


def fill_days(store, shop, days):
    """Have one decision a day, by the key before the newest, from FIRST on."""
    fill(store, shop, 0)
    for n in range(days):
        decide(store, shop, START + n * 86_400_000, KEYS.sign)


def test_a_log_that_two_servers_sealed_in_turn_during_a_rotation_is_whole(store, shop):
    """An earlier version sealed so; that is seen, and nothing fails for it."""
    fill_days(store, shop, 2)
    both = Keys([NEWER, SIGNED_WITH])
    proof.seal(store, shop, KEYS, NOW - timedelta(1))
    proof.seal(store, shop, both, NOW)
    turned = seal_by(store, shop, SIGNED_WITH)
    later = NOW + timedelta(2)
    assert proof.seal(store, shop, both, later)[0] == turned + timedelta(1)
    assert len(chain(store, shop, both)) == len(store.log.seals(shop)) == 4
    lines = list(proof.export(store, shop, both, None, later.date(), later))
    assert verify(lines, both.jwks()), "which says of neither that it is the newer one"
    for given in (proof_keys.published(both), Keys([NEWER]).jwks(), KEYS.jwks()):
        assert f"The seal of {turned} is by an older key than the one before it: " in str(verify(lines, given))


STARTS = [[SIGNED_WITH], [NEWER, SIGNED_WITH], [SIGNED_WITH, NEWER], [NEWER, SIGNED_WITH]]


@pytest.mark.parametrize("starts", [STARTS, STARTS[:1] + STARTS[2:], STARTS[2:], [*STARTS, *STARTS[2:]]])
@pytest.mark.parametrize("each", [True, False])
def test_a_start_with_the_secrets_in_the_wrong_order_is_mended_by_one_in_the_right_order(store, shop, starts, each):
    """Whether a day was sealed at each start or not, what comes after goes on, and says nothing false of a key."""
    days = len(starts) + 2
    fill_days(store, shop, days)
    for n, configured in enumerate(starts):
        with contextlib.suppress(Unproven):
            proof.seal(store, shop, Keys(configured), NOW + timedelta(n - 1 if each else -3))
        chain(store, shop, Keys(configured))
    end = NOW + timedelta(days)
    right, alone = Keys([NEWER, SIGNED_WITH]), Keys([NEWER])
    assert proof.seal(store, shop, right, end)
    decide(store, shop, START + (days + 2) * 86_400_000, right.sign)
    assert proof.seal(store, shop, alone, end + timedelta(2)), "once the old one is taken out"
    third = Keys([NEWEST, NEWER])
    assert proof.seal(store, shop, third, end + timedelta(4))
    end += timedelta(4)
    for today in (alone, right, third, Keys([NEWEST])):
        assert chain(store, shop, today) == store.log.seals(shop)
    for today in (third, Keys([NEWEST])):
        lines = list(proof.export(store, shop, today, None, end.date(), end))
        given = [proof_keys.published(today), Keys([NEWEST]).jwks(), alone.jwks(), KEYS.jwks()]
        for keys in given:
            assert "Its end is signed" not in str(verify(lines, keys))


def test_a_start_with_the_secrets_in_the_wrong_order_seals_nothing_after_the_newer_key_and_leaves_nothing(store, shop):
    fill_days(store, shop, 5)
    proof.seal(store, shop, KEYS, NOW - timedelta(1))
    right = Keys([NEWER, SIGNED_WITH])
    proof.seal(store, shop, right, NOW)
    before = store.keys.endorsements()
    with pytest.raises(Unproven, match=f"is by a newer key, {kid(NEWER)}, than today's"):
        proof.seal(store, shop, Keys([SIGNED_WITH, NEWER]), NOW + timedelta(1))
    assert store.keys.endorsements() == before
    proof.seal(store, shop, right, NOW + timedelta(1))
    assert proof_keys.believed(store, right).is_older(kid(SIGNED_WITH), kid(NEWER))


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


JWK = KEYS.jwks()["keys"][0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"keys": []}, "There is no key in it"),
        ({}, "holds no public keys"),
        ([], "holds no public keys"),
        ("text", "holds no public keys"),
        (None, "holds no public keys"),
        ({"keys": {"kid": 1}}, "no public key of a consent server"),
        ({"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB", "x": "AQAB"}]}, "no public key of a consent server"),
        ({"keys": [{**JWK, "x": JWK["x"][:-4]}]}, "no public key of a consent server"),
        ({"keys": [{**JWK, "kid": "AAAAAAAAAAA"}]}, "is not what its name says"),
        ({"keys": [{**JWK, "x": FORGER.jwks()["keys"][0]["x"]}]}, "is not what its name says"),
    ],
)
def test_an_empty_or_foreign_file_of_keys_is_an_error(tmp_path, content, says):
    keys, export = tmp_path / "keys.json", tmp_path / "log.jsonl"
    keys.write_text(json.dumps(content))
    export.write_text("{}")
    result = CliRunner().invoke(log_command, ["verify", str(export), "--keys", str(keys)])
    assert result.exit_code == 2
    assert says in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("text", ["", "[" * 100_000, "no json", "\x00"])
def test_what_is_no_json_is_an_error_too(tmp_path, text):
    keys = tmp_path / "keys.json"
    keys.write_text(text)
    with pytest.raises(NoKeys, match="holds no public keys"):
        read_keys(keys)


def test_keys_have_to_be_named(tmp_path):
    assert CliRunner().invoke(log_command, ["verify", str(tmp_path / "log.jsonl")]).exit_code == 2


def test_the_keys_of_another_server_fail(store, shop, tmp_path):
    fill(store, shop, 10)
    lines = list(proof.export(store, shop, KEYS, None, NOW.date(), NOW))
    with pytest.raises(Failed, match="signed by none of the keys"):
        verify(lines, FORGER.jwks())


def test_a_single_key_may_be_given_as_itself(tmp_path):
    keys = tmp_path / "key.json"
    keys.write_text(json.dumps(JWK))
    assert read_keys(keys)["keys"] == [JWK]
    assert key_id(JWK["x"]) == JWK["kid"]
