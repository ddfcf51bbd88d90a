"""What is asked where: a rule says of each optional category whether it is asked for, objected to, or never set.

Everything here is pure: no clock, no network, no storage.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

KINDS = ("ask", "objection", "off")
"""Off until somebody says yes; on until somebody objects; never set, and not offered."""

UNKNOWN = "unknown"
"""The name of the rule for a place that nobody knows, where it differs from asking for everything."""

NAME = r"[a-z0-9][a-z0-9-]{0,31}"
"""What the name of a rule may be."""

_PLACE = re.compile(r"([A-Z]{2})(?:-[A-Z0-9]{1,3})?")
_NOWHERE = re.compile(r"AA|AP|EU|Q[M-Z]|X[^K]|ZZ")
"""Codes that are no country's (ISO 3166-1 leaves them to users), by which proxies say that they do not know."""


@dataclass(frozen=True)
class Rule:
    """What is asked in the places ``where`` (ISO 3166-1 or -2); ``words`` are over the site's, by language.

    ``kinds`` has one of KINDS for each optional category that is not just asked for.
    """

    name: str = ""
    where: tuple[str, ...] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def has(self, kind: str, of: Sequence[str]) -> list[str]:
        """Return which of some categories are of one of KINDS, in their order."""
        return [category for category in of if self.kinds.get(category, KINDS[0]) == kind]


ELSEWHERE = Rule()
"""The rule of every place that has none: everything is asked for."""


def strictest(rules: Sequence[Rule]) -> Rule:
    """Return the rule for a place that nobody knows: what is off anywhere is off, and all else is asked for."""
    off = {category: "off" for rule in rules for category, kind in rule.kinds.items() if kind == "off"}
    return Rule(UNKNOWN, (), off) if off else ELSEWHERE


def rule_at(rules: Sequence[Rule], place: str) -> Rule:
    """Return the rule of a place, ``GB`` or ``US-CA``; the strictest where that is not known well enough."""
    written = place.strip().upper().removesuffix("-")  # of a template without a part of the country
    match = _PLACE.fullmatch(re.sub(r"^UK(?=-|$)", "GB", written))
    if match is None or _NOWHERE.fullmatch(match[1]):
        return strictest(rules)
    for code in (match[0], match[1]):
        for rule in rules:
            if code in rule.where:
                return rule
    # Of a country with rules for parts of it, the country alone does not say enough.
    in_part = match[0] == match[1] and any(code.startswith(f"{match[1]}-") for rule in rules for code in rule.where)
    return strictest(rules) if in_part else ELSEWHERE
