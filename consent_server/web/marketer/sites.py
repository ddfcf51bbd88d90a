"""All sites of a marketer on one page: the headline of each, what is unusual, and the way there."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from flask import Response

from ...rates import read
from ...rates.compare import GOALS
from ...rates.happened.alarms import Alarm
from ...rates.period import Period
from ...rates.report import Report
from ...site import Site
from ...store import Unreadable
from ...store.connection.away import OtherKind
from ..services import services
from .frame import blueprint, errors_on_page, render_page
from .session import require_marketer, sites_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Headline:
    """A site at a glance: its last 30 days, whether they are better than those before, and its alarms.

    There is no report where somebody else has written among its numbers.
    """

    site: Site
    report: Report | None
    alarms: list[Alarm]


@blueprint.get("/sites")
@errors_on_page
def sites_page() -> Response:
    """The headline of each site, those that need a look first."""
    marketer = require_marketer()
    found = sorted(map(_headline, sites_of(marketer)), key=lambda one: one.report is not None and not one.alarms)
    return render_page("sites", headlines=found, goal=GOALS[-1])


def _headline(site: Site) -> Headline:
    store, today = services().store, read.today(site)
    try:
        report = read.report(store, site, Period.parse(None, None, today), "day", goal=GOALS[-1])
        return Headline(site, report, read.unusual(store, site, today))
    except (Unreadable, OtherKind) as error:
        log.error("the rates of %s cannot be read: %s", site.id, error)
        return Headline(site, None, [])
