"""The pages' words in each language, and how it writes numbers and days."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files

from markupsafe import Markup, escape

from ....banner.regional import country_name, language_name
from ....rates.counts import Rate

_NUMBERS = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII)

LANGUAGES = ("az", "en", "ru", "tr")


def plural(lang: str, count: int) -> int:
    """Return which of a noun's forms stands with a count, by the plural rules of CLDR.

    English has one and other, Russian one, few and many; Azerbaijani and Turkish leave the noun as it is.
    """
    if lang == "ru":
        if count % 10 == 1 and count % 100 != 11:
            return 0
        return 1 if count % 10 in (2, 3, 4) and count % 100 not in (12, 13, 14) else 2
    return int(lang == "en" and count != 1)


def _folded(text: str) -> str:
    """Return a text in small letters, and with one i: Azerbaijani and Turkish have one with a dot and one without."""
    return text.replace("İ", "i").lower().replace("ı", "i")


class Count(str):
    """A count as it is written, that knows which form of a noun stands with it.

    In a sentence of the table ``{n}`` is the number and ``{n:visit|visits}`` the form that goes with it, in which ``#``
    is the number again: the one way to say a count with its noun.
    """

    __slots__ = ("_form",)
    _form: int

    @classmethod
    def of(cls, text: str, form: int) -> Count:
        """Return a count with the place of its form among those of a noun."""
        made = cls(text)
        made._form = form
        return made

    def __format__(self, forms: str) -> str:
        return forms.split("|")[self._form].replace("#", self) if forms else str(self)


class Words:
    """The page's words in one language, and how that language writes numbers and days."""

    def __init__(self, lang: str, table: Mapping[str, str]) -> None:
        self.lang = lang
        self._table = table

    @classmethod
    @cache
    def of(cls, lang: str) -> Words:
        """Return the words of one of LANGUAGES."""
        text = files(__package__).joinpath(f"{lang}.json").read_text("utf-8")
        return cls(lang, json.loads(text))

    def __call__(self, key: str, **values: object) -> Markup:
        """Return a sentence with ``values`` filled in; what is filled in is escaped, the table is ours."""
        sentence = Markup(self._table[key])  # nosec B704  # noqa: S704
        return sentence.format(**values)

    def inside(self, key: str) -> str:
        """Return words that start a line as they stand within a sentence."""
        return self._small(self._table[key])

    def _small(self, text: str) -> str:
        """Return a text with a small first letter."""
        first, rest = text[0], text[1:]
        if self.lang in ("az", "tr"):  # whose I has no dot, and whose İ keeps it
            first = first.translate({ord("İ"): "i", ord("I"): "ı"})
        return first.lower() + rest

    def rate(self, name: str) -> str:
        """Return the name of a rate within a sentence, with nothing around that says what it is a rate of."""
        return self._table.get(f"full_{name}") or self.inside(f"rate_{name}")

    def number(self, count: int) -> Count:
        """Return a count with its thousands apart, for a sentence to say with its noun."""
        return Count.of(f"{count:,}".replace(",", self._table["thousands"]), plural(self.lang, count))

    def short(self, count: float) -> str:
        """Return a round number as an axis names it: thousands as k, millions as M."""
        for size, letter in ((1_000_000, "M"), (1000, "k")):
            if count >= size:
                return self._decimal(count / size, 0 if count % size == 0 else 1) + letter
        return self._decimal(count, 0 if count == int(count) else 1)

    def _decimal(self, value: float, places: int) -> str:
        return f"{value:.{places}f}".replace(".", self._table["decimal"])

    def percent(self, share: float | None, places: int = 1) -> str:
        """Return a share as a percentage, or a dash where there is none."""
        return "–" if share is None else self._per_cent(self._decimal(share * 100, places))

    def exact(self, share: float) -> str:
        """Return a share that somebody gave as they gave it: with up to two decimals, as many as it has."""
        places = next((n for n in (0, 1) if round(share * 100, n) == round(share * 100, 2)), 2)
        return self.percent(share, places)

    def _per_cent(self, number: str) -> str:
        return self._table["percent"].format(number)

    def interval(self, rate: Rate) -> str:
        """Return the two ends of a rate's interval as percentages."""
        if rate.interval is None:
            return "–"
        return self._per_cent("–".join(self._decimal(end * 100, 1) for end in rate.interval))

    def points(self, difference: float) -> str:
        """Return a difference of two shares, in percentage points, with its sign."""
        return ("+" if difference > 0 else "−" if difference < 0 else "±") + self._decimal(abs(difference) * 100, 1)

    def gap(self, difference: float) -> str:
        """Return how large a difference of two shares is, in percentage points: never nought where there is one."""
        size = abs(difference) * 100
        if not difference or size >= 0.05:
            return self._decimal(size, 1)
        return self._decimal(size, 2) if size >= 0.01 else f"< {self._decimal(0.01, 2)}"

    def day(self, day: date, year: bool = False) -> str:
        """Return a day in words."""
        text = f"{day.day} {self.months[day.month - 1]}"
        return f"{text} {day.year}" if year else text

    @property
    def months(self) -> list[str]:
        """How the months are written, in order."""
        return self._table["months"].split()

    def iso(self, text: str | None) -> str | None:
        """Return a day as ``2026-01-31`` that was written in this language or another of ours.

        That is as ``day`` writes it, with the whole name of the month, or as ``31.1.2026``. All else is left as it is.
        """
        if written := _NUMBERS.fullmatch((text or "").strip()):
            day, month, year = written.groups()
            return f"{year}-{month:0>2}-{day:0>2}"
        parts = _folded(text or "").split()
        if len(parts) != 3 or not (parts[0] + parts[2]).isdecimal():
            return text
        for words in (self, *map(Words.of, LANGUAGES)):
            names = [_folded(name).rstrip(".") for name in (*words.months, *words._table["months_also"].split())]
            if parts[1].rstrip(".") in names:
                return f"{parts[2]}-{names.index(parts[1].rstrip('.')) % 12 + 1:02}-{parts[0]:0>2}"
        return text

    def span(self, first: date, last: date, year: bool = False) -> str:
        """Return a stretch of days in few words, each with the year or without it."""
        return " – ".join(self.day(day, year) for day in dict.fromkeys((first, last)))

    def days(self, first: date, last: date) -> str:
        """Return a stretch of days in words, the year said once."""
        if first == last:
            return self.day(last, year=True)
        return f"{self.day(first, year=first.year != last.year)} – {self.day(last, year=True)}"

    def value(self, by: str, value: str) -> str:
        """Return the name of a dimension's value: a language, a device, a way of answering."""
        key = f"{by}_{value}"
        return self._table.get(key, value) if value else self._table[f"{by}_none"]

    def named(self, by: str, value: str) -> str:
        """Return the same, a language or country of which the table has none by its name in Unicode's CLDR."""
        if f"{by}_{value}" in self._table or by not in ("language", "country") or not value:
            return self.value(by, value)
        name = (country_name if by == "country" else language_name)(value, self.lang)
        first = "İ" if name.startswith("i") and self.lang in ("az", "tr") else name[:1].upper()
        return f"{first}{name[1:]}{self._table['language_after'] if by == 'language' else ''}"

    def many(self, by: str, value: str) -> Markup:
        """Return the name of a part of the shoppers as what there are many of: phones, visits from a country."""
        if f"many_{by}_{value}" in self._table:
            return self(f"many_{by}_{value}")
        name = self.named(by, value)
        if by == "language" and self.lang in ("az", "ru"):  # whose names of languages are no proper names
            name = self._small(name)
        return self(f"many_{by}", value=name) if by in ("country", "language") and value else escape(name)
