"""While a secret is changed the servers seal in turn, and what starts with the wrong one does no harm."""

from __future__ import annotations

import contextlib
import hashlib
import json
from base64 import urlsafe_b64decode
from datetime import timedelta

import pytest
from filled_log import KEYS, NOW, SIGNED_WITH, START, fill, shop
from newer_keys import NEWER, NEWEST, decide, kid, store

from consent_server.proof import keys as proof_keys
from consent_server.proof import log as proof
from consent_server.proof.entries import Unproven
from consent_server.proof.seals import chain
from consent_server.tokens import Keys, token
from consent_server.verify import Failed, Tree, canonical, seal_hash, unsigned, verify

__all__ = ["shop", "store"]


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
