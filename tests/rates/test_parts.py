"""Which part of the shoppers is behind, and how much it would bring if it were not."""

import pytest
from counted import asked
from hypothesis import given
from hypothesis import strategies as st

from consent_server.rates.compare import Verdict, verdicts
from consent_server.rates.counts import LINES
from consent_server.rates.parts import advice, decided, parts_of

GOAL = "reach_marketing"


def test_a_part_is_called_worse_only_where_it_is_clearly_below_all_others():
    rows = {"phone": asked(2000, 300, 700), "desktop": asked(1000, 150, 650), "tablet": asked(50, 10, 5)}
    phone, desktop, tablet = parts_of({"device": rows}, GOAL)["device"]
    assert (phone.value, desktop.value, tablet.value) == ("phone", "desktop", "tablet")
    assert set(phone.worse) == {*LINES, GOAL}
    assert phone.worse["answer"].denominator == 1050
    assert not desktop.worse
    assert not tablet.worse  # too few


def test_variants_get_no_marks_for_they_have_verdicts():
    rows = {"calm": asked(2000, 300, 700), "short": asked(2000, 300, 1100)}
    found = parts_of({"variant": rows, "device": rows}, GOAL)
    assert not any(part.worse for part in found["variant"])
    assert any(part.worse for part in found["device"])


def test_a_gap_below_two_points_is_not_worth_a_mark():
    rows = {"a": asked(1_000_000, 0, 500_000), "b": asked(1_000_000, 0, 515_000)}
    found = parts_of({"language": rows}, GOAL)
    assert not any(part.worse for part in found["language"])
    assert advice(found, GOAL, 30) == []


def test_advice_says_who_could_be_like_whom_and_what_that_brings_a_month():
    """Phones answer 1,000 of 2,000, desktops 800 of 1,000: 2,000 x 30 points in 60 days are 300 a month."""
    rows = {"phone": asked(2000, 500, 500), "desktop": asked(1000, 400, 400), "tablet": asked(60, 30, 30)}
    answers, consents = advice(parts_of({"device": rows}, GOAL), GOAL, 60)
    assert (answers.by, answers.value, answers.model, answers.rate) == ("device", "phone", "desktop", "answer")
    assert answers.more == 300
    assert (consents.rate, consents.more) == (GOAL, 150)
    assert [one.rate for one in advice(parts_of({"device": rows}, "answer"), "answer", 60)] == ["answer"]


def test_a_part_that_is_too_small_is_no_model():
    rows = {"AZ": asked(20000, 5000, 5000), "TR": asked(9000, 3500, 3500), "GE": asked(200, 98, 98)}
    best = advice(parts_of({"country": rows}, "answer"), "answer", 30)[0]
    assert (best.value, best.model) == ("AZ", "TR")


@given(st.lists(st.tuples(st.integers(100, 5000), st.integers(0, 100)), min_size=2, max_size=6), st.integers(1, 400))
def test_the_largest_comes_first_and_none_is_larger_than_what_is_missing(parts, days):
    rows = {str(n): asked(shown, 0, shown * share // 100) for n, (shown, share) in enumerate(parts)}
    found = advice(parts_of({"language": rows}, "answer"), "answer", days)
    assert [one.more for one in found] == sorted((one.more for one in found), reverse=True)
    for one in found:
        counts = rows[one.value]
        assert one.more <= 1.06 * counts.ignored * 30 / days
        assert one.there.value > one.here.value


def test_a_winning_variant_is_advice_to_show_it_to_everybody():
    rows = {"calm": asked(20000, 4000, 8000), "short": asked(20000, 4000, 9000)}
    [won] = decided(verdicts(rows, GOAL), rows, rows, 30)
    assert (won.by, won.value, won.model, won.more) == ("variant", "calm", "short", 1000)
    even = {"calm": asked(20000, 4000, 8000), "short": asked(20000, 4000, 8000)}
    assert decided(verdicts(even, GOAL), even, even, 30) == []


@pytest.mark.parametrize("kind", ["early", "equal"])
def test_a_verdict_that_names_no_winner_is_no_advice(kind):
    rows = {"a": asked(2000, 4, 800), "b": asked(2000, 4, 900)}
    assert decided([Verdict("a", "b", GOAL, kind, 0.05, 0.0, 0.1)], rows, rows, 30) == []
