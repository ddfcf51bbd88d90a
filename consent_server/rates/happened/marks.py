"""What happened on which day: another question, other words, another variant, an outage, an alarm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise

from ...store.evidence.banner_version import BannerVersion
from ..counts import Counts
from ..period import Period
from .alarms import Alarm, history


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened from ``first`` to ``last``.

    ``kind`` is ``revision`` (``what`` is its number), ``words``, ``look``, ``cookies``, ``weights`` (of the variants),
    ``variant-began`` or ``variant-ended`` (``what`` is its name), ``silent`` (no banner was shown), ``stopped`` (nobody
    answered), ``range`` (rates left their usual range: ``alarms``) or ``note`` (``what`` a marketer wrote, who may
    remove it by its ``id``).
    """

    kind: str
    first: date
    last: date
    what: str = ""
    alarms: tuple[Alarm, ...] = ()
    id: str = ""


def marks(
    asked: Sequence[tuple[date, BannerVersion]], days: Mapping[str, Counts], period: Period, notes: Iterable[Mark] = ()
) -> list[Mark]:
    """Return what happened in a period, in order.

    Args:
        asked: what was asked from which day on, the oldest first.
        days: counts by ISO day, those before the period too: an alarm is one against the days before it. That a day
            had no banner is known when there is one after it.
        period: the days that are looked at.
        notes: what marketers wrote.
    """
    found = [*_changes(asked), *_alarms(days), *notes]
    return sorted(
        (
            replace(mark, last=min(mark.last, period.last))
            for mark in found
            if mark.last >= period.first and mark.first <= period.last
        ),
        key=lambda mark: (mark.first, mark.kind),
    )


def shown_otherwise(asked: Sequence[tuple[date, BannerVersion]], period: Period) -> date | None:
    """Return the last day of a period on which the words or the look changed while the variants went on."""
    return max(
        (
            day
            for (_, before), (day, now) in pairwise(asked)
            if period.first <= day <= period.last and now.variants == before.variants
            if any(getattr(now, part) != getattr(before, part) != "" for part in ("look", "words"))
        ),
        default=None,
    )


def _changes(asked: Sequence[tuple[date, BannerVersion]]) -> Iterator[Mark]:
    for (_, before), (day, now) in pairwise(asked):
        began = [name for name in now.variants if name not in before.variants]
        ended = [name for name in before.variants if name not in now.variants]
        if now.revision != before.revision:
            yield Mark("revision", day, day, str(now.revision))
        yield from (Mark("variant-began", day, day, name) for name in began if name)
        yield from (Mark("variant-ended", day, day, name) for name in ended if name)
        if now.revision == before.revision and not began and not ended:
            parts = [part for part in ("cookies", "look", "words") if getattr(now, part) != getattr(before, part)]
            yield from (Mark(part, day, day) for part in parts if getattr(before, part))  # it was written down then
        if now.variants == before.variants and now.weights != before.weights and now.weights and before.weights:
            yield Mark("weights", day, day)


def _alarms(days: Mapping[str, Counts]) -> Iterator[Mark]:
    """Yield an outage for days in a row without banners or answers, and one mark for all rates of a day."""
    outage: Mark | None = None
    unusual: dict[str, list[Alarm]] = {}
    for alarm in history(days):
        day = date.fromisoformat(alarm.day)
        if alarm.kind == "range":
            unusual.setdefault(alarm.day, []).append(alarm)
        elif outage and outage.kind == alarm.kind and outage.last == day - timedelta(days=1):
            outage = replace(outage, last=day)
        else:
            if outage:
                yield outage
            outage = Mark(alarm.kind, day, day)
    if outage:
        yield outage
    for name, found in unusual.items():
        day = date.fromisoformat(name)
        yield Mark("range", day, day, alarms=tuple(found))
