"""The cookie list for a page of the shop: once for the script that draws it, once as HTML for who runs none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from ..catalogue.spans import time_span
from ..site import CATEGORIES, Cookie, Site
from .regional import country_name, country_names, day, isolated, sentences

STORAGE = {"local-storage": "localStorage", "session-storage": "sessionStorage", "indexed-db": "IndexedDB"}
"""What developers of every language call the places where no cookie lies."""


def with_storage(name: str, kind: str | None) -> str:
    """Return a name with the storage that it is in, where one name may be in several, for several times."""
    return f"{name} ({STORAGE[kind]})" if kind in STORAGE else name


def facts(site: Site, lang: str, words: Mapping[str, str]) -> list[str]:
    """Return how long an answer holds, and the countries abroad where data goes if there are any, a sentence each."""
    countries = country_names(site.abroad, lang)
    held = words["holds"].replace("{keep}", time_span(site.keep, lang))
    return [held, *([words["abroad"].replace("{countries}", countries)] if countries else [])]


def first_layer_values(site: Site, lang: str, words: Mapping[str, str]) -> dict[str, str]:
    """Return what the first layer says of this shop: how long an answer holds, third parties, and for what devices."""
    account = {"account": sentences(["", words["account"]], lang)} if site.accounts else {}
    return {"keep": time_span(site.keep, lang), "others": words["others"] if site.has_third_parties else "", **account}


def cookie_list(site: Site, lang: str, words: Mapping[str, str]) -> dict[str, Any]:
    """Return what the list says, ``ListConfig`` in ``settings.d.ts`` but its words: sentences, a table a category."""
    columns = ["name", "provider", "country", "purpose", "life"]
    if not any(cookie.country for cookies in site.cookies.values() for cookie in cookies):
        columns.remove("country")
    return {
        "lang": lang,
        "facts": [*facts(site, lang, words), words["listed"].replace("{date}", day(site.policy_updated, lang))],
        "head": [words[f"cookie_{column}"] for column in columns],
        "tables": [
            {
                "caption": f"{words[category]}: {words[f'{category}_for']}",
                "rows": [[_cell(cookie, column, lang) for column in columns] for cookie in cookies],
            }
            for category in CATEGORIES
            if (cookies := site.cookies.get(category))
        ],
    }


def _cell(cookie: Cookie, column: str, lang: str) -> str:
    if column == "country":
        return country_name(cookie.country, lang) if cookie.country else ""
    if column == "name":
        return isolated(with_storage(cookie.name, cookie.kind), lang)
    value: str | Mapping[str, str] = getattr(cookie, column)
    return isolated(value, lang) if isinstance(value, str) else value[lang]


def fragment(content: Mapping[str, Any]) -> str:
    """Return a list as HTML, for a page to include on its server."""
    return "\n".join(_lines(content)) + "\n"


def _lines(content: Mapping[str, Any]) -> Iterator[str]:
    yield f'<div lang="{content["lang"]}" dir="auto">'
    yield from (f"<p>{escape(sentence)}</p>" for sentence in content["facts"])
    head = "".join(f'<th scope="col">{escape(word)}</th>' for word in content["head"])
    for table in content["tables"]:
        yield f"<table><caption>{escape(table['caption'])}</caption>"
        yield f"<thead><tr>{head}</tr></thead><tbody>"
        for name, *rest in table["rows"]:
            labelled = zip(content["head"][1:], rest, strict=True)
            cells = "".join(f'<td data-label="{escape(word)}">{escape(text)}</td>' for word, text in labelled)
            yield f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>'
        yield "</tbody></table>"
    yield "</div>"
