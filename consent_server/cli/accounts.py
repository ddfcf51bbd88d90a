"""``consent-server accounts``: the keys by which a shop's back end links its accounts."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from ..store import ApiKey
from ..web.accounts import KIND
from ..web.marketer.session import digest
from .terminal import CommandFailed, data_option, errors_to_exit_2, open_store, site_named


@click.group()
def accounts() -> None:
    """Keys by which a shop's back end links its accounts: add, list or remove."""


@accounts.command("add")
@click.argument("site")
@click.option("--for", "name", default="the back end", show_default=True, help="What has it.")
@data_option
@errors_to_exit_2
def add_key(site: str, name: str, data: Path | None) -> None:
    """Print a new key for the accounts of SITE, this once."""
    with open_store(data) as (_, known, store):
        shop, key = site_named(known, site), secrets.token_urlsafe(32)
        if not shop.accounts:
            raise CommandFailed(f"{site} links no accounts: write `accounts = true` for it in consent.toml first.")
        store.account_keys.add(shop, ApiKey(digest(KIND, key), " ".join(name.split())[:80] or "?", int(time.time())))
    click.echo(key)
    click.echo("It is not shown again. Let nobody have it but the back end.", err=True)


@accounts.command("list")
@click.argument("site")
@data_option
@errors_to_exit_2
def list_keys(site: str, data: Path | None) -> None:
    """List the keys for the accounts of SITE: id, day, and what has each."""
    with open_store(data) as (_, known, store):
        for key in store.account_keys.all(site_named(known, site)):
            click.echo(f"{key.digest[:12]}\t{datetime.fromtimestamp(key.made, UTC).date()}\t{key.name}")


@accounts.command("remove")
@click.argument("site")
@click.argument("key")
@data_option
@errors_to_exit_2
def remove_key(site: str, key: str, data: Path | None) -> None:
    """Revoke KEY, an id of the list, at once."""
    with open_store(data) as (_, known, store):
        shop = site_named(known, site)
        found = [each for each in store.account_keys.all(shop) if each.digest[:12] == key]
        if not found:
            raise CommandFailed(f"{site} has no key {key[:40]!r}; consent-server accounts list {site} shows them.")
        for each in found:
            store.account_keys.remove(shop, each.digest)
    click.echo(f"The key {key} opens nothing any more.")
