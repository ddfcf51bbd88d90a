"""A log with erased answers: its entries, its export, and what it takes to blank one by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest
from filled_log import FIRST, KEYS, NOW, fill

from consent_server.proof import log as proof
from consent_server.proof.erasure import erase


@pytest.fixture
def store(on_valkey):
    return on_valkey


def entries(store, shop, days=3):
    return [entry for day in range(days) for entry in store.log.day(shop, FIRST + timedelta(day))]


def export(store, shop, **options):
    return list(proof.export(store, shop, KEYS, None, NOW.date(), NOW, **options))


@pytest.fixture
def lines(store, shop):
    """An export with some erased."""
    consents = fill(store, shop)
    proof.seal(store, shop, KEYS, NOW)
    for consent in [c for c in consents if c.sub][:3]:
        erase(store, shop, KEYS, consent.sub, 5)
    return export(store, shop)
