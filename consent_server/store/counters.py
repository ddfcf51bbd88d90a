"""What is counted of banners and decisions, a row of COLUMNS a day, by value of each dimension."""

from __future__ import annotations

import random
import struct
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, cast

from ..decision import COLUMNS, Entry, Notice, Site, columns
from . import keys
from .connection import Connection
from .keys import DAY, Bucket, buckets

Row = tuple[int, ...]
"""What was counted, in the order of COLUMNS."""

_ROW = struct.Struct(f">{len(COLUMNS)}I")
_MONTH = 31 * _ROW.size
"""Bytes of the counters of one value in a month."""


def counting(day: int, entry: Entry, notice: Notice) -> list[Any]:
    """Return what ``count.lua`` takes to count a decision on a day of the month (from 0)."""
    counted = _positions(entry.kind, entry.allow, entry.before)
    return _counting(day, counted, notice.lang, notice.variant, entry.device, entry.country, f"how={entry.how}")


def _counting(
    day: int, counted: Sequence[int], language: str, variant: str, device: str, country: str, *others: str
) -> list[Any]:
    values = (f"language={language}", f"variant={variant}", f"device={device}", f"country={country}", *others)
    return [day, len(COLUMNS), len(counted), *counted, *values]


@lru_cache(maxsize=1024)
def _positions(kind: str, allow: int, before: int) -> tuple[int, ...]:
    """Return in which of the COLUMNS a decision counts, as their positions."""
    return tuple(COLUMNS.index(name) for name in columns(kind, allow, before))


class Counters:
    """Counts banners, and reads all that was counted."""

    def __init__(self, connection: Connection) -> None:
        self._redis = connection.client
        self._reached = connection.reached
        self._shown = connection.script("count", "shown", repeatable=False)
        self._known: dict[tuple[str, str], list[tuple[str, Bucket, int]]] = {}

    def shown(self, site: Site, *, now: int, language: str, variant: str, device: str, country: str) -> None:
        """Count one banner that was shown to an undecided shopper. ``now``: milliseconds since 1970."""
        # Anybody's bucket: nothing but the count is kept.
        bucket = random.choice(buckets(site))  # nosec B311  # noqa: S311
        while now:
            month, day = keys.month_and_day(now // DAY)
            counted = _counting(day, [COLUMNS.index("shown")], language, variant, device, country)
            now = int(self._shown(keys=[bucket.values, bucket.count(month), bucket.sealed], args=[now, *counted]))

    def counts(self, site: Site, first: date, last: date, by: str) -> dict[str, Row]:
        """Return what was counted from ``first`` to ``last`` (UTC days, both included).

        Args:
            site: the shop.
            first: the first day.
            last: the last day.
            by: one of DIMENSIONS.

        Returns:
            A row of COLUMNS for each day of the period, or for each value of the dimension that occurs in it.
        """
        period = [(first + timedelta(n)).isoformat() for n in range((last - first).days + 1)]
        months = sorted({day[:7] for day in period})
        days = {
            value: {
                f"{month}-{day:02}": row
                for month, each in by_month.items()
                for day, row in enumerate(_add_months(each), start=1)
            }
            for value, by_month in self._read(site, months, by).items()
        }
        if by == "day":
            return {day: days[""][day] for day in period}
        totals = {
            value: tuple(map(sum, zip(*(rows[day] for day in period), strict=True))) for value, rows in days.items()
        }
        return {value: total for value, total in sorted(totals.items()) if any(total)}

    def _read(self, site: Site, months: Sequence[str], by: str) -> dict[str, dict[str, list[bytes]]]:
        """Return the counters by value and month, as they are in each bucket.

        That takes one round trip: the rows of the values known so far are fetched together with the list of values. A
        second one follows only when the list has changed.
        """
        listed = [] if by == "day" else [*buckets(site)]
        rows = [("", bucket, 0) for bucket in buckets(site)] if by == "day" else self._known.get((site.id, by), [])
        wanted = [(month, bucket, number) for month in months for _, bucket, number in rows]
        with self._reached():
            answers = self._fetch(listed, wanted)
            found = dict(zip(wanted, answers[len(listed) :], strict=True))
            if listed:
                rows = self._known[site.id, by] = [
                    (value.decode().partition("=")[2], bucket, int(number))
                    for bucket, numbers in zip(listed, answers, strict=False)
                    for value, number in numbers.items()
                    if value.startswith(f"{by}=".encode())
                ]
                new = {(month, bucket, number) for month in months for _, bucket, number in rows} - found.keys()
                found.update(zip(new, self._fetch([], new), strict=True))
        read: dict[str, dict[str, list[bytes]]] = defaultdict(lambda: {month: [] for month in months})
        for value, bucket, number in rows:
            for month in months:
                read[value][month].append(found[month, bucket, number])
        return read

    def _fetch(self, values: Iterable[Bucket], rows: Iterable[tuple[str, Bucket, int]]) -> list[Any]:
        """Return the values of whole buckets, and then the counters of each month and number, in one round trip."""
        calls = self._redis.pipeline(transaction=False)
        for bucket in values:
            calls.hgetall(bucket.values)
        for month, bucket, number in rows:
            calls.getrange(bucket.count(month), number * _MONTH, (number + 1) * _MONTH - 1)
        return cast(list[Any], calls.execute()) if len(calls) else []

    def claim_alarm(self, site: Site, name: str) -> bool:
        """Return whether the caller is the one to tell this alarm: whoever asks first, once in forty days."""
        with self._reached():
            return bool(self._redis.set(keys.alarm(site, name), b"1", nx=True, ex=40 * 86400))

    def release_alarm(self, site: Site, name: str) -> None:
        """Let somebody else tell an alarm that could not be told."""
        with self._reached():
            self._redis.delete(keys.alarm(site, name))


def _add_months(each: Iterable[bytes]) -> Iterable[Row]:
    """Return the rows of the 31 days of a month, added up over buckets; zeros at their ends may be missing."""
    # A month is added as one number: no day of a shop comes near 2^32, where a sum would run into its neighbour.
    total = sum(int.from_bytes(counted.ljust(_MONTH, b"\0")) for counted in each)
    return _ROW.iter_unpack(total.to_bytes(_MONTH))
