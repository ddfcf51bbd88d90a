"""The one way from the store to a number: whoever shows or sends a rate asks here."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from ..decision import DIMENSIONS
from ..site import Site
from ..store import SEPARATOR, Store
from ..store.connection.zones import day_number
from ..store.evidence.asked import Asked
from ..store.keys import midnight
from .counted import answers, cells_of, counts_of, days_of, rows_of, rules_of, together_since
from .counts import Counts
from .experiment import PACE, Experiment, Trial, tried
from .happened.alarms import Alarm, alarms
from .happened.marks import Mark, marks, shown_otherwise
from .only import Only, value_in
from .overview import Overview, first_counted, is_mixed
from .period import Period
from .report import LOGGED, Difference, Recount, Report
from .together import followed
from .together.spread import spreads

TOGETHER = ("parts", "placed")
"""The combinations that a decision is counted by, besides DIMENSIONS."""

_ByDay = dict[date, dict[str, Counter[str]]]

EVERYTHING = Only()
"""No part of the shoppers, but all of them."""

WATCHED = timedelta(days=32)
"""How far back an alarm looks for what is usual."""

EXPERIMENT = timedelta(days=365)
"""How far back variants are compared."""


def today(site: Site | None = None) -> date:
    """Return the day by the server's clock in the time zone of the site, or by UTC."""
    return day_in(site, datetime.now(UTC)) if site else datetime.now(UTC).date()


def day_in(site: Site, moment: datetime) -> date:
    """Return the day of a moment in the time zone of the site."""
    return moment.astimezone(ZoneInfo(site.timezone)).date()


def day_of(site: Site, seconds: float) -> date:
    """Return the day of a moment, in seconds since 1970, in the time zone of the site."""
    return day_in(site, datetime.fromtimestamp(seconds, UTC))


def report(
    store: Store,
    site: Site,
    period: Period,
    by: str,
    only: Only = EVERYTHING,
    against: Period | None = None,
    goal: str | None = None,
) -> Report:
    """Return the counts of a site over a period, by one of DIMENSIONS.

    Args:
        store: where it was counted.
        site: the shop.
        period: the days that are looked at.
        by: one of DIMENSIONS.
        only: the part of the shoppers that is looked at.
        against: the days that they are compared with; as many before if left out.
        goal: one of GOALS, which then says too whether things get better.

    Raises:
        StoreAway: the store does not answer.
    """
    now = days_of(store, site, period, only)
    total = Counts.total(now.values())
    rows = now if by == "day" else {only[by]: total} if by in only else rows_of(store, site, period, [by], only).by[by]
    against = against or period.before
    then = days_of(store, site, against, only)
    before = Counts.total(then.values())
    is_unlike = is_mixed((rules_of(store, site, period, only), total), (rules_of(store, site, against, only), before))
    whole = now if len(only) < 2 else answers(store, site, period, "day")
    return Report(
        site.id,
        period,
        by,
        rows,
        total,
        before,
        against,
        only,
        site.timezone,
        is_unlike,
        goal,
        spreads(now.values(), then.values(), followed(goal)),
        together_since(store, site, whole, only, period) if len({*only, by} - {"day"}) > 1 else None,
        _zone_since(store, site),
    )


def unusual(store: Store, site: Site, day: date) -> list[Alarm]:
    """Return what is unusual about the rates of ``site`` on ``day``, which may still be going on, and the day before.

    Raises:
        StoreAway: the store does not answer.
    """
    return alarms(answers(store, site, Period(day - WATCHED, day), "day"))


def overview(
    store: Store,
    site: Site,
    period: Period,
    day: date,
    only: Only = EVERYTHING,
    against: Period | None = None,
    today: date | None = None,
) -> Overview:
    """Return all that is said of a site at a glance; each dimension is read from the store once.

    Args:
        store: where it was counted.
        site: the shop.
        period: the days that are looked at.
        day: today, or the last day of which anything is said.
        only: the part of the shoppers that is looked at; alarms, marks and variants are of all.
        against: the days that they are compared with; as many before if left out.
        today: the day by the server's clock, where ``day`` is an earlier one.

    Raises:
        StoreAway: the store does not answer.
    """
    watched, year = Period(day - WATCHED, day), Period(day - EXPERIMENT, day)
    # That the last day of a period is over, and had no banner, is known from the day after on.
    end = max(day, min(today or day, period.last + timedelta(days=1)))
    start = min(watched.first, period.first - WATCHED)
    everything = answers(store, site, Period(start, end), "day")
    known = days_of(store, site, Period(start, end), only) if only else everything
    days = _within(known, period)
    then = days_of(store, site, against or period.before, only)
    before = Counts.total(then.values())
    unlike = alarms(_within(everything, watched))
    asked = [(day_of(site, each.at / 1000), each) for each in store.notices.asked(site)]
    notes = [Mark("note", note.day, note.day, note.text, id=note.id) for note in store.notes.all(site)]
    happened = marks(asked, _within(everything, Period(period.first - WATCHED, end)), period, notes)
    if not _any(days):
        is_known = _any(everything) or _any(answers(store, site, year, "day"))
        return Overview(days, before, {}, unlike, None, is_known, period, happened, days_before=then)
    steps, weights = [(on, each.variants) for on, each in asked], [each.weights for _, each in asked]
    trial = tried(steps, [variant.name for variant in site.variants], year, weights)
    by = [name for name in only.crossed if trial or name != "variant"]
    by += [] if only else ["how"]
    by += [] if {"rule", "country"} & {*only} else ["rule"]
    rows = rows_of(store, site, period, by, only)
    together = together_since(store, site, days if len(only) < 2 else _within(everything, period), only, period)
    now, last = (rows.by.get("rule", {}), Counts.total(days.values())), min(period.last, day)
    counted = max(period.first, together or period.first, first_counted(known) or period.first)
    return Overview(
        days,
        before,
        rows.by,
        unlike,
        _experiment(store, site, trial, everything, asked) if trial and not only else None,
        True,
        Period(min(counted, last), last),
        happened,
        _zone_since(store, site),
        together,
        rows.since,
        is_mixed(now),
        is_mixed(now, (rules_of(store, site, against or period.before, only), before)),
        cells_of(store, site, period, only),
        rows.last if last == (today or day) else None,
        then,
    )


def _experiment(
    store: Store, site: Site, trial: Trial, everything: Mapping[str, Counts], asked: Sequence[tuple[date, Asked]]
) -> Experiment:
    """Return what was counted of a trial; ``everything``: the days lately, the first of a young shop among them."""
    nothing = dict.fromkeys(trial.names, Counts())
    if trial.last < trial.first:
        return Experiment(trial, nothing, {}, 1)
    counts = nothing | answers(store, site, Period(trial.first, trial.last), "variant")
    since = max(trial.first, trial.last - timedelta(days=PACE - 1), first_counted(everything) or trial.first)
    lately = Period(min(since, trial.last), trial.last)
    return Experiment(
        trial,
        {name: counts[name] for name in trial.names},
        answers(store, site, lately, "variant") if trial.is_running else {},
        lately.days,
        shown_otherwise(asked, Period(trial.first, trial.last)),
    )


def _zone_since(store: Store, site: Site) -> date | None:
    spans = store.zones.history(site)
    return day_of(site, spans[-1].start / 1000) if spans and spans[-1].start else None


def recount(store: Store, site: Site, period: Period) -> Recount:
    """Count the log again and hold it against the counters, in every dimension, but for what leaves no entry.

    Days that were archived are left out: what the counters say of them was proven when they were.

    Raises:
        Archived: all of the period was.
        StoreAway: the store does not answer.
    """
    logged: dict[str, dict[str, Counter[str]]] = {by: defaultdict(Counter) for by in DIMENSIONS}
    together: dict[str, _ByDay] = {by: defaultdict(lambda: defaultdict(Counter)) for by in TOGETHER}
    notices = store.notices.all(site)
    archives = store.log.archives(site)
    zones, epoch = store.zones.history(site), date(1970, 1, 1)
    left_out = None
    if archives:
        # Of the day on which the last entry of an archive was counted, some hours may be in the log still.
        last = epoch + timedelta(days=day_number(zones, midnight(archives[-1].last + timedelta(1)) - 1))
        if period.first <= last:
            if period.last <= last:
                store.log.must_have(site, min(period.last, archives[-1].last))
            left_out, period = last, Period(last + timedelta(1), period.last)
    # The log's days are UTC days: where others are counted, a neighbour of theirs has some of their hours.
    for day in Period(period.first - timedelta(days=1), period.last + timedelta(days=1)) if zones else period:
        for entry in store.log.day(site, day):
            counted_on = epoch + timedelta(days=day_number(zones, entry.at))
            if not period.first <= counted_on <= period.last:
                continue
            asked = notices[entry.notice]
            places = (
                counted_on.isoformat(),
                asked.lang,
                asked.variant,
                entry.device,
                entry.country,
                entry.how,
                asked.rule,
            )
            parts = SEPARATOR.join(places[1:4])
            for by, value in zip(DIMENSIONS, places, strict=True):
                logged[by][value].update(entry.columns())
            for by, cell in zip(TOGETHER, (parts, f"{parts}{SEPARATOR}{asked.rule}"), strict=True):
                together[by][counted_on][cell].update(entry.columns())
    differences = []
    for by in (*DIMENSIONS, *TOGETHER):
        if by in TOGETHER:
            counts, logged[by] = _together(store, site, period, by, together[by])
        else:
            counts = counts_of(store, site, period, by)
        counted = {value: each.row[1:] for value, each in counts.items() if any(each.row[1:])}
        again = {value: tuple(numbers[name] for name in LOGGED) for value, numbers in logged[by].items()}
        if by == "rule":  # some of these days were counted without, before the shop had any
            counted.pop("", None)
            again.pop("", None)
        differences += [
            Difference(by, value, counted.get(value), again.get(value))
            for value in sorted({*counted, *again})
            if counted.get(value) != again.get(value)
        ]
    return Recount(site.id, period, differences, left_out)


def _together(
    store: Store, site: Site, period: Period, by: str, logged: _ByDay
) -> tuple[dict[str, Counts], dict[str, Counter[str]]]:
    """Return what was counted by combination, and what of the log is to be held against that.

    Days of which nothing was counted so are in neither: an older version counted them, or there were no rules yet.
    Nor is the day after, where it has less than the log: the version changed in its course.
    """
    counted: dict[str, Counts] = defaultdict(Counts)
    again: dict[str, Counter[str]] = defaultdict(Counter)
    daily = {
        cell: list(map(Counts, rows))
        for cell, rows in store.counters.daily(site, period.first, period.last, by).items()
        if by != "placed" or value_in(cell, "rule")  # as by the rule alone
    }
    older = False
    for n, day in enumerate(period):
        cells = {cell: each for cell, each in logged[day].items() if by != "placed" or value_in(cell, "rule")}
        rows = {cell: days[n] for cell, days in daily.items() if any(days[n].row)}
        short = sum(sum(each.row[1:]) for each in rows.values()) < sum(each.total() for each in cells.values())
        if short and (older or not rows):
            older = not rows
            continue
        older = older and not cells
        for cell, counts in rows.items():
            counted[cell] += counts
        for cell, numbers in cells.items():
            again[cell].update(numbers)
    return counted, again


def _any(rows: Mapping[str, Counts]) -> bool:
    return any(any(counts.row) for counts in rows.values())


def _within(days: Mapping[str, Counts], period: Period) -> dict[str, Counts]:
    """Return the days of a period out of more days."""
    return {day: counts for day, counts in days.items() if period.first <= date.fromisoformat(day) <= period.last}
