"""A ``Set-Cookie`` line, or what a script writes to ``document.cookie``: which cookie it sets, or takes away."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime


@dataclass(frozen=True, slots=True)
class SetCookie:
    """A cookie that is set. ``domain`` is empty where the line names none; ``removes``: the line takes it away."""

    name: str
    domain: str
    removes: bool


def parse_set_cookie(line: str) -> SetCookie | None:
    """Read a line; None for one without a name."""
    pair, *attributes = line.split(";")
    name = pair.partition("=")[0].strip() if "=" in pair else ""
    if not name:
        return None
    said = {key.strip().lower(): value.strip() for key, _, value in (each.partition("=") for each in attributes)}
    return SetCookie(
        name, said.get("domain", "").lstrip(".").lower(), _removes(said.get("max-age"), said.get("expires"))
    )


def _removes(max_age: str | None, expires: str | None) -> bool:
    """Return whether a life is over when it begins; ``Max-Age`` counts before ``Expires``."""
    if max_age is not None and re.fullmatch(r"-?\d+", max_age):
        return int(max_age) <= 0
    if expires:
        with suppress(ValueError, OverflowError):  # a date that no browser reads either
            return parsedate_to_datetime(expires.replace("-", " ")).timestamp() <= time.time()
    return False
