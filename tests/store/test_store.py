"""Acknowledged means kept, and counted once."""

import re
import secrets
from binascii import crc_hqx
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from importlib.resources import files

import pytest

from consent_server.decision import COLUMNS, DIMENSIONS, Decision
from consent_server.rates import read
from consent_server.rates.period import Period
from consent_server.settings.shops import make_site
from consent_server.site import Notice
from consent_server.store import OtherContent, PreviousReplaced, Store, StoreAway
from consent_server.store.decisions import Reply
from consent_server.store.keys import buckets
from consent_server.tokens import Keys

NOON = 1_795_348_800_000  # 2026-11-22 12:00 UTC, in ms
TODAY = date(2026, 11, 22)
KEYS = Keys(["a secret that signs " * 2])


@pytest.fixture
def shop(store):
    """A shop of its own for each test, and the notice that it asks."""
    name = f"shop-{secrets.token_hex(6)}"
    site = make_site(name, "Shop", ("https://shop.example",), "/privacy", date(2025, 12, 20), languages=("az", "en"))
    notice = Notice.of({"site": name, "revision": 1, "keep": 10_000_000, "lang": "az", "variant": "a"})
    store.notices.serve(site, [notice])
    return site, notice


def answer(notice, allow, previous=None, name=None, how="save"):
    return Decision(name or secrets.token_urlsafe(16), allow, notice, how, previous)


def total(store, site, by="day"):
    rows = store.counters.counts(site, TODAY, TODAY, by)
    return {value: {name: n for name, n in zip(COLUMNS, row, strict=True) if n} for value, row in rows.items()}


def recounts(store, site):
    return read.recount(store, site, Period(TODAY, TODAY)).differences == []


def entries(store, site):
    days = (date(2026, 11, day) for day in range(20, 25))
    return [entry for day in days for entry in store.log.day(site, day)]


def test_it_keeps_a_decision_and_counts_it_in_every_dimension(store, shop):
    site, notice = shop
    kept = store.decisions.record(site, answer(notice, 2), now=NOON, sign=KEYS.sign, device="phone", country="AZ")
    assert not kept.repeat
    assert kept.consent.at == NOON // 1000
    assert store.counters.counts(site, date(2026, 11, 22), date(2026, 11, 22), "rule") == {}  # it has none
    for by, value in zip(DIMENSIONS[:-1], ("2026-11-22", "az", "a", "phone", "AZ", "save"), strict=True):
        assert total(store, site, by) == {value: {"first2": 1}}
    assert recounts(store, site)


def test_the_same_decision_again_changes_nothing_and_gets_the_same_token(store, shop):
    site, notice = shop
    decision = answer(notice, 2)
    first = store.decisions.record(site, decision, now=NOON, sign=KEYS.sign)
    later = store.decisions.record(site, decision, now=NOON + 86_400_000, sign=Keys(["another secret " * 3]).sign)
    assert later.repeat
    assert (later.consent, later.signature) == (first.consent, first.signature)
    assert total(store, site) == {"2026-11-22": {"first2": 1}}


def test_a_refusal_sent_again_gets_the_same_token(store, shop):
    site, notice = shop
    decision = answer(notice, 0)
    first = store.decisions.record(site, decision, now=NOON, sign=KEYS.sign)
    later = store.decisions.record(site, decision, now=NOON + 7_200_000, sign=Keys(["another secret " * 3]).sign)
    assert (later.repeat, later.consent, later.signature) == (True, first.consent, first.signature)


def test_sixteen_at_once_are_one(store, shop):
    site, notice = shop
    decision = answer(notice, 7)
    with ThreadPoolExecutor(16) as threads:
        kept = list(
            threads.map(lambda n: store.decisions.record(site, decision, now=NOON + n, sign=KEYS.sign), range(16))
        )
    assert sorted(k.repeat for k in kept) == [False] + [True] * 15
    assert len({k.signature for k in kept}) == 1
    assert total(store, site) == {"2026-11-22": {"first7": 1}}
    assert len(entries(store, site)) == 1


@pytest.mark.parametrize("other", [{"allow": 3}, {"allow": 0}])
def test_the_same_id_with_another_answer_is_refused(store, shop, other):
    site, notice = shop
    decision = answer(notice, 2)
    store.decisions.record(site, decision, now=NOON, sign=KEYS.sign)
    with pytest.raises(OtherContent):
        store.decisions.record(site, answer(notice, other["allow"], name=decision.id), now=NOON, sign=KEYS.sign)
    assert len(entries(store, site)) == 1


def test_a_change_is_no_second_answer(store, shop):
    site, notice = shop
    first = store.decisions.record(site, answer(notice, 6), now=NOON, sign=KEYS.sign)
    change = store.decisions.record(site, answer(notice, 1, first.consent), now=NOON + 1000, sign=KEYS.sign)
    assert change.consent.sub == first.consent.sub
    assert total(store, site)["2026-11-22"] == {
        "first6": 1,
        "changes": 1,
        "withdrawals": 1,
        "withdrawn_analytics": 1,
        "withdrawn_marketing": 1,
    }
    assert [(e.allow, e.kind) for e in store.history.of(site, first.consent.sub)] == [
        (6, "first"),
        (1, "change"),
    ]
    assert recounts(store, site)


def test_a_change_must_follow_the_latest_token(store, shop):
    site, notice = shop
    first = store.decisions.record(site, answer(notice, 7), now=NOON, sign=KEYS.sign)
    withdrawn = answer(notice, 0, first.consent)
    store.decisions.record(site, withdrawn, now=NOON + 1, sign=KEYS.sign)
    with pytest.raises(PreviousReplaced):
        store.decisions.record(site, answer(notice, 7, first.consent), now=NOON + 2, sign=KEYS.sign)
    assert store.decisions.record(site, withdrawn, now=NOON + 3, sign=KEYS.sign).repeat


def test_consent_after_a_full_withdrawal_is_a_new_subject(store, shop):
    site, notice = shop
    first = store.decisions.record(site, answer(notice, 7), now=NOON, sign=KEYS.sign)
    withdrawn = store.decisions.record(site, answer(notice, 0, first.consent), now=NOON + 1, sign=KEYS.sign)
    assert withdrawn.consent.sub is None
    again = store.decisions.record(site, answer(notice, 7, withdrawn.consent), now=NOON + 2, sign=KEYS.sign)
    assert again.consent.sub not in (None, first.consent.sub)
    assert total(store, site)["2026-11-22"]["changes"] == 2


def test_the_log_never_runs_backwards(store, shop):
    site, notice = shop
    site = replace(site, buckets=1)
    store.decisions.record(site, answer(notice, 2), now=NOON, sign=KEYS.sign)
    same_second = store.decisions.record(site, answer(notice, 2), now=NOON - 0, sign=KEYS.sign)
    an_hour_back = store.decisions.record(site, answer(notice, 2), now=NOON - 3_600_000, sign=KEYS.sign)
    assert same_second.consent.at == an_hour_back.consent.at == NOON // 1000
    places = [(entry.at, entry.seq) for entry in entries(store, site)]
    assert places == sorted(places)
    assert len(places) == 3
    assert recounts(store, site)


def test_days_are_utc_days_of_the_log(store, shop):
    site, notice = shop
    midnight = NOON + 12 * 3_600_000
    store.decisions.record(site, answer(notice, 2), now=midnight - 1, sign=KEYS.sign)
    store.decisions.record(site, answer(notice, 2), now=midnight, sign=KEYS.sign)
    days = store.counters.counts(site, TODAY, date(2026, 12, 2), "day")
    counted = {day: row[COLUMNS.index("first2")] for day, row in days.items()}
    assert counted == {**dict.fromkeys(days, 0), "2026-11-22": 1, "2026-11-23": 1}
    assert list(days) == sorted(days)
    assert len(days) == 11


def test_shown_is_a_count_and_nothing_else(store, shop):
    site, _ = shop
    for language in ("az", "az", "en"):
        store.counters.shown(site, now=NOON, language=language, variant="a", device="phone", country="AZ")
    assert total(store, site) == {"2026-11-22": {"shown": 3}}
    assert total(store, site, "language") == {"az": {"shown": 2}, "en": {"shown": 1}}
    assert total(store, site, "how") == {}
    assert entries(store, site) == []


def test_a_period_over_months_counts_every_day_of_it_once(store, shop):
    site, _ = shop
    days = [date(2026, 8, 31), date(2026, 9, 1), date(2026, 10, 15), date(2026, 11, 22)]
    for day in days:
        for _ in range(6):
            at = NOON - (TODAY - day).days * 86_400_000
            store.counters.shown(site, now=at, language="az", variant="a", device="phone", country="AZ")
    rows = store.counters.counts(site, date(2026, 8, 31), TODAY, "day")
    assert len(rows) == 84
    assert {day: row[0] for day, row in rows.items() if any(row)} == dict.fromkeys(map(str, days), 6)
    for by, value in (("language", "az"), ("country", "AZ")):
        assert store.counters.counts(site, date(2026, 8, 31), TODAY, by)[value][0] == 24
        assert store.counters.counts(site, date(2026, 9, 1), date(2026, 11, 21), by)[value][0] == 12


def test_counts_are_read_in_one_round_trip_however_many_days(store, shop, monkeypatch):
    site, notice = shop
    trips = []
    fetch = store.counters._fetch
    monkeypatch.setattr(
        store.counters, "_fetch", lambda keys, rows: (bool(keys or rows) and trips.append(1)) or fetch(keys, rows)
    )
    for country in ("AZ", "TR"):
        store.decisions.record(site, answer(notice, 2), now=NOON, sign=KEYS.sign, country=country)
        assert total(store, site, "country")[country] == {"first2": 1}  # a value never seen takes a second trip
        for by in DIMENSIONS:
            total(store, site, by)
            trips.clear()
            assert len(store.counters.counts(site, date(2025, 11, 23), TODAY, by)) in (0, 1, 2, 365)
            assert len(trips) <= 1 + (by != "day")
            trips.clear()
            store.counters.counts(site, date(2025, 11, 23), TODAY, by)
            assert trips == [1]


def test_what_is_remembered_of_values_never_outlives_them(store, shop):
    site, notice = shop
    store.decisions.record(site, answer(notice, 2), now=NOON, sign=KEYS.sign, country="AZ")
    assert [*total(store, site, "country")] == ["AZ"]
    for bucket in buckets(site):
        store.connection.client.delete(bucket.values, bucket.count("2026-11"))
    assert total(store, site, "country") == {}
    store.decisions.record(site, answer(notice, 5), now=NOON, sign=KEYS.sign, country="TR", device="tablet")
    assert total(store, site, "country") == {"TR": {"first5": 1}}


def test_an_erased_shopper_leaves_counts_and_a_hash(store, shop):
    site, notice = shop
    first = store.decisions.record(site, answer(notice, 7), now=NOON, sign=KEYS.sign)
    store.decisions.record(site, answer(notice, 0, first.consent), now=NOON + 1, sign=KEYS.sign)
    other = store.decisions.record(site, answer(notice, 1), now=NOON + 2, sign=KEYS.sign)
    hashes = {entry.identity() for entry in entries(store, site)}
    before = total(store, site)
    assert store.history.erase(site, first.consent.sub, lambda entry: b"") == 2
    assert store.history.of(site, first.consent.sub) == []
    assert len(store.history.of(site, other.consent.sub)) == 1
    left = entries(store, site)
    assert {entry.identity() for entry in left} == hashes
    assert {entry.id for entry in left} == {"", other.consent.jti}
    assert total(store, site) == before
    assert recounts(store, site)
    assert store.history.erase(site, first.consent.sub, lambda entry: b"") == 0
    with pytest.raises(PreviousReplaced):
        store.decisions.record(site, answer(notice, 1, first.consent), now=NOON + 9, sign=KEYS.sign)


@pytest.mark.parametrize("name", ["a-short-name-1234", "x" * 64, "AAAAAAAAAAAAAAAAAAAAAB", "AAAAAAAAAAAAAAAAAAAAAA"])
def test_ids_of_any_form_come_back_as_they_were(store, shop, name):
    site, notice = shop
    store.decisions.record(site, answer(notice, 2, name=name), now=NOON, sign=KEYS.sign)
    assert [entry.id for entry in store.history.of(site, name)] == [name]


def test_a_notice_is_kept_for_good(store, shop):
    site, notice = shop
    elsewhere = Store(store.url, 5)
    assert elsewhere.notices.find(site, notice.hash) == notice
    assert elsewhere.notices.find(site, "never-shown") is None
    assert elsewhere.notices.all(site) == {notice.hash: notice}


def test_buckets_lie_evenly_over_the_slots_of_a_cluster():
    for many in (1, 24, 60):
        shop = make_site(
            "shop", "Shop", ("https://shop.example",), "/p", date(2025, 12, 20), languages=("az",), buckets=many
        )
        stripes = [crc_hqx(bucket.tag.encode(), 0) % 16384 * many // 16384 for bucket in buckets(shop)]
        assert stripes == [bucket.number for bucket in buckets(shop)] == [*range(many)]


def test_the_replies_of_the_script_have_the_names_that_python_knows():
    script = files("consent_server.store").joinpath("lua/record.lua").read_text("utf-8")
    names, values = re.search(r"^local (NEW.*) = (.*)$", script, re.MULTILINE).groups()
    assert {reply.name: reply.value for reply in Reply} == dict(
        zip(names.split(", "), map(int, values.split(", ")), strict=True)
    )


def test_a_store_that_is_away_says_so(tmp_path):
    store = Store(f"unix://{tmp_path}/nobody.sock", 0.2)
    with pytest.raises(StoreAway):
        store.ping()
