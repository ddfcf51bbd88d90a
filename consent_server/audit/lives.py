"""How long a cookie lives: as the list says it to shoppers, and as people say it."""

from __future__ import annotations

import re
from functools import cache

from ..catalogue import lives

SECONDS = {
    "second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 7 * 86400, "month": 31 * 86400, "year": 366 * 86400,
}  # fmt: skip
"""Of each word of time; months and years at their longest."""


_SESSION = frozenset(
    {
        *("session", "browser session", "session cookie", "sessiya", "brauzer sessiyası", "oturum", "oturum süresince"),
        *("сессия", "сеанс", "сессия браузера", "до конца сессии", "до конца сеанса", "oturum boyunca", "seans"),
    }
)
"""How people write a life that ends with the browser, where the catalogue has other words."""


def seconds_of(words: str) -> float | None:
    """Return the seconds of a life as the list has it, in any language of the catalogue.

    0 is until the browser is closed; None is what has no end, or is said in other words than the catalogue's.
    """
    said = words.strip().lower()
    if said in {word.lower() for word in lives()["session"].values()} | _SESSION:
        return 0
    found = re.fullmatch(r"(\d{1,4})\s+(\w+)", re.sub(r"^(?:an?|one)\s", "1 ", said))
    return int(found[1]) * _words()[found[2]] if found and found[2] in _words() else None


def in_days(seconds: float) -> str:
    """Return a time as people say it."""
    for unit in ("day", "hour", "minute"):
        many = round(seconds / SECONDS[unit])
        if many > 1:
            return f"{many} {unit}s"
    return f"{round(seconds)} seconds"


@cache
def _words() -> dict[str, int]:
    """Return the seconds of each word for a unit of time, as the catalogue's lives have it."""
    found: dict[str, int] = {}
    for name, words in lives().items():
        unit = name.rpartition(" ")[2].removesuffix("s")
        if unit in SECONDS:
            found |= {word.split()[-1].lower(): SECONDS[unit] for word in words.values()}
    return found
