"""Leaks in the field: names that shoppers' browsers report though the shop's lists do not allow them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, get_args

from ...site import Site
from ...store import Store

State = Literal["before", "refused", "gpc", "some", "accepted", "unknown"]
"""Of the shopper's answer: none yet, a no, a privacy signal and no answer, a part allowed, all allowed; not told."""

Kind = Literal["cookie", "local-storage", "session-storage", "request"]
"""What a name is of, as in an audit; that of a request is the host."""

ENOUGH = 20
"""Sightings in RECENT from which on a name is shown: what one browser's extension leaves has fewer."""

RECENT = timedelta(days=30)
"""How far back sightings are counted; when the first one was is known for longer."""

OVER = timedelta(days=7)
"""How long a name is shown after its last sighting."""

MOST = 50
"""Names that are shown of a site."""


@dataclass(frozen=True, slots=True)
class Leak:
    """A name that is not allowed. ``since``, ``until``: the UTC days of its first and its last sighting.

    ``seen`` counts the sightings of the last 30 days, ``per_day`` is their mean. ``is_older``: the first sighting lies
    further back than days are kept.
    """

    kind: str
    name: str
    states: tuple[str, ...]
    since: date
    until: date
    seen: int
    per_day: float
    is_older: bool
    is_over: bool

    def __str__(self) -> str:
        since = f"{'before ' if self.is_older else ''}{in_words(self.since)}"
        over = f", last on {in_words(self.until)}" if self.is_over else ""
        return f"`{self.name}` ({self.kind}) since {since}, {self._where()}, about {self.about} a day{over}"

    @property
    def about(self) -> int:
        """Sightings a day, as a whole number and at least one."""
        return max(1, round(self.per_day))

    def _where(self) -> str:
        if "refused" in self.states:
            return "on refusals" if len(self.states) == 1 else "on refusals too"
        return " and ".join(_WHERE[state] for state in self.states)

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "kind": self.kind,
            "name": self.name,
            "states": list(self.states),
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "seen": self.seen,
            "per_day": round(self.per_day, 1),
        }


_WHERE = {
    "before": "before an answer",
    "gpc": "with a privacy signal",
    "some": "where a part is allowed",
    "accepted": "where all is allowed",
    "unknown": "by browsers' policy reports",
}


def in_words(day: date) -> str:
    """Return a day as people write it: 3 November."""
    return f"{day.day} {day:%B}"


def leaks(store: Store, site: Site, today: date) -> list[Leak]:
    """Return what was seen often enough, and in the last week, the most frequent first.

    Raises:
        StoreAway: the store does not answer.
    """
    days: dict[tuple[str, str], list[date]] = {}
    states: dict[tuple[str, str], set[str]] = {}
    seen: Counter[tuple[str, str]] = Counter()
    counted = store.leaks.counts(site, today)
    for day, counts in counted.items():
        for (state, kind, name), count in counts.items():
            if state not in get_args(State) or kind not in get_args(Kind):
                continue  # somebody else wrote it
            days.setdefault((kind, name), []).append(day)
            if day > today - RECENT:
                seen[kind, name] += count
                states.setdefault((kind, name), set()).add(state)
    found: list[Leak] = []
    for (kind, name), count in seen.most_common():
        since, until = days[kind, name][0], days[kind, name][-1]
        if count < ENOUGH or until < today - OVER or len(found) == MOST:
            continue
        first = max(since, today - RECENT + timedelta(1))
        found.append(
            Leak(
                kind,
                name,
                tuple(state for state in get_args(State) if state in states[kind, name]),
                since,
                until,
                count,
                count / ((until - first).days + 1),
                is_older=(today - since).days >= store.leaks.days - 1,
                is_over=until < today - timedelta(1),
            )
        )
    return found
