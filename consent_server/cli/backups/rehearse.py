"""``consent-server rehearse``: whether a backup could be put back, tried on a copy of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import msgspec

from ...proof.keys import all_published
from ...proof.log import NothingToExport, export, seal, write
from ...settings.environment import read_environment
from ...settings.shops import read_sites
from ...site import ConsentError, Site
from ...store import Store, embedded
from ...tokens import Keys
from ...verify import Failed, NoExport, check, opened
from ..terminal import SECONDS_TO_ANSWER, CommandFailed, errors_to_exit_2, signing_keys, site_named

FILES = "appendonlydir"
"""The folder in which Redis and Valkey keep what must not be lost."""


@click.command()
@click.argument("backup", type=click.Path(path_type=Path))
@click.option(
    "--after",
    "exports",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A shop's last export: all of it must be in the backup too; again for more shops.",
)
@click.option(
    "--keys",
    "keys_file",
    type=click.Path(path_type=Path),
    help="The public keys to trust, as `keys` prints them (default: those of the secret).",
)
@errors_to_exit_2
def rehearse(backup: Path, exports: tuple[Path, ...], keys_file: Path | None) -> None:
    """Start on a copy of BACKUP, verify each shop's log in it, and say what was found; changes nothing.

    BACKUP is a copy of a data folder, or of the folder appendonlydir in it. Exit status 1 if it does not hold what it
    should.
    """
    settings = read_environment()
    sites, keys = read_sites(settings.config), signing_keys(settings)
    older = {site_of(path, sites): path for path in exports}
    files = backup / FILES if (backup / FILES).is_dir() else backup
    if not [*files.glob("*.manifest")]:
        raise CommandFailed(f"{backup} is no backup: it has no folder {FILES} with a manifest in it.")
    with TemporaryDirectory(prefix="consent-rehearsal-", ignore_cleanup_errors=True) as made:
        place = Path(made)
        try:
            shutil.copytree(files, place / "data" / FILES)
        except (OSError, shutil.Error):
            raise CommandFailed(
                f"{files} cannot be read, or there is no room for a copy in {place.parent}: name another in TMPDIR."
            ) from None
        try:
            with embedded.at(place / "data") as url:
                store = Store(url, SECONDS_TO_ANSWER)
                try:
                    found = [_found(store, shop, keys, place, older.get(shop.id), keys_file) for shop in sites.values()]
                finally:
                    store.close()
        except embedded.NoValkey as error:
            click.echo(f"No server starts on this backup. {error}", err=True)
            raise SystemExit(1) from None
    if "" in found or "whole" not in found:
        click.echo("Do not count on this backup: see above.", err=True)
        raise SystemExit(1)
    click.echo("This backup can be put back.")


def site_of(path: Path, sites: Mapping[str, Site]) -> str:
    """Return the id of the shop whose export is in a file."""
    try:
        with opened(path) as lines:
            head = json.loads(next(lines, b""))
        return site_named(dict(sites), str(head["site"])).id
    except (Failed, ValueError, LookupError, TypeError, RecursionError):
        raise NoExport(f"{path} is no export of a consent log.") from None


def _found(store: Store, shop: Site, keys: Keys, place: Path, older: Path | None, trusted: Path | None) -> str:
    """Verify the log of a shop, say what is in it, and return ``whole``, ``empty``, or nothing if it fails."""
    now, newest = datetime.now(UTC), 0
    made, own = place / "log.jsonl", place / "keys.json"

    def lines() -> Iterator[bytes]:
        nonlocal newest
        for line in export(store, shop, keys, None, now.date(), now):
            if line.startswith(b'{"type":"entry"'):
                newest = max(newest, msgspec.json.decode(line)["at"])
            yield line

    try:
        store.must_fit(shop)
        own.write_text(json.dumps(all_published(store, keys)), "utf-8")
        seal(store, shop, keys, now)
        write(made, lines())
        told = str(check(made, trusted or own, older))
    except NothingToExport:
        click.echo(f"{shop.id}: no decision is in this backup.")
        return "" if older else "empty"
    except (Failed, ConsentError) as error:
        click.echo(f"{shop.id}: {error}", err=True)
        return ""
    click.echo(told.splitlines()[0])
    if newest:
        click.echo(
            f"{shop.id}: the newest decision is of {datetime.fromtimestamp(newest / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC."
        )
    click.echo(
        f"{shop.id}: all of {older} is in it." if older else f"{shop.id}: name its last export with --after to compare."
    )
    return "whole"
