"""A shop's log by the clock of Redis, which a test may move."""

import secrets
import time
from datetime import UTC, date, datetime

import pytest
from conftest import SECRET, closing

from consent_server.decision import Decision
from consent_server.settings.shops import make_site
from consent_server.site import Notice
from consent_server.store import Store
from consent_server.store.connection import clock as store_clock
from consent_server.store.keys import DAY, buckets
from consent_server.tokens import Keys

KEYS = Keys([SECRET])
YEAR = 365 * DAY
OFF = [61_000, -61_000, 3_600_000, -3_600_000, YEAR, -YEAR]


@pytest.fixture(autouse=True)
def one_clock(monkeypatch):
    monkeypatch.setattr(store_clock, "LEEWAY", 60_000)


def now():
    return time.time_ns() // 1_000_000


@pytest.fixture
def shop(store):
    name = f"shop-{secrets.token_hex(6)}"
    site = make_site(name, "Shop", ("https://shop.example",), "/p", date(2025, 12, 20), languages=("az",), buckets=2)
    notice = Notice.of({"site": name, "revision": 1, "keep": 10_000_000, "lang": "az", "variant": ""})
    store.notices.serve(site, [notice])
    return site, notice


def decide(store, shop, at):
    site, notice = shop
    decision = Decision(secrets.token_urlsafe(16), 2, notice, "save", None)
    return store.decisions.record(site, decision, now=at, sign=KEYS.sign)


def made_up(store, shop, at):
    """Have a decision of another day in the log."""
    with closing(Store(store.url, 5, any_clock=True)) as other:
        decide(other, shop, at)


def days(store, site):
    client = store.connection.client
    places = [place for bucket in buckets(site) for place, _ in client.xrange(bucket.log)]
    return {datetime.fromtimestamp(int(place.split(b"-")[0]) / 1000, UTC).date() for place in places}
