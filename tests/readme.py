"""Writes the README's tables from what the program itself says: ``python -m tests.readme``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from consent_server.cli import main
from consent_server.settings.shops import ENVIRONMENT, REQUIRED, SITE, Row

README = Path(__file__).parent.parent / "README.md"


def table(rows: tuple[Row, ...]) -> str:
    """Return rows of settings as a table."""
    lines = ["| name | default | what |", "|---|---|---|"]
    for row in rows:
        default = "required" if row.default is REQUIRED else shown(row.default)
        lines.append(f"| `{row.name}` | {default} | {row.help.replace('|', chr(92) + '|')} |")
    return "\n".join(lines)


def shown(default: Any) -> str:
    """Return a default as people would write it."""
    if default in (None, (), [], {}, ""):
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def commands() -> str:
    """Return every command with its first sentence."""

    def lines(group: click.Group, path: str) -> Iterator[str]:
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            if isinstance(command, click.Group):
                yield from lines(command, f"{path} {name}")
            elif command:
                arguments = [param for param in command.params if isinstance(param, click.Argument)]
                usage = " ".join([path, name, *(argument.make_metavar(context) for argument in arguments)])
                yield f"| `{usage}` | {(command.help or '').split(chr(10) * 2)[0]} |"

    return "\n".join(["| command | what |", "|---|---|", *lines(main, "consent-server")])


PARTS: Mapping[str, Callable[[], str]] = {
    "commands": commands,
    "environment": lambda: table(ENVIRONMENT),
    "site": lambda: table(SITE),
}


def renewed(text: str) -> str:
    """Return the README with its generated parts made anew, each between ``<!-- NAME -->`` and ``<!-- /NAME -->``."""
    for name, make in PARTS.items():
        text, found = re.subn(
            rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)",
            lambda match, make=make: f"{match[1]}{make()}\n{match[2]}",  # type: ignore[misc]
            text,
            flags=re.DOTALL,
        )
        assert found == 1, f"README.md has no place for {name}"
    return text


if __name__ == "__main__":
    README.write_text(renewed(README.read_text("utf-8")), "utf-8")
