"""Counts as tests write them down: by name, and a day after the other."""

from __future__ import annotations

from datetime import date, timedelta

from consent_server.decision import COLUMNS
from consent_server.rates.counts import Counts

TODAY = date(2026, 11, 22)


def counts(**named: int) -> Counts:
    """Return counts of which these columns are not nought."""
    return Counts(tuple(named.get(column, 0) for column in COLUMNS))


def asked(shown: int, refused: int = 0, accepted: int = 0, analytics: int = 0) -> Counts:
    """Return the counts of so many displays and first answers."""
    return counts(shown=shown, first0=refused, first7=accepted, first2=analytics)


def days(values: list[Counts]) -> dict[str, Counts]:
    """Return counts as those of days, the last of which is TODAY."""
    return {(TODAY - timedelta(days=len(values) - 1 - i)).isoformat(): it for i, it in enumerate(values)}
