"""Two exports of one log: one from before some answers and an erasure, one from after them."""

from __future__ import annotations

import secrets
from datetime import timedelta

import pytest
from filled_log import KEYS, NOW, START, fill

from consent_server.decision import Decision
from consent_server.proof import log as proof
from consent_server.proof.erasure import erase
from consent_server.verify import verify

LATER = NOW + timedelta(days=2)


@pytest.fixture
def store(on_valkey):
    return on_valkey


def export(store, shop, now=NOW, **options):
    return list(proof.export(store, shop, KEYS, options.pop("first", None), now.date(), now, **options))


def decide(store, shop, at):
    notice = next(iter(store.notices.all(shop).values()))
    decision = Decision(secrets.token_urlsafe(16), 2, notice, "accept", None)
    return store.decisions.record(shop, decision, now=at, sign=KEYS.sign, device="phone", country="AZ")


@pytest.fixture
def two(store, shop):
    """An export whose last day was not over, and one of two days later; some were erased before, and some since."""
    consents = fill(store, shop)
    proof.seal(store, shop, KEYS, NOW)
    subjects = [consent.sub for consent in consents if consent.sub]
    erase(store, shop, KEYS, subjects[0], 5)
    older = export(store, shop)
    erase(store, shop, KEYS, subjects[-1], int(NOW.timestamp()) + 60)
    for n in range(5):
        decide(store, shop, START + 2 * 86_400_000 + 85_000_000 + n)
    decide(store, shop, START + 3 * 86_400_000 + 5)
    proof.seal(store, shop, KEYS, LATER)
    return older, export(store, shop, LATER)


def follows(newer, older):
    return verify(newer, KEYS.jwks(), older)
