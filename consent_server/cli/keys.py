"""``consent-server keys``: the public keys, and how to change the secret behind them."""

from __future__ import annotations

import secrets
from pathlib import Path

import click

from ..settings.environment import read_environment
from .terminal import data_option, echo_json, errors_to_exit_2, open_store, signing_keys


@click.group(invoke_without_command=True)
@click.option("--all", "ever", is_flag=True, help="With the keys of secrets that were taken out since: for an audit.")
@data_option
@click.pass_context
@errors_to_exit_2
def keys(context: click.Context, ever: bool, data: Path | None) -> None:
    """Print the public keys by which anybody can check a token (JWK set), newest first."""
    if context.invoked_subcommand is not None:
        return
    if ever:
        with open_store(data) as (settings, _, store):
            found = signing_keys(settings).jwks()["keys"]
            found += [key for key in store.keys.all() if key not in found]
    else:
        found = signing_keys(read_environment()).jwks()["keys"]
    echo_json({"keys": found})


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
        "and restart every server: the new one signs, all verify.\n"
        "2. Back ends that check tokens by themselves fetch /v1/keys.json again; it lists the keys, newest first.\n"
        "3. When the last token of the old secret has expired (`keep` in consent.toml after step 1), take the old one "
        "out. The log keeps its public key, so that old entries still prove themselves."
        if old
        else "Put it into CONSENT_SECRET, or into a file that CONSENT_SECRET_FILE names."
    )
