"""What to type for a server that has no secret: one that is there goes first, as a log goes on with its own alone."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from ..starter import SECRET_FILE


def to_have_one(folder: Path) -> str:
    """Return how a server in ``folder`` comes to its secret."""
    if said_in(folder / SECRET_FILE):
        return f"type: export CONSENT_SECRET_FILE={SECRET_FILE}"
    return f"take the one that the server has; for a shop that nobody has answered yet, {to_make_one(folder)}"


def to_make_one(folder: Path) -> str:
    """Return what to type for a secret in a file of its own: none that is there is touched, by the shell neither."""
    names = (f"{SECRET_FILE}{f'-{n}' if n > 1 else ''}" for n in count(1))
    name = next(name for name in names if not (folder / name).exists())
    made = f"python3 -c 'import secrets; print(secrets.token_urlsafe(32))' > {name}"
    return f"type: (umask 077; set -C; {made}) && export CONSENT_SECRET_FILE={name}"


def said_in(path: Path) -> str:
    """Return what a small file says; nothing, if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig").strip()
    except (OSError, ValueError):
        return ""
