"""The operators' commands, one group a file."""

from __future__ import annotations

from importlib import import_module
from typing import cast

import click

from .. import __version__

COMMANDS = {
    "accounts": "accounts:accounts",
    "audit": "audit:audit_command",
    "check": "check:check",
    "demo": "demo:demo",
    "digest": "readers.digest:digest_command",
    "erase": "shopper:erase",
    "export": "shopper:export_shopper",
    "init": "init:init",
    "keys": "keys:keys",
    "leaks": "leaks:leaks_command",
    "links": "readers.links:links",
    "log": "log:log",
    "marketers": "readers.marketers:marketers",
    "preview": "preview:preview",
    "rates": "rates:rates_command",
    "rehearse": "backups.rehearse:rehearse",
    "serve": "serve:serve",
    "services": "services:services_command",
}
"""Where each command is."""


class Commands(click.Group):
    """Loads a command when it is called: what one needs, a browser or the whole server, no other waits for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return their names."""
        return [*COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name, if there is one."""
        module, _, name = COMMANDS.get(cmd_name, "").partition(":")
        return cast(click.Command, getattr(import_module(f".{module}", __name__), name)) if module else None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="consent-server")
def main() -> None:
    """Cookie consent that can be proven.

    Try it: consent-server demo. For your own shop: consent-server init, then check, then serve.
    """
