"""What the page draws: lines, funnel and parts, from counts alone."""

import re
from datetime import date, timedelta
from itertools import accumulate

import pytest
from counted import TODAY, asked, days
from hypothesis import given
from hypothesis import strategies as st

from consent_server.rates.counts import LINES, Counts
from consent_server.rates.happened.marks import Mark
from consent_server.rates.period import Period
from consent_server.web.marketer.chart import (
    HEIGHT,
    LEFT,
    WIDTH,
    bins,
    funnel,
    lines,
    presets,
    ways,
)
from consent_server.web.marketer.chart import drawn as path_through
from consent_server.web.marketer.traffic import traffic

# Lines


def drawn(path):
    """Return the points that SVG path data of our kind lead through, a list a stretch."""
    runs = []
    for run in path.split("M")[1:]:
        numbers = [float(number) for number in re.findall(r"-?\d*\.?\d+", run)]
        steps = zip(accumulate(numbers[::2]), accumulate(numbers[1::2]), strict=True)
        runs.append([(round(x, 3), round(y, 3)) for x, y in steps])
    return runs


@pytest.mark.parametrize(("n", "size", "points"), [(1, 1, 1), (62, 1, 62), (63, 7, 9), (366, 7, 53), (367, 28, 14)])
def test_a_long_line_has_weeks_or_months_for_points(n, size, points):
    found = bins(days([asked(10)] * n))
    assert len(found) == points
    assert (found[-1].last - found[-1].first).days + 1 == size
    assert found[-1].last == TODAY
    assert sum(each.counts.shown for each in found) == 10 * n


def test_a_day_without_cases_is_a_gap_not_a_zero():
    answer = lines(days([asked(10, 1, 4), asked(0), asked(10, 1, 4), asked(10, 1, 5)]), Counts())[0]
    assert [len(run) for run in drawn(answer.path)] == [2, 2]
    assert [len(run) for run in drawn(answer.band)] == [4, 4]


def test_a_day_alone_still_shows_its_interval():
    answer = lines(days([asked(0), asked(10, 1, 4), asked(0)]), Counts())[0]
    [corners] = drawn(answer.band)
    assert len({x for x, _ in corners}) == len({y for _, y in corners}) == 2
    assert (corners[1][0] - corners[0][0]) * answer.step == pytest.approx(4, abs=0.2)


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 1400).map(lambda y: y / 10)), min_size=2, max_size=80))
def test_a_path_leads_through_its_points_however_short_it_is_written(points):
    [found] = drawn(path_through(points))
    assert found == [pytest.approx(point, abs=0.06) for point in points]


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
        points = [point for run in drawn(line.path + line.band) for point in run]
        assert bool(points) == any(rate.value is not None for _, rate in line.points)
        assert all(0 <= LEFT + x * line.step <= WIDTH and 0 <= y <= HEIGHT for x, y in points)


def test_more_is_higher_and_later_is_further_right():
    line = lines(days([asked(100, 10, 20), asked(100, 10, 60)]), Counts())[0]
    assert line.y(0.7) < line.y(0.3)
    assert line.x(0) < line.x(1)
    assert line.last == (line.x(1), line.y(0.7))


def test_periods_that_are_no_contest_are_not_compared():
    found = lines(days([asked(2000, 800, 200)]), asked(2000, 200, 500), is_unlike=True)
    assert [(line.change, line.compared) for line in found] == [(None, False)] * 4


def test_a_new_shop_has_its_first_days_one_by_one_until_there_is_a_line():
    two = lines(days([asked(0)] * 28 + [asked(20, 3, 9), asked(30, 5, 14)]), Counts())
    assert [(bin.first.day, rate.numerator) for bin, rate in two[0].sparse] == [(21, 12), (22, 19)]
    three = lines(days([asked(0)] * 27 + [asked(20, 3, 9)] * 3), Counts())
    assert [len(line.points) for line in three] == [3] * 4
    assert not three[0].sparse
    assert three[0].x(0) < three[0].x(1) < three[0].x(2)


def test_days_without_a_visit_are_left_out_only_where_nothing_was_before():
    quiet = lines(days([asked(0), asked(20, 3, 9), asked(20, 3, 9), asked(20, 3, 9)]), asked(100, 20, 40))
    assert len(quiet[0].points) == 4


def test_what_happened_is_flagged_where_it_began_or_at_the_edge_if_it_began_before():
    day = lambda n: TODAY - timedelta(days=n)  # noqa: E731
    outage, note, before = (
        Mark("silent", day(40), day(28)),
        Mark("note", day(2), day(2), "x"),
        Mark("words", day(40), day(40)),
    )
    line = lines(days([asked(100, 10, 20)] * 30), asked(9), [outage, before, note])[0]
    assert line.flags == [(line.x(0), 1), (line.x(27), 3)]
    assert line.flagged == [(line.x(0), "1"), (line.x(27), "3")]
    several = lines(days([asked(100, 10, 20)] * 30), asked(9), [outage, outage, before, note, outage, note])[0]
    assert several.flagged == [(several.x(0), "1+"), (several.x(27), "4+")]
    together = traffic(lines(days([asked(100, 10, 20)] * 30), asked(9), [note, note, outage]))
    assert [said for _, said in together.flagged] == ["1–2", "3"]


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


def test_ways_of_answering_are_shares_of_all_answers():
    found = ways({"signal": asked(0, 5), "accept": asked(0, 0, 15), "preferences": Counts()})
    assert [(way.value, way.rate.numerator, way.rate.denominator) for way in found] == [
        ("accept", 15, 20),
        ("signal", 5, 20),
    ]


def test_the_goal_has_a_line_with_the_target_and_its_change_is_not_told_twice():
    found = lines(days([asked(1000, 300, 400)] * 5), asked(1000, 300, 400), (), "reach_marketing", 0.95)
    assert [line.name for line in found] == ["reach_marketing", *LINES]
    assert [line.target for line in found] == [0.95, None, None, None, None]
    assert [line.compared for line in found] == [False, True, True, True, True]
    assert len({(line.low, line.high) for line in found}) == 1
    assert found[0].high >= 0.95


def test_presets_end_today_or_with_last_month():
    found = presets(TODAY)
    assert found["30"] == Period(date(2026, 10, 24), TODAY)
    assert found["month"] == Period(date(2026, 11, 1), TODAY)
    assert found["last_month"] == Period(date(2026, 10, 1), date(2026, 10, 31))
    assert presets(date(2026, 1, 1))["last_month"] == Period(date(2025, 12, 1), date(2025, 12, 31))
