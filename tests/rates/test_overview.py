"""What a shop's overview compares: variants, parts and periods, each with what it was counted with."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from consent_server.decision import COLUMNS
from consent_server.rates import read
from consent_server.rates.counts import LINES
from consent_server.rates.experiment import Pace
from consent_server.rates.filters import Filters
from consent_server.rates.period import Period
from consent_server.site import Variant
from consent_server.site.rules import Rule
from consent_server.store import SEPARATOR, Store
from consent_server.store.evidence.banner_version import BannerVersion
from consent_server.store.keys import buckets
from consent_server.web.marketer.rates import advice_of, segments_of

# At a glance


def ask(store, site, ago, *variants, words="x", revision=1):
    """Write down that these variants are asked since so many days."""
    at = int((datetime.now(UTC) - timedelta(days=ago)).timestamp() * 1000)
    store.notices.note(site, BannerVersion(at, revision, words, f"{ago}", variants))


def count(store, site, ago, shown, accepted, **where):
    """Write the counters of a day, of all and of some values, as the script would."""
    day, client, bucket = read.today() - timedelta(days=ago), store.connection.client, buckets(site)[0]
    for name, value in {"": "", **where}.items():
        number = 0
        if name:
            field = f"{name}={value}"
            number = int(client.hget(bucket.values, field) or client.hlen(bucket.values) + 1)
            client.hset(bucket.values, field, number)
        row = (number * 31 + day.day - 1) * len(COLUMNS)
        bits = client.bitfield(bucket.count(f"{day:%Y-%m}"))
        bits.incrby("u32", f"#{row}", shown).incrby("u32", f"#{row + COLUMNS.index('first7')}", accepted).execute()


@pytest.fixture
def tried(redis_url, site):
    """A store, and a shop in it that asks in two ways."""
    shop = replace(site, id="tried", variants=(Variant("a", 1, None, {}), Variant("c", 1, None, {})))
    opened = Store(redis_url, 5)
    yield opened, shop
    opened.close()


def glance(store, site, days=30, ago=0, only=read.EVERYTHING, **more):
    today = read.today()
    end = today - timedelta(days=ago)
    return read.overview(store, site, Period(end - timedelta(days=days - 1), end), today, only, **more)


def test_variants_are_compared_since_both_of_them_are_asked(tried):
    store, site = tried
    ask(store, site, 100, "a", "b")
    ask(store, site, 30, "a", "c")
    for ago in range(90, -1, -1):
        for name in ("a", "b") if ago > 30 else ("a", "c"):
            count(store, site, ago, 300, 120 if ago > 30 else 150, variant=name)
    found = glance(store, site)
    assert (read.today() - found.experiment.trial.first).days == 29
    assert {name: counts.shown for name, counts in found.experiment.counts.items()} == {"a": 9000, "c": 9000}
    assert [verdict.kind for verdict in found.verdicts("answer")] == ["early"]
    assert found.experiment.pace(found.verdicts("answer")[0]) == Pace(14 * 300, 14)


@pytest.mark.parametrize(("ago", "last"), [(0, None), (1, f"{read.today()}")])
def test_machines_are_told_no_last_day_of_a_trial_before_it_has_a_whole_one(tried, ago, last):
    store, site = tried
    ask(store, site, 100, "a", "b")
    ask(store, site, ago, "a", "c")
    count(store, site, 0, 300, 120, variant="c")
    told = glance(store, site).as_json()["variants"]
    assert (told["from"], told["to"]) == (f"{read.today() + timedelta(days=1 - ago)}", last)


def test_an_experiment_that_ends_by_keeping_the_winner_keeps_its_result(tried):
    store, site = tried
    site = replace(site, variants=(Variant("c", 1, None, {}),))
    ask(store, site, 60, "a", "c")
    ask(store, site, 20, "c")
    for ago in range(60, -1, -1):
        for name in ("a", "c") if ago > 20 else ("c",):
            count(store, site, ago, 1000, {"a": 400, "c": 500}[name], variant=name)
    found = glance(store, site)
    assert [str(verdict).split(",")[0] for verdict in found.verdicts("answer")] == ["c is better"]
    assert {name: counts.shown for name, counts in found.experiment.counts.items()} == {"a": 40000, "c": 40000}
    assert advice_of(found, "answer") == []  # everybody sees it


def test_words_or_a_look_that_change_while_variants_are_compared_are_told(tried):
    store, site = tried
    for ago in range(20, -1, -1):
        for name in "ac":
            count(store, site, ago, 100, 30, variant=name)
    ask(store, site, 15, "a", "c")
    assert glance(store, site).experiment.changed is None
    ask(store, site, 9, "a", "c")  # another cookie list, which nobody sees
    assert glance(store, site).experiment.changed is None
    ask(store, site, 4, "a", "c", words="y")
    assert glance(store, site).experiment.changed == read.today() - timedelta(days=4)
    ask(store, site, 2, "a", "c", words="z", revision=2)
    assert glance(store, site).experiment.changed == read.today() - timedelta(days=2)
    ask(store, site, 1, "a", "c", words="z", revision=3)
    assert glance(store, site).experiment.changed == read.today() - timedelta(days=2)


def test_what_a_young_shop_could_gain_is_that_of_a_month(tried):
    store, site = tried
    for ago in range(4, -1, -1):
        count(store, site, ago, 1000, 300, device="phone")
        count(store, site, ago, 1000, 500, device="desktop")
    for days in (5, 30, 365):
        found = glance(store, site, days)
        assert found.counted.days == 5
        assert advice_of(found, "answer")[0].more == 6000  # 1,000 visits a day, 20 points, 30 days
    count(store, site, 31, 20, 5)
    assert glance(store, site, 30).counted.days == 30
    assert advice_of(glance(store, site, 30), "answer")[0].more == 6000  # phones are as young as they were


def test_a_part_that_was_seen_on_one_day_is_held_against_all_days_unless_it_began_then(tried):
    store, site = tried
    for ago in range(29, -1, -1):
        count(store, site, ago, 1000, 500, language="az")
    count(store, site, 4, 1000, 100, language="tr")
    [advised] = advice_of(glance(store, site), "answer")
    assert (advised.value, advised.more) == ("tr", 410)  # in 29 whole days
    ask(store, site, 20, "a", "c")
    ask(store, site, 4, "a", "c", words="with Turkish")
    assert advice_of(glance(store, site), "answer")[0].more == 3000  # 40 points of 1,000 in four


def test_a_day_that_is_still_going_on_is_no_whole_day_of_an_advice(tried):
    store, site = tried
    for ago in range(10, -1, -1):
        count(store, site, ago, 1000 if ago else 40, 300 if ago else 12, device="phone")
        count(store, site, ago, 1000 if ago else 40, 500 if ago else 20, device="desktop")
    assert advice_of(glance(store, site, 11), "answer")[0].more == 6000
    assert advice_of(glance(store, site, 10, ago=1), "answer")[0].more == 6000  # days that are all over
    assert advice_of(glance(store, site, 1), "answer") == []  # 40 of each are too few
    assert glance(store, site, 1).days_of("device", "phone") == 1


def test_devices_are_compared_within_the_languages_that_they_were_counted_with(tried):
    store, site = tried
    for language, device, shown, accepted in (
        ("ru", "phone", 900, 450),
        ("ru", "desktop", 100, 50),
        ("az", "phone", 500, 400),
        ("az", "desktop", 500, 400),
    ):
        cell = SEPARATOR.join((language, "", device))
        count(store, site, 1, shown, accepted, language=language, device=device, parts=cell)
    found = glance(store, site)
    assert {one.by for one in advice_of(found, "answer")} == {"language"}
    assert not any(part.worse for part in segments_of(found, "answer")["device"])
    phones = glance(store, site, only=Filters(device="phone"))
    assert phones.cells.keys() == {("ru", "", "phone"), ("az", "", "phone")}


def test_the_pace_of_a_young_shop_is_that_of_its_days(tried):
    store, site = tried
    for ago in (2, 1, 0):
        for name in "ac":
            count(store, site, ago, 90, 30, variant=name)
    found = glance(store, site)
    assert found.experiment.pace(found.verdicts("answer")[0]) == Pace(180, 3)


def test_under_several_rules_nobody_is_behind_and_under_one_of_them_somebody_is(tried):
    store, site = tried
    ruled = replace(site, rules=(Rule("uk", ("GB",), {"analytics": "objection"}),))
    for device, accepted in (("phone", 300), ("desktop", 500)):
        cell = SEPARATOR.join(("en", "", device))
        for rule in ("", "uk"):
            placed = f"{cell}{SEPARATOR}{rule}"
            count(store, ruled, 0, 1000, accepted, device=device, parts=cell, rule=rule, placed=placed)
    found = glance(store, ruled)
    assert (found.is_mixed, advice_of(found, "answer")) == (True, [])
    assert [part.value for part in segments_of(found, "answer")["device"]] == ["desktop", "phone"]
    alone = glance(store, ruled, only=Filters(rule="uk"))
    assert not alone.is_mixed
    assert [(one.value, one.model) for one in advice_of(alone, "answer")] == [("phone", "desktop")]
    # Rules that are configured and that nobody came under, or that were there lately, are looked at in the counts.
    other = replace(ruled, id="other")
    for device, accepted in (("phone", 300), ("desktop", 500)):
        count(store, other, 0, 1000, accepted, device=device, rule="")
    assert not glance(store, other).is_mixed
    count(store, other, 0, 1, 0, device="phone", rule="uk")
    assert not glance(store, other).is_mixed  # one visit takes nobody's advice away
    count(store, other, 0, 99, 0, device="phone", rule="uk")
    assert glance(store, replace(other, rules=())).is_mixed


def test_periods_under_several_rules_are_no_contest_and_under_one_of_them_they_are(tried):
    store, site = tried
    ruled = replace(site, rules=(Rule("uk", ("GB",), {"analytics": "objection"}),))
    for ago, rule, accepted in ((8, "", 300), (1, "uk", 900)):  # all came under the rule only lately
        cell = SEPARATOR.join(("en", "", "phone"))
        count(
            store, ruled, ago, 1000, accepted, device="phone", parts=cell, rule=rule, placed=f"{cell}{SEPARATOR}{rule}"
        )
    period = Period(read.today() - timedelta(days=6), read.today())
    found = read.overview(store, ruled, period, read.today())
    assert (found.is_mixed, found.is_unlike) == (False, True)
    told = read.report(store, ruled, period, "day")
    assert told.trend == "ruled"
    assert told.as_json()["trend"] == {"says": "mixed", "rates": dict.fromkeys(LINES, "unknown")}
    assert not any(told.as_json()["change"].values())
    assert "not compared" in told.as_text(moved=True)
    alone = read.report(store, ruled, period, "day", Filters(rule="uk"))
    assert not alone.is_unlike
    count(store, ruled, 0, 1, 0, device="phone", rule="")
    lately = Period(read.today() - timedelta(days=2), read.today())
    assert not read.report(store, ruled, lately, "day", against=lately).is_unlike  # one visit makes them no other ones


def test_an_outage_on_the_last_day_of_a_period_is_marked_for_who_looks_later(tried):
    store, site = tried
    for ago in range(30, -1, -1):
        if ago not in (8, 9):
            count(store, site, ago, 100, 40)

    def told(**more):
        return [(mark.kind, (read.today() - mark.last).days) for mark in glance(store, site, 7, 8, **more).marks]

    assert told() == [("silent", 8)]
    past = read.today() - timedelta(days=8)  # as a link shows it, of whose days nothing later is said
    found = read.overview(store, site, Period(past - timedelta(days=6), past), past, today=read.today())
    assert [(mark.kind, mark.first, mark.last) for mark in found.marks] == [("silent", past - timedelta(days=1), past)]
