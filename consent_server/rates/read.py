"""The one way from the store to a number: whoever shows or sends a rate asks here."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from ..decision import DIMENSIONS, SIGNAL
from ..site import Site
from ..store import Store
from .alarms import Alarm, alarms
from .compare import Verdict, verdicts
from .counts import Counts
from .period import Period
from .report import LOGGED, Difference, Recount, Report

WATCHED = timedelta(days=32)
"""How far back an alarm looks for what is usual."""

EXPERIMENT = timedelta(days=365)
"""How far back variants are compared."""


def today() -> date:
    """Return the UTC day of the server's clock."""
    return datetime.now(UTC).date()


def report(store: Store, site: Site, period: Period, by: str) -> Report:
    """Return the counts of a site over a period, by one of DIMENSIONS.

    Raises:
        StoreAway: the store does not answer.
    """
    known = _answers(store, site, Period(period.before.first, period.last), "day")
    now = _within(known, period)
    rows = now if by == "day" else _answers(store, site, period, by)
    return Report(
        site.id, period, by, rows, Counts.total(now.values()), Counts.total(_within(known, period.before).values())
    )


def unusual(store: Store, site: Site, day: date) -> list[Alarm]:
    """Return what is unusual about the rates of ``site`` on ``day``, which may still be going on, and the day before.

    Raises:
        StoreAway: the store does not answer.
    """
    return alarms(_answers(store, site, Period(day - WATCHED, day), "day"))


@dataclass(frozen=True)
class Overview:
    """All that is said of a site at a glance."""

    days: Mapping[str, Counts]
    """Each day of the period."""
    before: Counts
    """The sum over the period before."""
    rows: Mapping[str, Mapping[str, Counts]]
    """By each dimension but the day; empty where nothing was counted in the period."""
    alarms: Sequence[Alarm]
    """Of today and yesterday, whatever the period is."""
    verdicts: Sequence[Verdict]
    """Of the variants, since ``since``: a period chosen after having seen the numbers would let chance win."""
    since: date
    known: bool
    """Whether anything was counted in the last year, or the period."""

    @property
    def total(self) -> Counts:
        """The sum over the period."""
        return Counts.total(self.days.values())

    @property
    def signalled(self) -> int:
        """Banners of the period that were shown to a browser which sends a privacy signal."""
        return self.rows.get("how", {}).get(SIGNAL, Counts()).shown


def overview(store: Store, site: Site, period: Period, day: date, goal: str) -> Overview:
    """Return all that is said of a site at a glance; each dimension is read from the store once.

    Args:
        store: where it was counted.
        site: the shop.
        period: the days that are looked at.
        day: today.
        goal: one of GOALS, on which variants are compared.

    Raises:
        BadQuestion: the goal is not one of GOALS.
        StoreAway: the store does not answer.
    """
    watched, year = Period(day - WATCHED, day), Period(day - EXPERIMENT, day)
    known = _answers(store, site, Period(min(period.before.first, watched.first), day), "day")
    days = _within(known, period)
    before = Counts.total(_within(known, period.before).values())
    unlike = alarms(_within(known, watched))
    tried = [variant.name for variant in site.variants]
    if not _any(days):
        return Overview(
            days, before, {}, unlike, [], year.first, _any(known) or _any(_answers(store, site, year, "day"))
        )
    rows = {by: _answers(store, site, period, by) for by in DIMENSIONS[1:] if tried or by != "variant"}
    judged: list[Verdict] = []
    if len(tried) > 1:
        experiment = _answers(store, site, year, "variant")
        judged = verdicts({name: experiment.get(name, Counts()) for name in tried}, goal)
    return Overview(days, before, rows, unlike, judged, year.first, True)


def recount(store: Store, site: Site, period: Period) -> Recount:
    """Count the log again and hold it against the counters, in every dimension, but for what leaves no entry.

    Days that were archived are left out: what the counters say of them was proven when they were.

    Raises:
        Archived: all of the period was.
        StoreAway: the store does not answer.
    """
    logged: dict[str, dict[str, Counter[str]]] = {by: defaultdict(Counter) for by in DIMENSIONS}
    notices = store.notices.all(site)
    archives = store.log.archives(site)
    left_out = archives[-1].last if archives and period.first <= archives[-1].last else None
    if left_out:
        store.log.must_have(site, period.last)
        period = Period(left_out + timedelta(1), period.last)
    for day in period:
        for entry in store.log.day(site, day):
            asked = notices[entry.notice]
            places = (day.isoformat(), asked.lang, asked.variant, entry.device, entry.country, entry.how)
            for by, value in zip(DIMENSIONS, places, strict=True):
                logged[by][value].update(entry.columns())
    differences = []
    for by in DIMENSIONS:
        counted = {
            value: counts.row[1:] for value, counts in _counts(store, site, period, by).items() if any(counts.row[1:])
        }
        again = {value: tuple(numbers[name] for name in LOGGED) for value, numbers in logged[by].items()}
        differences += [
            Difference(by, value, counted.get(value), again.get(value))
            for value in sorted({*counted, *again})
            if counted.get(value) != again.get(value)
        ]
    return Recount(site.id, period, differences, left_out)


def _counts(store: Store, site: Site, period: Period, by: str) -> dict[str, Counts]:
    return {value: Counts(row) for value, row in store.counters.counts(site, period.first, period.last, by).items()}


def _answers(store: Store, site: Site, period: Period, by: str) -> dict[str, Counts]:
    """Return what was counted but for the answers that an older version took a privacy signal for.

    The counters say on which day those were, not in which language, variant, country or on which device: rows by these
    have them still.
    """
    counted = _counts(store, site, period, by)
    if by == "how" and SIGNAL in counted:
        counted[SIGNAL] = counted[SIGNAL].only_shown()
    elif by == "day":
        signalled = store.counters.daily(site, period.first, period.last, "how").get(SIGNAL, [])
        for day, row in zip(period, map(Counts, signalled), strict=False):
            counted[day.isoformat()] -= row - row.only_shown()
    return {value: counts for value, counts in counted.items() if by == "day" or any(counts.row)}


def _any(rows: Mapping[str, Counts]) -> bool:
    return any(any(counts.row) for counts in rows.values())


def _within(days: Mapping[str, Counts], period: Period) -> dict[str, Counts]:
    """Return the days of a period out of more days."""
    first, last = period.first.isoformat(), period.last.isoformat()
    return {day: counts for day, counts in days.items() if first <= day <= last}
