"""A variant is drawn once a visit: simulated shops of several pages, with and without a true difference."""

from __future__ import annotations

import numpy as np
import pytest

from consent_server.rates.compare import GOALS, always_valid
from consent_server.rates.counts import Rate

EXPERIMENTS, DAYS, VISITS = 2000, 90, 300

ALPHA = 0.05 / len(GOALS)

STRAY = 0.04
"""How many pages of a visit are in a tab of their own."""

OLD = 0.08
"""How many visits are with a browser that has no number for the first page, so that each page draws anew."""

GRANTS = 0.65
"""How many of the answers allow marketing."""


def ends(answers: float, stays: float, anew: float) -> tuple[float, float]:
    """Return how likely a visit ends with an answer to the draw that it began with, and to another draw.

    On each page it ends with an answer, or goes on. ``anew``: how likely a page draws for itself.
    """
    same, other, on, drawn = 0.0, 0.0, 1.0, 0.0
    for _ in range(30):
        same, other = same + on * (1 - drawn) * answers, other + on * drawn * answers
        on *= (1 - answers) * stays
        drawn += (1 - drawn) * anew
    return same, other


def shops(a: float, b: float, stays: float, stray: float, old: float, seed: int) -> list[np.ndarray]:
    """Return the displays of both variants, their answers and their consents to marketing, each [experiment, day].

    ``a`` and ``b``: how many of those who see it answer each page's banner.
    """
    chance = np.random.default_rng(seed)
    # No day is like another, nor an hour: that is the same for both, as chance mixes them at every moment.
    busy = 1 + 0.3 * np.sin(np.arange(DAYS) / 7 * 2 * np.pi) + chance.normal(0, 0.1, (EXPERIMENTS, DAYS))
    visits = chance.poisson(VISITS * np.maximum(busy, 0.1))
    shown = [chance.binomial(visits, 0.5)]
    shown.append(visits - shown[0])
    answered = [np.zeros_like(visits), np.zeros_like(visits)]
    for variant, rate in enumerate((a, b)):
        other_rate = (a + b) / 2  # what is drawn anew is either
        same = old * ends(rate, stays, 1.0)[0] + (1 - old) * ends(rate, stays, stray)[0]
        other = old * ends(other_rate, stays, 1.0)[1] + (1 - old) * ends(other_rate, stays, stray)[1]
        kept = chance.binomial(shown[variant], same)
        moved = chance.binomial(shown[variant] - kept, other / (1 - same))
        to_b = chance.binomial(moved, b / (a + b))
        answered[variant] += kept
        answered[0] += moved - to_b
        answered[1] += to_b
    consents = [chance.binomial(each, GRANTS) for each in answered]
    return [each.cumsum(axis=1) for each in (*shown, *answered, *consents)]


def false_winners(found: list[np.ndarray]) -> float:
    """Return in what share of the experiments a variant won on any of 30 days, in answers or in reach."""
    won = 0
    for shown_a, shown_b, *goals in zip(*found, strict=True):
        won += any(
            low > 0 or high < 0
            for x, y in (goals[:2], goals[2:])
            for day in range(2, DAYS, 3)
            for _, low, high in [
                always_valid(Rate(int(x[day]), int(shown_a[day])), Rate(int(y[day]), int(shown_b[day])), ALPHA)
            ]
        )
    return won / EXPERIMENTS


@pytest.mark.parametrize(("answers", "stays"), [(0.5, 0.7), (0.15, 0.9)])
def test_at_most_one_quiet_experiment_in_twenty_gets_a_winner_in_a_shop_of_several_pages(answers, stays):
    assert false_winners(shops(answers, answers, stays, STRAY, OLD, seed=1127)) <= 0.05


def test_a_draw_for_each_page_would_not_pass_that():
    assert false_winners(shops(0.3, 0.3, 0.9, STRAY, 1.0, seed=1127)) > 0.1


def test_a_true_difference_is_measured_and_not_twice_its_size():
    a, b, stays = 0.35, 0.5, 0.7
    truth = ends(b, stays, 0.0)[0] - ends(a, stays, 0.0)[0]
    for old, least, most in ((OLD, 0.95, 1.2), (1.0, 1.8, 2.2)):
        shown_a, shown_b, x, y, *_ = (each[:, -1].mean() for each in shops(a, b, stays, STRAY, old, seed=1127))
        assert least < (y / shown_b - x / shown_a) / truth < most
