"""``consent-server log``: the log of decisions as evidence."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from shlex import quote
from time import monotonic
from typing import IO

import click

from ..banner.scripts import replay
from ..chores.housekeeping import close_days, tell_at
from ..events.following import START, follow
from ..events.telling import Teller
from ..events.webhook import NotTaken, Webhook, webhooks
from ..proof.attested.stamps import SECONDS_A_ROUND, Authority, NotStamped, stamp
from ..proof.attested.witnesses import cosign
from ..proof.entries import Unproven
from ..proof.erasure import carry_over
from ..proof.log import append, export, first_day, seal, write
from ..proof.seals import require_newest_key
from ..settings.environment import Settings
from ..site import Notice, Site
from ..store import ClocksApart, OtherBuckets, Store, Unreadable
from ..store.connection.away import OtherKind
from ..tokens import Keys
from ..verify import Witness
from .backups.archive import archive_log
from .backups.restored import restored_log
from .backups.verified import verify_log
from .terminal import (
    CommandFailed,
    EndsInIdentifier,
    data_option,
    day,
    echo_json,
    errors_to_exit_2,
    open_store,
    signing_keys,
    site_named,
)


@click.group()
def log() -> None:
    """The log of decisions as evidence: export it, verify an export, seal days, see a notice as it was."""


@log.command("export")
@click.argument("site")
@click.option(
    "--out", type=click.Path(path_type=Path), help="File to write, after a cursor to add to; NAME.jsonl.gz compresses."
)
@click.option("--from", "first", help="First day (default: the oldest); days are UTC.")
@click.option("--to", "last", help="Last day (default: today).")
@click.option("--since", "cursor", help="Print each decision after this cursor, or all: `start`; a line of JSON each.")
@click.option("--with-tokens", is_flag=True, help="Name people by their tokens, not by a hash alone.")
@data_option
@errors_to_exit_2
def export_log(
    site: str,
    out: Path | None,
    first: str | None,
    last: str | None,
    cursor: str | None,
    with_tokens: bool,
    data: Path | None,
) -> None:
    """Write the log of SITE with the notices, seals and keys that prove it; only you can read the file.

    With --since it prints, for other systems, what was decided after a cursor. The cursor of the last line that you
    have is where you go on, without gap or repeat.
    """
    if cursor is not None:
        if first or last or with_tokens:
            raise CommandFailed("--since goes from a cursor to now, without tokens: leave the other options out.")
        _follow_log(site, out, cursor, data)
        return
    if out is None:
        raise CommandFailed("--out is missing: name the file to write, or the cursor to read on from with --since.")
    now = datetime.now(UTC)
    until = day("--to", last) or now.date()
    since = day("--from", first)
    if until > now.date():
        raise CommandFailed(f"--to {until} is still to come; today is {now.date()} (UTC).")
    if since and since > until:
        raise CommandFailed(f"--from {since} is after --to {until}.")
    with open_store(data, writes=True) as (settings, sites, store):
        shop, keys = site_named(sites, site), signing_keys(settings)
        require_newest_key(store, shop, keys, until)  # or the file would not prove itself
        _seal_up_to(until, store, shop, keys, now)
        write(out, _exported(store, shop, keys, since, until, settings, with_tokens))
        archived, begins = [made for made in store.log.archives(shop) if not since], first_day(store, shop)
    how = f"consent-server log verify {quote(str(out))} --keys FILE"
    click.echo(f"{out} holds the log of {shop.id} up to {until}; check it with: {how}")
    if archived:
        click.echo(f"It begins after {archived[-1].last}: the days up to then were archived, to {archived[-1].file}.")
    if since and begins and since < begins:
        click.echo(f"It begins with {begins}: the log has no day before.")
    if with_tokens:
        click.echo("It holds everybody's token: whoever reads it can change and erase their answers.", err=True)


def _follow_log(site: str, out: Path | None, cursor: str, data: Path | None) -> None:
    """Write, or print, what was decided after a cursor."""
    with open_store(data) as (_, sites, store):
        lines_of = follow(store, site_named(sites, site), cursor)
        if out:
            (write if cursor == START else append)(out, lines_of)
        for line in () if out else lines_of:
            click.echo(line, nl=False)


def _seal_up_to(last: date, store: Store, shop: Site, keys: Keys, now: datetime) -> None:
    """Seal what is over; what cannot be hinders no export of days that are sealed already."""
    try:
        seal(store, shop, keys, now)
    except (ClocksApart, Unproven, Unreadable) as error:
        if last > max(store.log.seals(shop), default=date.min):
            raise
        click.echo(f"{error} No later day is sealed; those that are asked for were.", err=True)


def _exported(
    store: Store, shop: Site, keys: Keys, since: date | None, until: date, settings: Settings, with_tokens: bool
) -> Iterator[bytes]:
    """Yield the lines of the file, and tell a terminal how far they are; nothing is read before the file is there."""

    def tell(day: date, entries: int) -> None:
        click.echo(f"\r{day}  {entries:,} entries", nl=False, err=True)

    progress = tell if sys.stderr.isatty() else lambda *_: None
    # by the clock that dates answers: who compares exports goes by it
    made = datetime.fromtimestamp(store.attestations.time(shop) / 1000, UTC)
    authority = Authority.readable(settings.tsa, settings.tsa_certificate, partial(click.echo, err=True))
    yield from export(store, shop, keys, since, until, made, progress, with_tokens=with_tokens, authority=authority)


@log.command("seal")
@click.argument("site", required=False)
@data_option
@errors_to_exit_2
def seal_log(site: str | None, data: Path | None) -> None:
    """Seal every day of SITE, or of all sites, that is over; the running server does so by itself.

    And what else it does: what was erased leaves memory and files, alarms and decisions are told to webhooks, with
    CONSENT_TSA seals are stamped. Exit status 1 if a webhook does not take what there is.
    """
    with open_store(data, writes=True) as (settings, sites, store):
        told = webhooks(sites, settings.webhook, settings.webhook_secret)
        keys = signing_keys(settings)
        shops = [site_named(sites, site)] if site else [*_fitting(sites)]
        failed = [] if site else [name for name in sites if name not in {shop.id for shop in shops}]
        failed += [shop.id for shop in shops if not _kept(store, shop, keys)]
        untold = [shop for shop in shops if not _told(store, shop, told.get(shop.id))]
        until = monotonic() + SECONDS_A_ROUND
        authority = Authority.named(settings.tsa, settings.tsa_certificate)  # what is wrong with it keeps no day open
        for shop in shops:
            try:
                if authority:
                    _tell_days(shop.id, "time-stamped", stamp(store, shop, authority, until - monotonic()))
            except (NotStamped, Unreadable, OtherKind) as error:
                click.echo(f"{error} Seals that lack a time-stamp get it another time.", err=True)
    if failed:
        raise CommandFailed(f"Not all was done: {', '.join(failed)}.")
    if untold:
        raise SystemExit(1)


def _fitting(sites: Mapping[str, Site]) -> Iterator[Site]:
    """Yield the shops of which what is kept can be found, and say which are not among them."""
    for name in sites:
        try:
            yield sites[name]
        except OtherBuckets as error:
            click.echo(f"{name} is not sealed: {error}", err=True)


def _kept(store: Store, shop: Site, keys: Keys) -> bool:
    """Do what is due at a site, and return whether all of it was done."""
    sealed, faults = close_days(store, shop, keys, datetime.now(UTC))
    if sealed or not faults:
        _tell_days(shop.id, "sealed", sealed)
    for fault in faults:
        click.echo(fault, err=True)
    return not faults


def _told(store: Store, shop: Site, webhook: Webhook | None) -> bool:
    """Tell a site's webhook, if it has one, what there is to tell, and return whether it took it."""
    if webhook is None:
        return True
    due: list[Callable[[], object]] = [lambda: tell_at(datetime.now(UTC), store, shop, webhook)]
    if webhook.secrets:
        due.append(lambda: Teller(store, shop, webhook).tell_all())
    is_told = True
    for each in due:  # an alarm that is refused keeps no decision back
        try:
            each()
        except (NotTaken, Unreadable, OtherKind) as error:
            click.echo(f"What there is of {shop.id} was not told: {error}", err=True)
            is_told = False
    return is_told


def _tell_days(site: str, done: str, days: Sequence[date]) -> None:
    click.echo(f"{site}: {len(days)} days {done}{': ' if days else ''}{', '.join(map(str, days))}")


@log.command("cosign")
@click.argument("site")
@click.option("--file", "note", type=click.File("r", "utf-8"), required=True, help="The checkpoint with cosignatures.")
@click.option("--witness", required=True, help="The key of the witness, as it gives it: NAME+HASH+KEY.")
@data_option
@errors_to_exit_2
def cosign_log(site: str, note: IO[str], witness: str, data: Path | None) -> None:
    """Keep what a witness signed of SITE's checkpoint, for exports and for GET /v1/SITE/seals?format=checkpoint."""
    try:
        text = note.read(20_001)
    except ValueError:
        raise CommandFailed(f"{note.name} is no text.") from None
    known = Witness.of(witness)
    with open_store(data, writes=True) as (settings, sites, store):
        size, at = cosign(store, site_named(sites, site), signing_keys(settings), text, known)
    click.echo(f"{known.name} cosigned the first {size} seals of {site} on {datetime.fromtimestamp(at, UTC):%Y-%m-%d}.")


log.add_command(archive_log)
log.add_command(restored_log)
log.add_command(verify_log)


@log.command("carry-over")
@click.argument("site")
@data_option
@errors_to_exit_2
def carry_over_log(site: str, data: Path | None) -> None:
    """Once, after an update from a version whose erasures left no statement: sign that they were found in SITE's log.

    Nothing proves those, so do it before anybody else can have written to the store.
    """
    with open_store(data, writes=True) as (settings, sites, store):
        progress = (lambda n: click.echo(f"\r{n:,}", nl=False, err=True)) if sys.stderr.isatty() else lambda n: None
        shop = site_named(sites, site)
        found = carry_over(store, shop, signing_keys(settings), store.attestations.time(shop) // 1000, progress)
    click.echo(f"{site}: {found} entries that were erased without a statement are signed for as they were found.")


@log.command("notice", cls=EndsInIdentifier)
@click.argument("notice")
@click.option("--html", type=click.Path(path_type=Path), help="Write a page that shows the banner as it was.")
@data_option
@errors_to_exit_2
def show_notice(notice: str, html: Path | None, data: Path | None) -> None:
    """Print what a shopper was asked, word for word, by the hash in a token or an entry."""
    found: Notice | None = None
    with open_store(data) as (_, sites, store):
        for site in sites.values():
            found = found or store.notices.find(site, notice)
    if found is None:
        raise CommandFailed(f"No site here ever showed a notice {notice!r}.")
    if html:
        page, same = replay(found)
        try:
            html.write_text(page, encoding="utf-8")
        except OSError as error:
            raise CommandFailed(f"{html} cannot be written: {error.strerror}.") from None
        click.echo(
            f"{html} shows the banner, by the {'very scripts' if same else 'scripts of today: those of then differed'}."
        )
    else:
        echo_json(found.content)
