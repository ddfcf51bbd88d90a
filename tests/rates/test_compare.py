"""What moved and which variant is better, against scipy and statsmodels; looking every day, by simulation."""

from math import exp, sqrt

import numpy as np
import pytest
from counted import asked
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import norm
from statsmodels.stats.proportion import confint_proportions_2indep

from consent_server.rates.compare import GOALS, SMALL, STRAYED, always_valid, change, verdicts
from consent_server.rates.counts import Counts, Rate
from consent_server.rates.period import BadQuestion


@given(st.integers(100, 10**6), st.integers(100, 10**6), st.data())
def test_the_interval_of_a_change_is_newcombes(n, m, data):
    x, y = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    it = change(Rate(x, n), Rate(y, m))
    assert (it.low, it.high) == pytest.approx(confint_proportions_2indep(x, n, y, m, "newcomb"), abs=1e-9)
    assert it.difference == pytest.approx(x / n - y / m, abs=1e-9)


def test_a_change_is_clear_only_when_its_interval_leaves_out_zero():
    assert change(Rate(600, 1000), Rate(500, 1000)).clear
    assert change(Rate(400, 1000), Rate(500, 1000)).clear
    assert not change(Rate(505, 1000), Rate(500, 1000)).clear


def test_nothing_is_compared_with_too_few():
    assert change(Rate(50, 99), Rate(500, 1000)) is None
    assert change(Rate(500, 1000), Rate(0, 0)) is None


# Variants


@pytest.mark.parametrize(("x", "n", "y", "m"), [(500, 1000, 560, 1010), (3, 400, 9, 400), (40000, 90000, 41000, 90000)])
@pytest.mark.parametrize("alpha", [0.05, 0.0125])
def test_the_always_valid_interval_is_where_the_mixture_of_likelihoods_reaches_one_in_alpha(x, n, y, m, alpha):
    """Integrated numerically, as the source defines it: it holds each truth whose mixture stays below 1 / alpha."""
    difference, low, high = always_valid(Rate(x, n), Rate(y, m), alpha)
    shares = [((s + 1) / (t + 2), t + 2) for s, t in ((x, n), (y, m))]
    deviation = sqrt(sum((share * (1 - share) + 2 * STRAYED * share**2) / size for share, size in shares))
    spread = 0.03

    def mixture(truth: float) -> float:
        seen = y / m - x / n
        where = (truth * deviation**2 + seen * spread**2) / (deviation**2 + spread**2)  # the peak of the integrand
        width = 1 / sqrt(1 / deviation**2 + 1 / spread**2)
        ratio = norm.pdf(seen, truth, deviation)
        log_ratio = lambda t: norm.logpdf(seen, t, deviation) - np.log(ratio)  # noqa: E731
        value, _ = quad(
            lambda t: exp(log_ratio(t) + norm.logpdf(t, truth, spread)), where - 12 * width, where + 12 * width,
            epsabs=0, epsrel=1e-13, limit=200,
        )  # fmt: skip
        return value

    far = 6 * deviation
    lowest = brentq(lambda truth: np.log(mixture(truth) * alpha), difference - far, difference, xtol=1e-13)
    highest = brentq(lambda truth: np.log(mixture(truth) * alpha), difference, difference + far, xtol=1e-13)
    assert (low, high) == pytest.approx((lowest, highest), abs=1e-9)
    assert difference == pytest.approx(y / m - x / n, abs=1e-12)


@pytest.mark.parametrize(("share", "displays"), [(0.5, 40), (0.05, 60), (0.3, 2000)])
def test_looking_every_day_finds_at_most_one_false_winner_in_twenty(share, displays):
    """2,000 experiments without a difference, looked at on each of 90 days, on the one goal that has all the error."""
    chance = np.random.default_rng(20261122)
    a, b = (np.cumsum(chance.binomial(displays, share, (2000, 90)), axis=1) for _ in "ab")
    won = 0
    for of_a, of_b in zip(a, b, strict=True):
        for day in range(90):
            n = displays * (day + 1)
            if n < 100:
                continue
            _, low, high = always_valid(Rate(int(of_a[day]), n), Rate(int(of_b[day]), n), 0.05)
            if low > 0 or high < 0:
                won += 1
                break
    assert won <= 100


def test_a_fixed_sample_test_looked_at_daily_would_not_pass_that():
    """The simulation can fail: the 95 % interval of a single look finds winners in far more than one in twenty."""
    chance = np.random.default_rng(20261122)
    a, b = (np.cumsum(chance.binomial(200, 0.5, (2000, 90)), axis=1) for _ in "ab")
    n = 200 * np.arange(1, 91)
    score = (b - a) / n / np.sqrt((a / n * (1 - a / n) + b / n * (1 - b / n)) / n)
    assert (np.abs(score) > 1.96).any(axis=1).sum() > 500


def test_the_verdicts_of_a_whole_page_find_at_most_one_false_winner_in_twenty():
    """The same promise through `verdicts`: three variants, every goal, every day; a winner anywhere counts."""
    chance = np.random.default_rng(7)
    won = 0
    for _ in range(200):
        total = {name: Counts() for name in "abc"}
        verdict_kinds = set()
        for _ in range(30):
            for name in total:
                refused, accepted = chance.multinomial(300, [0.35, 0.45, 0.2])[:2]
                total[name] += asked(300, int(refused), int(accepted))
            verdict_kinds |= {verdict.kind for goal in GOALS for verdict in verdicts(total, goal)}
        won += bool(verdict_kinds & {"better", "worse"})
    assert won <= 10


@pytest.mark.parametrize(
    ("a", "b", "kind"),
    [
        (asked(20000, 4000, 8000), asked(20000, 4000, 9000), "better"),
        (asked(20000, 4000, 9000), asked(20000, 4000, 8000), "worse"),
        (asked(90000, 9000, 45000), asked(90000, 9000, 45000), "equal"),
        (asked(1000, 200, 500), asked(1000, 200, 510), "early"),
        (asked(99, 20, 50), asked(99, 20, 50), "early"),
        (Counts(), Counts(), "early"),
        (asked(100, 200, 50), asked(1000, 200, 50), "impossible"),
        (asked(0, 200, 50), asked(0, 200, 50), "impossible"),
        (asked(1000, 700, 900), asked(1000, 400, 500), "impossible"),
        (asked(1000, 400, 500), asked(1000, 700, 400), "impossible"),
    ],
)
@pytest.mark.parametrize("goal", ["reach_marketing", "answer"])
def test_a_verdict_says_which_is_better_or_that_it_is_too_early(a, b, kind, goal):
    [verdict] = verdicts({"a": a, "b": b}, goal)
    assert verdict.kind == kind
    assert (verdict.more > 0) == (kind == "early")


def test_a_verdict_is_one_sentence():
    [better] = verdicts({"a": asked(20000, 4000, 8000), "b": asked(20000, 4000, 9000)}, "reach_analytics")
    [equal] = verdicts({"a": asked(90000, 0, 45000), "b": asked(90000, 0, 45000)}, "reach_analytics")
    [early] = verdicts({"a": asked(1000, 0, 500), "b": asked(1000, 0, 510)}, "reach_analytics")
    assert str(better).startswith("b is better, by ")
    assert str(equal) == f"No difference larger than {equal.margin * 100:.1f} points."
    assert str(early) == f"Too early: about {early.more:,} more answers needed."
    assert 0 < equal.margin <= SMALL


def test_as_many_more_answers_as_it_says_settle_it():
    shown, refused, accepted = 3000, 600, 1500
    a, b = asked(shown, refused, accepted), asked(shown, refused, accepted + 60)
    [early] = verdicts({"a": a, "b": b}, "reach_marketing")
    assert early.kind == "early"
    times = 1 + 1.1 * early.more / (a.answered + b.answered)
    grown = {name: Counts(tuple(int(n * times) for n in it.row)) for name, it in (("a", a), ("b", b))}
    assert verdicts(grown, "reach_marketing")[0].kind in ("better", "equal")
    less = 1 + 0.8 * early.more / (a.answered + b.answered)
    grown = {name: Counts(tuple(int(n * less) for n in it.row)) for name, it in (("a", a), ("b", b))}
    assert verdicts(grown, "reach_marketing")[0].kind == "early"


def test_each_variant_is_compared_with_the_first():
    three = {name: asked(1000, 100, 400) for name in ("calm", "short", "warm")}
    assert [(verdict.a, verdict.b) for verdict in verdicts(three, "answer")] == [("calm", "short"), ("calm", "warm")]
    assert verdicts({"only": asked(1000)}, "answer") == []


def test_variants_are_not_compared_on_a_rate_that_choice_has_sorted():
    with pytest.raises(BadQuestion, match="`goal` must be one of"):
        verdicts({"a": asked(1000), "b": asked(1000)}, "grant_marketing")
