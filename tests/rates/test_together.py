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
from statsmodels.stats.multitest import multipletests

from consent_server.rates.compare import change
from consent_server.rates.counts import LINES, Counts, Rate
from consent_server.rates.parts import parts_of
from consent_server.rates.together import direction, holm, moves

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
