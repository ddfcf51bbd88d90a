"""Several rates compared at once: Holm's procedure, and how rarely a quiet shop is told that something happened."""

import gc
from collections.abc import Iterator

import numpy as np
import pytest
from counted import asked, counts
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import norm
from scipy.stats import t as student
from statsmodels.stats.multitest import multipletests

from consent_server.rates.compare import change
from consent_server.rates.counts import LINES, Counts, Rate
from consent_server.rates.multiple import direction, followed, holm, moves, told
from consent_server.rates.multiple.spread import CHANCE, Spread, spreads
from consent_server.rates.parts import parts_of

rates = st.integers(100, 10**5).flatmap(lambda n: st.builds(Rate, st.integers(0, n), st.just(n)))


def surest(now: Rate, before: Rate) -> float:
    """Return how many standard errors wide the interval of a change may be and still leave out zero."""
    upwards = now.value > before.value
    end = lambda z: change(now, before, z).low if upwards else -change(now, before, z).high  # noqa: E731
    return 0.0 if end(1e-6) <= 0 else 40.0 if end(40.0) > 0 else float(brentq(end, 1e-6, 40.0, xtol=1e-9))


@pytest.fixture(scope="module")
def nothing_to_collect() -> Iterator[None]:
    """Set aside what the whole suite has in memory: ``multipletests`` collects garbage at each call."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("nothing_to_collect")
@hypothesis_settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(rates, rates), min_size=1, max_size=5))
def test_what_is_clear_is_what_holm_rejects(pairs):
    found = holm(dict(enumerate(pairs)), 0.05)
    chances = [2 * norm.sf(surest(*pair)) for pair in pairs]
    rejected = multipletests(chances, 0.05, "holm")[0]
    if not any(abs(chance - 0.05 / share) < 1e-6 for chance in chances for share in range(1, 6)):
        assert [found[i].clear for i in range(len(pairs))] == [*rejected]


@given(st.lists(st.tuples(rates, rates), min_size=2, max_size=5))
def test_one_more_comparison_never_makes_another_one_surer(pairs):
    alone = holm(dict(enumerate(pairs[:-1])), 0.05)
    together = holm(dict(enumerate(pairs)), 0.05)
    assert not [i for i in alone if together[i].clear and not alone[i].clear]


def test_what_has_too_few_cases_is_not_compared_and_costs_the_others_nothing():
    pair = (Rate(560, 1000), Rate(500, 1000))
    found = holm({"few": (Rate(1, 99), Rate(500, 1000)), "enough": pair}, 0.05)
    assert found["few"] is None
    assert found["enough"] == holm({"enough": pair}, 0.05)["enough"]
    assert found["enough"].low == pytest.approx(change(*pair).low, abs=1e-12)


def quiet(chance: np.random.Generator, shown: int, answers: float) -> Counts:
    """Return the counts of a period in which nothing happened but chance."""
    answered = int(chance.binomial(shown, answers))
    masks = chance.multinomial(answered, [0.35, 0.04, 0.05, 0.03, 0.03, 0.02, 0.03, 0.45])
    return counts(shown=shown, **{f"first{mask}": int(n) for mask, n in enumerate(masks)})


SHARES = {"device": [0.63, 0.31, 0.06], "language": [0.62, 0.2, 0.1, 0.08], "country": [0.9, 0.05, 0.03, 0.02]}


@pytest.mark.parametrize("shown", [1200, 60000])
def test_of_two_thousand_quiet_periods_one_in_twenty_at_most_says_better_or_worse(shown):
    """Whole views: the trend of the four rates, and the marks on the parts of the shoppers by three dimensions."""
    chance = np.random.default_rng(20261126)
    said = 0
    for _ in range(2000):
        now, before = quiet(chance, shown, 0.76), quiet(chance, shown, 0.76)
        segments = {
            by: {str(i): quiet(chance, max(1, int(shown * share)), 0.76) for i, share in enumerate(shares)}
            for by, shares in SHARES.items()
        }
        marked = any(part.worse for each in parts_of(segments, "reach_marketing").values() for part in each)
        said += marked or direction(moves(now, before)) not in ("flat", "unknown")
    assert said <= 100


def test_that_simulation_can_fail():
    """Each rate held to one in twenty by itself says better or worse in far more views than that."""
    chance = np.random.default_rng(20261126)
    said = 0
    for _ in range(1000):
        now, before = quiet(chance, 6000, 0.76), quiet(chance, 6000, 0.76)
        said += any(change(now.rate(name), before.rate(name)).clear for name in LINES)
    assert said > 70


def days(chance: np.random.Generator, many: int, shown: int) -> list[Counts]:
    """Return the counts of days that differ by more than chance: by weekday, weather and campaign."""
    return [
        quiet(chance, int(chance.poisson(shown)), float(1 / (1 + np.exp(-chance.normal(0.5, 0.35)))))
        for _ in range(many)
    ]


@pytest.mark.parametrize(("many", "shown"), [(7, 2000), (30, 40), (30, 2000)])
def test_of_five_hundred_quiet_periods_whose_days_vary_one_in_twenty_at_most_says_better_or_worse(many, shown):
    chance, goal, said, alone = np.random.default_rng(20261127), "reach_marketing", 0, 0
    for _ in range(500):
        now, before = days(chance, many, shown), days(chance, many, shown)
        found = [Counts.total(each) for each in (now, before)]
        said += direction(moves(*found, goal, spreads(now, before, followed(goal))), goal) not in ("flat", "unknown")
        alone += direction(moves(*found, goal), goal) not in ("flat", "unknown")
    assert said <= 25
    assert alone > (25 if shown < 1000 else 200)  # what it would be by chance alone


def test_a_change_that_is_larger_than_the_days_vary_is_still_told():
    chance = np.random.default_rng(1)
    now, before = days(chance, 30, 2000), [quiet(chance, 2000, 0.4) for _ in range(30)]
    found = moves(Counts.total(now), Counts.total(before), None, spreads(now, before, LINES))
    assert direction(found) == "up"


def test_what_days_vary_by_is_measured_within_each_period():
    steady = spreads([asked(1000, 200, 300)] * 5, [asked(1000, 200, 500)] * 5, ["answer"])["answer"]
    assert (steady.factor, steady.freedom) == (1, 8)
    # Two days of 400 and 600 of 1,000 each: 100 / sqrt(250) standard deviations, twice squared, by one day of freedom.
    odd = spreads([asked(1000, 0, 400), asked(1000, 0, 600)], [], ["answer"])["answer"]
    assert odd.factor == pytest.approx(80)
    assert spreads([asked(1000, 0, 400)], [asked(1000, 0, 600)], ["answer"])["answer"] == CHANCE
    assert Spread(1.0, 8).wide(2.5) == 2.5
    for freedom in (5, 12, 58):
        assert Spread(4.0, freedom).wide(2.5) == pytest.approx(2 * float(student.isf(norm.sf(2.5), freedom)), rel=0.02)


@pytest.mark.parametrize(
    ("now", "kind", "first"),
    [
        (asked(2000, 500, 800), "up", ["reach_marketing", "answer"]),
        (asked(2000, 900, 610), "mixed", ["reach_marketing", "answer"]),  # the goal did not move
        (asked(2000, 300, 610), "down", ["reach_marketing", "answer"]),
        (asked(2000, 600, 610), "flat", []),
    ],
)
def test_the_goal_says_first_whether_things_get_better(now, kind, first):
    found = moves(now, asked(2000, 600, 600), "reach_marketing")
    assert [*found] == ["reach_marketing", *LINES]
    grants = [name for name in LINES[1:] if found[name].clear and first]
    assert told(found, "reach_marketing") == [*first, *grants]
    without = {name: move for name, move in found.items() if name not in LINES[1:]}
    assert direction(without, "reach_marketing") == kind


def test_a_goal_that_fell_while_more_answered_is_no_yes():
    before, now = asked(2000, 400, 600), asked(2000, 100, 480, 620)
    found = moves(now, before, "reach_marketing")
    assert found["reach_marketing"].high < 0 < found["answer"].low
    assert direction(found, "reach_marketing") == "mixed"
    assert told(found, "reach_marketing")[0] == "reach_marketing"


@pytest.mark.parametrize(
    ("now", "kind"),
    [
        (asked(2000, 400, 900), "up"),
        (asked(2000, 400, 410), "flat"),
        (asked(2000, 900, 400), "mixed"),
        (asked(2000, 500, 60), "down"),
        (asked(90, 50, 6), "unknown"),
    ],
)
def test_the_direction_is_one_word(now, kind):
    assert direction(moves(now, asked(2000, 400, 400))) == kind


def test_shops_that_are_looked_at_together_share_one_chance_of_error():
    chance = np.random.default_rng(7)

    def quiet():
        none, some = (int(chance.binomial(1000, 0.3)) for _ in range(2))
        return asked(2000, none, some)

    said, alone, views, shops = 0, 0, 60, 10
    for _ in range(views):
        pairs = [(quiet(), quiet()) for _ in range(shops)]
        said += any(direction(moves(*pair, shops=shops)) not in ("flat", "unknown") for pair in pairs)
        alone += any(direction(moves(*pair)) not in ("flat", "unknown") for pair in pairs)
    assert said <= 0.05 * views
    assert alone > 0.08 * views
