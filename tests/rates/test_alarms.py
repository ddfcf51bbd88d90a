"""What is unusual, and how rarely anything is called so that is not."""

from math import sqrt

import numpy as np
import pytest
from counted import asked, days
from scipy.stats.mstats import winsorize

from consent_server.rates.counts import Counts, Rate
from consent_server.rates.happened.alarms import alarms, usual_range


def quiet(n: int, shown: int = 1000, seed: int = 3) -> list[Counts]:
    """Days like each other, but for chance."""
    chance = np.random.default_rng(seed)
    return [asked(shown, *map(int, chance.multinomial(shown, [0.3, 0.4, 0.3])[:2])) for _ in range(n)]


def test_a_quiet_month_raises_no_alarm():
    assert alarms(days(quiet(30))) == []


def test_alarms_are_rare_when_nothing_happens():
    """Four rates and two days a look, three deviations: about one look in fifty."""
    assert sum(bool(alarms(days(quiet(30, seed=seed)))) for seed in range(200)) <= 12


def test_a_rate_that_leaves_its_range_is_named():
    found = alarms(days([*quiet(29), asked(1000, 300, 200)]))
    assert {(alarm.kind, alarm.rate) for alarm in found} >= {("range", "answer"), ("range", "grant_marketing")}
    assert str(found[0]).startswith("2026-11-22: the answer is 50.0%")


def test_answers_that_stop_while_banners_are_shown_are_an_alarm_within_the_day():
    assert [alarm.kind for alarm in alarms(days([*quiet(29), asked(30)]))] == ["stopped"]
    assert alarms(days([*quiet(29), asked(5)])) == []


def test_a_shop_without_visitors_or_without_a_past_raises_no_alarm():
    assert alarms({}) == []
    assert alarms(days([asked(0)] * 30)) == []
    assert alarms(days([*quiet(5), asked(1000)])) == []


def test_weekdays_that_differ_widen_the_range_instead_of_ringing_every_monday():
    week = [0.4, 0.4, 0.4, 0.4, 0.4, 0.55, 0.55]
    month = [asked(20000, 4000, int(20000 * week[i % 7])) for i in range(35)]
    assert alarms(days(month)) == []


def test_the_range_is_the_one_of_spiegelhalters_over_dispersion():
    rates = [Rate(x, n) for x, n in [(20, 200), (55, 210), (38, 190), (61, 220), (47, 205), (50, 200), (39, 195)] * 2]
    low, high = usual_range(rates, 200)
    mean = (sum(r.numerator for r in rates) + 1) / (sum(r.denominator for r in rates) + 2)
    z = [(r.numerator / r.denominator - mean) / sqrt(mean * (1 - mean) / r.denominator) for r in rates]
    phi = np.mean(np.asarray(winsorize(np.array(z), limits=(1 / 14, 1 / 14))) ** 2)
    half = 3 * sqrt(mean * (1 - mean) / 200 * max(1, phi))
    assert phi > 1
    assert (low, high) == pytest.approx((mean - half, mean + half), abs=1e-9)


def test_one_odd_day_does_not_hide_the_next():
    month = quiet(29)
    month[20] = asked(1000, 0, 20)
    assert [alarm.kind for alarm in alarms(days([*month, asked(1000, 300, 200)])) if alarm.rate == "answer"] == [
        "range"
    ]


def test_the_newest_of_two_alarms_about_the_same_is_kept():
    found = alarms(days([*quiet(28), asked(1000, 300, 150), asked(1000, 300, 100)]))
    assert [alarm.day for alarm in found if alarm.rate == "answer"] == ["2026-11-22"]
