"""The last ``consent.toml`` that was sound, for a worker that starts while somebody is half through an edit."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TypeVar

from ..site import ConsentError
from .environment import Settings

Made = TypeVar("Made")

KEPT = "CONSENT_CONFIG_KEPT"
"""The variable by which a worker knows where the last sound file is kept."""


def keep(config: Path, folder: Path) -> None:
    """Keep a file that is sound, at once or not at all, and have workers that start from now on know of it."""
    path = folder / "consent.toml"
    with NamedTemporaryFile(dir=folder, delete=False) as file:
        file.write(config.read_bytes())
    os.replace(file.name, path)
    os.environ[KEPT] = str(path)


def made_of_a_sound_one(make: Callable[[Settings], Made], settings: Settings) -> tuple[Made, str]:
    """Make something of today's file, or else of the last that was sound.

    Returns:
        What was made, and a sentence on why it is not of today's file; empty if it is.

    Raises:
        ConsentError: today's file is wrong, and none is kept.
    """
    kept = os.environ.get(KEPT)
    try:
        made = make(settings)
    except ConsentError as error:
        if not kept:
            raise
        since = datetime.fromtimestamp(Path(kept).stat().st_mtime)
        return make(replace(settings, config=Path(kept))), f"Running on the configuration of {since:%H:%M}, as {error}"
    if kept:
        keep(settings.config, Path(kept).parent)
    return made, ""
