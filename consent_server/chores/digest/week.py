"""A week of a shop: from Monday to Sunday in its own time zone, and what there is to say of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ...rates import read
from ...rates.compare import GOALS
from ...rates.counts import LINES, Rate
from ...rates.overview import Overview
from ...rates.period import Period
from ...rates.report import Report
from ...site import Site
from ...store import Store
from ...web.marketer.rates import advice_of
from ...web.marketer.words import Words
from ...web.marketer.words.sentences import advice_in_words, mark_in_words, moves_in_words

GOAL = GOALS[-1]
"""What the headline is about."""

FROM_HOUR = 6
"""The hour of Monday, where the shop is, from which on the week before is told: then people read it."""

MOST_ADVICE = 3


def last_week(site: Site, now: datetime) -> Period:
    """Return the newest week that is over, and may be told, at a moment."""
    there = now.astimezone(ZoneInfo(site.timezone)).replace(tzinfo=None) - timedelta(hours=FROM_HOUR)
    monday = there.date() - timedelta(days=there.weekday())
    return Period(monday - timedelta(days=7), monday - timedelta(days=1))


@dataclass(frozen=True)
class Week:
    """What was counted in a week, and in the one before it."""

    site: Site
    period: Period
    found: Overview

    @classmethod
    def of(cls, store: Store, site: Site, period: Period, today: date) -> Week:
        """Return a week as it is in the store.

        Raises:
            StoreAway: the store does not answer.
        """
        return cls(site, period, read.overview(store, site, period, today))

    @property
    def is_worth_telling(self) -> bool:
        """Whether anything was counted in it, or in the week before."""
        return any(self.found.total.row) or any(self.found.before.row)

    @property
    def trend(self) -> str:
        """Whether it was better than the week before, as ``Report.trend`` says it."""
        return self.report.trend

    @property
    def report(self) -> Report:
        """The same by day, with what GOAL says of it."""
        found, period = self.found, self.period
        return Report(
            self.site.id,
            period,
            "day",
            found.days,
            found.total,
            found.before,
            period.before,
            timezone=self.site.timezone,
            is_unlike=found.is_unlike,
            goal=GOAL,
            spread=found.spread(GOAL),
            zone_since=found.zone_since,
        )

    def values(self, words: Words, page: str | None) -> dict[str, Any]:
        """Return what a letter says of it, in words; ``page``: the address of the marketers' page."""
        total, before = self.found.total, self.found.before
        said = {
            "shown": words.number(total.shown),
            "answered": words.number(total.answered),
            "answer": words.percent(total.rate("answer").value),
            "goal": words.percent(total.rate(GOAL).value),
            "grant": words.percent(total.rate(GOAL.replace("reach", "grant")).value),
            "marketing": words.percent(total.rate("grant_marketing").value),
            "analytics": words.percent(total.rate("grant_analytics").value),
        }
        if not total.shown:
            lead = [words("lead_unasked" if total.answered else "lead_none", **said)]
        else:
            lead = [words(f"lead_{GOAL}", **said), words("lead_grants", **said)] if total.answered else []
            lead = lead or [words("lead_answer", **said)]
        what = moves_in_words(words, self.report.moves, GOAL)
        advised = advice_of(self.found, GOAL)[:MOST_ADVICE]
        return {
            "words": words,
            "title": words("digest_title", site=self.site.name, days=words.days(self.period.first, self.period.last)),
            "lead": lead,
            "trend": words(f"trend_{self.trend}", what=what, than=words("than_before", days=words.number(7))),
            "rows": [(words("traffic_week"), words.number(total.shown), words.number(before.shown), "")]
            + [
                (_named(words, name), words.percent(now.value), words.percent(then.value), _doubts(words, now))
                for name, now, then in ((name, total.rate(name), before.rate(name)) for name in (GOAL, *LINES))
            ],
            "marks": [(words.span(mark.first, mark.last), mark_in_words(words, mark)) for mark in self.found.marks],
            "advice": [advice_in_words(words, one) for one in advised],
            "page": page,
        }


def _doubts(words: Words, rate: Rate) -> str:
    """Return the interval of a rate, and whether there are too few cases to rely on it."""
    few = rate.too_few and rate.denominator
    return f"{words.interval(rate)}, {words('too_few')}" if few else words.interval(rate)


def _named(words: Words, rate: str) -> str:
    """Return the name of a rate as it is understood with nothing around it."""
    name = words.inside(f"rate_{rate}")
    return f"{words('grant')}: {name}" if rate.startswith("grant") else str(words(f"rate_{rate}"))
