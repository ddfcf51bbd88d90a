"""``consent-server digest``: how the last week was, as text or by mail."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from ...chores.digest.mail import MailServer
from ...chores.digest.sending import Digest
from ...settings.environment import address_of_mail
from ...web.marketer.words import LANGUAGES
from ..terminal import CommandFailed, data_option, errors_to_exit_2, open_store, site_named


@click.command("digest")
@click.argument("site")
@click.option("--to", multiple=True, help="Send it to this address instead of printing it; may be repeated.")
@click.option("--lang", type=click.Choice(LANGUAGES), help="Its language (default: the shop's first one).")
@data_option
@errors_to_exit_2
def digest_command(site: str, to: tuple[str, ...], lang: str | None, data: Path | None) -> None:
    """Print the digest of SITE's last week, or send it now, whoever had it already."""
    with open_store(data) as (settings, known, store):
        shop = site_named(known, site)
        mail = MailServer.named(settings)
        if to and not mail:
            raise CommandFailed("CONSENT_SMTP is not set: export CONSENT_SMTP=smtp://NAME:PASSWORD@HOST:587.")
        for address in to:
            try:
                address_of_mail(address)
            except ValueError as error:
                raise CommandFailed(f"--to is {address[:80]!r} but {error}.") from None
        digest = Digest(store, shop, settings, datetime.now(UTC))
        letter = digest.letter(lang)
        for address in to:
            if mail:
                mail.send(letter.message(mail.sender, address, f"{digest.name} {digest.now.timestamp()}"))
                click.echo(f"Sent to {address}: {letter.subject}.")
    if not to:
        click.echo(letter.text, nl=False)
