"""``consent-server marketers``: who may read the rates."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ...web.marketer.session import SHORTEST, hash_password
from ..terminal import CommandFailed, data_option, errors_to_exit_2, open_store, site_named


@click.group()
def marketers() -> None:
    """Who may read the rates: add, list or remove."""


@marketers.command("add")
@click.argument("name")
@click.argument("sites", nargs=-1, required=True)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking.")
@data_option
@errors_to_exit_2
def add_marketer(name: str, sites: tuple[str, ...], password_stdin: bool, data: Path | None) -> None:
    """Let NAME read the rates of SITES; asks for a password."""
    password = (
        sys.stdin.readline().rstrip("\n")
        if password_stdin
        else click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    )
    if len(password) < SHORTEST:
        raise CommandFailed(f"A password takes at least {SHORTEST} characters.")
    with open_store(data) as (_, known, store):
        store.marketers.add(name, hash_password(password), [site_named(known, site).id for site in sites])
    click.echo(f"{name} may read the rates of {', '.join(sites)}.")


@marketers.command("list")
@data_option
@errors_to_exit_2
def list_marketers(data: Path | None) -> None:
    """List the marketers and their sites."""
    with open_store(data) as (_, _, store):
        for marketer in store.marketers.all():
            click.echo(f"{marketer.name}\t{' '.join(marketer.sites)}")


@marketers.command("remove")
@click.argument("name")
@data_option
@errors_to_exit_2
def remove_marketer(name: str, data: Path | None) -> None:
    """Take the right to read rates away from NAME, at once."""
    with open_store(data) as (_, _, store):
        if not store.marketers.remove(name):
            raise CommandFailed(f"There is no marketer {name!r}.")
    click.echo(f"{name} is removed.")
    click.echo(
        "What they handed out goes on: `consent-server links list SITE` shows links, the page API keys.", err=True
    )
