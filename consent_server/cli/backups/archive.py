"""``consent-server log archive``: old days move to a file."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from ...proof.archive import archive
from ...proof.attested.stamps import Authority
from ...verify import Failed
from ..terminal import data_option, errors_to_exit_2, open_store, signing_keys, site_named


@click.command("archive")
@click.argument("site")
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False), required=True, help="Archive folder.")
@data_option
@errors_to_exit_2
def archive_log(site: str, folder: Path, data: Path | None) -> None:
    """Move the days that need no longer be proven to an archive: exported, verified, and only then trimmed."""
    with open_store(data, writes=True) as (settings, sites, store):
        shop, keys = site_named(sites, site), signing_keys(settings)
        tsa = Authority.readable(settings.tsa, settings.tsa_certificate, partial(click.echo, err=True))
        try:
            done = archive(store, shop, keys, folder, datetime.now(UTC), authority=tsa)
        except Failed as error:
            click.echo(f"The archive does not prove itself, so no more is trimmed. {error}", err=True)
            raise SystemExit(1) from None
    for made in done:
        click.echo(
            f"{folder / made.file} holds {made.entries} entries from {made.first} to {made.last}, which are trimmed "
            "from the log."
        )
    if not done:
        click.echo("No day is old enough.")
