"""Names of countries and days as a language says them (Unicode CLDR, by Babel)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from babel.dates import format_date
from babel.lists import format_list

from ..catalogue.spans import PERSIAN_DIGITS, locale_of
from . import collation

_DATES: Mapping[str, str] = {
    "en": "en-GB",
    "pt": "pt-PT",
    # Chromium has no dates for these, or writes them as it does for no language; those of others are written alike.
    **dict.fromkeys(("az", "hy", "is", "ka", "kk", "mk", "sq", "uz"), "ru"),
    **dict.fromkeys(("ga", "mt"), "en-GB"),
    "bs": "hr",
}

_SOLAR_MONTHS = ["فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور", "مهر", "آبان", "آذر", "دی", "بهمن", "اسفند"]
_SOLAR_YEAR, _SOLAR_NEW_YEAR = 1404, date(2025, 3, 21)


def dates(lang: str) -> str | list[str]:
    """Return the languages, best first, by whose rules a browser's ``Intl`` writes the dates of a text in ``lang``."""
    return _DATES.get(lang) or [lang, "ru"]


def country_name(code: str, lang: str) -> str:
    """Return the name of a country (ISO 3166-1), or its code where the language has no name for it."""
    return str(locale_of(lang).territories.get(code, code))


def language_name(code: str, lang: str) -> str:
    """Return the name of a language, or its code where the language ``lang`` has no name for it."""
    return str(locale_of(lang).languages.get(code.replace("-", "_"), code))


def separator(lang: str) -> str:
    """Return what stands between the words of a list in a language."""
    return {"ar": "، ", "fa": "، ", "ja": "、", "zh": "、"}.get(lang, ", ")


def country_names(codes: Iterable[str], lang: str) -> str:
    """Return names of countries as a list in a sentence."""
    return separator(lang).join(
        sorted((country_name(code, lang) for code in codes), key=lambda name: collation.key(name, lang))
    )


def listing(items: Sequence[str], lang: str) -> str:
    """Return some words one after the other, as a sentence has them: ``one, two and three``."""
    return format_list(items, locale=locale_of(lang))


def sentences(items: Sequence[str], lang: str) -> str:
    """Return sentences one after the other, with a space between them where the language writes one."""
    return ("" if lang in ("ja", "zh") else " ").join(items)


def day(moment: date, lang: str) -> str:
    """Return a day as it stands in a text: ``20 December 2025``; in Persian by the calendar of Iran."""
    return _solar(moment) if lang == "fa" else format_date(moment, "long", locale=locale_of(lang))


def _solar(moment: date) -> str:
    """Return a day of the Solar Hijri calendar, whose leap years repeat after 33 years in our times."""

    def length(year: int) -> timedelta:
        return timedelta(365 + (year % 33 in (1, 5, 9, 13, 17, 22, 26, 30)))

    year, first = _SOLAR_YEAR, _SOLAR_NEW_YEAR
    while moment < first:
        year -= 1
        first -= length(year)
    while moment >= first + length(year):
        first += length(year)
        year += 1
    passed = (moment - first).days  # six months of 31 days, then of 30
    month, before = divmod(passed, 31) if passed < 186 else divmod(passed - 186, 30)
    name = _SOLAR_MONTHS[month + (0 if passed < 186 else 6)]
    return f"{before + 1} {name} {year}".translate(PERSIAN_DIGITS)


def isolated(text: str, lang: str) -> str:
    """Return a name such as ``_ga*``, which keeps its own direction in a text from right to left."""
    return f"\u2068{text}\u2069" if locale_of(lang).text_direction == "rtl" else text
