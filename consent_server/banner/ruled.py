"""What rules by place say in words, and what the gate has of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..settings.shops import words_only_for
from ..site import OPTIONAL, Notice, Site
from ..site.rules import Rule
from .regional import listing, sentences

LAYERS = {
    "details": ("details_unless", "on_unless", "unavailable"),
    "mine": ("presumed", "object"),
    "withdraw": ("objected",),
    "list": ("presumed", "object", "on_unless"),
}
"""Layers of which shops with rules by place have others, and the words that those need besides."""

SENTENCES = {"objection": "unless", "ask": "only"}
"""The word by which the first layer says of each kind what it is for."""


def without_rules(site: Site, words: Mapping[str, str]) -> dict[str, str]:
    """Return the words of a notice in a place that has no rule, and without what only accounts need."""
    needed = {*words_only_for("rules"), *(() if site.accounts else words_only_for("accounts"))}
    return {name: word for name, word in words.items() if name not in needed}


def words_of(rule: Rule, lang: str, words: Mapping[str, str]) -> dict[str, str]:
    """Return the words that a rule needs in a language, with the text of its first layer; none if all is asked for."""
    if not rule.kinds:
        return {}
    said = {**words, **rule.words.get(lang, {})}
    text = [
        said[word].replace("{uses}", listing([said[f"uses_{category}"] for category in of], lang))
        for kind, word in SENTENCES.items()
        if (of := rule.has(kind, OPTIONAL))
    ]
    whole = sentences([*text, said["holding"]], lang).replace("{refuse}", said["refuse"])
    return {**{name: said[name] for name in words_only_for("rules")}, "text": whole}


def rules(site: Site, notices: Mapping[str, Sequence[Notice]], first: Sequence[str]) -> list[dict[str, object]]:
    """Return the rules as the gate picks from them, ``Rule`` in ``settings.d.ts``: only words that differ."""
    ways = len(site.all_variants)

    def differing(lang: str, rule: int, way: int) -> dict[str, str]:
        plain, ruled = notices[lang][way], notices[lang][rule * ways + way]
        words = [(str(at), *(each.content["words"][key] for each in (plain, ruled))) for at, key in enumerate(first, 1)]
        return {"0": ruled.hash, **{at: there for at, here, there in words if there != here}}

    return [
        {
            "name": rule.name,
            "where": rule.where,
            "objection": rule.has("objection", OPTIONAL),
            "off": rule.has("off", OPTIONAL),
            "ways": [{lang: differing(lang, n, way) for lang in site.languages} for way in range(ways)],
        }
        for n, rule in enumerate(site.all_rules)
        if rule.name
    ]
