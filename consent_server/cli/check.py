"""The operators' commands before there is anything to serve: write a configuration, check one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import click

from ..check import faults
from ..check.visit import visit
from ..decision import Site
from ..rates.read import today, unusual
from ..settings.shops import SITE, Settings, SettingsError, address, read_sites
from ..settings.starter import PURPOSE, compose, write
from ..store import Store, StoreAway, WrongLayout
from .terminal import in_words, named


@click.command("init")
@click.option("--name", help="The shop's name.")
@click.option(
    "--origin", "origins", multiple=True, help="Where its pages are, such as https://shop.example; again for more."
)
@click.option("--policy-url", help="Where its privacy policy is.")
@click.option("--policy-updated", help="The date of that policy, such as 2025-12-20.")
@click.option("--languages", help="Languages of the banner, the shop's first one first, such as az,ru,en.")
@click.option("--folder", type=click.Path(path_type=Path), default=Path(), help="Where to write (default: here).")
@in_words
def init(
    name: str | None,
    origins: tuple[str, ...],
    policy_url: str | None,
    policy_updated: str | None,
    languages: str | None,
    folder: Path,
) -> None:
    """Write a consent.toml and a secret to start from, out of five answers; what is no option is asked."""
    answers = {
        "name": _answer("name", "The shop's name", name),
        "origins": _answer("origins", "Where its pages are (https://shop.example)", " ".join(origins)),
        "policy_url": _answer("policy_url", "Where its privacy policy is", policy_url),
        "policy_updated": _answer("policy_updated", "The date of that policy", policy_updated),
        "languages": _answer("languages", f"Languages of the banner ({', '.join(PURPOSE)})", languages),
    }
    config, secret = write(folder, compose(**answers))
    read_sites(config)
    click.echo(
        f"{config} is for your version control, {secret} is not. Next, type:\n"
        f"  export CONSENT_CONFIG={config} CONSENT_SECRET_FILE={secret}\n"
        "  consent-server check\n  consent-server serve"
    )


def _answer(name: str, question: str, given: str | None) -> Any:
    """Return the value of a site's setting as it was given, or as somebody answers the question."""
    row = next(row for row in SITE if row.name == name)

    def read(text: str) -> Any:
        parts = text.replace(",", " ").split()
        try:
            if name == "languages":
                for lang in parts:
                    if lang not in PURPOSE:
                        raise ValueError(f"takes some of {', '.join(PURPOSE)}; for others write `words`")
            return row.read(parts if name in ("origins", "languages") else text)
        except ValueError as error:
            raise click.UsageError(f"{name.replace('_', '-')} {error}") from None

    return read(given) if given else click.prompt(question, value_proc=read, err=True)


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
    help="A page of the shop to look at in a browser, to compare what it sets with the cookie list.",
)
@click.option("--site", "only", help="The shop that --page belongs to, if there are several.")
@click.option("--offline", is_flag=True, help="Leave out whether the shops' pages answer.")
@in_words
def check(url: str | None, page: str | None, only: str | None, offline: bool) -> None:
    """Say what is wrong with configuration and deployment, and what to type; prints the tag for each shop.

    Exit status 1 if something must be mended; advice alone leaves it at 0.
    """
    settings, found = faults.environment(os.environ)
    found += faults.secret(settings, Path.cwd())
    found += _check_store(settings)
    sites: dict[str, Site] = {}
    try:
        sites = read_sites(settings.config)
    except SettingsError as error:
        found.append(faults.unread(error))
    public = (url or "").rstrip("/")
    for shop in sites.values():
        found += faults.site(shop)
        if public:
            found += faults.kept_by_safari(shop, public)
        if not offline:
            found += faults.shops_answer(shop)
    if sites and public:
        found += faults.reached(public, settings, sites.values())
    if sites and page:
        shop = named(sites, only or next(iter(sites)))
        found += faults.listed(shop, page, visit(page))
    found += _alarms(settings, sites.values())
    for finding in sorted(found, key=lambda finding: not finding.grave):
        click.echo(f"{'Must be mended' if finding.grave else 'Advice'}: {finding.fault}\n    {finding.cure}")
    for shop in sites.values():
        server = public or f"https://YOUR-SERVER{settings.prefix}"
        click.echo(f"The tag for {shop.id}, {faults.where(shop)}:\n    {faults.tag(shop, server)}")
    grave = sum(finding.grave for finding in found)
    click.echo(f"{grave or 'Nothing'} to mend.", err=True)
    raise SystemExit(1 if grave else 0)


def _alarms(settings: Settings, sites: Iterable[Site]) -> list[faults.Finding]:
    """Find rates that have left their usual range, and answers that have stopped."""
    found: list[faults.Finding] = []
    if settings.redis_url:
        # A Redis that is away was found by now.
        with suppress(StoreAway, WrongLayout), closing(Store(settings.redis_url, 2)) as store:
            for shop in sites:
                for alarm in unusual(store, shop, today()):
                    cure = f"look at the rates of {shop.id} by language and device: did a page or the banner change?"
                    found.append(faults.Finding(f"{shop.id}, {alarm}", cure, grave=False))
    return found


def _check_store(settings: Settings) -> list[faults.Finding]:
    """Find what is wrong with Redis, or with the folder of the embedded one."""
    if settings.redis_url is None:
        here = next(
            folder for folder in (settings.data.absolute(), *settings.data.absolute().parents) if folder.exists()
        )
        if here.is_dir() and os.access(here, os.W_OK):
            return []
        return [faults.Finding(f"The data folder {settings.data} cannot be written.", "name another in CONSENT_DATA")]
    try:
        with closing(Store(settings.redis_url, 2)) as store:
            store.ping()
            return [*faults.servers(store.servers(), time.time())]
    except WrongLayout as error:
        return [faults.Finding(str(error), "pip install --upgrade consent-server")]
    except StoreAway as error:
        return [faults.Finding(f"Redis is away: {error.__cause__ or error}.", "start it, or correct REDIS_URL")]
