"""A shopper gets the way from their answer up to the checkpoint, and what was changed on it is none."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from unittest.mock import Mock

import pytest
from filled_log import FORGER
from sealed_shop import get, sealed, yesterday_is_sealed

from consent_server.proof import seals as proof_seals
from consent_server.proof.days import merkle as proof_merkle
from consent_server.proof.receipt import SIGNATURE
from consent_server.store.keys import buckets
from consent_server.tokens import token
from consent_server.verify import Failed, identity, verify_proof
from consent_server.web.seals import PROOFS

__all__ = ["sealed", "yesterday_is_sealed"]


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
