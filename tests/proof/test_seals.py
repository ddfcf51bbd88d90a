"""Anyone may have the chain of seals, and whoever has a part of it sees whether the past is ever another one."""

from __future__ import annotations

import hashlib
import json
import secrets
import subprocess
import time
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from test_merkle import is_beginning
from test_proof import FORGER

from consent_server.decision import Decision
from consent_server.proof import log as proof
from consent_server.proof import seals as proof_seals
from consent_server.proof.days import merkle as proof_merkle
from consent_server.proof.receipt import SIGNATURE
from consent_server.store.keys import buckets
from consent_server.tokens import token
from consent_server.verify import Failed, identity, seal_hash, verify_proof
from consent_server.web.seals import PROOFS

DAY = 86_400_000


@pytest.fixture(autouse=True)
def yesterday_is_sealed(monkeypatch):
    """In the first hour of a day too."""
    monkeypatch.setattr(proof, "GRACE", timedelta(0))


@pytest.fixture
def sealed(app, site):
    """A shop that was answered for five days up to yesterday, all sealed; says how many decisions there are a day."""
    services = app.extensions["consent"]
    notice = services.scripts[site.id].notices["az"][0]
    today = int(time.time() * 1000) // DAY * DAY
    followed = None
    for ago in range(5, 0, -1):
        for n in range(ago * 3):
            decision = Decision(secrets.token_urlsafe(16), 3, notice, "save", followed if n == 0 else None)
            kept = services.store.decisions.record(
                site, decision, now=today - ago * DAY + n * 1000 + 1, sign=services.keys.sign
            )
            followed = kept.consent if n == 0 else followed
    proof.seal(services.store, site, services.keys, datetime.now(UTC))
    assert len(services.store.log.seals(site)) >= 4
    return token(followed, services.keys.sign(followed))


def get(client, path, **headers):
    return client.get(f"/v1/smartmarket/{path}", headers=headers)


def test_anyone_gets_the_chain(sealed, client, app, site):
    answer = get(client, "seals", Origin="https://an.auditor.example")
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    found = answer.get_json()["seals"]
    kept = app.extensions["consent"].store.log.seals(site)
    assert [(each["day"], each["token"]) for each in found] == [(day.isoformat(), text) for day, text in kept.items()]
    keys = app.extensions["consent"].keys
    previous = ""
    for each in found:
        said = json.loads(keys.payload(each["token"]))
        assert said["prev"] == previous
        previous = seal_hash(each["token"])


def test_what_is_over_may_be_kept_for_ever_and_never_changes(sealed, client, app, site):
    days = [*app.extensions["consent"].store.log.seals(site)]
    first = get(client, f"seals?from={days[0]}&to={days[1]}")
    assert "immutable" in first.headers["Cache-Control"]
    assert [each["day"] for each in first.get_json()["seals"]] == [day.isoformat() for day in days[:2]]
    for query in ("", f"?to={datetime.now(UTC).date()}", f"?from={days[1]}"):
        assert "immutable" not in get(client, f"seals{query}").headers["Cache-Control"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        *(("from=x", 400), ("from=20261101", 400), ("to=2026-W44-1", 400)),
        *(("format=xml", 400), ("format=checkpoint&old=-1", 400), ("format=checkpoint&old=99", 404)),
    ],
)
def test_odd_questions_are_refused(sealed, client, query, status):
    answer = get(client, f"seals?{query}")
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"


def note_of(client, query=""):
    answer = get(client, f"seals?format=checkpoint{query}")
    assert answer.status_code == 200
    return answer.text


def test_a_checkpoint_verifies_with_openssl(sealed, client, app, site, tmp_path):
    """By the format's own words (C2SP signed-note, tlog-checkpoint) and a tool that is not ours."""
    text, _, signatures = note_of(client).partition("\n\n")
    origin, size, root = text.split("\n")
    dash, name, signature = signatures.removesuffix("\n").split(" ")
    assert (dash, name) == ("—", origin)
    assert int(size) == len(app.extensions["consent"].store.log.seals(site))
    assert len(b64decode(root)) == 32
    named, hashed, key = get(client, "seals?format=key").text.strip().split("+")
    assert named == origin
    assert b64decode(key)[:1] == b"\1"
    assert hashlib.sha256(name.encode() + b"\n" + b64decode(key)).digest()[:4].hex() == hashed
    assert b64decode(signature)[:4].hex() == hashed
    public, said, by = (tmp_path / name for name in ("key.pem", "text", "signature"))
    raw = Ed25519PublicKey.from_public_bytes(b64decode(key)[1:])
    public.write_bytes(raw.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    by.write_bytes(b64decode(signature)[4:])

    def verified(content):
        said.write_text(content, "utf-8")
        checking = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", "-in", said, "-sigfile", by]
        return subprocess.run(checking, capture_output=True, check=False).returncode == 0

    assert verified(text + "\n")
    assert not verified(text.replace(f"\n{size}\n", f"\n{int(size) + 1}\n") + "\n")


def test_a_witness_gets_the_proof_that_the_log_only_grew(sealed, client, app, site):
    tokens = [*app.extensions["consent"].store.log.seals(site).values()]
    _, size, root = note_of(client).split("\n")[:3]
    for old in range(1, len(tokens) + 1):
        head, _, note = note_of(client, f"&old={old}").partition("\n\n")
        first, *hashes = head.split("\n")
        assert first == f"old {old}"
        assert note == note_of(client)
        before = proof_seals._over(tuple(tokens[:old])).root
        assert is_beginning(old, int(size), before, b64decode(root), [b64decode(each) for each in hashes])
    assert note_of(client, "&old=0").startswith("old 0\n\n")


def test_a_log_without_seals_has_a_checkpoint_too(client):
    text = note_of(client)
    assert text.split("\n")[1] == "0"
    assert b64decode(text.split("\n")[2]) == hashlib.sha256().digest()


def test_a_receipt_brings_the_newest_seal(sealed, shopper, app, site):
    shopper.token = sealed
    seals = app.extensions["consent"].store.log.seals(site)
    content = shopper.get("me/receipt").get_json()
    assert content["dcterms:relation"] == seals[max(seals)]
    assert SIGNATURE in content


def test_a_shopper_gets_the_way_from_each_answer_to_the_checkpoint(sealed, shopper, app, site):
    shopper.token = sealed
    keys = app.extensions["consent"].keys.jwks()
    found = shopper.get("me/proof").get_json()
    assert verify_proof(found, keys) == len(found["sealed"]) >= 4
    assert found["unsealed"] == []
    sizes = {each["day"]: each["of"] for each in found["sealed"]}
    assert sorted(sizes.values())[-1] == 15
    shopper.decide("analytics")  # of today
    again = shopper.get("me/proof").get_json()
    assert again["sealed"] == found["sealed"]
    assert len(again["unsealed"]) == 1


def test_a_refusal_has_nothing_that_could_be_shown(sealed, shopper):
    shopper.token = None
    shopper.decide()
    found = shopper.get("me/proof").get_json()
    assert (found["sealed"], found["unsealed"]) == ([], [])


def other(text):
    """Return a text that says something else: its first character is another one."""
    return ("B" if text[0] == "A" else "A") + text[1:]


@pytest.mark.parametrize(
    "change",
    [
        lambda way: way["entry"].update(allow=["marketing"]),
        lambda way: way["entry"].update(id="A" * 22),
        lambda way: way["entry"].update(identity=identity(way["entry"]), id="A" * 22),
        lambda way: way["entry"].update(erased=identity(way["entry"]), subject="A" * 22),
        lambda way: way.update(number=way["number"] ^ 1),
        lambda way: way.update(of=way["of"] + 1),
        lambda way: way.update(path=way["path"][1:]),
        lambda way: way.update(day="2020-01-01"),
        lambda way: way.update(seal_path=[*way["seal_path"], "00" * 32]),
        lambda way: way.update(seal=other(way["seal"])),
        lambda way: way.update(seal_number=99),
        lambda way: way.update(path=5),
        lambda way: way.clear(),
    ],
)
def test_a_proof_that_was_changed_is_none(sealed, shopper, app, change):
    shopper.token = sealed
    found = shopper.get("me/proof").get_json()
    change(found["sealed"][0])
    with pytest.raises(Failed):
        verify_proof(found, app.extensions["consent"].keys.jwks())


def test_an_answer_that_was_sealed_with_another_day_is_none(sealed, shopper, app, site):
    shopper.token = sealed
    found, keys = shopper.get("me/proof").get_json(), app.extensions["consent"].keys
    way = found["sealed"][0]
    day = (datetime.fromisoformat(way["day"]) + timedelta(1)).date().isoformat()
    said = json.loads(keys.payload(way["seal"])) | {"day": day}
    seal = token(said, keys.sign(said))
    note = proof_seals.checkpoint(site, keys, {day: seal})
    forged = {**way, "day": day, "seal": seal, "seal_number": 0, "seal_path": []}
    with pytest.raises(Failed, match=f"is not of '{day}'"):
        verify_proof({**found, "checkpoint": note, "sealed": [forged]}, keys.jwks())


def test_a_checkpoint_of_another_key_or_tree_is_none(sealed, shopper, app, site):
    shopper.token = sealed
    found, services = shopper.get("me/proof").get_json(), app.extensions["consent"]
    with pytest.raises(Failed, match="none of the keys"):
        verify_proof(found, FORGER.jwks())
    seals = services.store.log.seals(site)
    fewer = dict([*seals.items()][:-1])
    for note in (
        proof_seals.checkpoint(site, FORGER, seals),
        proof_seals.checkpoint(site, services.keys, fewer),
        found["checkpoint"].replace("/consent/", "/another/"),
        "",
    ):
        with pytest.raises(Failed):
            verify_proof({**found, "checkpoint": note}, services.keys.jwks())


@pytest.mark.parametrize("kind", ["forged", "left out", "exchanged", "begun later"])
def test_nothing_is_signed_over_a_chain_that_somebody_else_wrote(sealed, shopper, client, app, site, kind):
    """Who can write to Redis would otherwise have us sign a checkpoint over a history of theirs."""
    shopper.token = sealed
    store = app.extensions["consent"].store
    redis, key = store.connection.client, f"consent:{{{site.id}}}:seals"
    days = [day.isoformat() for day in store.log.seals(site)]
    if kind == "forged":
        said = {"typ": "seal", "site": site.id, "day": days[1], "prev": ""}
        redis.hset(key, days[1], token(said, FORGER.sign(said)))
    elif kind == "left out":
        redis.hdel(key, days[1])
    elif kind == "begun later":
        redis.hdel(key, *days[:2])
    else:
        one, other = redis.hmget(key, days[1:3])
        redis.hset(key, mapping={days[1]: other, days[2]: one})
    for path in ("seals", "seals?format=checkpoint", "me/proof"):
        answer = shopper.get(path)
        assert answer.status_code == 503
        assert answer.get_json()["type"] == "/problems/unproven"


def test_a_day_that_was_changed_after_it_was_sealed_gives_no_proof(sealed, shopper, app, site):
    shopper.token = sealed
    services = app.extensions["consent"]
    first = min(services.store.log.seals(site))
    own = services.keys.read(sealed, site.id).sub
    line = next(entry for entry in services.store.log.day(site, first) if entry.subject != own)
    bucket = next(bucket for bucket in buckets(site) if bucket.number == line.bucket)
    services.store.connection.client.xdel(bucket.log, f"{line.at}-{line.seq}")
    proof_seals._days.clear()
    answer = shopper.get("me/proof")
    assert answer.status_code == 503
    assert "are not those that were sealed" in answer.get_json()["detail"]


def test_a_day_is_read_whole_once_and_then_a_part_of_it_for_each_answer(sealed, shopper, monkeypatch):
    monkeypatch.setattr(proof_merkle, "PIECE", 4)
    monkeypatch.setattr(proof_seals, "PIECE", 4)
    proof_seals._days.clear()
    shopper.token = sealed
    keys = shopper.client.application.extensions["consent"].keys.jwks()
    hashed = Mock(side_effect=proof_seals.leaf)
    monkeypatch.setattr(proof_seals, "leaf", hashed)
    first = shopper.get("me/proof").get_json()
    assert verify_proof(first, keys) == 5
    assert hashed.call_count >= 3 + 6 + 9 + 12 + 15
    hashed.reset_mock()
    assert shopper.get("me/proof").get_json() == first
    assert hashed.call_count <= 5 * (4 + 1)


def test_a_call_gives_the_newest_answers_and_says_how_many_older_ones_there_are(sealed, shopper, monkeypatch):
    shopper.token = sealed
    every = shopper.get("me/proof").get_json()
    assert (len(every["sealed"]), every["older"]) == (5, 0)
    monkeypatch.setattr(proof_seals, "MOST_DAYS", 3)
    few = shopper.get("me/proof").get_json()
    assert (few["sealed"], few["older"]) == (every["sealed"][2:], 2)
    before = shopper.get(f"me/proof?to={every['sealed'][1]['day']}").get_json()
    assert (before["sealed"], before["older"]) == (every["sealed"][:2], 0)
    monkeypatch.setattr(proof_seals, "MOST_ANSWERS", 1)
    one = shopper.get("me/proof").get_json()
    assert (one["sealed"], one["older"]) == (every["sealed"][4:], 4)
    assert shopper.get("me/proof?to=yesterday").status_code == 400


def test_nobody_waits_long_while_a_day_is_read_for_somebody_else(sealed, shopper, monkeypatch):
    proof_seals._days.clear()
    monkeypatch.setattr(proof_seals, "SECONDS_TO_WAIT", 0.01)
    shopper.token = sealed
    with proof_seals._making:
        refused = shopper.get("me/proof")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    assert shopper.get("me/proof").status_code == 200


def test_the_way_up_is_asked_for_a_few_times_a_minute(sealed, shopper):
    shopper.token = sealed
    answers = [shopper.get("me/proof") for _ in range(PROOFS + 1)]
    assert [answer.status_code for answer in answers] == [200] * PROOFS + [429]
    assert answers[-1].headers["Retry-After"] == "60"


def test_a_flood_of_questions_is_refused(app, client, monkeypatch):
    services = app.extensions["consent"]
    few = replace(services, settings=replace(services.settings, client_limit=3))
    monkeypatch.setitem(app.extensions, "consent", few)
    assert [get(client, "seals").status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    assert timedelta
