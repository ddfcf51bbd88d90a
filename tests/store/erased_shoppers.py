"""Shoppers who answer and are erased, at a moment that the test names."""

import secrets
from datetime import date

import pytest

from consent_server.decision import Decision
from consent_server.settings.shops import make_site
from consent_server.site import Notice
from consent_server.tokens import Keys

NOON = 1_795_348_800_000  # 2026-11-22 12:00 UTC, in ms
TODAY = date(2026, 11, 22)
KEYS = Keys(["a secret that signs " * 2])
KEEP = 10_000_000  # s, for which the answers to what was asked hold


@pytest.fixture
def site():
    name = f"shop-{secrets.token_hex(6)}"
    return make_site(
        name, "Shop", ("https://shop.example",), "/privacy", date(2025, 12, 20), languages=("az",), buckets=2
    )


def asked(store, site):
    notice = Notice.of({"site": site.id, "revision": 1, "keep": KEEP, "lang": "az", "variant": ""})
    store.notices.serve(site, [notice])
    return notice


def decide(store, site, notice, allow=2, previous=None, name=None, at=NOON):
    decision = Decision(name or secrets.token_urlsafe(16), allow, notice, "save", previous)
    return decision, store.decisions.record(site, decision, now=at, sign=KEYS.sign)
