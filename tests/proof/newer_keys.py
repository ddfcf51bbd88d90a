"""Secrets that follow each other, and how a key is brought into the store without them."""

from __future__ import annotations

import secrets

import pytest

from consent_server.decision import Decision
from consent_server.tokens import Keys

NEWER = "the secret that comes after the first one"
NEWEST = "the secret that comes after the second one"


@pytest.fixture
def store(on_valkey):
    return on_valkey


def kid(secret):
    return Keys([secret]).jwks()["keys"][0]["kid"]


def decide(store, shop, at, sign):
    notice = next(iter(store.notices.all(shop).values()))
    decision = Decision(secrets.token_urlsafe(16), 2, notice, "accept", None)
    return store.decisions.record(shop, decision, now=at, sign=sign, device="phone", country="AZ")
