"""``consent-server marketers``: who may read the rates."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from ...rates import read
from ...site import Site
from ...store import ApiKey, ReportLink, Store
from ...web.marketer.session import LONGEST, LONGEST_NAME, SHORTEST, hash_password
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
    """Let NAME read the rates of SITES, and of no others any more; asks for a password."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else _asked()
    if len(password) < SHORTEST:
        raise CommandFailed(f"A password takes at least {SHORTEST} characters.")
    if len(password) > LONGEST or not 0 < len(name.strip()) <= LONGEST_NAME:  # with which nobody could log in
        raise CommandFailed(f"A password takes at most {LONGEST} characters, and a name 1 to {LONGEST_NAME}.")
    with open_store(data) as (_, known, store):
        theirs = [site_named(known, site).id for site in sites]
        before = store.marketers.find(name)
        lost = [site for site in before.sites if site not in theirs] if before else []
        made = [(site, each) for site, each in _made_by(name, known.values(), store) if site.id in lost]
        store.marketers.add(name, hash_password(password), theirs)
    click.echo(f"{name} may read the rates of {', '.join(sites)}.")
    if before:
        click.echo(f"{name} was there before: the password until now opens nothing any more, and the sessions ended.")
    for site in lost:
        click.echo(f"{name} may not read the rates of {site} any more.")
    for of, each in made:
        click.echo(f"{_named(of, each)} goes on.")
    if lost:
        both = " ".join(map(shlex.quote, [name, *lost, *sites]))
        click.echo(f"If that was not meant, type: consent-server marketers add {both}", err=True)


def _asked() -> str:
    try:
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    except click.Abort:  # Ctrl-C, or nobody is there to answer
        raise CommandFailed("Nobody was let in, for no password was typed; give it with --password-stdin.") from None


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
@click.option("--revoke", is_flag=True, help="End the links and API keys that they made; also afterwards.")
@data_option
@errors_to_exit_2
def remove_marketer(name: str, revoke: bool, data: Path | None) -> None:
    """Take the right to read rates away from NAME, at once; what they handed out to others goes on, and is named."""
    with open_store(data) as (_, known, store):
        was_known = store.marketers.remove(name)
        made = [*_made_by(name, known.values(), store)]
        if not was_known and not (revoke and made):
            raise CommandFailed(f"There is no marketer {name!r}.")
        for site, each in made if revoke else []:
            if isinstance(each, ReportLink):
                store.marketers.remove_link(site, each.id)
            else:
                store.rates_keys.remove(site, each.digest)
    click.echo(f"{name} is removed." if was_known else f"{name} was removed before.")
    for site, each in made:
        click.echo(f"{_named(site, each)} {'is revoked' if revoke else 'goes on'}.")
    if made and not revoke:
        click.echo(f"To end them all, type: consent-server marketers remove {shlex.quote(name)} --revoke", err=True)


def _made_by(name: str, sites: Iterable[Site], store: Store) -> Iterator[tuple[Site, ReportLink | ApiKey]]:
    """Yield what somebody handed out and still opens something."""
    for site in sites:
        yield from (
            (site, link) for link in store.marketers.links(site) if link.by == name and link.until > time.time()
        )
        yield from ((site, key) for key in store.rates_keys.all(site) if key.by == name)


def _named(site: Site, made: ReportLink | ApiKey) -> str:
    """Return what it is; its name is what somebody typed into a page, and may be anything."""
    if isinstance(made, ReportLink):
        last = read.day_of(site, made.until)
        return f"{site.id}: the link {made.id} for {made.name!r}, until {last},"
    return f"{site.id}: the API key for {made.name!r}"
