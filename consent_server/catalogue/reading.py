"""How long something is kept, read as people write it in any language of the banner."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache

from . import lives
from .ours import PURPOSE
from .spans import count

SECONDS = {
    "second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 7 * 86400, "month": 31 * 86400, "year": 366 * 86400,
}  # fmt: skip
"""Of each word of time; months and years at their longest."""

_SHORT = {"sec": 1, "secs": 1, "min": 60, "mins": 60, "h": 3600, "hr": 3600, "hrs": 3600, "yr": SECONDS["year"]}
"""What is short, and means the same everywhere."""

_AFTER_TO = {"tagen": SECONDS["day"], "monaten": SECONDS["month"], "jahren": SECONDS["year"]}
"""What German makes of them after ``bis zu``; CLDR has what other languages make of them, after a fraction."""

_NUMBERS = (1, 2, 3, 5, 11, 21, 1.5)
"""One of each form that a noun has after a number, in whatever language."""

_AT_MOST = (
    *("up to", "at most", "max", "maximum", "no longer than", "bis zu", "maximal", "höchstens", "jusqu'à", "jusqu’à"),
    *("hasta", "máximo", "fino a", "massimo", "até", "tot", "maximaal", "op til", "upp till", "opptil", "enintään"),
    *("do", "maksymalnie", "až", "nejvýše", "до", "не более", "не довше", "maksimum", "ən çox", "en fazla", "en çok"),
)
_ONE = (
    *("a", "an", "one", "ein", "eine", "einen", "un", "une", "uno", "una", "um", "uma", "een", "én", "en", "et", "ett"),
    *("один", "одна", "одну", "одно", "один", "jeden", "jedna", "jedno", "jednu", "bir"),
)
_BEGINS = re.compile(rf"(?:(?:{'|'.join(map(re.escape, _AT_MOST))})\.?\s+)?(?:(?P<one>{'|'.join(_ONE)})\s+(?=\D))?")
_PARTS = re.compile(r"(\d{1,5})(?:[.,](\d{1,2}))?(?![\d.,])\s*(\D+)")


def seconds_of_time(said: str, lang: str | None = None) -> float | None:
    """Return the seconds of a time such as ``13 months``, ``до 2 лет`` or ``1 year and 1 month``; None of any other.

    Args:
        said: what somebody wrote.
        lang: the language of it; else what only one of them has, or all of them mean alike.
    """
    text = _plain(re.sub(r"\s*\([^()]*\)\s*$", "", said)).lstrip("≤<~ ")
    begins = _BEGINS.match(text)
    rest = text[begins.end() :] if begins else text
    text = f"1 {rest}" if begins and begins["one"] else rest
    words, whole = _words(lang)
    if text in whole:
        return whole[text]
    parts, end, total = [*_PARTS.finditer(text)], 0, 0.0
    for each in parts:
        length = _length(each[3].strip(" ,;.+"), words, last=each is parts[-1])
        if each.start() != end or length is None:
            return None
        total, end = total + float(f"{each[1]}.{each[2] or 0}") * length, each.end()
    return total if parts and end == len(text) else None


def _length(unit: str, words: Mapping[str, float], *, last: bool) -> float | None:
    """Return the seconds of a word of time; before another number an ``and`` may stand after it."""
    found = words.get(unit)
    return words.get(unit.rpartition(" ")[0].rstrip(",")) if found is None and not last else found


def _plain(text: str) -> str:
    """Return a text in small letters, with digits as Python reads them, and without marks of its direction."""
    kept = (each for each in text.casefold() if unicodedata.category(each) != "Cf")
    return " ".join("".join(str(unicodedata.decimal(each, each)) for each in kept).split())


@cache
def _words(lang: str | None) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """Return the seconds of each word for a unit of time, and of each time that is said without a number.

    One word is an hour here and a year there: what is not said alike counts in its own language.
    """
    words, whole = _alike(each for own in PURPOSE for each in _said_in(own))
    catalogue = [
        (each.split()[-1].casefold(), SECONDS[unit])
        for name, said in lives().items()
        if (unit := name.rpartition(" ")[2].removesuffix("s")) in SECONDS
        for own, each in said.items()
        if lang in (None, own)
    ]
    own_words, own_whole = _alike(_said_in(lang) if lang and lang in PURPOSE else ())
    written = _alike((0, *each) for each in catalogue)[0]
    return {**words, **_SHORT, **_AFTER_TO, **written, **own_words}, {**whole, **own_whole}


def _alike(said: Iterator[tuple[float, str, float]] | tuple[()]) -> tuple[dict[str, float], dict[str, float]]:
    """Return what means one thing: words after a number, and times without one."""
    found: dict[tuple[bool, str], set[float]] = {}
    for number, text, seconds in said:
        found.setdefault((bool(number), text), set()).add(seconds)
    sure = {key: lengths.pop() for key, lengths in found.items() if len(lengths) == 1}
    return (
        {text: length for (is_whole, text), length in sure.items() if not is_whole},
        {text: length for (is_whole, text), length in sure.items() if is_whole},
    )


def _said_in(lang: str) -> Iterator[tuple[float, str, float]]:
    """Yield words of time of a language (CLDR): 0 with a word and its seconds, or a number that is in the text."""
    for unit, seconds in SECONDS.items():
        for number in _NUMBERS:
            text = _plain(count(number, unit, lang))
            word = re.sub(r"\s*\d+(?:[.,٫]\d+)?\s*", "", text)
            yield (0, word, seconds) if word != text else (number, text, number * seconds)
