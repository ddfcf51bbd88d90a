"""What the running app answers with, and how a view gets at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast
from urllib.parse import urlsplit

from flask import current_app

from ..banner.scripts import SiteScripts
from ..settings.environment import Settings
from ..site import ConsentError, Site
from ..store import Store
from ..tokens import Keys
from .foreign_origins import ForeignOrigins
from .limits import Limits
from .refusals import Refusals


class UnknownSite(ConsentError):
    """No shop of that id."""

    problem = "unknown-site"


@dataclass(frozen=True)
class Services:
    """What there is one of in an app."""

    settings: Settings
    sites: Mapping[str, Site]
    store: Store
    keys: Keys
    limits: Limits
    foreign_origins: ForeignOrigins
    scripts: Mapping[str, SiteScripts]
    """What each site serves, by its id."""
    refusals: Refusals = field(default_factory=Refusals)
    warnings: list[str] = field(default_factory=list)
    """What an operator should know of how this worker runs, a sentence each."""

    def site(self, site_id: str) -> Site:
        """Return the shop of that id.

        Raises:
            UnknownSite: there is none.
        """
        site = self.sites.get(site_id)
        if site is None:
            raise UnknownSite(f"There is no site {site_id[:40]!r} here.")
        return site

    @cached_property
    def _hosts_of_shops(self) -> frozenset[str]:
        return frozenset(urlsplit(origin).netloc for site in self.sites.values() for origin in site.origins)

    def is_on_shops_host(self, host: str) -> bool:
        """Return whether a host that we are reached at is a shop's."""
        return bool(self.settings.prefix) or host in self._hosts_of_shops


def services() -> Services:
    """Return the services of the running app."""
    return cast(Services, current_app.extensions["consent"])


def known_site(site_id: str) -> Site:
    """Return the shop of that id.

    Raises:
        UnknownSite: there is none.
    """
    return services().site(site_id)
