"""``consent-server rates``: how many were asked, how many answered, and what."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import click
import msgspec

from ..decision import Site
from ..rates.counts import Period, Report, dimension
from ..store import Store
from .terminal import data_option, errors_to_exit_2, open_store, site_named


@click.command("rates")
@click.argument("site")
@click.option("--from", "first", help="First day, such as 2026-11-01 (default: 30 days ago).")
@click.option("--to", "last", help="Last day (default: today); days are UTC.")
@click.option("--by", default="day", help="day, language, variant, device, country or how.")
@click.option("--format", "form", type=click.Choice(["text", "json", "csv"]), default="text")
@click.option("--recount", is_flag=True, help="Count the log again and compare; exit status 1 if anything differs.")
@data_option
@errors_to_exit_2
def rates_command(
    site: str, first: str | None, last: str | None, by: str, form: str, recount: bool, data: Path | None
) -> None:
    """Print how many were asked, how many answered, and how many said yes to what."""
    period = Period.parse(first, last, datetime.now(UTC).date())
    with open_store(data) as (_, sites, store):
        shop = site_named(sites, site)
        if recount:
            _recount(store, shop, period.first, period.last)
            return
        rows = store.counters.counts(shop, period.first, period.last, dimension(by))
        report = Report.of(shop.id, period, by, rows)
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(report.as_json())))
    else:
        click.echo(report.as_csv() if form == "csv" else report.as_text(), nl=form == "text")


def _recount(store: Store, site: Site, first: date, last: date) -> None:
    """Compare what was counted with what the log says, in every dimension."""
    differ = 0
    for by, counted, logged in store.recount(site, first, last):
        for value in sorted({*counted, *logged}):
            if counted.get(value) != logged.get(value):
                differ += 1
                click.echo(f"{by} {value}: counted {counted.get(value)}, the log says {logged.get(value)}")
    if differ:
        raise SystemExit(1)
    click.echo(f"The counters of {site.id} from {first} to {last} agree with the log.")
