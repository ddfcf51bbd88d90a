"""The log's days are UTC days, whatever days a shop counts its rates by: each seals, proves itself and is archived."""

import json
import secrets
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from conftest import closing

from consent_server.decision import Decision
from consent_server.proof import log as proof
from consent_server.proof.archive import archive
from consent_server.proof.days.day import Day
from consent_server.rates import read
from consent_server.rates.period import Period
from consent_server.settings.shops import make_site
from consent_server.site import Notice
from consent_server.store import Archived, Store
from consent_server.tokens import Keys
from consent_server.verify import opened, verify

KEYS = Keys(["the secret that the log is signed with"])
SHOP = make_site("shop", "Mağaza", ("https://shop.example",), "/p", date(2025, 12, 20), languages=("az",), buckets=3)
NOTICE = Notice.of({"site": "shop", "revision": 1, "keep": 86_400, "lang": "az", "variant": "", "words": {}})
DAY = timedelta(1)


@pytest.fixture
def store(valkey):
    with valkey.client() as client:
        client.flushall()
    with closing(Store(valkey.url, 5)) as opened_store:
        opened_store.notices.serve(SHOP, [NOTICE])
        yield opened_store


def act(store, shop, day):
    """Have a banner shown and answered at 3 and at 21 o'clock (UTC) of a day: on either side of midnight for most."""
    for hour in (3, 21):
        now = int(datetime(day.year, day.month, day.day, hour, tzinfo=UTC).timestamp()) * 1000
        store.counters.shown(shop, now=now, language="az", variant="", device="phone", country="AZ")
        decision = Decision(secrets.token_urlsafe(16), 7, NOTICE, "accept", None)
        store.decisions.record(shop, decision, now=now, sign=KEYS.sign, device="phone", country="AZ")


def end_of(day):
    """When a day is sealed."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + DAY + timedelta(hours=1)


def exported(store, shop, last):
    return [*proof.export(store, shop, KEYS, None, last, end_of(last))]


def shown(lines):
    """Return how many banners an export says to have been shown, by day."""
    told = {}
    for line in map(json.loads, lines):
        if line["type"] == "counts":
            rows = line["counts"].get("day", {})
            assert {*rows} <= {line["day"]}
            told[line["day"]] = rows.get(line["day"], {}).get("shown")
    return told


# Clocks are put back in New York on 1 November and in London on 25 October 2026, and there is no such day in Baku.
@pytest.mark.parametrize(
    ("zone", "first", "tells"),
    [
        ("UTC", date(2026, 10, 30), [True] * 6),
        ("Asia/Baku", date(2026, 10, 30), [False] * 6),
        ("America/New_York", date(2026, 10, 30), [False] * 6),
        ("Europe/London", date(2026, 10, 23), [False] * 3 + [True] * 3),
    ],
)
def test_in_every_time_zone_days_are_sealed_exported_archived_and_counted_again(store, tmp_path, zone, first, tells):
    shop = replace(SHOP, timezone=zone, keep=86_400, prove=0)
    days = [first + n * DAY for n in range(6)]
    older = None
    for day in days:
        act(store, shop, day)
        assert proof.seal(store, shop, KEYS, end_of(day - DAY)) == ([day - DAY] if day > first else [])
        lines = exported(store, shop, day)  # of a day that is going on, too
        summary = verify(lines, KEYS.jwks(), older)
        assert summary.unsealed == [str(day)]
        older = lines
    assert proof.seal(store, shop, KEYS, end_of(days[-1])) == [days[-1]]
    lines = exported(store, shop, days[-1])
    assert verify(lines, KEYS.jwks(), older).entries == 12
    assert shown(lines) == {str(day): 2 if told else None for day, told in zip(days, tells, strict=True)}
    assert read.recount(store, shop, Period(first - DAY, days[-1] + DAY)).differences == []
    [made] = archive(store, shop, KEYS, tmp_path, end_of(days[2]) + DAY)
    assert (made.first, made.last, made.entries) == (first, days[2], 6)
    with opened(tmp_path / made.file) as archived:
        verify(archived, KEYS.jwks())
    assert verify(exported(store, shop, days[-1]), KEYS.jwks()).entries == 6
    again = read.recount(store, shop, Period(first - DAY, days[-1] + DAY))
    assert again.differences == []
    assert again.archived >= days[2]
    assert again.period.first == again.archived + DAY
    with pytest.raises(Archived):
        read.recount(store, shop, Period(first, again.archived))


@pytest.mark.parametrize("zone", ["Asia/Baku", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_shop_that_moves_to_another_zone_keeps_the_seals_that_it_has(store, monkeypatch, zone):
    """And back again: of the days between, and of those at the edges, no seal says how many banners were shown."""
    days = [date(2026, 10, 30) + n * DAY for n in range(8)]

    def changed_on(day, shop):
        monkeypatch.setattr("consent_server.store.connection.zones.time.time", lambda: end_of(day).timestamp() + 60)
        store.zones._known.clear()
        store.zones.day(shop, 0)
        return shop

    shop, older = SHOP, None
    for day in days:
        act(store, shop, day)
        proof.seal(store, shop, KEYS, end_of(day))
        lines = exported(store, shop, day)
        verify(lines, KEYS.jwks(), older)
        older = lines
        if day == days[1]:
            shop = changed_on(day, replace(SHOP, timezone=zone))
        elif day == days[4]:
            shop = changed_on(day, replace(SHOP, timezone="UTC"))
    told = shown(lines)
    assert [told[str(day)] for day in days[:2]] == [2, 2]
    assert [told[str(day)] for day in days[3:5]] == [None, None]
    assert told[str(days[7])] == 2
    assert read.recount(store, shop, Period(days[0] - DAY, days[-1] + DAY)).differences == []


def test_a_day_that_an_earlier_version_sealed_with_what_the_counters_say_is_exported_so(store, monkeypatch):
    """It took banners shown of the shop's day too; such a day proved itself where nobody answered in between."""
    day, shop = date(2026, 11, 20), replace(SHOP, timezone="Asia/Baku")
    now = int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()) * 1000
    store.counters.shown(shop, now=now, language="az", variant="", device="phone", country="AZ")
    decision = Decision(secrets.token_urlsafe(16), 7, NOTICE, "accept", None)
    store.decisions.record(shop, decision, now=now, sign=KEYS.sign, device="phone", country="AZ")
    with monkeypatch.context() as earlier:
        earlier.setattr(Day, "_of_entries", Day._of_counters)
        assert proof.seal(store, shop, KEYS, end_of(day)) == [day]
    lines = [*proof.export(store, shop, KEYS, None, day, end_of(day))]
    assert verify(lines, KEYS.jwks()).entries == 1
    assert shown(lines)[str(day)] == 1


def test_an_export_that_is_made_while_shoppers_answer_proves_itself(store):
    stop, day = threading.Event(), date(2026, 11, 20)
    before_all = datetime(2026, 11, 20, 3, tzinfo=UTC)  # as what is answered after an older export is dated after it
    act(store, SHOP, day)

    def answer():
        while not stop.is_set():
            act(store, SHOP, day)

    answering = threading.Thread(target=answer)
    answering.start()
    try:
        older = None
        for _ in range(15):
            lines = [*proof.export(store, SHOP, KEYS, None, day, before_all)]
            verify(lines, KEYS.jwks(), older)
            older = lines
    finally:
        stop.set()
        answering.join()
    assert len(lines) > 15
