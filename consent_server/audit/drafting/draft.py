"""The TOML for what was seen and is not listed: services of the catalogue, and the lines that are left to write."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...catalogue import missing_language, service
from ...catalogue.addresses import is_pattern
from ...catalogue.names import resembled
from ...site import Site
from ..advice import NO_ENTRY, NO_PATTERN
from ..hosts import host_of, is_third_party, registrable, without_port
from ..lists import listable
from ..report import Report, printable
from .suggestions import Suggestions, company_of

Row = Mapping[str, Any]

ENTRIES = ("cookie", "local-storage", "session-storage", "indexed-db", "cache-storage")


def draft(report: Report, site: Site | None, suggestions: Suggestions) -> str:
    """Return what to put into consent.toml.

    What the catalogue knows is one line. What it does not know stands in comments, to be given a category and words
    in each language of the site by somebody who knows: a guess would be a claim towards shoppers.
    """
    table = f"sites.{report.site or 'SITE'}"
    languages = site.languages if site else ("en",)
    missing = [row for row in report.seen if row["category"] is None]
    found = dict.fromkeys(row["service"] for row in missing if row["service"])
    wordless = {name: lang for name in found if (lang := missing_language(name, languages))}
    services = [name for name in found if name not in wordless]
    unknown = [row for row in missing if not row["service"]]
    entries = [row for row in unknown if row["kind"] in ENTRIES]
    hosts: dict[str, list[Row]] = {}
    for row in unknown:
        if row["kind"] not in ENTRIES:
            whole = row["kind"] == "request" and is_third_party(row["host"], host_of(report.url))
            address = row["host"] if whole else row["name"].partition("://")[2]
            hosts.setdefault(address, []).append(row)
    if not missing:
        return f"# {report.url}: everything that was seen is listed."
    lines = [f"# Seen at {report.url} and not listed yet.", ""]
    if services:
        named = list(site.services) if site else []
        lines += [
            f"[{table}]",
            "# The catalogue has their cookies, addresses and words."
            + (" In place of the line that is there:" if named else ""),
            f"services = {json.dumps([*named, *services])}",
            "",
        ]
    for name, lang in wordless.items():
        lines += [
            f"# {service(name).name} is in the catalogue as {name}, which has no words in {lang!r}.",
            f"# Leave the language out, or list in your own words what it sets: consent-server services {name}",
            "",
        ]
    if unknown:
        lines += ["# Nobody knows these but you. Choose a category, say what for, and take the # away.", ""]
    for (name, _), rows in _by_place(entries, host_of(report.url)).items():
        lines += [*_entry(table, name, rows, languages, suggestions, host_of(report.url)), ""]
    for address, rows in hosts.items():
        lines += [*_tracker(table, address, rows), ""]
    return "\n".join(map(printable, lines)).rstrip()


def _by_place(rows: Sequence[Row], shop: str) -> dict[tuple[str, str], list[Row]]:
    """Return the rows of each name, apart for each of the others' hosts where it lies: each has a line of its own."""
    grouped: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        elsewhere = registrable(row["host"]) if is_third_party(row["host"], shop) else ""
        grouped.setdefault((row["name"], elsewhere), []).append(row)
    return grouped


def _entry(
    table: str, name: str, rows: Sequence[Row], languages: Sequence[str], suggestions: Suggestions, shop: str
) -> Iterator[str]:
    host = rows[0]["host"]
    yield f"# {', '.join(dict.fromkeys(row['kind'] for row in rows))} on {host}, {_states(rows)}."
    listed = listable(name)
    if listed is None:
        yield f"# {printable(name)}: {NO_ENTRY[0].lower()}{NO_ENTRY[1:]}"
        return
    if listed != name:
        yield f"# {printable(name)} stands for itself and for what else begins so: consent.toml takes no more of it."
    if like := dict.fromkeys(id_ for row in rows for id_ in resembled(row["kind"], name)):
        yield f"# Suggestion of the catalogue, to be checked: {' and '.join(like)} may have such a name."
    if said := suggestions.of(name):
        yield f"# Suggestion of the cookie database, to be checked: {said}."
    company = company_of(host)
    if company:
        yield f"# Suggestion of third-party-web, to be checked: {host} is {company}'s."
    empty = ", ".join(f'{lang} = ""' for lang in languages)
    yield f"# [[{table}.cookies.CATEGORY]]"
    yield f"# name = {json.dumps(listed, ensure_ascii=False)}"
    yield f"# provider = {json.dumps(company or '', ensure_ascii=False)}"
    yield f"# purpose = {{ {empty} }}"
    yield f"# life = {{ {empty} }}"
    if is_third_party(host, shop):
        yield f"# host = {json.dumps(without_port(host))}"


def _tracker(table: str, address: str, rows: Sequence[Row]) -> Iterator[str]:
    yield f"# {_states(rows)}: {rows[0]['name']}" + (f" and {len(rows) - 1} more." if len(rows) > 1 else "")
    if not is_pattern(address):
        yield f"# {printable(address)}: {NO_PATTERN[0].lower()}{NO_PATTERN[1:]}"
        return
    if company := company_of(rows[0]["host"]):
        yield f"# Suggestion of third-party-web, to be checked: {rows[0]['host']} is {company}'s."
    yield f"# [[{table}.trackers]]"
    yield f"# match = {json.dumps(address)}"
    yield '# category = "CATEGORY"'


def _states(rows: Sequence[Row]) -> str:
    return "in " + ", ".join(dict.fromkeys(state for row in rows for state in row["states"]))
