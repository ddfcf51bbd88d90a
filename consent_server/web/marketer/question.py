"""What is asked of the rates page: of which days, against which, for which goal and of which part."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from ...rates.compare import GOALS, must_be_goal
from ...rates.filters import FILTERS, Filters
from ...rates.period import BadQuestion, Period, compared
from .words import Words

AGAINST = ("against", "against_from", "against_to")
"""The parameters that say what a period is compared with."""

DAYS = ("from", "to", "against_from", "against_to")
"""The parameters that are days."""

ASKED = ("from", "to", "goal", *FILTERS, *AGAINST, "target")
"""All the parameters of a question."""

_ZONES = timedelta(days=2)
"""How far apart the days of two time zones may be."""


@dataclass(frozen=True)
class Question:
    """One question about a site: the answer is a report.

    ``against`` is the period that it is compared with, ``target`` the share that is aimed at, from 0 to 1.
    """

    period: Period
    goal: str
    only: Filters
    against: Period
    target: float | None = None

    @classmethod
    def usual(cls, today: date) -> Question:
        """Return what is asked where nothing is said: of the last 30 days."""
        period = Period.parse(None, None, today)
        return cls(period, GOALS[-1], Filters(), period.before)

    @classmethod
    def parse(cls, asked: Mapping[str, str], words: Words, today: date) -> Question:
        """Read a question out of an address or a form; days may be written as ``words`` write them.

        Raises:
            BadQuestion: there is no answer to it.
        """
        period = Period.parse(words.iso(asked.get("from")), words.iso(asked.get("to")), today)
        goal = asked.get("goal") or GOALS[-1]
        must_be_goal(goal)
        kind, *own = map(asked.get, AGAINST)
        against = compared(period, today, kind, *map(words.iso, own))
        return cls(period, goal, Filters.parse(asked), against, _target(asked.get("target") or ""))


def corrected(asked: Mapping[str, str], words: Words, site_id: str, today: date) -> dict[str, str] | None:
    """Return the question that a form means whose choices do not go together, or None if they do.

    What was chosen last holds: the form says of which site and comparison it was (``was_site``, ``was_against``), so
    that this needs no script. A part of one shop is none of another, whose day may also be an earlier one.

    Args:
        asked: what the form sent.
        words: in whose language days may be written.
        site_id: the site that was chosen.
        today: the day there.
    """
    found = {name: asked[name] for name in ("site", *ASKED, "lang") if asked.get(name)}
    before = {**found}
    if asked.get("was_site", site_id) != site_id:
        found = {name: value for name, value in found.items() if name not in FILTERS}
        for names in (("from", "to"), ("against_from", "against_to")):
            found |= _not_after(today, {name: words.iso(found[name]) or "" for name in names if name in found})
    if found.get("against") and asked.get("was_against", found["against"]) != found["against"]:
        found = {name: value for name, value in found.items() if name not in AGAINST[1:]}
    return found if found != before else None


def _not_after(today: date, days: Mapping[str, str]) -> dict[str, str]:
    """Return days of which the last is today, if it was today in another time zone."""
    try:
        known = {name: date.fromisoformat(day) for name, day in days.items()}
    except ValueError:  # who looks at the question says so
        return {}
    ahead = max(known.values(), default=today) - today
    return {name: f"{day - ahead}" for name, day in known.items()} if timedelta() < ahead <= _ZONES else {}


def kept(asked: Mapping[str, str], words: Words) -> dict[str, str]:
    """Return what is to be kept of a question, its days as ``2026-01-31``; without any it is of the last 30, always."""
    said = {name: asked[name][:80] for name in ASKED if asked.get(name)}
    return {name: words.iso(value) or "" if name in DAYS else value for name, value in said.items()}


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
