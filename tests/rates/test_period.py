"""What may be asked for."""

from datetime import date

import pytest
from counted import TODAY

from consent_server.rates.period import BadQuestion, Period, compared, dimension


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (None, None, (date(2026, 10, 24), TODAY)),
        ("2026-11-01", None, (date(2026, 11, 1), TODAY)),
        (None, "2026-11-10", (date(2026, 10, 12), date(2026, 11, 10))),
        ("2026-11-22", "2026-11-22", (TODAY, TODAY)),
        ("2021-11-22", "2026-11-22", (date(2021, 11, 22), TODAY)),
    ],
)
def test_a_period_is_thirty_days_until_today_unless_it_says_so(first, last, expected):
    period = Period.parse(first, last, TODAY)
    assert (period.first, period.last) == expected


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ("2026-11-02", "2026-11-01", "is after"),
        ("2026-11-01", "2026-11-23", "in the future"),
        ("2026-11-23", None, "is after"),
        ("2021-11-21", "2026-11-22", "over five years"),
        ("yesterday", None, "`from` must be a day"),
        (None, "2026-02-30", "`to` must be a day"),
        ("20261101", None, "`from` must be a day"),
        ("0001-01-01", "0001-01-02", "must be a day"),
        ("2026-W40-1", None, "`from` must be a day"),
    ],
)
def test_a_period_that_cannot_be_is_refused_in_one_sentence(first, last, words):
    with pytest.raises(BadQuestion, match=words) as refused:
        Period.parse(first, last, TODAY)
    assert refused.value.kind in ("day", "order", "future", "length")


def test_the_period_before_is_as_long_and_ends_the_day_before():
    before = Period(date(2026, 11, 1), date(2026, 11, 30)).before
    assert (before.first, before.last, before.days) == (date(2026, 10, 2), date(2026, 10, 31), 30)


def test_an_unknown_dimension_is_refused_by_name():
    assert (dimension(None), dimension("how")) == ("day", "how")
    with pytest.raises(BadQuestion, match="'browser'"):
        dimension("browser")


def test_a_period_is_compared_with_the_days_before_last_year_or_any_days():
    leap = Period(date(2024, 2, 1), date(2024, 2, 29))
    today = date(2024, 6, 1)
    assert compared(leap, today, None) == compared(leap, today, "before", "", "") == leap.before
    assert compared(leap, today, "year") == Period(date(2023, 2, 1), date(2023, 2, 28))
    for first, last in (("2023-12-01", "2023-12-24"), ("2024-03-01", "2024-06-01")):  # later ones too
        days = Period(date.fromisoformat(first), date.fromisoformat(last))
        assert compared(leap, today, "year", first, last) == days


@pytest.mark.parametrize(
    ("kind", "first", "last"),
    [("month", None, None), (None, "2023-12-01", None), (None, None, "2023-12-01"), (None, "2023-12-02", "2023-12-01")],
)
def test_a_comparison_with_nothing_is_refused_in_one_sentence(kind, first, last):
    with pytest.raises(BadQuestion, match=r"^[^.]+\.$"):
        compared(Period(date(2024, 2, 1), date(2024, 2, 29)), date(2024, 6, 1), kind, first, last)


@pytest.mark.parametrize(
    ("first", "last", "fault"),
    [
        ("2024-05-01", "2024-06-02", "`against_to` (2024-06-02) is in the future; today is 2024-06-01."),
        ("2024-05-02", "2024-05-01", "`against_from` (2024-05-02) is after `against_to` (2024-05-01)."),
        ("May", "2024-05-01", "`against_from` must be a day of this century such as 2026-01-31, not 'May'."),
    ],
)
def test_a_wrong_day_to_compare_with_is_called_what_it_was_asked_for_by(first, last, fault):
    with pytest.raises(BadQuestion) as refused:
        compared(Period(date(2024, 2, 1), date(2024, 2, 29)), date(2024, 6, 1), None, first, last)
    assert str(refused.value) == fault
