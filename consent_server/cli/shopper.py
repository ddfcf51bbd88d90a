"""``consent-server export`` and ``erase``: what one shopper may ask for."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from ..proof.days.proven import Proven
from ..proof.erasure import erase as erase_shopper
from ..proof.erasure import erased_before
from ..proof.receipt import history
from ..tokens import Keys
from .terminal import (
    CommandFailed,
    EndsInIdentifier,
    data_option,
    echo_json,
    errors_to_exit_2,
    open_store,
    signing_keys,
    site_named,
)


@click.command("export", cls=EndsInIdentifier)
@click.argument("site")
@click.argument("receipt")
@data_option
@errors_to_exit_2
def export_shopper(site: str, receipt: str, data: Path | None) -> None:
    """Print all that is held about one shopper: RECEIPT is the identifier in their receipt, or `sub` of a token."""
    with open_store(data) as (settings, sites, store):
        shop = site_named(sites, site)
        entries = store.history.of(shop, receipt)
        notices = {entry.notice: store.notices.starting_with(shop, entry.notice) for entry in entries}
        events = history(entries, notices)
        if settings.secret:  # without it nothing is known of who has signed what
            proven = Proven(store, shop, Keys(settings.secret))
            for entry, event in zip(entries, events, strict=True):
                event.update({} if entry in proven else {"proven": False})
    if unproven := sum("proven" in event for event in events):
        click.echo(f"{unproven} entries under that name are signed by no key that is known here.", err=True)
    if not events:
        raise CommandFailed(f"Nothing is held at {shop.id} under {receipt!r}.")
    echo_json({"site": shop.id, "history": events})


@click.command(cls=EndsInIdentifier)
@click.argument("site")
@click.argument("receipt")
@data_option
@errors_to_exit_2
def erase(site: str, receipt: str, data: Path | None) -> None:
    """Erase one shopper: RECEIPT is the identifier in their receipt, or `sub` of a token."""
    with open_store(data, writes=True) as (settings, sites, store):
        shop, keys = site_named(sites, site), signing_keys(settings)
        now = store.attestations.time(shop) // 1000  # what is signed is dated by the log's clock
        erased = erase_shopper(store, shop, keys, receipt, now)
        before = None if erased else erased_before(store, shop, keys, receipt)
    if before:
        at = datetime.fromtimestamp(before, UTC)
        click.echo(f"Erased before, at {at:%Y-%m-%d %H:%M:%S} UTC: nothing is held any more.")
    elif erased:
        click.echo(f"{erased} entries erased.")
    else:
        raise CommandFailed(f"Nothing is held at {site} under {receipt!r}.")
