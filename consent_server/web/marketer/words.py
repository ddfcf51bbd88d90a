"""The pages' words in each language, and sentences that are put together of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from math import ceil

from markupsafe import Markup, escape

from ...rates.alarms import Alarm
from ...rates.compare import Verdict
from ...rates.counts import Rate
from ...rates.leaks import Leak
from ...rates.marks import Mark
from ...rates.parts import Advice
from ...rates.read import PACE

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
        text = files(__package__).joinpath(f"words/{lang}.json").read_text("utf-8")
        return cls(lang, json.loads(text))

    def __call__(self, key: str, **values: object) -> Markup:
        """Return a sentence with ``values`` filled in; what is filled in is escaped, the table is ours."""
        sentence = Markup(self._table[key])  # nosec B704  # noqa: S704
        return sentence.format(**values)

    def inside(self, key: str) -> str:
        """Return words that start a line as they stand within a sentence."""
        return self._table[key][0].lower() + self._table[key][1:]

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
        return "–" if share is None else self._decimal(share * 100, places) + self._table["percent"]

    def interval(self, rate: Rate) -> str:
        """Return the two ends of a rate's interval as percentages."""
        if rate.interval is None:
            return "–"
        low, high = rate.interval
        return f"{self._decimal(low * 100, 1)}–{self.percent(high)}"

    def points(self, difference: float) -> str:
        """Return a difference of two shares, in percentage points, with its sign."""
        return ("+" if difference > 0 else "−" if difference < 0 else "±") + self._decimal(abs(difference) * 100, 1)

    def day(self, day: date, year: bool = False) -> str:
        """Return a day in words."""
        text = f"{day.day} {self.months[day.month - 1]}"
        return f"{text} {day.year}" if year else text

    @property
    def months(self) -> list[str]:
        """How the months are written, in order."""
        return self._table["months"].split()

    def iso(self, text: str | None) -> str | None:
        """Return a day as ``2026-01-31`` that was written as ``day`` writes it, in this language or another of ours.

        Whatever else is left as it is.
        """
        parts = (text or "").lower().split()
        if len(parts) != 3 or not (parts[0] + parts[2]).isdecimal():
            return text
        for words in (self, *map(Words.of, LANGUAGES)):
            months = [month.lower() for month in words.months]
            if parts[1] in months:
                return f"{parts[2]}-{months.index(parts[1]) + 1:02}-{parts[0]:0>2}"
        return text

    def days(self, first: date, last: date) -> str:
        """Return a stretch of days in words, the year said once."""
        if first == last:
            return self.day(last, year=True)
        return f"{self.day(first, year=first.year != last.year)} – {self.day(last, year=True)}"

    def value(self, by: str, value: str) -> str:
        """Return the name of a dimension's value: a language, a device, a way of answering."""
        key = f"{by}_{value}"
        return self._table.get(key, value) if value else self._table[f"{by}_none"]

    def many(self, by: str, value: str) -> Markup:
        """Return the name of a part of the shoppers as what there are many of: phones, visits from a country."""
        if f"many_{by}_{value}" in self._table:
            return self(f"many_{by}_{value}")
        name = escape(self.value(by, value))
        if by == "country" and value:  # whose name the browser knows
            return self("many_country", value=Markup('<span data-country="{0}">{0}</span>').format(value))
        return name


def way_in_words(words: Words, how: str, banner: Mapping[str, str]) -> str:
    """Return the name of a way of answering: a button's as it stands on the banner, whose words these are."""
    return banner[how] if how in ("accept", "refuse") else words.value("how", how)


def advice_in_words(words: Words, advice: Advice) -> Markup:
    """Return one sentence about what would bring how much."""
    key = f"advice_{advice.rate}"
    if advice.by == "variant":
        key = f"advice_variant_{advice.rate.partition('_')[0]}"
        there = escape(advice.model)
    else:
        there = words("the_others") if advice.model is None else words.many(advice.by, advice.model)
    return _capital(words(key, a=words.many(advice.by, advice.value), b=there, more=words.number(advice.more)))


def _capital(sentence: Markup) -> Markup:
    """Return a sentence whose first letter is a capital, where it starts with a letter."""
    return sentence[:1].upper() + sentence[1:]


def _early(verdict: Verdict, answers_a_day: float | None) -> tuple[str, int]:
    """Return what an open verdict waits for, and for how many days it will, or has, without an answer."""
    if answers_a_day is None:
        return "open", 0
    return ("early", ceil(verdict.more / answers_a_day)) if answers_a_day else ("waiting", PACE)


def verdict_in_words(words: Words, verdict: Verdict, answers_a_day: float | None) -> Markup:
    """Return one sentence about two variants, which names the goal.

    ``answers_a_day``: of the last PACE days; None if the experiment is over and none are to come.
    """
    goal = words.inside(f"rate_{verdict.goal}")
    if verdict.kind == "early":
        kind, days = _early(verdict, answers_a_day)
        return words(f"verdict_{kind}", goal=goal, days=words.number(days))
    if verdict.kind == "equal":
        return words("verdict_equal", goal=goal, margin=words.points(verdict.margin)[1:])
    low, high = sorted((abs(verdict.low or 0), abs(verdict.high or 0)))
    return words(
        "verdict_better",
        goal=goal,
        winner=verdict.b if verdict.kind == "better" else verdict.a,
        loser=verdict.a if verdict.kind == "better" else verdict.b,
        low=words.points(low)[1:],
        high=words.points(high)[1:],
    )


def judged_in_words(words: Words, verdict: Verdict, answers_a_day: float | None) -> Markup:
    """Return the same in a few words, for a cell of a table."""
    if verdict.kind == "early":
        kind, days = _early(verdict, answers_a_day)
        return words(f"judged_{kind}", days=words.number(days))
    if verdict.kind == "equal":
        return words("judged_equal", margin=words.points(verdict.margin)[1:])
    return words(f"judged_{verdict.kind}", difference=words.points(verdict.difference or 0))


def alarm_in_words(words: Words, alarm: Alarm) -> Markup:
    """Return one sentence about a day that is not like the days before."""
    shares = alarm.kind != "silent"
    return words(
        f"alarm_{alarm.kind}",
        day=words.day(date.fromisoformat(alarm.day)),
        rate=words.inside(f"rate_{alarm.rate}") if shares else "",
        value=words.percent(alarm.value),
        low=words.percent(alarm.low) if shares else words.number(int(alarm.low)),
        high=words.percent(alarm.high) if shares else words.number(int(alarm.high)),
    )


def mark_in_words(words: Words, mark: Mark) -> Markup:
    """Return what happened, in one sentence without its day."""
    unusual = Markup(", ").join(
        words(
            "mark_rate",
            rate=words.inside(f"rate_{alarm.rate}"),
            value=words.percent(alarm.value),
            low=words.percent(alarm.low),
            high=words.percent(alarm.high),
        )
        for alarm in mark.alarms
    )
    return words(f"mark_{mark.kind}", what=unusual or mark.what)


def leak_in_words(words: Words, leak: Leak) -> Markup:
    """Return one sentence about a name that is not allowed."""
    others = [words(f"leak_{state}") for state in leak.states if state != "refused"]
    where = (
        words("leak_refused_too" if others else "leak_refused")
        if "refused" in leak.states
        else Markup(", ").join(others)
    )
    sentence = words(
        "leak",
        name=leak.name,
        kind=words(f"kind_{leak.kind}"),
        since=words("leak_older" if leak.is_older else "leak_since", day=words.day(leak.since)),
        where=where,
        many=words.number(leak.about),
    )
    return sentence + words("leak_over", day=words.day(leak.until)) if leak.is_over else sentence
