"""A part of the shoppers against others who are alike: what the mix of languages does is not what devices do."""

import numpy as np
import pytest
from counted import asked
from hypothesis import given
from hypothesis import strategies as st

from consent_server.rates.counts import Counts, Rate
from consent_server.rates.parts import advice, parts_of, silence
from consent_server.rates.parts.alike import alike

GOAL = "reach_marketing"


def segments(cells):
    """Return the counts by language and by device of counts by language, variant and device."""
    found = {"language": {}, "device": {}}
    for (language, _, device), counts in cells.items():
        for by, value in (("language", language), ("device", device)):
            found[by][value] = found[by].get(value, Counts()) + counts
    return found


def told(cells, goal="answer", days=30):
    parts = parts_of(segments(cells), goal, cells=cells)
    return [(one.value, one.model, one.rate, one.more) for one in advice(parts, goal, lambda by, value: days)]


def test_devices_that_differ_by_the_languages_of_their_pages_alone_are_not_told_apart():
    cells = {
        ("ru", "", "phone"): asked(900, 225, 225),
        ("ru", "", "desktop"): asked(100, 25, 25),
        ("az", "", "phone"): asked(500, 100, 300),
        ("az", "", "desktop"): asked(500, 100, 300),
    }
    assert any(part.worse for part in parts_of(segments(cells), GOAL)["device"])  # each dimension by itself
    assert not any(part.worse for part in parts_of(segments(cells), GOAL, cells=cells)["device"])
    assert told(cells, GOAL) == [("ru", "az", GOAL, 350), ("ru", "az", "answer", 300)]


def test_a_gap_within_the_languages_is_told_with_its_size_though_the_mix_hides_it():
    """Phones answer ten points less in each language, and are on more pages in the better one."""
    cells = {
        ("ru", "", "phone"): asked(2000, 0, 800),
        ("ru", "", "desktop"): asked(8000, 0, 4000),
        ("az", "", "phone"): asked(8000, 0, 5600),
        ("az", "", "desktop"): asked(2000, 0, 1600),
    }
    desktop, phone = parts_of(segments(cells), "answer", cells=cells)["device"]
    assert desktop.counts.rate("answer").value < phone.counts.rate("answer").value == pytest.approx(0.64)
    assert phone.worse["answer"].value == pytest.approx(0.74, abs=0.001)
    assert ("phone", "desktop", "answer", 1000) in told(cells)


def test_a_part_that_is_like_no_other_is_compared_with_nobody():
    cells = {("ru", "", "phone"): asked(5000, 0, 1000), ("az", "", "desktop"): asked(5000, 0, 4000)}
    parts = parts_of(segments(cells), "answer", cells=cells)
    assert not any(part.worse for each in parts.values() for part in each)
    assert silence(parts, "answer") == "unknown"


def test_the_size_is_that_of_the_visits_that_others_are_like():
    cells = {
        ("az", "", "phone"): asked(6000, 0, 3000),
        ("az", "", "desktop"): asked(6000, 0, 3600),
        ("ru", "", "phone"): asked(3000, 0, 1500),
    }
    assert ("phone", "desktop", "answer", 600) in told(cells)


def test_one_visit_to_hold_against_makes_nobody_the_one_to_be_like():
    cells = {
        ("az", "", "phone"): asked(10000, 0, 3000),
        ("az", "", "desktop"): asked(10000, 0, 4000),
        ("ru", "", "phone"): asked(500, 0, 100),
        ("ru", "", "tablet"): asked(1500, 0, 900),
        ("az", "", "tablet"): asked(1, 0, 0),
    }
    assert [one for one in told(cells) if one[0] == "phone"] == [("phone", "desktop", "answer", 1000)]


@given(st.integers(100, 5000), st.integers(0, 100), st.integers(100, 5000), st.integers(0, 100), st.integers(1, 5))
def test_with_one_cell_or_several_alike_it_is_the_two_rates_as_they_are(here, p, there, q, times):
    a, b = asked(here, 0, here * p // 100), asked(there, 0, there * q // 100)
    one = alike({(): a}, {(): b}, "answer")
    assert (one.here, one.there, one.covered) == (a.rate("answer"), b.rate("answer"), 1)
    several = alike({(f"{n}",): a for n in range(times)}, {(f"{n}",): b for n in range(times)}, "answer")
    assert several.gap == pytest.approx(one.gap)
    assert several.here == Rate(a.answered * times, here * times)


def test_a_few_who_all_answered_are_not_certain():
    cells = {(f"{n}",): asked(3, 0, 3) for n in range(40)}
    found = alike(cells, {cell: asked(3) for cell in cells}, "answer")
    assert (found.here, found.there) == (Rate(120, 120), Rate(0, 120))


@pytest.mark.parametrize("shown", [2000, 60000])
def test_of_five_hundred_shops_whose_devices_answer_alike_in_each_language_one_in_twenty_at_most_says_otherwise(shown):
    chance = np.random.default_rng(20261127)
    languages, said = {"az": 0.8, "ru": 0.5, "en": 0.3}, 0
    mix = {("az", "phone"): 0.3, ("az", "desktop"): 0.25, ("ru", "phone"): 0.3, ("ru", "desktop"): 0.05}
    mix |= {("en", "phone"): 0.08, ("en", "desktop"): 0.02}
    for _ in range(500):
        cells = {
            (language, variant, device): asked(
                int(shown * share / 2), 0, int(chance.binomial(int(shown * share / 2), languages[language]))
            )
            for (language, device), share in mix.items()
            for variant in "ab"
        }
        said += any(part.worse for part in parts_of(segments(cells), GOAL, cells=cells)["device"])
    assert said <= 25


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ({"phone": asked(90, 9, 9), "desktop": asked(4000, 900, 900)}, "unknown"),
        ({"phone": asked(4000, 900, 900), "desktop": asked(4000, 900, 900)}, "none"),
        ({"phone": asked(4000, 1200, 800), "desktop": asked(4000, 400, 1600)}, "elsewhere"),
        ({"": asked(4000, 200, 200), "desktop": asked(4000, 900, 900)}, "elsewhere"),
        ({"phone": asked(4000, 900, 900)}, "alone"),
        ({"phone": asked(90, 9, 9)}, "unknown"),
    ],
)
def test_why_nothing_is_advised_is_said(rows, why):
    parts = parts_of({"device": rows}, "answer")
    assert advice(parts, "answer", lambda by, value: 30) == []
    assert silence(parts, "answer") == why
