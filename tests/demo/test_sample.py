"""Made-up decisions: plausible, marked, the same for the same seed, and never over real ones."""

from datetime import UTC, date, datetime, timedelta

import pytest
import redis

from consent_server.demo.sample import NotEmpty, sample
from consent_server.rates import read
from consent_server.rates.counts import Counts
from consent_server.rates.period import Period
from consent_server.site import OPTIONAL

TODAY = date(2026, 11, 22)


@pytest.fixture
def lay_down(app, site):
    """Make up ten days in the app's store."""
    parts = app.extensions["consent"]

    def run(**options):
        return [*sample(parts.store, site, TODAY, sign=parts.keys.sign, **{"days": 10, "shoppers": 40, **options})]

    return run


def counted(app, site, by="day"):
    first = TODAY - timedelta(days=12)
    return app.extensions["consent"].store.counters.counts(site, first, TODAY, by)


def test_it_fills_the_days_before_today_and_says_which(app, site, lay_down):
    assert lay_down() == [TODAY - timedelta(days=n) for n in range(10, 0, -1)]
    rows = counted(app, site)
    filled = [day for day, row in rows.items() if any(row)]
    assert filled == [(TODAY - timedelta(days=n)).isoformat() for n in range(10, 0, -1)]
    total = Counts.total(map(Counts, rows.values()))
    assert 250 < total.shown < 500
    assert 0.6 < total.rate("answer").value < 0.95
    assert min(total.all, total.some, total.none) > 0
    assert all(0.3 < total.rate(f"grant_{category}").value < 0.9 for category in OPTIONAL)
    assert {"az", "ru"} <= counted(app, site, "language").keys()
    ways = counted(app, site, "how")
    assert {"accept", "refuse", "save"} <= ways.keys()
    assert not Counts(ways["preferences"]).answered  # as on a banner, where those are changes


def test_it_goes_through_the_real_script_and_the_log_agrees(app, site, lay_down):
    lay_down()
    store = app.extensions["consent"].store
    assert any(map(any, counted(app, site, "how").values()))
    assert read.recount(store, site, Period(TODAY - timedelta(days=11), TODAY)).differences == []


def test_it_is_marked_and_laid_down_once(app, site, lay_down):
    lay_down()
    assert app.extensions["consent"].store.sample.has(site)
    before = counted(app, site)
    assert lay_down() == []
    assert counted(app, site) == before


def test_something_happens_in_a_long_one_for_the_page_to_tell(app, site, lay_down):
    lay_down(days=60, shoppers=150)
    store = app.extensions["consent"].store
    found = read.overview(store, site, Period(TODAY - timedelta(days=59), TODAY), TODAY)
    told = {(mark.kind, mark.what): (TODAY - mark.first).days for mark in found.marks}
    assert told["revision", "1"] == 50
    assert told["variant-began", "calm"] == told["variant-began", "short"] == 28
    assert told["silent", ""] == 23
    assert told["variant-ended", "short"] == 0
    assert "range" in {mark.kind for mark in found.marks if (TODAY - mark.first).days == 1}
    assert "answer" in {alarm.rate for alarm in found.alarms}
    assert {verdict.b for verdict in found.verdicts("answer")} == {"short"}
    assert read.recount(store, site, Period(TODAY - timedelta(days=60), TODAY)).differences == []


def test_the_same_seed_makes_up_the_same_shoppers(app, site, lay_down, redis_url):
    lay_down()
    first = counted(app, site, "country")
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    parts = app.extensions["consent"]
    parts.store.notices.serve(
        site, [notice for notices in parts.scripts[site.id].notices.values() for notice in notices]
    )
    lay_down()
    assert counted(app, site, "country") == first


def test_it_is_never_mixed_with_real_decisions(app, site, shopper, lay_down):
    assert shopper.decide("analytics").status_code == 201
    parts = app.extensions["consent"]
    with pytest.raises(NotEmpty, match="real decisions"):
        next(sample(parts.store, site, datetime.now(UTC).date(), sign=parts.keys.sign))
    assert not parts.store.sample.has(site)
