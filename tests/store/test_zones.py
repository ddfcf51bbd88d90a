"""Days are counted in the shop's time zone, each day in one alone, and the log agrees."""

import secrets
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_server.banner.scripts import build_scripts
from consent_server.decision import Decision
from consent_server.rates import read
from consent_server.rates.period import Period
from consent_server.settings.shops import read_sites
from consent_server.store import Store
from consent_server.store.connection.zones import Span, day_number

SOME = ("Asia/Baku", "Europe/Istanbul", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "UTC")
EPOCH = date(1970, 1, 1)


@given(st.sampled_from(SOME), st.integers(946_684_800_000, 2_000_000_000_000))
def test_a_day_is_the_one_on_the_wall_of_the_shop(zone, at):
    there = datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).date()
    assert EPOCH + timedelta(days=day_number([Span(0, zone)], at)) == there


@given(st.integers(1_600_000_000_000, 2_000_000_000_000), st.integers(1_600_000_000_000, 2_000_000_000_000))
def test_before_a_zone_began_days_are_those_of_the_one_before(start, at):
    spans = [Span(0, "America/New_York"), Span(start, "Asia/Baku")]
    zone = ZoneInfo("Asia/Baku" if at >= start else "America/New_York")
    assert EPOCH + timedelta(days=day_number(spans, at)) == datetime.fromtimestamp(at / 1000, zone).date()
    assert day_number([Span(start, "Asia/Baku")], start - 1) == (start - 1) // 86_400_000


@pytest.fixture
def shop(site):
    """A shop in Baku, whose day begins at 20:00 UTC."""
    return replace(site, timezone="Asia/Baku")


def act(store: Store, shop, moments) -> Counter:
    """Show a banner and take an answer at each moment; return how many on each day, by nobody's counters."""
    notice = next(notice for notices in build_scripts(shop).notices.values() for notice in notices)
    store.notices.serve(shop, [notice])
    for moment in moments:
        ms = int(moment.timestamp() * 1000)
        store.counters.shown(shop, now=ms, language=notice.lang, variant=notice.variant, device="phone", country="AZ")
        decision = Decision(secrets.token_urlsafe(16), 7, notice, "accept", None)
        store.decisions.record(shop, decision, now=ms, sign=lambda _: b"x" * 64, device="phone", country="AZ")
    return Counter(moment.astimezone(ZoneInfo("Asia/Baku")).date().isoformat() for moment in moments)


def test_a_new_shop_counts_its_own_days_and_the_log_agrees(redis_url, shop):
    store = Store(redis_url, 5, any_clock=True)
    start = datetime(2026, 10, 30, 18, 30, tzinfo=UTC)
    expected = act(store, shop, [start + timedelta(minutes=37 * n) for n in range(100)])
    period = Period(date(2026, 10, 29), date(2026, 11, 3))
    for only in ({}, {"device": "phone"}, {"device": "phone", "language": "az"}):
        rows = read.report(store, shop, period, "day", read.Filters(only)).rows
        assert {day: counts.shown for day, counts in rows.items() if counts.shown} == expected
        assert {day: counts.answered for day, counts in rows.items() if counts.answered} == expected
    assert "2026-11-02" in expected  # in UTC, nothing is on that day
    for day in period:
        assert read.recount(store, shop, Period(day, day)).differences == []
    store.close()


def test_another_zone_holds_from_its_next_midnight_and_no_day_is_cut_twice(redis_url, site, shop):
    now = datetime.now(UTC)
    before = Store(redis_url, 5, any_clock=True)
    act(before, site, [now - timedelta(hours=3), now])
    before.close()
    store = Store(redis_url, 5, any_clock=True)
    act(store, shop, [now])
    [span] = store.zones.history(shop)
    start = datetime.fromtimestamp(span.start / 1000, ZoneInfo("Asia/Baku"))
    assert (start.hour, start.minute, span.zone) == (0, 0, "Asia/Baku")
    assert now + timedelta(minutes=59) < start < now + timedelta(hours=26)
    act(store, shop, [start - timedelta(seconds=1), start, start + timedelta(hours=30)])
    act(Store(redis_url, 5, any_clock=True), shop, [start + timedelta(hours=31)])
    assert store.zones.history(shop) == [span]
    utc_day = (start - timedelta(seconds=1)).astimezone(UTC).date()
    period = Period(utc_day - timedelta(days=2), utc_day + timedelta(days=4))
    rows = read.report(store, shop, period, "day").rows
    assert rows[start.date().isoformat()].shown >= 1
    assert sum(counts.shown for counts in rows.values()) == 7
    assert read.recount(store, shop, period).differences == []
    store.close()


@pytest.mark.parametrize("zone", ["Asia/Bakuu", "+04:00", "", 4])
def test_a_zone_that_there_is_not_is_refused_in_one_sentence(tmp_path, zone):
    path = tmp_path / "consent.toml"
    value = f'"{zone}"' if isinstance(zone, str) else zone
    path.write_text(
        '[sites.shop]\nname = "Shop"\norigins = ["https://shop.example"]\npolicy_url = "https://shop.example/privacy"\n'
        f"policy_updated = 2025-12-20\ntimezone = {value}\n"
    )
    with pytest.raises(Exception, match="takes a time zone such as") as refused:
        read_sites(path)
    assert str(refused.value).count("\n") == 0
    if zone == "Asia/Bakuu":
        assert "did you mean 'Asia/Baku'?" in str(refused.value)


def test_the_page_and_the_export_name_the_zone(marketer, shopper, site):
    assert shopper.client.post(f"/v1/{site.id}/shown").status_code == 204
    assert marketer.get(f"/v1/{site.id}/rates").get_json()["timezone"] == "UTC"
    assert "midnight to midnight in the time zone UTC" in marketer.get("/?lang=en").text
