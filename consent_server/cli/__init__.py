"""The operators' commands, one group a file."""

from __future__ import annotations

import click

from .. import __version__
from .accounts import accounts
from .audit import audit_command
from .check import check
from .demo import demo
from .init import init
from .keys import keys
from .leaks import leaks_command
from .log import log
from .preview import preview
from .rates import rates_command
from .readers.digest import digest_command
from .readers.links import links
from .readers.marketers import marketers
from .rehearse import rehearse
from .serve import serve
from .services import services_command
from .shopper import erase, export_shopper


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="consent-server")
def main() -> None:
    """Cookie consent that can be proven.

    Try it: consent-server demo. For your own shop: consent-server init, then check, then serve.
    """


COMMANDS = (
    accounts,
    audit_command,
    check,
    demo,
    digest_command,
    erase,
    export_shopper,
    init,
    keys,
    leaks_command,
    links,
    log,
    marketers,
    preview,
    rates_command,
    rehearse,
    serve,
    services_command,
)

for command in COMMANDS:
    main.add_command(command)
