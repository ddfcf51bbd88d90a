"""Which part of the shoppers is behind, and how much it would bring if it were not."""

import pytest
from counted import TODAY, asked
from hypothesis import given
from hypothesis import strategies as st

from consent_server.rates.counts import LINES
from consent_server.rates.experiment import Experiment, Trial
from consent_server.rates.parts import advice, decided, parts_of
from consent_server.web.marketer.words import Words
from consent_server.web.marketer.words.sentences import advice_in_words

GOAL = "reach_marketing"


def in_days(days):
    """Say that every part was counted on so many days."""
    return lambda by, value: days


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
    assert advice(found, GOAL, in_days(30)) == []


def test_advice_says_who_could_be_like_whom_and_what_that_brings_a_month():
    """Phones answer 1,000 of 2,000, desktops 800 of 1,000: 2,000 x 30 points in 60 days are 300 a month."""
    rows = {"phone": asked(2000, 500, 500), "desktop": asked(1000, 400, 400), "tablet": asked(60, 30, 30)}
    answers, consents = advice(parts_of({"device": rows}, GOAL), GOAL, in_days(60))
    assert (answers.by, answers.value, answers.model, answers.rate) == ("device", "phone", "desktop", "answer")
    assert answers.more == 300
    assert (consents.rate, consents.more) == (GOAL, 150)
    assert [one.rate for one in advice(parts_of({"device": rows}, "answer"), "answer", in_days(60))] == ["answer"]


def test_the_size_is_by_the_days_on_which_that_part_could_be_counted():
    rows = {"tr": asked(1000, 200, 200), "az": asked(3000, 1100, 1100), "ru": asked(3000, 700, 700)}
    parts = parts_of({"language": rows}, "answer")
    days = {"tr": 6, "az": 30, "ru": 30}
    sizes = {one.value: one.more for one in advice(parts, "answer", lambda by, value: days[value])}
    assert sizes == {"tr": 1700, "ru": 800}  # 33 points of 1,000 in six days, 27 of 3,000 in thirty


def test_a_part_that_is_too_small_is_no_model():
    rows = {"AZ": asked(20000, 5000, 5000), "TR": asked(9000, 3500, 3500), "GE": asked(200, 98, 98)}
    best = advice(parts_of({"country": rows}, "answer"), "answer", in_days(30))[0]
    assert (best.value, best.model) == ("AZ", "TR")


@given(st.lists(st.tuples(st.integers(100, 5000), st.integers(0, 100)), min_size=2, max_size=6), st.integers(1, 400))
def test_the_largest_comes_first_and_none_is_larger_than_what_is_missing(parts, days):
    rows = {str(n): asked(shown, 0, shown * share // 100) for n, (shown, share) in enumerate(parts)}
    found = advice(parts_of({"language": rows}, "answer"), "answer", in_days(days))
    assert [one.more for one in found] == sorted((one.more for one in found), reverse=True)
    for one in found:
        counts = rows[one.value]
        assert one.more <= 1.06 * counts.ignored * 30 / days
        assert one.there.value > one.here.value


def test_what_is_not_known_of_shoppers_is_marked_and_no_advice():
    rows = {"": asked(2000, 300, 300), "AZ": asked(2000, 500, 900)}
    found = parts_of({"country": rows}, GOAL)
    assert {part.value: bool(part.worse) for part in found["country"]} == {"": True, "AZ": False}
    assert advice(found, GOAL, in_days(30)) == []


def test_where_not_all_were_asked_the_same_nobody_is_behind():
    rows = {"phone": asked(2000, 300, 700), "desktop": asked(1000, 150, 650)}
    found = parts_of({"device": rows}, GOAL, is_contest=False)
    assert [part.value for part in found["device"]] == ["phone", "desktop"]
    assert not any(part.worse for part in found["device"])
    assert advice(found, GOAL, in_days(30)) == []


# Variants


def experiment(is_running=True, **counts):
    return Experiment(Trial((*counts,), TODAY, TODAY, is_running), counts, {}, 1)


def test_a_winning_variant_is_advice_to_show_it_to_everybody():
    """Half of 3,000 visits a month are the loser's, and 5 points more of them would allow it: 75."""
    won = experiment(calm=asked(20000, 4000, 8000), short=asked(20000, 4000, 9000))
    [advised] = decided(won, GOAL, 3000, 30)
    assert (advised.by, advised.value, advised.model, advised.more) == ("variant", "calm", "short", 75)
    assert decided(won, GOAL, 300, 3) == [advised]  # the size is that of a month, however few days were counted
    assert decided(experiment(calm=asked(20000, 4000, 8000), short=asked(20000, 4000, 8000)), GOAL, 3000, 30) == []
    assert decided(None, GOAL, 3000, 30) == []


@pytest.mark.parametrize(
    ("yes", "winner", "losers", "more"),
    [
        ((8000, 9000, 9500), "c", "a", 75),
        ((9000, 8000, 8500), "a", "b, c", 75),
        ((8500, 9000, 8000), "b", "a, c", 75),  # which is better than a, which is better than c
        ((8000, 9000, 8010), "b", "a", 50),
    ],
)
def test_an_experiment_has_one_winner_and_what_it_brings_is_added_up(yes, winner, losers, more):
    counts = {name: asked(20000, 4000, n) for name, n in zip("abc", yes, strict=True)}
    [advised] = decided(experiment(**counts), GOAL, 3000, 30)
    assert (advised.model, advised.value, advised.more) == (winner, losers, more)
    assert advised.here.value < advised.there.value


@pytest.mark.parametrize(
    ("yes", "model", "rivals"),
    [((8000, 9000, 9020), "c", ("b",)), ((8000, 9000, 9500), "c", ()), ((8000, 9020, 9000, 9010), "b", ("c", "d"))],
)
def test_winners_that_are_not_told_apart_are_advised_together(yes, model, rivals):
    counts = {name: asked(20000, 4000, n) for name, n in zip("abcd", yes, strict=False)}
    [advised] = decided(experiment(**counts), GOAL, 3000, 30)
    assert (advised.model, advised.rivals) == (model, rivals)
    said = str(advice_in_words(Words.of("en"), advised))
    assert said.startswith(f"If every visit saw the variant {' or '.join((model, *rivals))}:")


def test_of_an_experiment_that_is_over_there_is_nothing_left_to_do():
    won = experiment(is_running=False, calm=asked(20000, 4000, 8000), short=asked(20000, 4000, 9000))
    assert [verdict.kind for verdict in won.verdicts(GOAL)] == ["better"]
    assert decided(won, GOAL, 3000, 30) == []


@pytest.mark.parametrize("other", [asked(2000, 4, 830), asked(2000, 4, 800), asked(90, 4, 80), asked(100, 100, 800)])
def test_a_verdict_that_names_no_winner_is_no_advice(other):
    undecided = experiment(a=asked(2000, 4, 800), b=other)
    assert [verdict.kind for verdict in undecided.verdicts("answer")] in (["early"], ["impossible"], ["equal"])
    assert decided(undecided, "answer", 3000, 30) == []
