"""``consent-server rates``: how many were asked, how many answered, and what."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from ..rates import read
from ..rates.compare import GOALS
from ..rates.filters import Filters
from ..rates.period import AGAINST, Period, compared, dimension
from ..rates.report import Recount, Report
from .terminal import CommandFailed, data_option, errors_to_exit_2, open_store, site_named


@click.command("rates")
@click.argument("site")
@click.option("--from", "first", help="First day, such as 2026-11-01 (default: 29 days before the last).")
@click.option("--to", "last", help="Last day (default: today); days are those of the shop.")
@click.option("--by", help="day (if left out), language, variant, device, country, how or rule.")
@click.option("--language", help="Only this language; --variant and --device likewise, and together.")
@click.option("--variant", help="Only this variant.")
@click.option("--device", help="Only desktop, phone or tablet.")
@click.option("--rule", help="Only where this rule by place holds.")
@click.option("--country", help="Only this country, such as AZ; by itself alone.")
@click.option("--goal", type=click.Choice(GOALS), help="What is aimed at: it then says too how things moved.")
@click.option("--against", type=click.Choice(AGAINST), help="What to compare with: as many days before, or a year ago.")
@click.option("--against-from", help="First day of other days to compare with; with --against-to.")
@click.option("--against-to", help="Last day of other days to compare with.")
@click.option("--format", "form", type=click.Choice(["text", "json", "csv"]), default="text")
@click.option("--recount", is_flag=True, help="Count the log again and compare; exit status 1 if anything differs.")
@data_option
@errors_to_exit_2
def rates_command(
    site: str,
    first: str | None,
    last: str | None,
    by: str | None,
    form: str,
    recount: bool,
    data: Path | None,
    against: str | None,
    against_from: str | None,
    against_to: str | None,
    goal: str | None,
    **part: str | None,
) -> None:
    """Print how many were asked, how many answered, and how many said yes to what."""
    if recount and (by or against or against_from or against_to or goal or any(part.values())):
        raise CommandFailed("--recount counts all of these days anew: it takes no --by, part, --goal or --against.")
    only = Filters.parse({name: value for name, value in part.items() if value}, dimension(by))
    with open_store(data) as (_, sites, store):
        shop = site_named(sites, site)
        today = read.today(shop)
        period = Period.parse(first, last, today)
        other = compared(period, today, against, against_from, against_to)
        if recount:
            found: Recount | Report = read.recount(store, shop, period)
        else:
            found = read.report(store, shop, period, dimension(by), only, other, goal)
        whole = read.report_as_json(store, shop, found, today) if form == "json" and isinstance(found, Report) else None
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(whole or found.as_json())))
    else:
        moved = bool(against or against_from or goal)
        text = found.as_text(moved) if isinstance(found, Report) else found.as_text()
        click.echo(found.as_csv() if form == "csv" else text, nl=False)
    if isinstance(found, Recount) and found.differences:
        raise SystemExit(1)
