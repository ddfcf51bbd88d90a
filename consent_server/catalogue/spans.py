"""How long something is kept, as a language says it (Unicode CLDR, by Babel)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from babel import Locale, UnknownLocaleError
from babel.units import format_unit

MONTH, YEAR = 30.4375, 365.25
"""Days."""

PERSIAN_DIGITS = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")

_SPANS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "et": {"day": {"one": "{} päev", "other": "{} päeva"}},
    "ga": {
        "year": {
            "one": "{} bhliain",
            "two": "{} bhliain",
            "few": "{} bliana",
            "many": "{} mbliana",
            "other": "{} bliain",
        }
    },
    "he": {
        "year": {"one": "שנה אחת", "two": "שנתיים"},
        "month": {"one": "חודש אחד"},
        "day": {"one": "יום אחד"},
    },
    "mt": {
        "year": {"one": "{} sena", "two": "sentejn", "few": "{} snin", "many": "{}-il sena", "other": "{} sena"},
        "month": {"one": "{} xahar", "two": "xahrejn", "few": "{} xhur", "many": "{}-il xahar", "other": "{} xahar"},
        "day": {"one": "{} jum", "two": "jumejn", "few": "{} ijiem", "many": "{}-il jum", "other": "{} jum"},
    },
    **{lang: {"day": {"one": "{} dag", "other": "{} dager"}} for lang in ("nb", "no")},
    "sv": {"day": {"one": "{} dag", "other": "{} dagar"}},
}
"""What CLDR lacks, shortens or says otherwise than shops do, by language, unit and plural form."""


@cache
def locale_of(lang: str) -> Locale:
    """Return what is known of a language, as our words are written in it; English where nothing is."""
    if lang == "sr":
        return Locale("sr", script="Latn")
    if lang == "pt":
        return Locale("pt", "PT")
    try:
        return Locale("en", "GB") if lang == "en" else Locale(lang)
    except UnknownLocaleError:
        return Locale("en", "GB")


def time_span(seconds: int, lang: str) -> str:
    """Return a time in years, months or days, whichever says it exactly, as ``consent.toml`` is read."""
    days = seconds // 86400
    for unit, length in (("year", YEAR), ("month", MONTH)):
        number = round(days / length)
        if number and round(number * length) * 86400 == seconds:
            return count(number, unit, lang)
    return count(days, "day", lang)


def count(number: float, unit: str, lang: str) -> str:
    """Return a number of a unit of time."""
    locale = locale_of(lang)
    said = _SPANS.get(lang, {}).get(unit, {}).get(locale.plural_form(number))
    if said:
        return said.format(number)
    text = str(format_unit(number, unit, locale=locale))
    return text.translate(PERSIAN_DIGITS) if lang == "fa" else text
