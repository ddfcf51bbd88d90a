"""All that is said of a site at a glance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ..entry import SIGNAL
from .alarms import Alarm
from .compare import Verdict, verdicts
from .counts import Counts
from .marks import Mark


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
    experiment: Mapping[str, Counts]
    """By variant since ``since``, where there are several: a period chosen after having seen the numbers would let
    chance win."""
    since: date
    known: bool
    """Whether anything was counted in the last year, or the period."""
    marks: Sequence[Mark] = ()
    """What happened in the period."""
    answers_a_day: float | None = None
    """Of all shoppers, in the last two weeks; None where no variants are compared any more."""
    zone_since: date | None = None
    """The first day that was counted in the site's time zone, where days before were counted in another."""
    parts_since: date | None = None
    """The first day of the period on which parts were counted together, where that is not the first of all."""

    @property
    def total(self) -> Counts:
        """The sum over the period."""
        return Counts.total(self.days.values())

    def verdicts(self, goal: str) -> list[Verdict]:
        """Return what is known of each variant against the first, on one of GOALS.

        Raises:
            BadQuestion: the goal is not one of GOALS.
        """
        return verdicts(self.experiment, goal) if self.experiment else []

    @property
    def signalled(self) -> int:
        """Banners of the period that were shown to a browser which sends a privacy signal."""
        return self.rows.get("how", {}).get(SIGNAL, Counts()).shown
