"""A ``consent.toml`` and a secret to start from, out of the answers to five questions."""

from __future__ import annotations

import json
import os
import re
import secrets
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from importlib.resources import files
from pathlib import Path
from zoneinfo import available_timezones

from ..site import ConsentError

SECRET_FILE = "consent-secret"  # nosec B105  # noqa: S105 the name of a file

TEMPLATE = files(__package__).joinpath("starter.txt").read_text("utf-8")


class Exists(ConsentError):
    """A file is there already, and is left alone."""

    problem = "exists"


_TIMEZONE = " # days of the rates begin and end in it; UTC without one"

_LOCALTIME = Path("/etc/localtime")


def zone_here() -> str | None:
    """Return the time zone of this machine, where it says one by name that is not UTC's: the shop's, most likely."""
    named = os.environ.get("TZ", "").removeprefix(":")
    linked = str(_LOCALTIME.resolve()).rpartition("zoneinfo/")[2] if _LOCALTIME.is_symlink() else ""
    name = named or linked
    return name if name in available_timezones() and "/" in name and not name.startswith("Etc/") else None


def site_id(name: str) -> str:
    """Return an id for a shop of that name: it stands in addresses, tokens and the Redis keys."""
    plain = unicodedata.normalize("NFKD", name.replace("ə", "e").replace("ı", "i").lower())
    ascii_only = plain.encode("ascii", "ignore").decode()
    return re.sub("[^a-z0-9]+", "-", ascii_only).strip("-")[:32].strip("-") or "shop"


def compose(
    name: str,
    origins: Iterable[str],
    policy_url: str,
    policy_updated: date,
    languages: Iterable[str],
    life: Mapping[str, str],
    timezone: str | None = None,
) -> str:
    """Return the text of a ``consent.toml``, with comments.

    Args:
        name: the shop's name.
        origins: where its pages are.
        policy_url: where its privacy policy is.
        policy_updated: the date of that policy.
        languages: languages of the banner, the shop's first one first.
        life: how long the example lives, as each of these languages says it.
        timezone: in which the days of the rates begin and end, if that is known.
    """
    name, languages = " ".join(name.split()), [*languages]
    return TEMPLATE.format(
        id=site_id(name),
        name=name,
        name_text=_toml(name),
        origins=_toml([*origins]),
        policy_url=_toml(policy_url),
        policy_updated=policy_updated.isoformat(),
        languages=_toml(languages),
        timezone=("" if timezone else "# ") + f"timezone = {_toml(timezone or 'Asia/Baku')}".ljust(38) + _TIMEZONE,
        purposes="\n".join(f'# purpose.{lang} = "…"' for lang in languages),
        lives="\n".join(f"# life.{lang} = {_toml(life[lang])}" for lang in languages),
    )


def _toml(value: object) -> str:
    """Return a text or a list of texts as TOML, which takes what JSON writes."""
    return json.dumps(value, ensure_ascii=False)


def write(folder: Path, text: str) -> tuple[Path, Path]:
    """Write ``consent.toml`` and a new secret, readable by its owner alone, and return both paths.

    Raises:
        Exists: one of them is there already; nothing is written.
        ConsentError: the folder cannot be written.
    """
    config, secret = folder / "consent.toml", folder / SECRET_FILE
    for path in (config, secret):
        if path.exists():
            raise Exists(f"{path} exists and is left as it is: edit it, or move it away first.")
    made: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with config.open("x", encoding="utf-8") as file:
            made.append(config)
            file.write(text)
        made.append(secret)
        with open(os.open(secret, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
    except OSError as error:
        for path in made:  # half of either would be in the way of the next try
            path.unlink(missing_ok=True)
        raise ConsentError(
            f"{folder.absolute()} cannot be written ({error.strerror}): name another with --folder."
        ) from None
    return config, secret
