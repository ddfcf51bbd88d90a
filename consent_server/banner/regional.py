"""Names of countries, days and times as a language says them (Unicode CLDR, by Babel)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.lists import format_list
from babel.units import format_unit

from ..settings.rows import duration


@cache
def _locale(lang: str) -> Locale:
    """Return what is known of a language; English where nothing is."""
    try:
        return Locale("en", "GB") if lang == "en" else Locale(lang)
    except UnknownLocaleError:
        return Locale("en", "GB")


def country_name(code: str, lang: str) -> str:
    """Return the name of a country (ISO 3166-1), or its code where the language has no name for it."""
    return str(_locale(lang).territories.get(code, code))


def listing(items: Sequence[str], lang: str) -> str:
    """Return some words one after the other, as a sentence has them: ``one, two and three``."""
    return format_list(items, locale=_locale(lang))


def day(moment: date, lang: str) -> str:
    """Return a day as it stands in a text: ``20 December 2025``."""
    return format_date(moment, "long", locale=_locale(lang))


def time_span(seconds: int, lang: str) -> str:
    """Return a time in years, months or days, whichever says it exactly, as ``duration`` reads it."""
    days = seconds // 86400
    for unit, length in (("year", 365.25), ("month", 30.4375)):
        number = round(days / length)
        if number and duration(f"{number} {unit}") == seconds:
            return str(format_unit(number, unit, locale=_locale(lang)))
    return str(format_unit(days, "day", locale=_locale(lang)))
