"""Answers of the days before today, as the store keeps them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from filled_log import KEYS, NOW, START

from consent_server.decision import Decision
from consent_server.proof import log as proof
from consent_server.site import Notice
from consent_server.store import Store

NOTICE = Notice.of({"site": "shop", "revision": 1, "keep": 15_811_200, "lang": "az", "variant": "", "words": {}})
DAY = 86_400_000
LATER = NOW + timedelta(days=1)


@pytest.fixture
def store(valkey):
    store = Store(valkey.url, 5)
    yield store
    store.close()


def lay(store, shop, *, without=(), device="phone", shown=0):
    """Lay three days of a log down anew, with the genuine signatures.

    Whoever can write to Redis has all of these in there, and needs no secret to leave out some, with their counts.
    """
    store.connection.client.flushall()
    store.notices.serve(shop, [NOTICE])
    for n in range(12):
        if n not in without:
            at = START + n * DAY // 4 + 1
            decision = Decision(f"decision-number-{n:06}", 2, NOTICE, "accept", None)
            store.decisions.record(shop, decision, now=at, sign=KEYS.sign, device=device, country="AZ")
    for _ in range(shown):
        store.counters.shown(shop, now=START + 1, language="az", variant="", device="phone", country="AZ")


def export(store, shop, now=NOW):
    return list(proof.export(store, shop, KEYS, None, now.date(), now))
