"""The rates: a page for marketers, JSON and CSV for whoever has a key."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from flask import Response, g, redirect, request

from ...rates import read
from ...rates.compare import GOALS, must_be_goal
from ...rates.filters import FILTERS, Filters
from ...rates.happened.leaks import leaks
from ...rates.parts import advice_of, segments_of, silence
from ...rates.period import BadQuestion, Period, compared, dimension
from ...rates.report import Report
from ...settings.shops import snippet_words
from ...site import OPTIONAL, Site
from ...store import ReportLink
from ..responses import answer, gzipped
from ..services import services
from . import chart
from .frame import QUERY, blueprint, chosen_words, errors_on_page, rates_url, render_page
from .question import AGAINST, Question, corrected
from .session import current_marketer, site_of, site_to_read, sites_of
from .traffic import traffic

MOST_ADVICE = 5
"""How many things to do the page names."""

_PARAMETERS = ("from", "to", "by", *FILTERS, *AGAINST, "goal")
"""What JSON and CSV can be asked by."""

_PASSED_OVER = ("was_site", "was_against", "_", *QUERY)
"""What the page's own address has beside that, and what programs add so that nothing between keeps an answer."""

_NO_NAME = re.compile(r"[^\w-]", re.ASCII)
"""What the name of a file does not have."""


def _report(site_id: str) -> Report:
    """Return what an API key or a session asks for.

    Raises:
        BadQuestion: there is no answer to it, or something is asked by a parameter that there is not.
    """
    site = site_to_read(site_id)
    for name in request.args:
        if name not in _PARAMETERS and name not in _PASSED_OVER:
            raise BadQuestion(
                "parameter", f"There is no parameter {name[:40]!r} here, but these: {', '.join(_PARAMETERS)}."
            )
    by = dimension(request.args.get("by"))
    only = Filters.parse(request.args, by)
    today = read.today(site)
    period = Period.parse(request.args.get("from"), request.args.get("to"), today)
    against = compared(period, today, *map(request.args.get, AGAINST))
    goal = request.args.get("goal") or None
    if goal:
        must_be_goal(goal)
    return read.report(services().store, site, period, by, only, against, goal)


@blueprint.get("/v1/<site_id>/rates")
def rates_json(site_id: str) -> Response:
    """The rates for machines."""
    report = _report(site_id)
    site = services().sites[report.site]
    return answer(read.report_as_json(services().store, site, report, read.today(site)))


@blueprint.get("/v1/<site_id>/rates.csv")
def rates_csv(site_id: str) -> Response:
    """The rates for a spreadsheet."""
    report = _report(site_id)
    response = Response(report.as_csv(), mimetype="text/csv")
    part = "".join(f"-{_NO_NAME.sub('_', value)}" for value in report.only.values())
    name = f"{report.site}{part}-by-{report.by}-{report.period.first}-{report.period.last}.csv"
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
    today = read.today(site)
    meant = corrected(request.args, chosen_words(), site.id, today)
    if meant is not None:
        return redirect(rates_url(meant.items()), 303)  # type: ignore[return-value]
    try:
        question = Question.parse(request.args, chosen_words(), today)
        read.must_be_there(services().store, site, question.period, question.only)
        return show_report(site, question, sites=theirs)
    except BadQuestion as error:
        g.wrong = error
        return show_report(site, Question.usual(today), sites=theirs, wrong=error)


def show_report(
    site: Site,
    question: Question,
    *,
    sites: Sequence[Site] = (),
    wrong: BadQuestion | None = None,
    link: ReportLink | None = None,
) -> Response:
    """Return the page that answers a question about a site.

    Args:
        site: the shop.
        question: what is asked of it.
        sites: those that its reader may choose from.
        wrong: why it is not what they asked.
        link: what shows it to somebody who may look at nothing else.

    Raises:
        StoreAway: the store does not answer.
    """
    today, words = read.today(site), chosen_words()
    page = render_page(
        "rates",
        400 if wrong else 200,
        wrong=wrong,
        link=link,
        ends=link and read.day_of(site, link.until),
        site=site,
        sites=sites,
        period=question.period,
        presets=chart.presets(today),
        today=today,
        goal=question.goal,
        goals=GOALS,
        only=question.only,
        against=question.against,
        last_year=compared(question.period, today, "year"),
        target=question.target,
        sample=services().store.sample.has(site),
        banner={**snippet_words()[words.lang], **site.words.get(words.lang, {})},
        base=request.url_root.rstrip("/"),
        leaks=[] if link else leaks(services().store, site, read.today()),
        # Who has a link to past days is shown what was known at their end, whenever they open it.
        **page_values(site, question, question.period.last if link else today, today),
    )
    return gzipped(page)


def page_values(site: Site, question: Question, day: date, today: date) -> dict[str, Any]:
    """Return all that the page says of a site; ``day``: today, or the last day of which it says anything."""
    period, goal = question.period, question.goal
    found = read.overview(services().store, site, period, day, question.only, question.against, today)
    total = found.total
    if not any(any(counts.row) for counts in found.days.values()):
        return {"total": total, "empty": "quiet" if found.known else "new", "marks": found.marks}
    segments = segments_of(found, goal)
    spread = found.spread(goal)
    lines = chart.lines(found.days, found.before, found.marks, goal, question.target, found.is_unlike, spread)
    return {
        "empty": None,
        "total": total,
        "lines": lines,
        "traffic": traffic(lines),
        "marks": found.marks,
        "parts_since": found.parts_since,
        "zone_since": found.zone_since,
        "trend": "ruled" if found.is_unlike else chart.trend(lines)[0],
        "moves": {line.name: line.change for line in lines},
        "funnel": chart.funnel(total, found.signalled),
        "categories": [
            (name, total.rate(f"grant_{name}"), total.rate(f"reach_{name}"), total.rate(f"withdrawal_{name}"))
            for name in OPTIONAL
        ],
        "is_over": any(rate.numerator > rate.denominator for name, rate in total.rates().items() if "withdraw" in name),
        "segments": segments,
        "rules": sorted(found.rows.get("rule", {}).items()),
        "is_mixed": found.is_mixed,
        "advice": advice_of(found, goal)[:MOST_ADVICE],
        "silence": silence(segments, goal),
        "ways": chart.ways(found.rows.get("how", {})),
        "alarms": found.alarms,
        "verdicts": found.verdicts(goal),
        "experiment": found.experiment,
        "judged": {(verdict.b, one): verdict for one in GOALS for verdict in found.verdicts(one)},
    }
