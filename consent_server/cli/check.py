"""``consent-server check``: what is wrong with configuration and deployment, and what to type."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import click

from ..check import events, faults, network, store
from ..check.page import look
from ..settings.environment import Settings
from ..settings.rows import SettingsError, address
from ..settings.shops import read_sites
from ..site import Site
from ..store import embedded
from .serving.chores import refusals
from .serving.ports import free_port
from .terminal import CommandFailed, config_of, data_option, environment_of, errors_to_exit_2, site_named


def _address(_: click.Context, option: click.Parameter, given: str | None) -> str | None:
    try:
        return None if given is None else address(given)
    except ValueError as error:
        raise click.UsageError(f"--{option.name} {error}") from None


@click.command("check")
@click.option(
    "--url", callback=_address, help="Where the server is reached from outside, such as https://consent.shop.example."
)
@click.option(
    "--page",
    callback=_address,
    help="A page of the shop to look at in a browser, in every state of consent, as `audit` does with many.",
)
@click.option("--site", "only", help="The shop that --page or --webhook is about, if there are several.")
@click.option("--webhook", "posts", is_flag=True, help="Post a test event to each webhook, or to that of --site.")
@click.option("--offline", is_flag=True, help="Leave out whether the shops' pages answer.")
@data_option
@errors_to_exit_2
def check(url: str | None, page: str | None, only: str | None, posts: bool, offline: bool, data: Path | None) -> None:
    """Say what is wrong with configuration and deployment, and what to type; prints the tag for each shop.

    Exit status 1 if something must be mended; advice alone leaves it at 0.
    """
    logging.getLogger("consent_server").addHandler(logging.NullHandler())  # what is wrong is said once, below
    environ = environment_of(data)
    settings, found = faults.environment(environ, Path.cwd())
    if environ == os.environ:  # a demo looked at with its own secret is none that others answer
        found += faults.secret(settings, Path.cwd(), environ)
    settings = click.get_current_context().with_resource(_with_store(settings, data))
    found += store.storage(settings)
    sites: dict[str, Site] = {}
    try:
        sites = read_sites(config_of(settings, data, environ))
    except SettingsError as error:
        found.append(faults.unread(error))
    about = site_named(sites, only) if sites and only else None
    looked_at = about or (_shop_of(page, sites) if sites and page else None)
    public = (url or "").rstrip("/")
    for shop in sites.values():
        found += faults.site(shop)
        found += faults.places(shop, settings)
        if public:
            found += faults.kept_by_safari(shop, public)
        if not offline:
            found += network.shops_answer(shop)
    if sites and public:
        found += network.reached(public, settings, sites.values())
    if looked_at and page:
        found += look(looked_at, page)
    found += store.alarms(settings, sites.values())
    found += _not_served(settings, sites)
    hooks, faulty = events.configured(settings, sites)
    found += [*faulty, *events.waiting(settings, sites, hooks)]
    if sites and posts:
        for tried in events.tried([about.id] if about else sites, hooks):
            if isinstance(tried, str):
                click.echo(tried)
            else:
                found.append(tried)
    for fault in sorted(found, key=lambda fault: not fault.grave):
        click.echo(f"{'Must be mended' if fault.grave else 'Advice'}: {fault.fault}\n    {fault.cure}")
    for shop in sites.values():
        server = public or f"https://YOUR-SERVER{settings.prefix}"
        click.echo(f"The tag for {shop.id}, {faults.where(shop)}:\n    {faults.tag(shop, server)}")
    grave = sum(fault.grave for fault in found)
    click.echo(f"{grave or 'Nothing'} to mend.", err=True)
    raise SystemExit(1 if grave else 0)


@contextmanager
def _with_store(settings: Settings, data: Path | None) -> Iterator[Settings]:
    """Give the settings with the store to look at: one of our own that runs, or that --data names, as any other."""
    if data:
        with embedded.at(data) as url:
            yield replace(settings, redis_url=url, data=data)
    else:
        yield settings if settings.redis_url else replace(settings, redis_url=embedded.running(settings.data))


def _shop_of(page: str, sites: Mapping[str, Site]) -> Site:
    """Return the shop whose page this is, by its origin; the only one there is, whatever its origins.

    Raises:
        CommandFailed: several may be meant.
    """
    parts = urlsplit(page)
    of_origin = [shop for shop in sites.values() if f"{parts.scheme}://{parts.netloc}".lower() in shop.all_origins]
    found = of_origin if len(sites) > 1 else [*sites.values()]
    if len(found) != 1:
        what = "several shops" if found else "no shop"
        raise CommandFailed(
            f"The origin of {page} is that of {what}; say with --site which is meant: {', '.join(sites)}."
        )
    return found[0]


def _not_served(settings: Settings, sites: Mapping[str, Site]) -> Iterator[faults.Fault]:
    """Find what `serve` refuses at its start and nobody else tells of."""
    for error in refusals(settings, sites) if sites else ():
        yield faults.Fault(str(error), "mend that, or take it out: `serve` does not start with it")
    try:
        free_port(settings.host)
    except CommandFailed as error:
        what, _, cure = error.message.partition(": ")
        yield faults.Fault(f"{what}.", cure.rstrip("."))
