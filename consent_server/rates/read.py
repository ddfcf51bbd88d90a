"""The one way from the store to a number: whoever shows or sends a rate asks here."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ..site import Site
from ..store import Store, Unreadable
from ..store.connection.away import OtherKind
from ..store.evidence.banner_version import BannerVersion
from .counted import answers, cells_of, daily_of, days_of, rows_of, rules_of, together_since
from .counts import Counts
from .experiment import PACE, Experiment, Trial, tried
from .filters import Filters
from .happened.alarms import Alarm, alarms
from .happened.marks import Mark, marks, shown_otherwise
from .happened.recounted import recount as recount
from .multiple import followed
from .multiple.spread import spreads
from .overview import Overview, first_counted, is_mixed
from .period import BadQuestion, Period
from .report import Report

log = logging.getLogger(__name__)

EVERYTHING = Filters()
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
    only: Filters = EVERYTHING,
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
        BadQuestion: there is no such part.
        StoreAway: the store does not answer.
    """
    must_be_there(store, site, period, only)
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


def report_as_json(store: Store, site: Site, asked: Report, today: date) -> dict[str, Any]:
    """Return a report as JSON has it: with what happened in its days and what is known of the variants.

    Args:
        store: where it was counted.
        site: the shop.
        asked: the report.
        today: the day by the server's clock, where the shop is.

    Raises:
        StoreAway: the store does not answer.
    """
    found = overview(store, site, asked.period, today, Filters(asked.only), asked.against)
    return {**asked.as_json(), **found.as_json()}


def must_be_there(store: Store, site: Site, period: Period, only: Filters) -> None:
    """Return if what is looked at is asked, or was once: of what never was there are no numbers, not even noughts.

    Raises:
        BadQuestion: it never was, in the last year or the period.
        StoreAway: the store does not answer.
    """
    names = {
        "language": [*site.languages],
        "variant": [variant.name for variant in site.variants],
        "rule": [rule.name for rule in site.all_rules],
    }
    for by, value in only.items():
        if by not in names or value in names[by]:
            continue
        day = today(site)
        lately = Period(min(period.first, day - EXPERIMENT), max(period.last, day))
        known = sorted({*names[by], *daily_of(store, site, lately, by)} - {""})
        if value in known:
            continue
        if known:
            raise BadQuestion("unasked", f"`{by}` must be one of {', '.join(known)}, not {value[:40]!r}.")
        if by == "rule":
            raise BadQuestion("unasked", f"{site.id} has no rules by place, so there is none called {value[:40]!r}.")


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
    only: Filters = EVERYTHING,
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
    span, year = _span(period, day, today), Period(day - EXPERIMENT, day)
    everything = answers(store, site, span, "day")
    known = days_of(store, site, span, only) if only else everything
    days = _within(known, period)
    then = days_of(store, site, against or period.before, only)
    asked = [(day_of(site, each.at / 1000), each) for each in store.notices.asked(site)]
    found = Overview(
        days,
        before=Counts.total(then.values()),
        rows={},
        alarms=alarms(_within(everything, Period(day - WATCHED, day))),
        experiment=None,
        known=True,
        counted=period,
        marks=marks(asked, _within(everything, Period(period.first - WATCHED, span.last)), period, _notes(store, site)),
        days_before=then,
    )
    if not _any(days):
        return replace(found, known=_any(everything) or _any(answers(store, site, year, "day")))
    trial = _trial(site, asked, year)
    rows = rows_of(store, site, period, _dimensions(only, trial), only)
    together = together_since(store, site, days if len(only) < 2 else _within(everything, period), only, period)
    now, earlier = rows.by.get("rule", {}), rules_of(store, site, against or period.before, only)
    last = min(period.last, day)
    return replace(
        found,
        rows=rows.by,
        experiment=_experiment(store, site, trial, everything, asked) if trial and not only else None,
        counted=Period(min(max(filter(None, [period.first, together, first_counted(known)])), last), last),
        zone_since=_zone_since(store, site),
        parts_since=together,
        first_days=rows.since,
        is_mixed=is_mixed((now, found.total)),
        is_unlike=is_mixed((now, found.total), (earlier, found.before)),
        cells=cells_of(store, site, period, only),
        today=rows.last if last == (today or day) else None,
    )


def _span(period: Period, day: date, today: date | None) -> Period:
    """Return the days that are read of all shoppers: what an alarm, and a mark, compare with is before the period.

    That the last day of a period is over, and had no banner, is known from the day after on.
    """
    last = max(day, min(today or day, period.last + timedelta(days=1)))
    return Period(min(day, period.first) - WATCHED, last)


def _trial(site: Site, asked: Sequence[tuple[date, BannerVersion]], year: Period) -> Trial | None:
    """Return which of the shop's variants are compared, if any are."""
    steps, weights = [(on, each.variants) for on, each in asked], [each.weights for _, each in asked]
    return tried(steps, [variant.name for variant in site.variants], year, weights)


def _dimensions(only: Filters, trial: Trial | None) -> list[str]:
    """Return by what a part of the shoppers is told apart: what is counted of it, variants only where there are any."""
    by = [name for name in only.crossed if trial or name != "variant"]
    by += [] if only else ["how"]
    return by + ([] if {"rule", "country"} & {*only} else ["rule"])


def _notes(store: Store, site: Site) -> list[Mark]:
    """Return what marketers wrote; nothing where somebody else did, which hides no rate."""
    try:
        return [Mark("note", note.day, note.day, note.text, id=note.id) for note in store.notes.all(site)]
    except (Unreadable, OtherKind) as error:
        log.error("the notes of %s are left out: %s", site.id, error)
        return []


def _experiment(
    store: Store,
    site: Site,
    trial: Trial,
    everything: Mapping[str, Counts],
    asked: Sequence[tuple[date, BannerVersion]],
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


def _any(rows: Mapping[str, Counts]) -> bool:
    return any(any(counts.row) for counts in rows.values())


def _within(days: Mapping[str, Counts], period: Period) -> dict[str, Counts]:
    """Return the days of a period out of more days."""
    return {day: counts for day, counts in days.items() if period.first <= date.fromisoformat(day) <= period.last}
