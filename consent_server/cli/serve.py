"""``consent-server serve``: the server."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

import click
from granian.log import LogLevels

from ..app import create_app
from ..check.faults import tag
from ..settings.environment import ENVIRONMENT, Settings, read_environment
from ..settings.hints.names import left_empty
from ..settings.sound import Configuration
from ..site import Site
from ..store import Store, StoreAway, WrongLayout, embedded
from ..web.logs import write_logs
from .serving.ports import free_port, must_be_free
from .serving.workers import logs_are_json, run
from .terminal import base_of, errors_to_exit_2, page_of_marketers

log = logging.getLogger(__name__)


@click.command()
@errors_to_exit_2
def serve() -> None:
    """Run the server as the environment and consent.toml say; this is what the Procfile runs.

    Without REDIS_URL it brings a Valkey of its own, in the folder CONSENT_DATA.
    """
    signal.signal(signal.SIGHUP, lambda *_: None)  # it is all read below; a reload too soon would end the start
    settings = read_environment()
    valkey = embedded.Embedded(settings.data) if settings.redis_url is None else None
    chosen: dict[str, Any] = {"redis_url": valkey.start()} if valkey else {}
    write_logs(as_json=logs_are_json(settings))

    def read() -> Settings:
        return replace(read_environment(), **chosen)

    try:
        chosen["port"] = settings.port or free_port(settings.host)
        must_be_free(settings.host, chosen["port"])
        configuration = Configuration.of(read())
        # What is wrong is said here, once, before any worker starts.
        app = create_app(configuration.settings, configuration.sites)
        with closing(app.extensions["consent"].store) as store:
            _must_suit(store)
        _tell(configuration.settings, configuration.sites.values(), in_folder=valkey is not None)
        run(configuration, read, LogLevels.info)
    finally:
        if valkey:
            valkey.stop()


def _tell(settings: Settings, sites: Iterable[Site], in_folder: bool) -> None:
    """Say what runs, where it is reached, and where decisions are kept."""
    base, page = base_of(settings), page_of_marketers(settings)
    rates = "the rates have no page, as CONSENT_MARKETERS is none" if page is None else f"the rates are at {page}/"
    log.info("consent-server %s at %s; %s", version("consent-server"), base, rates)
    for name in left_empty(os.environ, [row.name for row in ENVIRONMENT]):
        log.warning("%s is set, and empty, which counts as left out", name)
    for site in sites:
        log.info("%s: its tag is %s", site.id, tag(site, base))
    redis = urlsplit(str(settings.redis_url))
    where = settings.data.absolute() if in_folder else f"{redis.scheme}://{redis.netloc.rpartition('@')[2]}{redis.path}"
    log.info("decisions are kept in %s", where)


def _must_suit(store: Store) -> None:
    """Refuse a Redis that is too old or holds a newer layout; one that is away may still come."""
    try:
        for server in store.servers():
            server.must_be_supported()
            for what, cure in server.faults():
                log.warning("%s To mend it, %s.", what, cure)
        store.ping()
    except WrongLayout:
        raise
    except StoreAway:
        log.warning("redis is away: decisions are refused until it is back")
