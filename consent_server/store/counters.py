"""What is counted of banners and decisions, a row of COLUMNS a day, by value of each dimension."""

from __future__ import annotations

import random
import struct
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache, partial
from typing import Any, NamedTuple, cast

from ..decision import COLUMNS, SIGNAL, Entry, columns
from ..site import Notice, Site
from . import keys
from .connection import Connection, StoreAway
from .connection.clock import Clock
from .connection.foreign import ours
from .keys import Bucket, buckets, single

Row = tuple[int, ...]
"""What was counted, in the order of COLUMNS."""

PARTS = ("language", "variant", "device")
"""The dimensions that are counted together too, under the name ``parts``, as each combination that occurs.

A banner that was shown leaves no entry in the log, so that what two of them have in common has to be counted when it
happens. There are as many combinations as a shop has languages, variants and devices; by country there would be
hundreds, of 3 KB a month and bucket each.
"""

PLACED = (*PARTS, "rule")
"""The same with the rule, under the name ``placed``, where a site has rules by place."""

SEPARATOR = "\x1f"
"""Between the values of PARTS: no language, variant, device or rule has it."""

ROOM = 1000
"""How far over the number of values one may be numbered: as in ``count.lua``."""

DIGITS = 9
"""How many a number has less of, however many values there are."""

SECONDS_JUDGED = 60.0
"""For how long it is known whether a seal says of a day to come that it is sealed: that costs a look at the seals."""

TRIES = 9
"""How often a banner is counted anew, when a day ended meanwhile or what says which are sealed was another one."""

_ROW = struct.Struct(f">{len(COLUMNS)}I")


def counting(day: int, entry: Entry, notice: Notice, ruled: bool) -> list[Any]:
    """Return what ``count.lua`` takes to count a decision on a day of the month (from 0).

    ``ruled``: whether the site has rules by place; those of no other site are counted by them.
    """
    counted = _positions(entry.kind, entry.allow, entry.before)
    rule = notice.rule if ruled or "rule" in notice.content else None
    how = f"how={entry.how}"
    return _counting(day, counted, notice.lang, notice.variant, entry.device, entry.country, rule, how)


def _counting(
    day: int,
    counted: Sequence[int],
    language: str,
    variant: str,
    device: str,
    country: str,
    rule: str | None,
    *how: str,
) -> list[Any]:
    part = SEPARATOR.join((language, variant, device))
    named = (f"language={language}", f"variant={variant}", f"device={device}", f"country={country}", f"parts={part}")
    ruled = () if rule is None else (f"rule={rule}", f"placed={part}{SEPARATOR}{rule}")
    return [day, len(COLUMNS), len(counted), *counted, *named, *how, *ruled]


@lru_cache(maxsize=1024)
def _positions(kind: str, allow: int, before: int) -> tuple[int, ...]:
    """Return in which of the COLUMNS a decision counts, as their positions."""
    return tuple(COLUMNS.index(name) for name in columns(kind, allow, before))


class Counters:
    """Counts banners, and reads all that was counted."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._redis = connection.client
        self._reached = connection.reached
        self._clock = clock
        self._day = clock.zones.day
        self._shown = connection.script("clock", "count", "shown", repeatable=False)
        self._judged: dict[str, tuple[float, int, bool]] = {}
        self._known: dict[tuple[str, str], list[tuple[str, Bucket, int]]] = {}

    def shown(
        self,
        site: Site,
        *,
        now: int,
        language: str,
        variant: str,
        device: str,
        country: str,
        signalled: bool = False,
        rule: str | None = None,
        is_sealed: Callable[[int], bool] | None = None,
    ) -> None:
        """Count one banner that was shown to an undecided shopper.

        ``now``: milliseconds since 1970, but Redis' clock says the day. ``signalled``: whether the browser sent Global
        Privacy Control. ``rule``: by which it asked, where the site has rules by place. ``is_sealed``: whether a seal
        that is proven says that the day is sealed which ends then (ms): where what somebody may have written says so of
        one to come. Without it, whether that day has a seal at all.
        """
        how = [f"how={SIGNAL}"] * signalled
        # Anybody's bucket: nothing but the count is kept.
        bucket = random.choice(buckets(site))  # nosec B311  # noqa: S311
        looks = partial(self._clock.has_seal, site) if is_sealed is None else is_sealed
        until, end, verdict = self._judged.get(bucket.sealed, (0.0, 0, False))
        end = end if time.monotonic() < until else 0
        for _ in range(TRIES):
            month, day = keys.month_and_day(self._day(site, now))
            counted = _counting(day, [COLUMNS.index("shown")], language, variant, device, country, rule, *how)
            args = [now, self._clock.leeway, end, int(verdict), *counted]
            said = int(self._shown(keys=[bucket.values, bucket.count(month), bucket.sealed], args=args))
            if not said:
                return
            if said > 0:
                now = said
            else:
                end = -said
                verdict = looks(end)
                self._judged[bucket.sealed] = time.monotonic() + SECONDS_JUDGED, end, verdict
        raise StoreAway(f"{bucket.sealed} says another thing at each look.")

    def counts(self, site: Site, first: date, last: date, by: str) -> dict[str, Row]:
        """Return what was counted from ``first`` to ``last`` (days of the site, both included).

        Args:
            site: the shop.
            first: the first day.
            last: the last day.
            by: one of DIMENSIONS, ``parts`` or ``placed``: the values of PARTS or PLACED, with a SEPARATOR between.

        Returns:
            A row of COLUMNS for each day of the period, or for each value of the dimension that occurs in it.
        """
        days = self.daily(site, first, last, by)
        if by == "day":
            return {(first + timedelta(n)).isoformat(): row for n, row in enumerate(days[""])}
        totals = {value: tuple(map(sum, zip(*rows, strict=True))) for value, rows in days.items()}
        return {value: total for value, total in totals.items() if any(total)}

    def daily(self, site: Site, first: date, last: date, by: str) -> dict[str, list[Row]]:
        """Return the same of each day of the period, in order, by value; all days have the value of no text."""
        spans = _spans(first, last)
        found = self._read(site, spans, by)
        with ours(f"the counters of {site.id}"):
            return {
                value: [row for span, each in zip(spans, by_span, strict=True) for row in span.add(each)]
                for value, by_span in sorted(found.items())
            }

    def _read(self, site: Site, spans: Sequence[_Span], by: str) -> dict[str, list[list[bytes]]]:
        """Return the counters by value and span, as they are in each bucket.

        That takes one round trip: the rows of the values known so far are fetched together with the list of values. A
        second one follows only when the list has changed.
        """
        listed = [] if by == "day" else [*buckets(site)]
        rows = [("", bucket, 0) for bucket in buckets(site)] if by == "day" else self._known.get((site.id, by), [])
        wanted = [(span, bucket, number) for span in spans for _, bucket, number in rows]
        with self._reached():
            answers = self._fetch(listed, wanted)
            found = dict(zip(wanted, answers[len(listed) :], strict=True))
            if listed:
                rows = self._known[site.id, by] = [
                    row
                    for bucket, numbers in zip(listed, answers, strict=False)
                    for row in _numbered(bucket, numbers, by)
                ]
                new = {(span, bucket, number) for span in spans for _, bucket, number in rows} - found.keys()
                found.update(zip(new, self._fetch([], new), strict=True))
        read: dict[str, list[list[bytes]]] = defaultdict(lambda: [[] for _ in spans])
        for value, bucket, number in rows:
            for span, each in zip(spans, read[value], strict=True):
                each.append(found[span, bucket, number])
        return read

    def _fetch(self, values: Iterable[Bucket], rows: Iterable[tuple[_Span, Bucket, int]]) -> list[Any]:
        """Return the values of whole buckets, and then the counters of each span and number, in one round trip."""
        calls = self._redis.pipeline(transaction=False)
        for bucket in values:
            calls.hgetall(bucket.values)
        for span, bucket, number in rows:
            start = (number * 31 + span.first) * _ROW.size
            calls.getrange(bucket.count(span.month), start, start + span.many * _ROW.size - 1)
        return cast(list[Any], calls.execute()) if len(calls) else []

    def odd_numbers(self, site: Site) -> Iterator[OddNumbers]:
        """Yield the buckets in which values have a number that none of ours can have."""
        with self._reached(*(bucket.values for bucket in buckets(site))):
            found = self._fetch(buckets(site), [])
        for bucket, numbers in zip(buckets(site), found, strict=True):
            many = len(numbers)
            known = {name: int(text) for name, text in numbers.items() if text.isdigit() and len(text) < DIGITS}
            odd = [name for name in numbers if not 0 < known.get(name, 0) <= many + ROOM]
            if odd:
                free = {*range(1, many + 1)} - {*known.values()}
                yield OddNumbers(bucket.values, sorted(map(_plain, odd)), sorted(free))

    def claim_alarm(self, site: Site, name: str, seconds: int = 40 * 86400) -> bool:
        """Return whether the caller is the one to tell this alarm: whoever asks first, once in so many seconds."""
        with self._reached(single.alarm(site, name)):
            return bool(self._redis.set(single.alarm(site, name), b"1", nx=True, ex=seconds))

    def release_alarm(self, site: Site, name: str, after: int = 0) -> None:
        """Let somebody else tell an alarm that could not be told, ``after`` so many seconds."""
        with self._reached(single.alarm(site, name)):
            self._redis.expire(single.alarm(site, name), after)  # at once if that is 0


def _plain(name: bytes) -> str:
    """Return a name without what would end a quotation, begin a line or command a terminal."""
    text = name.decode(errors="backslashreplace")
    return "".join(each if each.isprintable() and each != "'" else f"\\x{ord(each):02x}" for each in text)


def _numbered(bucket: Bucket, numbers: Mapping[bytes, bytes], by: str) -> list[tuple[str, Bucket, int]]:
    """Return the values of a dimension, each with the bucket and its number there.

    Raises:
        Unreadable: one has no number that a bucket of so many values gives.
    """
    with ours(bucket.values):
        found = [
            (value.decode().partition("=")[2], bucket, int(number))
            for value, number in numbers.items()
            if value.startswith(f"{by}=".encode())
        ]
        if not all(0 < number <= len(numbers) + ROOM for _, _, number in found):
            raise ValueError(by)
    return found


class OddNumbers(NamedTuple):
    """The values that have no number of ours, in which key, and the numbers that no value has there."""

    key: str
    values: list[str]
    free: list[int]


class _Span(NamedTuple):
    """Some days of one month: ``many``, from ``first`` (the first of the month is 0)."""

    month: str
    first: int
    many: int

    def add(self, each: Iterable[bytes]) -> Iterator[Row]:
        """Yield the row of each day, added up over the counters of several buckets; zeros may be missing at an end."""
        size = self.many * _ROW.size
        # All rows are added as one number: a year of the marketers' page takes 90 ms that way, and 155 ms column by
        # column. No day of a shop comes near 2^32, where a sum would run into its neighbour.
        total = sum(int.from_bytes(counted.ljust(size, b"\0")) for counted in each)
        return _ROW.iter_unpack(total.to_bytes(size))


def _spans(first: date, last: date) -> list[_Span]:
    """Return the days from ``first`` to ``last``, month by month."""
    days = Counter(f"{first + timedelta(n):%Y-%m}" for n in range((last - first).days + 1))
    return [_Span(month, first.day - 1 if n == 0 else 0, many) for n, (month, many) in enumerate(days.items())]
