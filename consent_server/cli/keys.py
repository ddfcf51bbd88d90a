"""``consent-server keys``: the public keys, and how to change the secret behind them."""

from __future__ import annotations

import secrets
from pathlib import Path

import click

from ..proof.keys import all_published, published, unendorsed, vouch
from ..settings.environment import read_environment
from ..verify import plain, read_keys
from .terminal import (
    EndsInIdentifier,
    data_option,
    echo_json,
    environment_of,
    errors_to_exit_2,
    open_store,
    signing_keys,
)


@click.group(invoke_without_command=True)
@click.option("--all", "ever", is_flag=True, help="With the keys of secrets that were taken out since: for an audit.")
@data_option
@click.pass_context
@errors_to_exit_2
def keys(context: click.Context, ever: bool, data: Path | None) -> None:
    """Print the public keys by which anybody can check a token (JWK set), newest first."""
    if context.invoked_subcommand is not None:
        return
    if not ever:
        echo_json(published(signing_keys(read_environment(environment_of(data)))))
        return
    with open_store(data) as (settings, _, store):
        configured = signing_keys(settings)
        echo_json(all_published(store, configured))
        for name in map(plain, unendorsed(store, configured)):
            click.echo(
                f"No key endorses {name}, which the store holds too. If it is of an older secret of yours, put that "
                f"behind today's for one start, or type: consent-server keys vouch {name}",
                err=True,
            )


@keys.command("vouch", cls=EndsInIdentifier)
@click.argument("kid")
@click.option(
    "--keys", "file", type=click.Path(path_type=Path), help="Where KID is: a keys.json of before, kept elsewhere."
)
@data_option
@errors_to_exit_2
def vouch_for(kid: str, file: Path | None, data: Path | None) -> None:
    """Have today's key endorse KID, of an older secret that is lost, so that the log goes on.

    Without --keys it is one that a version without endorsements kept in the store: compare KID with a list of keys that
    was not in there, for whoever wrote to it can have put a key there.
    """
    kept = read_keys(file) if file else None
    with open_store(data, writes=True) as (settings, _, store):
        vouch(store, signing_keys(settings), kid, kept)
    click.echo(f"{kid} is believed from now on, in exports too.")


@keys.command()
@errors_to_exit_2
def rotate() -> None:
    """Make a new secret and say how to change to it without a token failing. Changes nothing itself."""
    settings = read_environment()
    new = secrets.token_urlsafe(32)
    old = len(settings.secret)
    click.echo(f"New secret: {new}")
    click.echo(
        f"1. Put it in front of the {'one' if old == 1 else old} that CONSENT_SECRET has now, with a comma between, "
        "stop every server, then start them: the new one signs, all verify. Pages keep what is answered meanwhile. A "
        "reload does not take it, for a server with the old one alone refuses what follows an answer of the new one.\n"
        "2. Back ends that check tokens by themselves fetch /v1/keys.json again; it lists the keys, newest first.\n"
        "3. When the last token of the old secret has expired (`keep` in consent.toml after step 1), take the old one "
        "out. The log keeps its public key, so that old entries still prove themselves."
        if old
        else "Put it into CONSENT_SECRET, or into a file that CONSENT_SECRET_FILE names."
    )
