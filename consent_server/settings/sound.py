"""What a server runs on: settings and shops, read once, and kept while somebody is half through an edit of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from ..site import Site
from .environment import Settings
from .shops import read_sites


@dataclass(frozen=True)
class Configuration:
    """Settings and shops that fit each other.

    ``written``: when somebody last changed ``consent.toml``; ``outdated``: why this is not what stands there now, in a
    sentence.
    """

    settings: Settings
    sites: Mapping[str, Site]
    written: datetime
    outdated: str = ""

    @classmethod
    def of(cls, settings: Settings) -> Configuration:
        """Return settings with the shops of the ``consent.toml`` that they name.

        Raises:
            SettingsError: something in it is wrong.
        """
        sites = read_sites(settings.config)
        return cls(settings, sites, _written(settings.config))

    def in_spite_of(self, why: str, now: datetime) -> Configuration:
        """Return this configuration, which stays although there is another one: a sentence says why."""
        at = f"{self.written:%H:%M}" if self.written.date() == now.date() else f"{self.written:%Y-%m-%d %H:%M}"
        return replace(self, outdated=f"Running on the configuration of {at}, as {why}")


def _written(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime)
    except OSError:  # it was read, and is gone by now
        return datetime.now()
