"""The rates: a page for marketers, JSON and CSV for whoever has a key."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from flask import Response, request

from ...rates import read
from ...rates.compare import GOALS
from ...rates.leaks import leaks
from ...rates.only import Only
from ...rates.parts import SEGMENTS, advice, decided, parts_of
from ...rates.period import BadQuestion, Period, compared, dimension
from ...rates.report import Report
from ...settings.shops import snippet_words
from ...site import OPTIONAL, Site
from ..responses import answer
from ..services import services
from . import chart
from .frame import blueprint, chosen_words, errors_on_page, render_page
from .session import current_marketer, site_of, site_to_read, sites_of
from .traffic import traffic

AGAINST = ("against", "against_from", "against_to")
"""The parameters that say what a period is compared with."""

MOST_ADVICE = 5
"""How many things to do the page names."""


def _report(site_id: str) -> Report:
    """Return what an API key or a session asks for."""
    site = site_to_read(site_id)
    by = dimension(request.args.get("by"))
    only = Only.parse(request.args, by)
    period = Period.parse(request.args.get("from"), request.args.get("to"), read.today(site))
    against = compared(period, *map(request.args.get, AGAINST))
    return read.report(services().store, site, period, by, only, against)


@blueprint.get("/v1/<site_id>/rates")
def rates_json(site_id: str) -> Response:
    """The rates for machines."""
    return answer(_report(site_id).as_json())


@blueprint.get("/v1/<site_id>/rates.csv")
def rates_csv(site_id: str) -> Response:
    """The rates for a spreadsheet."""
    report = _report(site_id)
    response = Response(report.as_csv(), mimetype="text/csv")
    name = f"{report.site}-by-{report.by}-{report.period.first}-{report.period.last}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/")
@errors_on_page
def rates_page() -> Response:
    """The rates of one site, or the login."""
    marketer = current_marketer()
    if marketer is None:
        return render_page("login", wanted=request.query_string.decode("ascii", "ignore"))
    theirs = sites_of(marketer)
    if not theirs:
        return render_page("refused", 403, why=None)
    site = site_of(marketer, request.args.get("site") or theirs[0].id)
    today, wrong, words = read.today(site), None, chosen_words()
    try:
        period = Period.parse(words.iso(request.args.get("from")), words.iso(request.args.get("to")), today)
        goal = request.args.get("goal") or GOALS[-1]
        if goal not in GOALS:
            raise BadQuestion("goal", f"`goal` must be one of {', '.join(GOALS)}.")
        only = Only.parse(request.args)
        kind, *own = map(request.args.get, AGAINST)
        against = compared(period, kind, *map(words.iso, own))
        target = _target(request.args.get("target", ""))
    except BadQuestion as error:
        period, goal, only, target, wrong = Period.parse(None, None, today), GOALS[-1], Only(), None, error
        against = period.before
    return render_page(
        "rates",
        400 if wrong else 200,
        wrong=wrong,
        site=site,
        sites=theirs,
        period=period,
        presets=chart.presets(today),
        today=today,
        goal=goal,
        goals=GOALS,
        only=only,
        against=against,
        last_year=compared(period, "year", None, None),
        target=target,
        sample=services().store.decisions.is_sample(site),
        banner={**snippet_words()[words.lang], **site.words.get(words.lang, {})},
        base=request.url_root.rstrip("/"),
        leaks=leaks(services().store, site, today),
        **page_values(site, period, today, goal, only, against, target),
    )


def _target(text: str) -> float | None:
    """Return the share that is aimed at, from 0 to 1, or None without one.

    Raises:
        BadQuestion: it is no percentage.
    """
    written = text.replace("%", "").strip().replace(",", ".")
    if not written:
        return None
    if not re.fullmatch(r"\d{1,2}(\.\d{1,2})?|100", written, re.ASCII):
        raise BadQuestion("target", f"`target` must be a percentage from 0 to 100, not {text[:40]!r}.")
    return float(written) / 100


def page_values(
    site: Site, period: Period, today: date, goal: str, only: Only, against: Period, target: float | None
) -> dict[str, Any]:
    """Return all that the page says of a site."""
    found = read.overview(services().store, site, period, today, only, against)
    total = found.total
    if not any(any(counts.row) for counts in found.days.values()):
        return {"total": total, "empty": "quiet" if found.known else "new", "marks": found.marks}
    segments = parts_of({by: found.rows[by] for by in SEGMENTS if by in found.rows}, goal)
    lines = chart.lines(found.days, found.before, found.marks, goal, target)
    return {
        "empty": None,
        "total": total,
        "lines": lines,
        "traffic": traffic(lines),
        "marks": found.marks,
        "parts_since": found.parts_since,
        "zone_since": found.zone_since,
        "trend": chart.trend(lines),
        "funnel": chart.funnel(total, found.signalled),
        "categories": [
            (name, total.rate(f"grant_{name}"), total.rate(f"reach_{name}"), total.rate(f"withdrawal_{name}"))
            for name in OPTIONAL
        ],
        "segments": segments,
        "rules": sorted(found.rows.get("rule", {}).items()),
        "advice": sorted(
            [
                *decided(found.verdicts(goal), found.experiment, found.rows.get("variant", {}), period.days),
                *advice(segments, goal, period.days),
            ],
            key=lambda one: -one.more,
        )[:MOST_ADVICE],
        "ways": chart.ways(found.rows.get("how", {})),
        "alarms": found.alarms,
        "verdicts": found.verdicts(goal),
        "experiment": found.experiment,
        "judged": {(verdict.b, one): verdict for one in GOALS for verdict in found.verdicts(one)},
        "answers_a_day": found.answers_a_day if len(site.variants) > 1 else 0.0,
        "since": found.since,
    }
