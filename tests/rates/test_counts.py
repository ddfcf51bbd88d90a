"""The rates and their intervals, against scipy and statsmodels."""

import pytest
from counted import asked, counts
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint

from consent_server.decision import columns
from consent_server.rates.compare import change
from consent_server.rates.counts import Counts, Rate
from consent_server.site import OPTIONAL


def test_a_rate_is_what_its_definition_says():
    it = counts(
        shown=1000, first0=200, first2=50, first4=10, first7=340, renewal0=5, renewal7=15, changes=30,
        withdrawals=12, withdrawn_analytics=7, withdrawn_marketing=9,
    )  # fmt: skip
    assert {name: (rate.numerator, rate.denominator) for name, rate in it.rates().items()} == {
        "answer": (600, 1000),
        "ignored": (400, 1000),
        "all": (340, 600),
        "some": (60, 600),
        "none": (200, 600),
        "grant_functional": (340, 600),
        "grant_analytics": (390, 600),
        "grant_marketing": (350, 600),
        "reach_functional": (340, 1000),
        "reach_analytics": (390, 1000),
        "reach_marketing": (350, 1000),
        "withdrawal": (12, 415),
        "withdrawal_functional": (0, 355),
        "withdrawal_analytics": (7, 405),
        "withdrawal_marketing": (9, 365),
    }


decisions = st.tuples(st.sampled_from(["first", "renewal", "change"]), st.integers(0, 7), st.integers(0, 7))


@given(st.lists(st.one_of(st.just("shown"), decisions), max_size=60))
def test_rates_from_counters_equal_rates_from_the_list_of_events(events):
    total = Counts()
    for event in events:
        names = ["shown"] if event == "shown" else columns(*event)
        total += counts(**dict.fromkeys(names, 1))
    answers = [allow for kind, allow, _ in (e for e in events if e != "shown") if kind == "first"]
    lost = [before & ~allow for kind, allow, before in (e for e in events if e != "shown") if kind == "change"]
    shown = events.count("shown")
    assert total.rate("answer") == Rate(len(answers), shown)
    assert total.rate("ignored") == Rate(max(0, shown - len(answers)), shown)
    assert total.rate("all") == Rate(answers.count(7), len(answers))
    assert total.rate("some") == Rate(sum(allow not in (0, 7) for allow in answers), len(answers))
    assert total.rate("none") == Rate(answers.count(0), len(answers))
    given = [allow for kind, allow, _ in (e for e in events if e != "shown") if kind in ("first", "renewal")]
    assert total.rate("withdrawal") == Rate(sum(map(bool, lost)), sum(map(bool, given)))
    for bit, category in enumerate(OPTIONAL):
        yes = sum(allow >> bit & 1 for allow in answers)
        assert total.rate(f"grant_{category}") == Rate(yes, len(answers))
        assert total.rate(f"reach_{category}") == Rate(yes, shown)
        taken = sum(mask >> bit & 1 for mask in lost)
        assert total.rate(f"withdrawal_{category}") == Rate(taken, sum(allow >> bit & 1 for allow in given))


@given(st.integers(1, 10**7), st.data())
def test_the_interval_is_wilsons(n, data):
    x = data.draw(st.integers(0, n))
    assert Rate(x, n).interval == pytest.approx(proportion_confint(x, n, 0.05, "wilson"), abs=1e-9)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    n, share = 150, 0.3
    covered = sum(binom.pmf(x, n, share) for x in range(n + 1) if Rate(x, n).low <= share <= Rate(x, n).high)
    assert covered == pytest.approx(0.95, abs=0.02)


def test_nothing_counted_gives_no_rate():
    assert (Rate(0, 0).value, Rate(0, 0).interval, Rate(0, 0).too_few) == (None, None, True)


def test_more_answers_than_displays_are_shown_as_such_without_an_interval():
    it = asked(shown=100, accepted=120)
    assert (it.rate("answer").value, it.rate("answer").interval, it.ignored) == (1.2, None, 0)
    it = asked(shown=100, refused=70, accepted=50)
    assert (it.rate("reach_marketing").value, it.rate("grant_marketing").interval is None) == (0.5, False)
    assert [it.rate(name).interval for name in ("reach_marketing", "ignored")] == [None, None]
    assert change(it.rate("reach_marketing"), asked(shown=100, accepted=10).rate("reach_marketing")) is None


def test_too_few_ends_at_a_hundred():
    assert Rate(1, 99).too_few
    assert not Rate(1, 100).too_few
