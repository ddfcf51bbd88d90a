"""In which time zone a site's days are counted, and from when on: a day that was counted keeps its hours."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, cast
from zoneinfo import ZoneInfo

import msgspec

from ...site import Site
from ..keys import DAY, buckets
from ..keys.single import zones
from . import Connection
from .foreign import ours

NOTICE = timedelta(hours=1)
"""How long before its first midnight another time zone is written down, so that all servers have read of it by then."""

QUARTER = 900_000
"""Milliseconds: offsets from UTC are whole quarters of an hour."""


class Span(NamedTuple):
    """Days are counted in ``zone`` from ``start`` on, milliseconds since 1970."""

    start: int
    zone: str


def day_number(spans: Sequence[Span], at: int) -> int:
    """Return the day, since 1970-01-01, on which ``at`` (ms since 1970) is counted."""
    zone = next((span.zone for span in reversed(spans) if span.start <= at), "UTC")
    if zone == "UTC":
        return at // DAY
    here = datetime.fromtimestamp(at // 1000, ZoneInfo(zone))
    return (at // 1000 + int((here.utcoffset() or timedelta()).total_seconds())) // (DAY // 1000)


def is_utc_day(spans: Sequence[Span], day: int) -> bool:
    """Return whether what is counted on the day with this number, since 1970-01-01, is what happens on that UTC day."""
    start = day * DAY
    around = range(start - DAY, start + 2 * DAY, QUARTER) if spans else ()
    return all((day_number(spans, at) == day) == (start <= at < start + DAY) for at in around)


class Zones:
    """The time zones in which sites' days are counted."""

    def __init__(self, connection: Connection) -> None:
        self._redis = connection.client
        self._reached = connection.reached
        self._write = connection.write
        self._known: dict[str, list[Span]] = {}

    def day(self, site: Site, at: int) -> int:
        """Return the day, since 1970-01-01, on which what happens at ``at`` (ms since 1970) is counted.

        The zone that the site names holds from the start where nothing was counted yet, else from its next midnight but
        for an hour, so that no day is begun in one zone and ended in another.
        """
        spans = self._known.get(site.id)
        if spans is None:
            spans = self._known[site.id] = self._begin(site)
        return day_number(spans, at)

    def history(self, site: Site) -> list[Span]:
        """Return in which zones days were counted, the oldest first; before the first of them, and without any, UTC.

        Raises:
            Unreadable: one of them is none.
        """
        with self._reached(zones(site)):
            found = cast(list[bytes], self._redis.lrange(zones(site), 0, -1))
        with ours(zones(site)):
            spans = sorted(Span(*msgspec.json.decode(text, type=tuple[int, str])) for text in found)
            for span in spans:
                ZoneInfo(span.zone)  # somebody may have written any name
        return spans

    def _begin(self, site: Site) -> list[Span]:
        spans = self.history(site)
        if site.timezone == (spans[-1].zone if spans else "UTC"):
            return spans
        with self._reached():
            counted = any(self._redis.exists(bucket.values) for bucket in buckets(site))
        start = self._next_midnight(site.timezone) if counted else 0
        self._write(zones(site), "RPUSH", msgspec.json.encode([start, site.timezone]))
        return self.history(site)

    def _next_midnight(self, name: str) -> int:
        zone = ZoneInfo(name)
        soon = (datetime.fromtimestamp(time.time(), UTC) + NOTICE).astimezone(zone)
        tomorrow = soon.date() + timedelta(days=1)
        return int(datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone).timestamp()) * 1000
