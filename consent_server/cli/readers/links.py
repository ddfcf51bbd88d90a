"""``consent-server links``: what shows one report to somebody without a login."""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import parse_qsl

import click

from ...rates import read
from ...web.marketer.links import MOST, make_link, path_of
from ...web.marketer.question import ASKED, Question, kept
from ...web.marketer.words import Words
from ..terminal import (
    CommandFailed,
    data_option,
    errors_to_exit_2,
    open_store,
    page_of_marketers,
    signing_keys,
    site_named,
)


@click.group()
def links() -> None:
    """Links that show one report without a login: add, list or remove."""


@links.command("add")
@click.argument("site")
@click.option("--for", "name", required=True, help="Whom it is for.")
@click.option("--days", type=click.IntRange(1, 365), default=30, show_default=True, help="For how many days it works.")
@click.option("--ask", default="", help="Its question, as in the page's address: device=phone&from=2026-11-01.")
@click.option("--url", help="Where the server is reached (default: the host of CONSENT_MARKETERS, or this machine).")
@data_option
@errors_to_exit_2
def add_link(site: str, name: str, days: int, ask: str, url: str | None, data: Path | None) -> None:
    """Print a link to one report of SITE, the last 30 days unless it asks for others."""
    asked, words = dict(parse_qsl(ask)), Words.of("en")
    for unknown in {*asked} - {*ASKED}:
        raise CommandFailed(f"{unknown!r} cannot be asked for; there are {', '.join(ASKED)}.")
    with open_store(data) as (settings, known, store):
        shop = site_named(known, site)
        Question.parse(asked, words, read.today(shop))
        root = page_of_marketers(settings)
        if root is None:
            raise CommandFailed("CONSENT_MARKETERS is none, so no link would open: have it name the host of the page.")
        link = make_link(shop, name, days, kept(asked, words))
        if sum(each.until > link.made for each in store.marketers.links(shop)) >= MOST:
            raise CommandFailed(f"{site} has {MOST} links that work: remove one of them first.")
        path = path_of(shop, link, signing_keys(settings))
        store.marketers.add_link(shop, link)
    click.echo((url or root).rstrip("/") + path)


@links.command("list")
@click.argument("site")
@data_option
@errors_to_exit_2
def list_links(site: str, data: Path | None) -> None:
    """List the links of SITE that work: id, last day, question, whom each is for, and which marketer made it."""
    with open_store(data) as (_, known, store):
        shop = site_named(known, site)
        for link in store.marketers.links(shop):
            if link.until > time.time():
                last = read.day_of(shop, link.until)
                click.echo(f"{link.id}\t{last}\t{link.query or '-'}\t{link.name}\t{link.by or '-'}")


@links.command("remove")
@click.argument("site")
@click.argument("link")
@data_option
@errors_to_exit_2
def remove_link(site: str, link: str, data: Path | None) -> None:
    """Revoke LINK, an id of the list, at once."""
    with open_store(data) as (_, known, store):
        if not store.marketers.remove_link(site_named(known, site), link):
            raise CommandFailed(f"{site} has no link {link[:40]!r}; consent-server links list {site} shows them.")
    click.echo(f"The link {link} opens nothing any more.")
