"""The auditors' door at the terminal: the log as evidence, and what one shopper may ask for."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from ..banner.scripts import replay
from ..decision import Notice
from ..proof.log import archive, export, seal, write
from ..proof.receipt import history
from ..settings.shops import Settings, SettingsError, read_environment
from ..tokens import Keys
from ..verify import Failed, verify
from ..verify import opened as opened_export
from .terminal import CouldNot, data_option, in_words, named, opened


def signing(settings: Settings) -> Keys:
    """Return the keys of the secret in the environment.

    Raises:
        SettingsError: there is none.
    """
    if not settings.secret:
        raise SettingsError("CONSENT_SECRET is not set; take the one that the server has.")
    return Keys(settings.secret)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise CouldNot(f"{text!r} is no day; write it as 2026-11-22.") from None


@click.group()
def log() -> None:
    """The log of decisions as evidence: export it, verify an export, seal days, see a notice as it was."""


@log.command("export")
@click.argument("site")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="File to write; NAME.jsonl.gz compresses.")
@click.option("--from", "first", help="First day (default: the oldest); days are UTC.")
@click.option("--to", "last", help="Last day (default: today).")
@data_option
@in_words
def export_log(site: str, out: Path, first: str | None, last: str | None, data: Path | None) -> None:
    """Write the log of SITE with the notices, seals and keys that prove it."""
    now = datetime.now(UTC)
    until = _day(last) or now.date()
    since = _day(first)
    if since and since > until:
        raise CouldNot(f"--from {since} is after --to {until}.")
    with opened(data) as (settings, sites, store):
        shop, keys = named(sites, site), signing(settings)
        seal(store, shop, keys, now)

        def lines() -> Iterator[bytes]:
            def tell(day: date, entries: int) -> None:
                click.echo(f"\r{day}  {entries:,} entries", nl=False, err=True)

            yield from export(store, shop, keys, since, until, now, tell if sys.stderr.isatty() else lambda *_: None)

        write(out, lines())
    click.echo(f"{out} holds the log of {shop.id} up to {until}; check it with: consent-server log verify {out}")


@log.command("verify")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--keys", "keys_file", type=click.Path(path_type=Path), help="Public keys to trust (/v1/keys.json).")
@in_words
def verify_log(file: Path, keys_file: Path | None) -> None:
    """Check an export offline: signatures, seals, chain, gaps, counts. Needs neither Redis nor the secret."""
    try:
        keys = json.loads(keys_file.read_text("utf-8")) if keys_file else None
    except (OSError, ValueError) as error:
        raise CouldNot(f"{keys_file} cannot be read as public keys: {error}") from None
    try:
        with opened_export(file) as lines:
            summary = verify(lines, keys)
    except Failed as error:
        click.echo(str(error), err=True)
        raise SystemExit(1) from None
    click.echo(str(summary))
    if not keys:
        click.echo("The keys were taken from the export itself: compare them with the server's.", err=True)


@log.command("seal")
@click.argument("site", required=False)
@data_option
@in_words
def seal_log(site: str | None, data: Path | None) -> None:
    """Seal every day of SITE, or of all sites, that is over; the running server does so by itself."""
    with opened(data) as (settings, sites, store):
        keys = signing(settings)
        for shop in [named(sites, site)] if site else sites.values():
            sealed = seal(store, shop, keys, datetime.now(UTC))
            click.echo(f"{shop.id}: {len(sealed)} days sealed{': ' if sealed else ''}{', '.join(map(str, sealed))}")


@log.command("archive")
@click.argument("site")
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False), required=True, help="Archive folder.")
@data_option
@in_words
def archive_log(site: str, folder: Path, data: Path | None) -> None:
    """Move the days that need no longer be proven to an archive: exported, verified, and only then trimmed."""
    with opened(data) as (settings, sites, store):
        try:
            done = archive(store, named(sites, site), signing(settings), folder, datetime.now(UTC))
        except Failed as error:
            click.echo(f"The archive does not prove itself, so nothing was trimmed. {error}", err=True)
            raise SystemExit(1) from None
    click.echo(
        f"{done[0]} holds {done[1]} entries, which are trimmed from the log." if done else "No day is old enough."
    )


@log.command("notice")
@click.argument("notice")
@click.option("--html", type=click.Path(path_type=Path), help="Write a page that shows the banner as it was.")
@data_option
@in_words
def show_notice(notice: str, html: Path | None, data: Path | None) -> None:
    """Print what a shopper was asked, word for word, by the hash in a token or an entry."""
    found: Notice | None = None
    with opened(data) as (_, sites, store):
        for site in sites.values():
            found = found or store.notice(site, notice)
    if found is None:
        raise CouldNot(f"No site here ever showed a notice {notice!r}.")
    if html:
        page, same = replay(found)
        try:
            html.write_text(page, encoding="utf-8")
        except OSError as error:
            raise CouldNot(f"{html} cannot be written: {error.strerror}.") from None
        click.echo(
            f"{html} shows the banner, by the {'very scripts' if same else 'scripts of today: those of then differed'}."
        )
    else:
        click.echo(msgspec.json.format(msgspec.json.encode(found.content)).decode())


@click.command("export")
@click.argument("site")
@click.argument("receipt")
@data_option
@in_words
def export_shopper(site: str, receipt: str, data: Path | None) -> None:
    """Print all that is held about one shopper: RECEIPT is the identifier in their receipt, or `sub` of a token."""
    with opened(data) as (_, sites, store):
        shop = named(sites, site)
        entries = store.history(shop, receipt)
        events: list[dict[str, Any]] = history(entries, store.notices(shop)) if entries else []
    if not events:
        raise CouldNot(f"Nothing is held at {shop.id} under {receipt!r}.")
    click.echo(msgspec.json.format(msgspec.json.encode({"site": shop.id, "history": events})).decode())


@click.group(invoke_without_command=True)
@click.option("--all", "ever", is_flag=True, help="With the keys of secrets that were taken out since: for an audit.")
@data_option
@click.pass_context
@in_words
def keys(context: click.Context, ever: bool, data: Path | None) -> None:
    """Print the public keys by which anybody can check a token (JWK set), newest first."""
    if context.invoked_subcommand is not None:
        return
    if ever:
        with opened(data) as (settings, _, store):
            found = signing(settings).jwks()["keys"]
            found += [key for key in store.remembered_keys() if key not in found]
    else:
        found = signing(read_environment()).jwks()["keys"]
    click.echo(msgspec.json.format(msgspec.json.encode({"keys": found})).decode())


@keys.command()
@in_words
def rotate() -> None:
    """Make a new secret and say how to change to it without a token failing. Changes nothing itself."""
    settings = read_environment()
    new = secrets.token_urlsafe(32)
    old = len(settings.secret)
    click.echo(f"New secret: {new}")
    click.echo(
        f"1. Put it in front of the {'one' if old == 1 else old} that CONSENT_SECRET has now, with a comma between, "
        "and restart every server: the new one signs, all verify.\n"
        "2. Back ends that check tokens by themselves fetch /v1/keys.json again; it lists the keys, newest first.\n"
        "3. When the last token of the old secret has expired (`keep` in consent.toml after step 1), take the old one "
        "out. The log keeps its public key, so that old entries still prove themselves."
        if old
        else "Put it into CONSENT_SECRET, or into a file that CONSENT_SECRET_FILE names."
    )
