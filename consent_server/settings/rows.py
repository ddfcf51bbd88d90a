"""A setting is a row: its name, how it is read, its default, one sentence about it and an example.

Validation, help, the documentation's tables and the tests all read the rows.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from ..catalogue.spans import MONTH, YEAR
from ..site import ConsentError

REQUIRED = object()
"""The default of a row that has none."""


class SettingsError(ConsentError):
    """A setting is missing or wrong; the message names it and says what is accepted, ``name`` is the row's."""

    problem = "settings"

    def __init__(self, message: str, name: str = "") -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True, slots=True)
class Row:
    """One setting: its name, how it is read, what it is when left out, one sentence about it, and an example.

    ``read`` takes what was written and returns the value, or raises ValueError with what is accepted. ``default`` is
    what one would write: None if that is nothing, REQUIRED if it must be written. ``example`` is None where the
    setting is a table with rows of its own. The value of a ``secret`` one, or the password in it, is never repeated.
    """

    name: str
    read: Callable[[Any], Any]
    default: Any
    help: str
    example: Any = None
    secret: bool = False

    @property
    def value(self) -> Any:
        """What the setting is when it is left out."""
        return None if self.default is None else self.read(self.default)


def defaults(rows: Iterable[Row]) -> dict[str, Any]:
    """Return the values of those rows that may be left out."""
    return {row.name: row.value for row in rows if row.default is not REQUIRED}


class WrongAt(ValueError):
    """Something is wrong further down; ``path`` says where."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


def read_at(key: str, read: Callable[[Any], Any], value: Any) -> Any:
    """Return what ``read`` makes of ``value``.

    Raises:
        WrongAt: it is wrong; the path begins with ``key``.
    """
    try:
        return read(value)
    except WrongAt as error:
        raise WrongAt(f"{key}{'' if error.path.startswith('[') else '.'}{error.path}", str(error)) from None
    except ValueError as error:
        raise WrongAt(key, str(error)) from None


def did_you_mean(key: str, names: Iterable[str]) -> str:
    """Return a question about the nearest of the names, to go on a sentence with; empty if none is near."""
    near = difflib.get_close_matches(key, names, 1)
    return f", did you mean {near[0]!r}?" if near else ""


# What people may write; each reader raises ValueError with what is accepted


def text(value: Any) -> str:
    """Return a text that says something."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("takes a text that is not empty")
    return value


def time_zone(value: Any) -> str:
    """Return the name of a time zone that there is."""
    if isinstance(value, str) and value in available_timezones():
        return value
    hint = did_you_mean(str(value), available_timezones())
    raise ValueError(f'takes a time zone such as "Asia/Baku"{hint}')


def whole(low: int, high: int) -> Callable[[Any], int]:
    """Return a reader of whole numbers from ``low`` to ``high``."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not re.fullmatch(r"\d{1,10}", str(value)) or not low <= int(value) <= high:
            raise ValueError(f"takes a whole number from {low} to {high}")
        return int(value)

    return read


def yes_no(value: Any) -> bool:
    """Return whether something is to be."""
    if value is True or str(value).lower() in ("1", "true", "yes", "on"):
        return True
    if value is False or str(value).lower() in ("0", "false", "no", "off"):
        return False
    raise ValueError("takes true or false")


def share(value: Any) -> float:
    """Return a part of the whole, from 0 to 1, of what people write as ``1%`` or ``0.5%``."""
    match = re.fullmatch(r"(\d{1,3}(?:\.\d{1,4})?)\s*%", value) if isinstance(value, str) else None
    if match is None or float(match[1]) > 100:
        raise ValueError('takes a share from "0%" to "100%", such as "1%"')
    return float(match[1]) / 100


_DAYS = {"day": 1, "week": 7, "month": MONTH, "year": YEAR}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "second": 1, "minute": 60, "hour": 3600}


def duration(value: Any) -> int:
    """Return the seconds of a time as people write it: ``6 months``, ``13 months``, ``12 h``, ``90 s``.

    Raises:
        ValueError: it is not written like that.
    """
    match = re.fullmatch(r"\s*(\d{1,6})\s*([a-z]+?)s?\s*", str(value).lower())
    if match and match[2] in _DAYS:
        return round(int(match[1]) * _DAYS[match[2]]) * 86400
    if match and match[2] in _SECONDS:
        return int(match[1]) * _SECONDS[match[2]]
    raise ValueError('takes a time such as "6 months", "1 year", "30 days", "12 hours" or "90 s"')


def day(value: Any) -> date:
    """Return a day of the calendar."""
    if isinstance(value, date):
        return value.date() if isinstance(value, datetime) else value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("takes a date such as 2025-12-20") from None


def address(value: Any) -> str:
    """Return the address of something on the web.

    Raises:
        ValueError: it is not one, or of another kind: ``file:`` for instance would be this machine's own.
    """
    with suppress(ValueError):  # of urlsplit's own, in other words
        parts = urlsplit(value) if isinstance(value, str) and re.fullmatch(r"\S+", value) else None
        if parts and parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return cast(str, value)
    raise ValueError('takes an address such as "https://shop.example"')


def url(value: Any) -> str:
    """Return the address of something on the web, or on the shop's own host its path."""
    if isinstance(value, str) and re.match("/(?!/)", value):
        return value
    try:
        return address(value)
    except ValueError as error:
        raise ValueError(f'{error}, or a path such as "/privacy"') from None


def contact(value: Any) -> str:
    """Return where somebody can be written to: an e-mail address, or a page as ``url`` takes it."""
    if isinstance(value, str) and re.fullmatch(r"(mailto:)?[^\s@/:]+@[^\s@/:]+", value):
        return value.removeprefix("mailto:")
    try:
        return url(value)
    except ValueError:
        raise ValueError(
            'takes an e-mail address, or a page such as "https://shop.example/contact" or "/contact"'
        ) from None


def by_language(value: Any) -> dict[str, str]:
    """Return a text for each language."""
    if isinstance(value, dict) and all(isinstance(text, str) and text for text in value.values()):
        return dict(value)
    raise ValueError('takes a text for each language, such as {az = "…", en = "…"}')


def choice(*names: str) -> Callable[[Any], str]:
    """Return a reader that takes one of these names."""

    def read(value: Any) -> str:
        if value not in names:
            raise ValueError(f"takes one of {', '.join(names)}")
        return str(value)

    return read


def table(rows: tuple[Row, ...]) -> Callable[[Any], dict[str, Any]]:
    """Return a reader of a table with these rows: every row's value by its name, the default where it is left out."""
    names = [row.name for row in rows]

    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValueError("takes a table")
        for key in value:
            if key not in names:
                raise WrongAt(key, f"is not known{did_you_mean(key, names)}; known are {', '.join(names)}")
        for row in rows:
            if row.default is REQUIRED and row.name not in value:
                raise WrongAt(row.name, f"is missing: {row.help}")
        return {
            row.name: read_at(row.name, row.read, value[row.name]) if row.name in value else row.value for row in rows
        }

    return read


def tables(rows: tuple[Row, ...], make: Callable[..., Any] = dict) -> Callable[[Any], tuple[Any, ...]]:
    """Return a reader of tables in double brackets; ``make`` takes the values of each by name."""
    read_one = table(rows)

    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise ValueError("takes tables in double brackets")
        return tuple(make(**read_at(f"[{n}]", read_one, item)) for n, item in enumerate(value))

    return read


def each(readers: Mapping[str, Callable[[Any], Any]]) -> Callable[[Any], dict[str, Any]]:
    """Return a reader of a table of tables, each read in its own way."""

    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValueError(f"takes tables for {', '.join(readers)}")
        for key in value:
            if key not in readers:
                raise ValueError(f"has no {key!r}{did_you_mean(key, readers)}; there are {', '.join(readers)}")
        return {key: read_at(key, readers[key], item) for key, item in value.items()}

    return read
