"""The answer to one question, for machines, for a spreadsheet and for a terminal."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ..decision import COLUMNS, SIGNAL
from ..site import OPTIONAL
from .compare import Change, change
from .counts import RATES, Counts, Rate
from .multiple import direction, followed, moves
from .multiple.spread import Spread
from .period import Period

LOGGED = COLUMNS[1:]
"""What of the COLUMNS can be counted again: of a banner that was shown there is no entry in the log."""


@dataclass(frozen=True)
class Report:
    """The answer to one question: the counts of a site over a period, by one dimension."""

    site: str
    period: Period
    by: str
    rows: Mapping[str, Counts]
    total: Counts
    """Of the period: not of the rows, for ``how`` knows of no displays but those with a privacy signal."""
    before: Counts
    """Of the period that it is compared with."""
    against: Period
    """The period before, or another one that this is compared with."""
    only: Mapping[str, str] = field(default_factory=dict)
    """The part of the shoppers that was looked at, by dimension."""
    timezone: str = "UTC"
    """In which the days are."""
    is_unlike: bool = False
    """Whether several rules by place weigh in these periods, so that they are no contest."""
    goal: str | None = None
    """What is aimed at, one of GOALS, which then says too whether things get better."""
    spread: Mapping[str, Spread] = field(default_factory=dict)
    """How much more than by chance the days of both periods vary, by rate."""
    parts_since: date | None = None
    """The first day of the period on which parts were counted together, where that is not the first of all."""
    zone_since: date | None = None
    """The first day that was counted in the site's time zone, where days before were counted in another."""
    shops: int = 1
    """How many shops are looked at at once, whose verdicts share one chance of error."""

    @property
    def moves(self) -> Mapping[str, Change | None]:
        """How far the goal and each of LINES moved, held together; nothing where the periods are no contest."""
        if self.is_unlike:
            return dict.fromkeys(followed(self.goal))
        return moves(self.total, self.before, self.goal, self.spread, self.shops)

    @property
    def trend(self) -> str:
        """Whether things get better (``multiple.direction``), or ``ruled`` where the periods are no contest."""
        return "ruled" if self.is_unlike else direction(self.moves, self.goal)

    def as_json(self) -> dict[str, Any]:
        """Return the report for machines: counts and rates of the total and of each row."""
        return {
            "site": self.site,
            "from": self.period.first.isoformat(),
            "to": self.period.last.isoformat(),
            "timezone": self.timezone,
            **({"zone_since": self.zone_since.isoformat()} if self.zone_since else {}),
            **({"parts_since": self.parts_since.isoformat()} if self.parts_since else {}),
            "by": self.by,
            "against": {"from": self.against.first.isoformat(), "to": self.against.last.isoformat()},
            **({"only": {**self.only}} if self.only else {}),
            **({"goal": self.goal} if self.goal else {}),
            "total": _plain(self.total.named(), self.total.rates()),
            "change": dict.fromkeys(RATES) if self.is_unlike else _moved(self.total, self.before),
            "trend": {
                "says": "mixed" if self.is_unlike else self.trend,
                "rates": {name: direction({name: move}) for name, move in self.moves.items()},
            },
            "moves": {name: _move(move) for name, move in self.moves.items()},
            "rows": [{self.by: value, **_plain(*self._row(value))} for value in self.rows],
        }

    def _row(self, value: str) -> tuple[Mapping[str, int], Mapping[str, Rate]]:
        """Return counts and rates of a row. Who answered the banners shown with a privacy signal is not known."""
        counts = self.rows[value]
        if (self.by, value) == ("how", SIGNAL):
            return {**counts.named(), "ignored": 0}, dict.fromkeys(RATES, Rate(0, 0))
        return counts.named(), counts.rates()

    def as_csv(self) -> str:
        """Return the report for a spreadsheet: a line a row; a rate is a share from 0 to 1 with its interval.

        ``too_few`` names the rates that have too few cases to rely on. Of a part of the shoppers there is a last column
        more, ``only``, which names it.
        """
        part = [_cell(self._part)] if self.only else []
        text = io.StringIO()
        lines = csv.writer(text)
        lines.writerow(
            [
                "site",
                "from",
                "to",
                self.by,
                *Counts().named(),
                *(f"{name}_rate{end}" for name in RATES for end in ("", "_low", "_high")),
                "too_few",
                *(["only"] if part else []),
            ]
        )
        for value in self.rows:
            counts, rates = self._row(value)
            shares = [(rate.value, rate.low, rate.high) for rate in rates.values()]
            lines.writerow(
                [
                    self.site,
                    self.period.first,
                    self.period.last,
                    _cell(value),
                    *counts.values(),
                    *("" if share is None else f"{share:.9g}" for shared in shares for share in shared),
                    " ".join(name for name, rate in rates.items() if rate.too_few),
                    *part,
                ]
            )
        return text.getvalue()

    @property
    def _part(self) -> str:
        return " ".join(f"{by}={value}" for by, value in self.only.items())

    def as_text(self, moved: bool = False) -> str:
        """Return the report for a terminal: a line a row, the total below; ``moved``: and how it moved, on top."""
        head = [self.by, "shown", "answered", "answer rate", *(f"grants {category}" for category in OPTIONAL)]
        table = [head]
        rows = [(value or "-", *self._row(value)) for value in self.rows]
        for value, counts, rates in [*rows, ("total", self.total.named(), self.total.rates())]:
            shares = [rates["answer"], *(rates[f"grant_{category}"] for category in OPTIONAL)]
            table.append([value, f"{counts['shown']:,}", f"{counts['answered']:,}", *map(_percent, shares)])
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [
            "  ".join(
                cell.rjust(width) if i else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(line, widths, strict=True))
            )
            for line in table
        ]
        title = f"{self.site}, {self.period.first} to {self.period.last} ({self.timezone})"
        title += f", only {self._part}" if self.only else ""
        return "\n".join([title, *([self._against()] if moved else []), *self._missing(), "", *lines]) + "\n"

    def _missing(self) -> Iterator[str]:
        """Yield what is to be known of some of the days, a line each."""
        if self.parts_since:
            yield f"Parts are counted together since {self.parts_since}: earlier days are missing."
        if self.zone_since and self.zone_since > self.period.first:
            yield f"Days before {self.zone_since} were counted in another time zone."

    def _against(self) -> str:
        """Return in a line how the rates moved, held together as on the page."""
        against = f"Against {self.against.first} to {self.against.last}"
        if self.is_unlike:
            return f"{against}: not compared, as rules by place ask different things; --rule looks at one of them."
        moved = ", ".join(f"{_named(name)} {_points(move)}" for name, move in self.moves.items())
        return f"{against}: {moved}."


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the counters and the log do not agree: numbers of LOGGED, or None where one of them knows of nothing."""

    by: str
    value: str
    counted: tuple[int, ...] | None
    logged: tuple[int, ...] | None


@dataclass(frozen=True)
class Recount:
    """The counters of a site over a period, held against its log."""

    site: str
    period: Period
    differences: Sequence[Difference]
    archived: date | None = None
    """The last day that was asked for of which hours are in an archive instead of the log: up to it nothing was counted
    again."""

    def as_json(self) -> dict[str, Any]:
        """Return for machines whether they agree, and where they do not."""

        def named(numbers: tuple[int, ...] | None) -> dict[str, int] | None:
            return None if numbers is None else dict(zip(LOGGED, numbers, strict=True))

        return {
            "site": self.site,
            "from": self.period.first.isoformat(),
            "to": self.period.last.isoformat(),
            "archived": self.archived and self.archived.isoformat(),
            "agree": not self.differences,
            "differences": [
                {"by": it.by, "value": it.value, "counted": named(it.counted), "logged": named(it.logged)}
                for it in self.differences
            ],
        }

    def as_csv(self) -> str:
        """Return for a spreadsheet where they do not agree: two lines a difference, none where they agree."""
        text = io.StringIO()
        lines = csv.writer(text)
        lines.writerow(["by", "value", "source", *LOGGED])
        for it in self.differences:
            for source, numbers in (("counters", it.counted), ("log", it.logged)):
                lines.writerow([it.by, _cell(it.value), source, *(numbers or [""] * len(LOGGED))])
        return text.getvalue()

    def as_text(self) -> str:
        """Return for a terminal where they do not agree, or that they do."""
        archived = (
            f"The days up to {self.archived} are archived, and were not counted again.\n" if self.archived else ""
        )
        if self.differences:
            lines = [
                archived,
                *(f"{it.by} {it.value}: counted {it.counted}, the log says {it.logged}\n" for it in self.differences),
            ]
            return "".join(lines)
        return archived + (
            f"The counters of {self.site} from {self.period.first} to {self.period.last} agree with the log.\n"
        )


def _cell(text: str) -> str:
    """Return a text as a spreadsheet shows it and does not run it: one that starts a formula gets an apostrophe first.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _named(rate: str) -> str:
    kind, _, category = rate.partition("_")
    return {"grant": f"grants {category}", "reach": f"reach of {category}"}.get(kind, f"{rate} rate")


def _percent(rate: Rate) -> str:
    if rate.value is None:
        return "-"
    interval = f" [{rate.interval[0]:.1%} {rate.interval[1]:.1%}]" if rate.interval else ""
    return f"{rate.value:.1%}{interval}" + (" too few" if rate.too_few else "")


def _points(move: Change | None) -> str:
    if move is None:
        return "too few"
    said = f"{move.difference * 100:+.1f} points [{move.low * 100:+.1f} {move.high * 100:+.1f}]"
    return said if move.clear else f"{said} not clear"


def _plain(counts: Mapping[str, int], rates: Mapping[str, Rate]) -> dict[str, Any]:
    return {
        "counts": counts,
        "rates": {
            name: {
                "numerator": rate.numerator,
                "denominator": rate.denominator,
                "value": rate.value,
                "low": rate.low,
                "high": rate.high,
                "too_few": rate.too_few,
            }
            for name, rate in rates.items()
        },
    }


def _moved(now: Counts, before: Counts) -> dict[str, Any]:
    moves = {name: change(now.rate(name), before.rate(name)) for name in RATES}
    return {name: _move(move) for name, move in moves.items()}


def _move(move: Change | None) -> dict[str, Any] | None:
    if move is None:
        return None
    return {"difference": move.difference, "low": move.low, "high": move.high, "clear": move.clear}
