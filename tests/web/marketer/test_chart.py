"""What the page says: lines, funnel, parts and sentences, from counts alone."""

import re
from datetime import date

import pytest
from counted import TODAY, asked, days

from consent_server.rates.alarms import Alarm
from consent_server.rates.compare import Verdict
from consent_server.rates.counts import Counts
from consent_server.rates.period import Period
from consent_server.web.marketer.chart import (
    LINES,
    bins,
    funnel,
    lines,
    parts_of,
    presets,
    trend,
    ways,
    weakest,
)
from consent_server.web.marketer.words import LANGUAGES, Words, alarm_in_words, verdict_in_words

EN = Words.of("en")


# Lines


@pytest.mark.parametrize(("n", "size", "points"), [(1, 1, 1), (62, 1, 62), (63, 7, 9), (366, 7, 53), (367, 28, 14)])
def test_a_long_line_has_weeks_or_months_for_points(n, size, points):
    found = bins(days([asked(10)] * n))
    assert len(found) == points
    assert (found[-1].last - found[-1].first).days + 1 == size
    assert found[-1].last == TODAY
    assert sum(each.counts.shown for each in found) == 10 * n


def test_a_day_without_cases_is_a_gap_not_a_zero():
    answer = lines(days([asked(10, 1, 4), asked(0), asked(10, 1, 4), asked(10, 1, 5)]), Counts())[0]
    assert answer.path.count("M") == 2
    assert answer.band.count("Z") == 2


def test_a_day_alone_still_shows_its_interval():
    answer = lines(days([asked(0), asked(10, 1, 4), asked(0)]), Counts())[0]
    corners = re.findall(r"([\d.]+) ([\d.]+)", answer.band)
    assert len({x for x, _ in corners}) == len({y for _, y in corners}) == 2


@pytest.mark.parametrize("counts", [asked(1000, 100, 300), asked(20, 2, 10), asked(4, 1, 1)])
def test_all_lines_share_a_scale_that_holds_their_values_and_intervals(counts):
    found = lines(days([counts, asked(1000, 300, 400)]), Counts())
    assert [line.name for line in found] == list(LINES)
    assert len({(line.low, line.high) for line in found}) == 1
    for line in found:
        for _, rate in line.points:
            assert line.low <= rate.interval[0] <= rate.value <= rate.interval[1] <= line.high
        assert all(line.low <= share <= line.high for share, _ in line.ticks)
        assert len(line.ticks) >= 2


@pytest.mark.parametrize("counts", [asked(10), asked(10, 10), asked(10, 0, 10), asked(0, 0, 1), asked(0)])
def test_a_line_at_the_edge_is_drawn_within_the_picture(counts):
    for line in lines(days([counts, counts]), Counts()):
        assert 0 <= line.low < line.high <= 1
        for y in map(float, re.findall(r" ([\d.]+)", line.path + line.band)):
            assert 0 <= y <= 140


def test_more_is_higher_and_later_is_further_right():
    line = lines(days([asked(100, 10, 20), asked(100, 10, 60)]), Counts())[0]
    assert line.y(0.7) < line.y(0.3)
    assert line.x(0) < line.x(1)
    assert line.last == (line.x(1), line.y(0.7))


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


# Funnel


def test_the_bars_of_the_funnel_continue_each_other():
    steps = {step.name: step for step in funnel(asked(100, 20, 40) + Counts())}
    assert [*steps] == ["shown", "answered", "all", "some", "none", "ignored"]
    assert steps["all"].start == 0
    assert steps["some"].start == steps["all"].end
    assert steps["none"].start == steps["some"].end
    assert steps["none"].end == steps["answered"].end == steps["ignored"].start == 0.6
    assert steps["ignored"].end == steps["shown"].end == 1
    assert steps["all"].rate.denominator == 60
    assert steps["ignored"].rate.denominator == 100


def test_a_funnel_with_more_answers_than_displays_stays_within_its_bar():
    assert all(0 <= step.start <= step.end <= 1 for step in funnel(asked(10, 20, 40)))
    assert all(0 <= step.start <= step.end <= 1 for step in funnel(Counts()))


# Parts


def test_a_part_is_called_worse_only_where_it_is_clearly_below_all_others():
    rows = {"phone": asked(2000, 300, 700), "desktop": asked(1000, 150, 650), "tablet": asked(50, 10, 5)}
    phone, desktop, tablet = parts_of("device", rows)
    assert (phone.value, desktop.value, tablet.value) == ("phone", "desktop", "tablet")
    assert set(phone.worse) == set(LINES)
    assert phone.worse["answer"].denominator == 1050
    assert not desktop.worse
    assert not tablet.worse  # too few
    assert weakest([phone, desktop, tablet])[0] is phone


def test_variants_get_no_marks_for_they_have_verdicts():
    rows = {"calm": asked(2000, 300, 700), "short": asked(2000, 300, 1100)}
    assert not any(part.worse for part in parts_of("variant", rows))
    assert any(part.worse for part in parts_of("device", rows))


def test_a_gap_below_two_points_is_not_worth_a_mark():
    rows = {"a": asked(1_000_000, 0, 500_000), "b": asked(1_000_000, 0, 515_000)}
    assert not any(part.worse for part in parts_of("language", rows))
    assert weakest(parts_of("language", rows)) is None


def test_the_weakest_part_is_where_most_is_lost():
    many = parts_of("device", {"phone": asked(9000, 1000, 4000), "desktop": asked(9000, 1000, 5000)})
    few = parts_of("country", {"AZ": asked(9000, 1000, 5000), "GE": asked(200, 20, 60)})
    part, _ = weakest([*few, *many])
    assert (part.by, part.value) == ("device", "phone")


def test_ways_of_answering_are_shares_of_all_answers():
    found = ways({"signal": asked(0, 5), "accept": asked(0, 0, 15), "preferences": Counts()})
    assert [(way.value, way.rate.numerator, way.rate.denominator) for way in found] == [
        ("accept", 15, 20),
        ("signal", 5, 20),
    ]


# Words


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_kind_of_verdict_and_alarm_has_a_sentence(lang):
    words = Words.of(lang)
    for kind, more in (("better", 0), ("worse", 0), ("equal", 0), ("early", 1200)):
        verdict = Verdict("calm", "short", "answer", kind, 0.05, 0.03, 0.07, more)
        assert "{" not in verdict_in_words(words, verdict)
    assert verdict_in_words(words, Verdict("calm", "short", "answer", "worse", -0.05, -0.07, -0.03)).find("calm") >= 0
    for kind in ("range", "stopped"):
        assert "{" not in alarm_in_words(words, Alarm(kind, "answer", "2026-11-22", 0.1, 0.2, 0.3))


def test_the_winner_of_a_verdict_is_named_first():
    worse = verdict_in_words(EN, Verdict("calm", "short", "answer", "worse", -0.05, -0.07, -0.03))
    assert worse == "calm is better than short, by 3.0 to 7.0 points."
    better = verdict_in_words(EN, Verdict("calm", "short", "answer", "better", 0.05, 0.03, 0.07))
    assert better == "short is better than calm, by 3.0 to 7.0 points."


def test_days_are_written_with_the_year_said_once():
    assert EN.days(date(2026, 10, 24), TODAY) == "24 Oct – 22 Nov 2026"
    assert EN.days(date(2025, 12, 30), date(2026, 1, 2)) == "30 Dec 2025 – 2 Jan 2026"
    assert EN.days(TODAY, TODAY) == "22 Nov 2026"


def test_a_value_without_a_name_is_shown_as_it_is():
    assert EN.value("country", "AZ") == "AZ"
    assert EN.value("country", "") == "unknown"
    assert EN.value("language", "de") == "de"


def test_presets_end_today_or_with_last_month():
    found = presets(TODAY)
    assert found["30"] == Period(date(2026, 10, 24), TODAY)
    assert found["month"] == Period(date(2026, 11, 1), TODAY)
    assert found["last_month"] == Period(date(2026, 10, 1), date(2026, 10, 31))
    assert presets(date(2026, 1, 1))["last_month"] == Period(date(2025, 12, 1), date(2025, 12, 31))
