"""What happened on which day, from what was asked and from the counts."""

from datetime import timedelta

import msgspec
from counted import TODAY, asked, days
from msgspec import structs

from consent_server.rates.counts import Counts
from consent_server.rates.happened.alarms import alarms, history
from consent_server.rates.happened.marks import marks
from consent_server.rates.period import Period
from consent_server.site import Notice
from consent_server.store.evidence.banner_version import BannerVersion

MONTH = Period(TODAY - timedelta(days=29), TODAY)


def notice(variant: str = "", revision: int = 1, title: str = "Cookies", **more: object) -> Notice:
    content = {"site": "s", "lang": "en", "variant": variant, "revision": revision, "keep": 1, "scripts": {}}
    return Notice.of({**content, "words": {"title": title}, "cookies": {}, **more})


def told(*steps: tuple[int, list[Notice]]):
    """Return what is said of these notices, each asked so many days ago."""
    return [
        (mark.kind, mark.what, (TODAY - mark.first).days)
        for mark in marks([(TODAY - timedelta(days=ago), BannerVersion.of(of, 0)) for ago, of in steps], {}, MONTH)
    ]


def test_another_question_other_words_and_lists_and_variants_are_told_apart():
    assert told(
        (90, [notice()]),
        (25, [notice(title="Cookies?")]),
        (20, [notice(title="Cookies?", cookies={"analytics": ["_ga"]})]),
        (15, [notice("calm"), notice("short", title="?")]),
        (10, [notice("short", title="?")]),
        (5, [notice(revision=2)]),
    ) == [
        ("words", "", 25),
        ("cookies", "", 20),
        ("variant-began", "calm", 15),
        ("variant-began", "short", 15),
        ("variant-ended", "calm", 10),
        ("revision", "2", 5),
        ("variant-ended", "short", 5),
    ]


def test_another_look_is_told_but_not_where_an_older_version_did_not_write_it_down():
    assert told((90, [notice()]), (25, [notice(theme={"accent": "#a00"})]), (20, [notice(layout="box")])) == [
        ("look", "", 25),
        ("look", "", 20),
    ]
    old = structs.replace(BannerVersion.of([notice()], 0), look="")
    steps = [(TODAY - timedelta(days=9), old), (TODAY, BannerVersion.of([notice()], 0))]
    assert marks(steps, {}, MONTH) == []


def test_other_shares_of_the_variants_are_told_but_not_where_an_older_version_did_not_write_them_down():
    def asked_with(weights):
        return BannerVersion.of([notice("calm"), notice("short")], 0, weights)

    steps = [asked_with(None), asked_with({"calm": 1, "short": 1}), asked_with({"calm": 2, "short": 2})]
    steps += [asked_with({"calm": 9, "short": 1})]
    assert [each.weights for each in steps] == [(), (1, 1), (1, 1), (9, 1)]
    found = marks([(TODAY - timedelta(days=9 - n), each) for n, each in enumerate(steps)], {}, MONTH)
    assert [(mark.kind, (TODAY - mark.first).days) for mark in found] == [("weights", 6)]
    assert msgspec.json.decode(b'{"at":1,"revision":1,"words":"x","cookies":"y","variants":["a"]}', type=BannerVersion)


def test_what_was_asked_first_or_before_the_period_or_by_other_scripts_is_no_mark():
    assert told((29, [notice()])) == []
    assert told((90, [notice()]), (40, [notice(revision=2)])) == []
    assert told((90, [notice()]), (3, [notice(scripts={"gate": "another"})])) == []


def month(**odd: Counts) -> dict[str, Counts]:
    """Return sixty days like each other, but for those so many days ago."""
    return days([odd.get(f"ago{ago}", asked(1000, 250, 500)) for ago in range(59, -1, -1)])


def test_days_without_a_banner_are_one_outage_and_days_without_an_answer_another():
    found = marks([], month(ago10=asked(0), ago9=asked(0), ago5=asked(900)), MONTH)
    assert [(mark.kind, (TODAY - mark.first).days, (TODAY - mark.last).days) for mark in found] == [
        ("silent", 10, 9),
        ("stopped", 5, 5),
    ]


def test_an_unusual_day_names_its_rates():
    [mark] = marks([], month(ago3=asked(1000, 400, 100)), MONTH)
    assert (mark.kind, {alarm.rate for alarm in mark.alarms}) == (
        "range",
        {"answer", "grant_functional", "grant_analytics", "grant_marketing"},
    )


def test_a_day_without_a_banner_is_an_alarm_only_when_it_is_over_and_the_shop_has_visitors():
    assert [alarm.kind for alarm in alarms(month(ago1=asked(0)))] == ["silent"]
    said = str(alarms(month(ago1=asked(0)))[0])
    assert said == "2026-11-21: no banner was shown (1,000 to 1,000 on the days before)."
    assert alarms(month(ago0=asked(0))) == []
    assert history(days([asked(19, 5, 9)] * 20 + [asked(0), asked(19, 5, 9)])) == []


def test_history_is_what_was_an_alarm_on_each_day():
    filled = month(ago20=asked(0), ago4=asked(1000, 400, 100))
    for ago in (20, 4):
        until = dict(list(filled.items())[: 60 - ago + (1 if ago == 20 else 0)])
        then = {(alarm.kind, alarm.rate, alarm.day) for alarm in alarms(until)}
        assert then
        assert then <= {(alarm.kind, alarm.rate, alarm.day) for alarm in history(filled)}


def test_an_outage_on_the_last_day_of_a_period_is_known_from_the_day_after_and_told_as_of_the_period():
    week = Period(TODAY - timedelta(days=9), TODAY - timedelta(days=3))

    def said(until, **odd):
        filled = dict([*month(**odd).items()][: 60 - until])
        return [(mark.kind, (TODAY - mark.first).days, (TODAY - mark.last).days) for mark in marks([], filled, week)]

    assert said(3, ago3=asked(0)) == []  # it may be going on
    assert said(2, ago3=asked(0)) == [("silent", 3, 3)]
    assert said(1, ago4=asked(0), ago3=asked(0), ago2=asked(0)) == [("silent", 4, 3)]
    assert said(0, ago2=asked(0)) == []
    assert said(0, ago11=asked(0), ago10=asked(0), ago9=asked(0)) == [("silent", 11, 9)]
