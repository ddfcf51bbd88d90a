"""Rules by place: how a shop writes them, and what of that cannot be."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from babel import Locale

from ..site import OPTIONAL
from ..site.rules import KINDS, NAME, UNKNOWN, Rule
from .rows import REQUIRED, Row, WrongAt, did_you_mean, tables

COUNTRIES = frozenset(code for code in map(str, Locale("en").territories) if re.fullmatch("[A-Z]{2}", code)) - {
    *("AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ")
}
"""ISO 3166-1 out of CLDR, and XK, by which Kosovo is known meanwhile."""

_SAID = {"UK": "GB", "EL": "GR", "USA": "US", "GBR": "GB"}
"""What people write of a country that has another code."""


def _name(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(NAME, value):
        raise ValueError('takes a short name such as "uk": up to 32 of a-z, 0-9 and -')
    if value == UNKNOWN:
        raise ValueError(f"takes another name than {UNKNOWN!r}, which is that of a place that nobody knows")
    return value


def _where(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(place, str) for place in value):
        raise ValueError('takes a list of places such as ["GB", "US-CA"] (ISO 3166-1 and 3166-2)')
    for place in value:
        country, dash, part = place.partition("-")
        if country not in COUNTRIES:
            near = _SAID.get(country.upper(), country.upper())
            hint = f", did you mean {near + dash + part!r}?" if near in COUNTRIES else did_you_mean(country, COUNTRIES)
            raise ValueError(f"has {place!r}, which is no country of ISO 3166-1{hint}")
        if dash and not re.fullmatch("[A-Z0-9]{1,3}", part):
            right = re.fullmatch("[a-z0-9]{1,3}", part)
            hint = f", did you mean {f'{country}-{part.upper()}'!r}?" if right else ""
            raise ValueError(f'has {place!r}, which is no part of a country such as "US-CA" (ISO 3166-2){hint}')
    return tuple(value)


def _kind(value: Any) -> str:
    if value in KINDS:
        return str(value)
    raise ValueError(f"takes one of {', '.join(KINDS)}{did_you_mean(str(value), KINDS)}")


def _make(name: str, where: tuple[str, ...], words: Mapping[str, Mapping[str, str]], **kinds: str) -> Rule:
    return Rule(name, where, {category: kind for category, kind in kinds.items() if kind != KINDS[0]}, words)


def rule_rows(words: Callable[[Any], Any]) -> tuple[Row, ...]:
    """Return the rows of a rule; ``words`` reads those of the banner."""
    return (
        Row("name", _name, REQUIRED, "Its name in notices, receipts and rates.", "uk"),
        Row("where", _where, REQUIRED, "Its places: countries (ISO 3166-1), or parts of them (ISO 3166-2).", ["GB"]),
        *(
            Row(
                category,
                _kind,
                KINDS[0],
                f"{category.capitalize()} there: ask, on until objection, or off: never set and not offered.",
                "objection",
            )
            for category in OPTIONAL
        ),
        Row("words", words, {}, "Words of the banner there, by language.", {"en": {"title": "Cookies in the UK"}}),
    )


def read_rules(rows: tuple[Row, ...]) -> Callable[[Any], tuple[Rule, ...]]:
    """Return a reader of a shop's rules; ``rows`` are those of a rule.

    The reader raises WrongAt where two have one name, or one place.
    """
    read_each = tables(rows, _make)

    def read(value: Any) -> tuple[Rule, ...]:
        rules = read_each(value)
        taken: dict[str, str] = {}
        for n, rule in enumerate(rules):
            if any(rule.name == other.name for other in rules[:n]):
                raise WrongAt(f"[{n}].name", f"has {rule.name!r}, which is the name of another rule")
            for place in rule.where:
                _must_be_free(f"[{n}].where", place, taken)
                taken[place] = rule.name
        return rules

    return read


def _must_be_free(path: str, place: str, taken: Mapping[str, str]) -> None:
    country = place.partition("-")[0]
    for other, name in taken.items():
        if other == place:
            raise WrongAt(path, f"has {place!r} twice, the first time in the rule {name!r}: leave out the one")
        if country == other or other.partition("-")[0] == place:
            part, whole = (place, other) if country == other else (other, place)
            raise WrongAt(path, f"has {place!r}, and the rule {name!r} has {other!r}: {part} is a part of {whole}")


def must_have_words(
    rules: Iterable[Rule], needed: Iterable[str], languages: Sequence[str], known: Mapping[str, Mapping[str, str]]
) -> None:
    """Return if the rules can be said in each language of a shop.

    Args:
        rules: the shop's.
        needed: the words that a rule needs which does not ask for everything.
        languages: the shop's.
        known: words by language.

    Raises:
        WrongAt: they cannot.
    """
    for n, rule in enumerate(rules):
        for lang in languages if rule.kinds else ():
            missing = sorted(set(needed) - set(known.get(lang, {})))
            if missing:
                kinds = " and ".join(sorted(set(rule.kinds.values())))
                raise WrongAt(
                    f"rules[{n}]", f"has {kinds}, for which words.{lang} lacks {', '.join(missing)}: write them there"
                )
