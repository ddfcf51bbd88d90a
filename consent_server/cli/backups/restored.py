"""``consent-server log restored``: a backup was put back, and who was erased since it was made is erased again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from ...proof.attested import restored
from ...proof.erasure import erase_again
from ...proof.keys import all_published
from ...verify import Failed, opened, verify
from ..terminal import CommandFailed, data_option, errors_to_exit_2, open_store, signing_keys, site_named
from .rehearse import site_of


class _Lines:
    """The lines of an export, as often as somebody reads them."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[bytes]:
        with opened(self._path) as lines:
            yield from lines


@click.command("restored")
@click.argument("site", required=False)
@click.option(
    "--erased",
    "exports",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A shop's last export: who is erased in it is erased again; again for more shops.",
)
@data_option
@errors_to_exit_2
def restored_log(site: str | None, exports: tuple[Path, ...], data: Path | None) -> None:
    """Record, signed, that a backup of SITE's log, or of all, was put back: so that what it lost is not taken for lies.

    Do it right after, before the server starts. Who was erased since the backup was made is in it again, and only an
    export from after the erasure says so: name each shop's last one with --erased.
    """
    with open_store(data, writes=True) as (settings, sites, store):
        keys = signing_keys(settings)
        shops = [site_named(sites, name) for name in ([site] if site else sites)]
        named = [(path, site_of(path, sites)) for path in exports]
        for path, name in named:
            if site and name != site:
                raise CommandFailed(f"{path} is of {name}, not of {site}: nothing was recorded or erased.")
            try:
                with opened(path) as lines:
                    read = verify(lines, all_published(store, keys))
            except Failed as error:
                click.echo(f"{path} does not prove itself, so nothing was recorded or erased. {error}", err=True)
                raise SystemExit(1) from None
            if read.erased and read.version == 1:
                raise CommandFailed(
                    f"{path} is of a version before, and has no statement of its {read.erased} erasures to put back: "
                    "name an export of this version, or leave it out and erase who it was with `consent-server erase`. "
                    "Nothing was recorded or erased."
                )
        for shop in shops:
            at = restored(store, shop, keys)
            click.echo(f"{shop.id}: recorded that a backup was put back at {at:%Y-%m-%d %H:%M:%S} UTC.")
            for path in [path for path, name in named if name == shop.id]:
                many = erase_again(store, shop, keys, _Lines(path), store.attestations.time(shop) // 1000)
                click.echo(f"{shop.id}: {many} entries that are erased in {path} were whole in the backup; now erased.")
        if lacking := [shop.id for shop in shops if shop.id not in (name for _, name in named)]:
            click.echo(
                f"Who was erased at {', '.join(lacking)} since the backup was made is in it again: erase them again, "
                "with --erased and the last export, or one by one with `consent-server erase`.",
                err=True,
            )
