"""``consent-server init``: a configuration and a secret to start from."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Any

import click

from ..catalogue.ours import PURPOSE
from ..catalogue.spans import time_span
from ..settings.rows import duration
from ..settings.shops import SITE, read_sites
from ..settings.starter import compose, write, zone_here
from ..site import ConsentError
from .terminal import CommandFailed, errors_to_exit_2


@click.command("init")
@click.option("--name", help="The shop's name.")
@click.option(
    "--origin", "origins", multiple=True, help="Where its pages are, such as https://shop.example; again for more."
)
@click.option("--policy-url", help="Where its privacy policy is.")
@click.option("--policy-updated", help="The date of that policy, such as 2025-12-20.")
@click.option("--languages", help="Languages of the banner, the shop's first one first, such as az,ru,en.")
@click.option("--folder", type=click.Path(path_type=Path), default=Path(), help="Where to write (default: here).")
@errors_to_exit_2
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
        "languages": _answer("languages", "Languages of the banner (such as az, ru, en)", languages),
    }
    if not " ".join(answers["name"].split()).isprintable():
        raise CommandFailed("Nothing was written, for the shop's name has a sign in it that nobody can see.")
    life = {lang: time_span(duration("13 months"), lang) for lang in answers["languages"]}
    config, secret = write(folder, compose(**answers, life=life, timezone=zone_here()))
    try:
        read_sites(config)
    except ConsentError:
        config.unlink()  # either would be in the way of the next try
        secret.unlink()
        raise
    click.echo(
        f"{config} is for your version control, {secret} is not. Next, type:\n"
        f"  export CONSENT_CONFIG={quote(str(config))} CONSENT_SECRET_FILE={quote(str(secret))}\n"
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

    try:
        return read(given) if given else click.prompt(question, value_proc=read, err=True)
    except click.Abort:  # Ctrl-C, or nobody is there to answer
        option = "origin" if name == "origins" else name.replace("_", "-")
        raise CommandFailed(f"Nothing was written, for there was no answer; give it as --{option}.") from None
