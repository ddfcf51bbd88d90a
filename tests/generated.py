"""Writes the documentation's tables, and the catalogue for WordPress, from what the program itself says.

Type ``python -m tests.generated``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from consent_server.catalogue import services
from consent_server.cli import main
from consent_server.settings.environment import ENVIRONMENT
from consent_server.settings.lists import COOKIE, TRACKER, VENDORS
from consent_server.settings.rows import REQUIRED, Row
from consent_server.settings.shops import AUTHORITY, RULE, SITE, VARIANT
from consent_server.settings.theme import BUTTON, DARK, DARK_BUTTON, THEME
from consent_server.site import OPTIONAL

ROOT = Path(__file__).parent.parent

TABLES: Mapping[tuple[str, ...], tuple[Row, ...]] = {
    ("[sites.shop]",): SITE,
    ("[sites.shop.authority]",): AUTHORITY,
    ("[sites.shop.theme]",): THEME,
    ("[sites.shop.theme.accept]", "[sites.shop.theme.refuse]"): BUTTON,
    ("[sites.shop.theme.dark]",): DARK,
    ("[sites.shop.theme.dark.accept]", "[sites.shop.theme.dark.refuse]"): DARK_BUTTON,
    ("[[sites.shop.cookies.analytics]]",): COOKIE,
    **{(f"[sites.shop.vendors.{name}]",): rows for name, rows in VENDORS.items()},
    ("[[sites.shop.trackers]]",): TRACKER,
    ("[[sites.shop.variants]]",): VARIANT,
    ("[[sites.shop.rules]]",): RULE,
}
"""The rows of each table of a shop, by the line or lines it begins with in ``consent.toml``."""


def table(rows: tuple[Row, ...], write: Callable[[Any], str] = str, path: str = "") -> str:
    """Return rows of settings as a table; ``write`` says how a default is written, ``path`` where the rows stand."""
    lines = ["| name | default | what |", "|---|---|---|"]
    for row in rows:
        nothing = row.default in (None, [], {}, "")
        default = "required" if row.default is REQUIRED else "" if nothing else f"`{write(row.default)}`"
        more = f" See [below](#{anchor_of(path + row.name)})." if row.example is None else ""
        lines.append(f"| `{row.name}` | {default} | {row.help}{more} |")
    return "\n".join(lines)


def commands() -> str:
    """Return every command with its first sentence."""

    def lines(group: click.Group, path: str) -> Iterator[str]:
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            if isinstance(command, click.Group):
                if command.invoke_without_command:
                    yield f"| `{path} {name}` | {(command.help or '').split(chr(10) * 2)[0]} |"
                yield from lines(command, f"{path} {name}")
            elif command:
                arguments = [param for param in command.params if isinstance(param, click.Argument)]
                usage = " ".join([path, name, *(argument.make_metavar(context) for argument in arguments)])
                yield f"| `{usage}` | {(command.help or '').split(chr(10) * 2)[0]} |"

    return "\n".join(["| command | what |", "|---|---|", *lines(main, "consent-server")])


def toml(value: Any) -> str:
    """Return a value as one writes it in TOML, on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str | bool | int | list) else value.isoformat()


def path_of(head: str) -> str:
    """Return the path of a table in its shop; that of the shop itself is empty."""
    return head.strip("[]").removeprefix("sites.shop").lstrip(".")


def anchor_of(path: str) -> str:
    """Return the anchor of the first table at or below this path."""
    heads = next(heads for heads in TABLES if any(f"{path_of(head)}.".startswith(f"{path}.") for head in heads))
    return "-".join(path_of(head).replace(".", "") for head in heads)


def shops() -> str:
    """Return each table of a shop with its rows and an example."""
    parts = []
    for heads, rows in TABLES.items():
        examples = [f"{row.name} = {toml(row.example)}" for row in rows if row.example is not None]
        code = "\n\n".join("\n".join([head, *examples]) for head in heads)
        paths = [path_of(head) for head in heads]
        if paths[0]:
            parts.append(f"### {', '.join(f'`{path}`' for path in paths)}")
        parts.append(
            table(rows, toml, f"{paths[0]}." if paths[0] else "")
            if rows
            else "It has no settings of its own: to name it is enough."
        )
        parts.append(f"<!-- example: configuration {paths[0] or 'site'} -->\n```toml\n{code}\n```")
    return "\n\n".join(parts)


def environment() -> str:
    """Return the settings of the environment with an example."""
    code = "\n".join(f"{row.name}={row.example}" for row in ENVIRONMENT)
    rows = table(ENVIRONMENT, lambda value: str(value).lower() if value is False else str(value))
    return f"{rows}\n\n<!-- example: configuration environment -->\n```sh\n{code}\n```"


PARTS = {
    ("README.md", "commands"): commands,
    ("docs/configuration.md", "shops"): shops,
    ("docs/configuration.md", "environment"): environment,
}
"""What makes each part of a page, which stands between ``<!-- NAME -->`` and ``<!-- /NAME -->``."""


def renewed(page: str) -> str:
    """Return the text of a page with its generated parts made anew."""
    text = (ROOT / page).read_text("utf-8")
    for (where, name), make in PARTS.items():
        if where == page:
            before, begin, rest = text.partition(f"<!-- {name} -->\n")
            _, end, after = rest.partition(f"<!-- /{name} -->\n")
            assert end, f"{page} has no place for {name}"
            text = "".join([before, begin, make(), "\n", end, after])
    return text


PLUG_IN = ROOT / "snippet" / "wordpress"
"""The plug-in for WordPress."""


def addresses() -> str:
    """Return what each address of the catalogue waits for, as a file of PHP; what is necessary waits for nothing."""
    waits: dict[str, str] = {}
    for each in services().values():
        for pattern in each.patterns:
            waits.setdefault(pattern, each.category)  # of several services the first: a mark takes one category
    rows = "\n".join(f"\t'{pattern}' => '{waits[pattern]}'," for pattern in sorted(waits) if waits[pattern] in OPTIONAL)
    return f"""<?php
// Made by `make build` from consent_server/catalogue/services.
defined( 'ABSPATH' ) || exit;

return array(
{rows}
);
"""


if __name__ == "__main__":
    (PLUG_IN / "catalogue.php").write_text(addresses(), "utf-8")
    for page in {page for page, _ in PARTS}:
        (ROOT / page).write_text(renewed(page), "utf-8")
