"""What the page says in words: verdicts, advice, counts, days and names, as each language does."""

import re
from datetime import date

import pytest
from counted import TODAY, asked, days

from consent_server.rates.compare import Verdict
from consent_server.rates.counts import Counts, Rate
from consent_server.rates.experiment import Pace
from consent_server.rates.happened.alarms import Alarm
from consent_server.rates.parts import Advice
from consent_server.web.marketer.chart import (
    lines,
    trend,
)
from consent_server.web.marketer.words import LANGUAGES, Words, plural
from consent_server.web.marketer.words.sentences import (
    advice_in_words,
    alarm_in_words,
    judged_in_words,
    verdict_in_words,
    way_in_words,
)

EN = Words.of("en")


@pytest.mark.parametrize(
    ("before", "now", "kind"),
    [
        (asked(2000, 400, 400), asked(2000, 400, 900), "up"),
        (asked(2000, 400, 900), asked(2000, 400, 400), "down"),
        (asked(2000, 400, 400), asked(2000, 400, 410), "flat"),
        (asked(2000, 800, 200), asked(2000, 200, 500), "mixed"),
        (Counts(), asked(2000, 400, 400), "unknown"),
    ],
)
def test_the_trend_says_only_what_is_clear(before, now, kind):
    found, moved = trend(lines(days([now]), before))
    assert found == kind
    assert bool(moved) == (kind in ("up", "down", "mixed"))


# Words


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_kind_of_verdict_and_alarm_has_a_sentence(lang):
    words = Words.of(lang)
    for kind, more in (("better", 0), ("worse", 0), ("equal", 0), ("early", 1200), ("impossible", 0)):
        verdict = Verdict("calm", "short", "answer", kind, 0.05, 0.03, 0.07, more)
        for pace in (None, Pace(0, 1), Pace(0, 14), Pace(14, 14), Pace(1400, 14)):
            assert "{" not in verdict_in_words(words, verdict, pace) + judged_in_words(words, verdict, pace)
            assert words.inside("rate_answer") in verdict_in_words(words, verdict, pace)
    assert "calm" in verdict_in_words(words, Verdict("calm", "short", "answer", "worse", -0.05, -0.07, -0.03), None)
    for kind in ("range", "stopped"):
        assert "{" not in alarm_in_words(words, Alarm(kind, "answer", "2026-11-22", 0.1, 0.2, 0.3))


COUNTED = {
    "en": {0: "0 visits", 1: "1 visit", 2: "2 visits", 21: "21 visits", 1001: "1,001 visits"},
    "ru": {
        1: "1 посещении",
        2: "2 посещениях",
        11: "11 посещениях",
        21: "21 посещении",
        112: "112 посещениях",
        1001: "1 001 посещении",
    },
    "az": {1: "1 ziyarətdə", 2: "2 ziyarətdə"},
    "tr": {1: "1 ziyarette", 2: "2 ziyarette"},
}


@pytest.mark.parametrize(("lang", "counted"), COUNTED.items())
def test_a_count_stands_with_the_form_of_its_noun(lang, counted):
    words = Words.of(lang)
    for count, expected in counted.items():
        said = words("lead_answer", shown=words.number(count), answer="").striptags()
        assert expected in said
    before = {
        "en": ["the day before", "the 3 days before"],
        "ru": ["предыдущий 1 день", "предыдущие 3 дня"],
        "az": ["əvvəlki 1 gün", "əvvəlki 3 gün"],
        "tr": ["önceki 1 gün", "önceki 3 gün"],
    }
    assert [str(words("than_before", days=words.number(n))) for n in (1, 3)] == before[lang]
    assert [plural("ru", n) for n in (1, 2, 5, 11, 12, 14, 22, 25, 101, 111)] == [0, 1, 2, 2, 2, 2, 1, 2, 0, 2]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_count_has_as_many_forms_as_the_language(lang):
    many = {"en": 2, "ru": 3}.get(lang, 1)
    for key, text in Words.of(lang)._table.items():
        for forms in re.findall(r"\{\w+:([^}]*)\}", text):
            assert forms.count("|") == many - 1 > 0, key
        if lang == "en":  # a noun of many beside a bare number would be wrong for one
            assert not re.search(r"\{(shown|answered|more|days|many)\}(</b>)?( more)? [a-z]+s\b", text), key


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_advice_has_a_sentence_that_names_who_and_how_much(lang):
    words = Words.of(lang)
    for rate in ("answer", "reach_functional", "reach_analytics", "reach_marketing"):
        for by, here, there in (("device", "phone", "desktop"), ("country", "GE", None), ("variant", "calm", "short")):
            said = advice_in_words(words, Advice(by, here, there, rate, Rate(1, 4), Rate(3, 4), 12300))
            assert "{" not in said
            assert words.number(12300) in said
            assert said[0] == said[0].upper()
    said = advice_in_words(EN, Advice("device", "phone", "desktop", "answer", Rate(1, 4), Rate(3, 4), 300))
    assert said == "If phones answered like desktops: about <b>300</b> more answers a month."


def test_advice_about_a_country_or_variant_of_any_name_is_escaped():
    for by in ("country", "variant"):
        said = advice_in_words(EN, Advice(by, "<i>", "<i>", "answer", Rate(1, 4), Rate(3, 4), 3))
        assert "<i>" not in said


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_button_is_called_what_it_is_called_on_the_banner(lang):
    words, banner = Words.of(lang), {"accept": "Everything!", "refuse": "Nothing!"}
    assert [way_in_words(words, how, banner) for how in ("accept", "refuse")] == ["Everything!", "Nothing!"]
    assert way_in_words(EN, "save", banner) == "Chosen in preferences or at blocked content"
    assert way_in_words(EN, "preferences", banner) == "Changed later"


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("day", [date(2026, month, 3 * month - 1) for month in range(1, 10)] + [TODAY])
def test_a_day_is_read_as_it_is_written(lang, day):
    words = Words.of(lang)
    assert words.iso(words.day(day, year=True)) == day.isoformat()
    assert words.iso(words.day(day, year=True).upper()) in (day.isoformat(), words.day(day, year=True).upper())
    assert words.iso(day.isoformat()) == day.isoformat()
    assert {Words.of(other).iso(words.day(day, year=True)) for other in LANGUAGES} == {day.isoformat()}


@pytest.mark.parametrize(
    "text",
    [
        *("27.11.2026", " 27.11.2026 ", "27 November 2026", "27 NOYABR 2026", "27 noy 2026", "27 kas 2026"),
        *("27 ноября 2026", "27 ноябрь 2026", "27 нояб 2026", "27 Kasım 2026", "27 KASIM 2026"),
    ],
)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_day_is_read_as_people_write_it(lang, text):
    assert Words.of(lang).iso(text) == "2026-11-27"


def test_a_month_is_read_by_each_of_its_names():
    for lang in LANGUAGES:
        words = Words.of(lang)
        also = str(words("months_also")).split()
        assert len(also) % 12 == 0
        for n, name in enumerate([*words.months, *also]):
            for written in (name, name.capitalize()):
                assert words.iso(f"1 {written} 2026") == f"2026-{n % 12 + 1:02}-01"


@pytest.mark.parametrize("text", ["spring", "1 Foo 2026", "x Nov 2026", "", "1 2 3", "² Nov 2026"])
def test_what_is_no_day_is_left_to_who_refuses_it(text):
    assert EN.iso(text) == text


def test_the_winner_of_a_verdict_is_named_first():
    worse = verdict_in_words(EN, Verdict("calm", "short", "answer", "worse", -0.05, -0.07, -0.03), None)
    assert worse == "On answer rate, calm is better than short, by 3.0 to 7.0 points."
    better = verdict_in_words(EN, Verdict("calm", "short", "answer", "better", 0.05, 0.03, 0.07), None)
    assert better == "On answer rate, short is better than calm, by 3.0 to 7.0 points."


def test_an_early_verdict_says_in_how_many_days_it_is_known_and_what_it_waits_for():
    early = Verdict("calm", "short", "answer", "early", more=1200)
    assert verdict_in_words(EN, early, Pace(1400, 14)) == "Too early to tell on answer rate: about 12 more days."
    assert verdict_in_words(EN, early, Pace(3600, 3)) == "Too early to tell on answer rate: about 1 more day."
    assert judged_in_words(EN, early, Pace(1399, 14)) == "too early: about 13 days"
    assert "nobody has answered for 13 days" in verdict_in_words(EN, early, Pace(0, 14))
    assert "nobody has answered for a day" in verdict_in_words(EN, early, Pace(0, 2))
    assert "it has only begun" in verdict_in_words(EN, early, Pace(0, 1))
    assert "no more answers are to come" in verdict_in_words(EN, early, None)
    soon, late = Verdict("a", "b", "answer", "early", more=18000), Verdict("a", "b", "answer", "early", more=18001)
    assert "about 180 more days" in verdict_in_words(EN, soon, Pace(1400, 14))
    assert "Try a bolder difference" in verdict_in_words(EN, late, Pace(1400, 14))
    assert judged_in_words(EN, late, Pace(1400, 14)) == "not with this traffic"
    assert judged_in_words(EN, late, Pace(4, 2)) == "too early: about 9,001 days"  # on two days that is chance


def test_days_are_written_with_the_year_said_once():
    assert EN.days(date(2026, 10, 24), TODAY) == "24 Oct – 22 Nov 2026"
    assert EN.days(date(2025, 12, 30), date(2026, 1, 2)) == "30 Dec 2025 – 2 Jan 2026"
    assert EN.days(TODAY, TODAY) == "22 Nov 2026"


def test_a_value_without_a_name_is_shown_as_it_is():
    assert EN.value("country", "AZ") == "AZ"
    assert EN.value("country", "") == "unknown"
    assert EN.value("language", "de") == "de"


def test_a_language_or_country_is_named_in_the_language_of_the_page():
    assert [Words.of(lang).named("language", "it") for lang in LANGUAGES] == [
        "İtalyan dili", "Italian", "Итальянский", "İtalyanca",
    ]  # fmt: skip
    assert [Words.of(lang).named("country", "GE") for lang in LANGUAGES] == [
        "Gürcüstan", "Georgia", "Грузия", "Gürcistan",
    ]  # fmt: skip
    assert [EN.named("language", "ru"), EN.named("country", "T1"), EN.named("country", "")] == [
        "Russian", "T1", "unknown",
    ]  # fmt: skip
    said = advice_in_words(EN, Advice("language", "de", None, "answer", Rate(1, 4), Rate(3, 4), 300))
    assert said.startswith("If pages in German answered like the others")
    said = advice_in_words(EN, Advice("country", "GE", "AZ", "answer", Rate(1, 4), Rate(3, 4), 300))
    assert said.startswith("If visits from Georgia answered like visits from Azerbaijan")


@pytest.mark.parametrize("given", ["0", "5", "47.5", "48", "33.33", "29", "0.07", "99.99", "100"])
def test_what_somebody_gave_is_written_as_they_gave_it(given):
    assert EN.exact(float(given) / 100) == f"{given}%"
    assert Words.of("tr").exact(float(given) / 100) == f"%{given.replace('.', ',')}"


def test_a_gap_is_never_nought_where_there_is_one():
    assert [EN.gap(gap) for gap in (0.0, 0.1, -0.0003, 0.0004999, 0.0005, 0.000001)] == [
        "0.0", "10.0", "0.03", "0.05", "0.1", "< 0.01",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lang", "percent", "interval"),
    [("en", "40.0%", "30.9–49.8%"), ("ru", "40,0\xa0%", "30,9–49,8\xa0%"), ("tr", "%40,0", "%30,9–49,8")],
)
def test_a_percentage_stands_where_the_language_puts_it(lang, percent, interval):
    words, rate = Words.of(lang), Rate(40, 100)
    assert (words.percent(rate.value), words.interval(rate)) == (percent, interval)


def test_a_word_within_a_sentence_begins_with_the_small_letter_of_its_language():
    assert Words.of("tr").inside("rate_grant_functional") == "işlevsel"
    for lang in LANGUAGES:
        for key, text in Words.of(lang)._table.items():
            assert not text or "\u0307" not in Words.of(lang).inside(key), key


def test_a_stretch_of_days_says_a_day_once_and_the_year_where_it_is_needed():
    assert EN.span(TODAY, TODAY) == "22 Nov"
    assert EN.span(date(2026, 11, 20), TODAY) == "20 Nov – 22 Nov"
    assert EN.span(date(2025, 12, 30), TODAY, year=True) == "30 Dec 2025 – 22 Nov 2026"
