"""What others say of names and hosts that the catalogue does not know: for a person to check, never taken as true."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

from ...site import ConsentError
from ..hosts import without_port


class NoCookieDatabase(ConsentError):
    """A file is no table in the Open Cookie Database's format."""

    problem = "no-cookie-database"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A row of the Open Cookie Database."""

    platform: str
    category: str
    description: str
    life: str

    def __str__(self) -> str:
        return "; ".join(filter(None, (self.platform, self.category, self.life, self.description)))


@dataclass(frozen=True)
class Suggestions:
    """Rows by name; a row that is marked as a wildcard is known by how its names begin."""

    names: Mapping[str, Suggestion] = field(default_factory=dict)
    beginnings: Mapping[str, Suggestion] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path | None) -> Suggestions:
        """Read a CSV file in the Open Cookie Database's format; none, nothing to suggest.

        Raises:
            NoCookieDatabase: it is no such file.
        """
        if path is None:
            return cls()
        try:
            rows = list(csv.DictReader(path.read_text("utf-8-sig").splitlines()))
        except (UnicodeDecodeError, csv.Error):
            rows = []
        found = [read for row in rows if (read := _row(row))]
        if not found:
            raise NoCookieDatabase(
                f"{path} is no CSV file in the Open Cookie Database's format: it has no cookie names."
            )
        return cls(
            {name: row for wild, name, row in reversed(found) if not wild},
            {name: row for wild, name, row in reversed(found) if wild},
        )

    def of(self, name: str) -> Suggestion | None:
        """Return what the table says of a cookie or entry of this name."""
        begins = max((each for each in self.beginnings if name.startswith(each)), key=len, default=None)
        return self.names.get(name) or (self.beginnings[begins] if begins else None)


def _row(row: Mapping[str, str | None]) -> tuple[bool, str, Suggestion] | None:
    said = {str(key).strip().lower(): (value or "").strip() for key, value in row.items() if isinstance(value, str)}
    name = said.get("cookie / data key name", "")
    if not name:
        return None
    texts = (
        re.sub(r"\s+", " ", said.get(key, "")) for key in ("platform", "category", "description", "retention period")
    )
    return said.get("wildcard match", "") == "1", name, Suggestion(*texts)


@cache
def _companies() -> Mapping[str, str]:
    lines = files(__package__).joinpath("companies.tsv").read_text("utf-8").splitlines()
    rows = (line.split("\t") for line in lines)
    return {host.removeprefix("*."): f"{name} ({of[0]})" if of else name for host, name, *of in rows}


def company_of(host: str) -> str | None:
    """Return whose a host is by the table of ``third-party-web``, or None."""
    return next((found for each in _above(without_port(host)) if (found := _companies().get(each))), None)


def _above(host: str) -> Iterator[str]:
    while "." in host:
        yield host
        host = host.partition(".")[2]
