"""``consent-server log verify``: whether an export proves itself, wherever it lies."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import NamedTemporaryFile

import click

from ...proof.keys import published
from ...settings.environment import read_environment
from ...tokens import Keys
from ...verify import Failed, check
from ..terminal import CommandFailed, errors_to_exit_2


@click.command("verify")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--keys",
    "keys_file",
    type=click.Path(path_type=Path),
    help="The public key to trust, or several: a JWK, or a JWK set as of /v1/keys.json (default: those of the secret).",
)
@click.option("--after", "older", type=click.Path(path_type=Path), help="An older export: all of it must be here too.")
@click.option(
    "--tsa-certificate",
    "certificate",
    type=click.Path(path_type=Path),
    help="Certificates of the time-stamp authority (PEM), by which the stamps of seals are checked.",
)
@click.option("--witness", "witnesses", multiple=True, help="Key of a witness that must have cosigned it; repeatable.")
@errors_to_exit_2
def verify_log(
    file: Path, keys_file: Path | None, older: Path | None, certificate: Path | None, witnesses: tuple[str, ...]
) -> None:
    """Check an export offline: signatures, seals, chain, gaps, counts. Needs no Redis, and with --keys no secret."""
    try:
        with NamedTemporaryFile("w", suffix=".json") as own:
            if keys_file is None:
                json.dump(published(_own_keys()), own)
                own.flush()
            click.echo(str(check(file, keys_file or Path(own.name), older, certificate, witnesses)))
    except Failed as error:
        click.echo(str(error), err=True)
        raise SystemExit(1) from None


def _own_keys() -> Keys:
    secret = read_environment().secret
    if not secret:
        raise CommandFailed(
            "Say with --keys whose signatures to trust; those of CONSENT_SECRET cannot be, as it is not set."
        )
    return Keys(secret)
