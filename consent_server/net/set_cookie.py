"""A ``Set-Cookie`` line, or what a script writes to ``document.cookie``: which cookie it sets, or takes away."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime


@dataclass(frozen=True, slots=True)
class SetCookie:
    """A cookie that is set.

    ``domain`` is empty where the line names none; ``removes``: the line takes it away; ``life``: seconds from now, 0
    for one that ends with the browser.
    """

    name: str
    domain: str
    removes: bool
    life: float = field(default=0, compare=False)


def parse_set_cookie(line: str) -> SetCookie | None:
    """Read a line; None for one without a name."""
    pair, *attributes = line.split(";")
    name = pair.partition("=")[0].strip() if "=" in pair else ""
    if not name:
        return None
    said = {key.strip().lower(): value.strip() for key, _, value in (each.partition("=") for each in attributes)}
    life = _life(said.get("max-age"), said.get("expires"))
    return SetCookie(name, said.get("domain", "").lstrip(".").lower(), life is not None and life <= 0, life or 0)


def _life(max_age: str | None, expires: str | None) -> float | None:
    """Return the seconds that are left, None where the line says nothing; ``Max-Age`` counts before ``Expires``."""
    if max_age is not None and re.fullmatch(r"-?\d{1,15}", max_age):
        return int(max_age)
    if expires:
        with suppress(ValueError, OverflowError):  # a date that no browser reads either
            until = parsedate_to_datetime(_SHORT_YEAR.sub(_whole_year, expires).replace("-", " "))
            return until.replace(tzinfo=UTC).timestamp() - time.time()  # browsers read no other zone
    return None


_SHORT_YEAR = re.compile(r"(?<=\d[- ][A-Za-z]{3}[- ])\d\d(?= )")


def _whole_year(found: re.Match[str]) -> str:
    """Return a year of two digits as browsers take it (RFC 6265, 5.1.1)."""
    return f"{'20' if int(found[0]) < 70 else '19'}{found[0]}"
