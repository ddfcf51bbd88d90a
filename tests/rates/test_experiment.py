"""Over which days variants are compared, against a naive count by the hour; and how rarely chance wins."""

from datetime import timedelta

import numpy as np
import pytest
from counted import TODAY, asked
from hypothesis import given
from hypothesis import strategies as st

from consent_server.rates.compare import Verdict, verdicts
from consent_server.rates.counts import Counts
from consent_server.rates.experiment import Experiment, Pace, Trial, tried
from consent_server.rates.period import Period

YEAR = Period(TODAY - timedelta(days=365), TODAY)


def ago(days):
    return TODAY - timedelta(days=days)


def told(*steps, now=()):
    """Return what is said of sets asked from so many days ago: names, first and last in days ago, running."""
    trial = tried([(ago(days), (*names.split(),) or ("",)) for days, names in steps], now, YEAR)
    return trial and (" ".join(trial.names), (TODAY - trial.first).days, (TODAY - trial.last).days, trial.is_running)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([(100, "")], None),
        ([(100, "a b")], ("a b", 365, 0, True)),  # what was asked before it was written down was asked then too
        ([(100, ""), (30, "a b")], ("a b", 30, 0, True)),  # nobody was asked one of these before
        ([(100, "a b"), (30, "a c")], ("a c", 29, 0, True)),  # a was, in the first hours of that day
        ([(100, "a b"), (30, "c d")], ("c d", 30, 0, True)),
        ([(100, "a b"), (30, "")], ("a b", 365, 30, False)),
        ([(100, "a b"), (30, "b")], ("a b", 365, 31, False)),  # the winner is kept, and its result too
        ([(100, "a b"), (0, "a c")], ("a c", -1, 0, True)),  # there is no whole day yet
        ([(100, "a b"), (30, "a c"), (30, "a b")], ("a b", 29, 0, True)),
        ([(100, "a b"), (30, "b c"), (30, "b")], ("a b", 365, 31, False)),  # b and c had no whole day
        ([(400, "a b"), (380, "b")], None),
    ],
)
def test_variants_are_compared_on_the_days_on_which_they_were_asked_together_alone(steps, expected):
    assert told(*steps) == expected


def test_variants_stand_in_the_order_of_the_configuration_while_they_are_asked():
    assert told((9, "a b"), now=("b", "a"))[0] == "b a"
    assert told((9, "a b"), (1, "c"), now=("c",))[0] == "a b"
    assert tried([], ("b", "a"), YEAR).names == ("b", "a")


@pytest.mark.parametrize(
    ("steps", "first"),
    [
        ([(90, (1, 1)), (20, (9, 1))], 19),
        ([(90, (1, 1)), (20, (1, 1))], 365),
        ([(90, ()), (20, (9, 1))], 365),  # what an older version wrote has no weights
        ([(90, (1, 1)), (40, ()), (20, (1, 1))], 365),
        ([(90, (1, 1)), (40, ()), (20, (9, 1))], 19),
        ([(90, (1, 1)), (40, (2, 1)), (20, (1, 1))], 19),
    ],
)
def test_other_weights_begin_anew(steps, first):
    trial = tried([(ago(days), ("a", "b")) for days, _ in steps], ("a", "b"), YEAR, [weights for _, weights in steps])
    assert ((TODAY - trial.first).days, trial.last, trial.is_running) == (first, TODAY, True)


def test_a_variant_that_got_more_of_the_better_days_does_not_win_by_them():
    """Half of the visits at 40 %, then nine tenths at 60 %, whichever variant is asked."""
    steps, weights = [(ago(60), ("a", "b")), (ago(30), ("a", "b"))], [(1, 1), (1, 9)]
    trial = tried(steps, ("a", "b"), YEAR, weights)
    counts = {name: Counts() for name in "ab"}
    for n in range(60, -1, -1):
        if trial.first <= ago(n) <= trial.last:
            for name, shown in (("a", 500), ("b", 500)) if n > 30 else (("a", 100), ("b", 900)):
                counts[name] += asked(shown, 0, int(shown * (0.4 if n > 30 else 0.6)))
    assert verdicts(counts, "answer")[0].kind not in ("better", "worse")
    assert counts["a"].shown == 3000  # of the last 30 days alone


SETS = st.sampled_from(["", "a", "b", "a b", "a c", "c d", "a b c"])


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 23), SETS), max_size=8), SETS)
def test_the_days_of_a_trial_are_those_that_a_naive_count_by_the_hour_finds(changes, first):
    """Each hour has the set that was asked in it; a day counts where all hours have that set or nothing of it."""
    changes = sorted(
        {(20 - day, hour): names for day, hour, names in changes}.items(), key=lambda it: (-it[0][0], it[0][1])
    )
    span = Period(ago(25), TODAY)
    steps = [(ago(30), (*first.split(),) or ("",))]
    steps += [(ago(day), (*names.split(),) or ("",)) for (day, _), names in changes]
    hours = []
    for day in span:
        for hour in range(24):
            until = [names for (days, at), names in changes if (ago(days), at) <= (day, hour)]
            hours.append((day, frozenset((until[-1] if until else first).split() or [""])))
    stretches = [[hours[0]]]
    for each in hours[1:]:
        if each[1] == stretches[-1][-1][1]:
            stretches[-1].append(each)
        else:
            stretches.append([each])
    found = tried(steps, (), span)
    for stretch in reversed(stretches):
        names, is_last = stretch[0][1], stretch is stretches[-1]
        by_day = {day: {other for on, other in hours if on == day} for day in dict.fromkeys(day for day, _ in stretch)}
        whole = [day for day, sets in by_day.items() if all(other == names or not other & names for other in sets)]
        if len(names) > 1 and (whole or is_last):
            assert found is not None
            assert (frozenset(found.names), found.is_running) == (names, is_last)
            assert [day for day in by_day if found.first <= day <= found.last] == whole
            return
    assert found is None


def test_a_variant_that_ran_long_before_the_other_does_not_lose_for_having_had_worse_days():
    """a all year, in its last month against c, which is as good: a better season of both is no win of c's."""
    chance = np.random.default_rng(20261127)
    before, days, displays, won, won_by_all_days = 120, 30, 250, 0, 0
    trial = tried([(ago(days + before), ("a", "b")), (ago(days), ("a", "c"))], ("a", "c"), YEAR)
    for _ in range(200):
        old = Counts.total(asked(displays, 0, int(n)) for n in chance.binomial(displays, 0.4, before))
        total, wins, by_all = {name: Counts() for name in "ac"}, False, False
        for day in range(days, -1, -1):
            for name in total:
                counts = asked(displays, 0, int(chance.binomial(displays, 0.5)))
                total[name] += counts if trial.first <= ago(day) <= trial.last else Counts()
            wins |= verdicts(total, "answer")[0].kind in ("better", "worse")
            by_all |= verdicts({**total, "a": total["a"] + old}, "answer")[0].kind in ("better", "worse")
        won += wins
        won_by_all_days += by_all
    assert won <= 10
    assert won_by_all_days > 150  # this could fail


def test_the_pace_is_that_of_the_two_that_are_compared():
    trial = Trial(("a", "b", "c"), ago(30), TODAY, True)
    total = {name: asked(1000, 200, 500) for name in "abc"}
    lately = {"a": asked(100, 20, 50), "b": asked(10, 1, 4)}
    experiment = Experiment(trial, total, lately, 14)
    assert [experiment.pace(verdict) for verdict in experiment.verdicts("answer")] == [Pace(75, 14), Pace(70, 14)]
    over = Experiment(Trial(("a", "b"), ago(30), ago(9), False), total, lately, 14)
    assert over.pace(Verdict("a", "b", "answer", "early", more=9)) is None
