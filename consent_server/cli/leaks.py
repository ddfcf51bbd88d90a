"""``consent-server leaks``: what shoppers' browsers reported that the lists do not allow."""

from __future__ import annotations

from pathlib import Path

import click

from ..rates.happened.leaks import ENOUGH, leaks
from ..rates.read import today
from .terminal import data_option, echo_json, errors_to_exit_2, open_store, site_named


@click.command("leaks")
@click.argument("site")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@data_option
@errors_to_exit_2
def leaks_command(site: str, form: str, data: Path | None) -> None:
    """Print what was seen in shoppers' browsers that the lists do not allow."""
    with open_store(data) as (_, sites, store):
        shop = site_named(sites, site)
        found = leaks(store, shop, today())
    if form == "json":
        echo_json({"site": shop.id, "watch": shop.watch, "leaks": [leak.as_json() for leak in found]})
    else:
        for leak in found:
            click.echo(str(leak))
        if not found:
            click.echo(f"Nothing was seen {ENOUGH} times or more.")
    if not shop.watch:
        click.echo(f'No page view is watched: set watch = "1%" in [sites.{shop.id}].', err=True)
