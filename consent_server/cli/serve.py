"""``consent-server serve``: the server, and what the demo shares of it."""

from __future__ import annotations

import atexit
import errno
import gc
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import click
from flask import Flask
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from ..app import create_app
from ..check.faults import tag
from ..digest.mail import MailServer
from ..digest.sending import keep_sending, must_name_sites
from ..events.telling import Teller, keep_telling
from ..events.webhook import webhooks
from ..housekeeping import keep
from ..proof.attested.stamps import Authority
from ..settings.environment import Settings, read_environment
from ..settings.kept import keep as keep_configuration
from ..settings.kept import made_of_a_sound_one
from ..settings.shops import read_sites
from ..site import Site
from ..store import Store, StoreAway, embedded
from ..tokens import Keys
from ..web.logs import write_logs
from .terminal import SECONDS_TO_ANSWER, CommandFailed, errors_to_exit_2

SECONDS_TO_RELOAD = 5
"""How long a new worker has until the old one ends on SIGHUP; less than it takes to start would lose requests."""

log = logging.getLogger(__name__)


@click.command()
@errors_to_exit_2
def serve() -> None:
    """Run the server as the environment and consent.toml say; this is what the Procfile runs.

    Without REDIS_URL it brings a Valkey of its own, in the folder CONSENT_DATA.
    """
    settings, chosen = read_environment(), ["port"]
    valkey = embedded.Embedded(settings.data) if settings.redis_url is None else None
    if valkey:
        settings = replace(settings, redis_url=valkey.start())
        chosen.append("redis_url")
    write_logs(as_json=for_machines(settings))
    try:
        app = create_app(settings)
        settings = replace(settings, port=settings.port or free_port(settings.host))
        must_be_free(settings.host, settings.port)
        _must_suit(app)  # what is wrong is said here, once, before any worker starts
        _tell(settings, app.extensions["consent"].sites.values(), in_folder=valkey is not None)
        start_housekeeping(settings)
        run_workers(settings, LogLevels.info, *chosen)
    finally:
        if valkey:
            valkey.stop()


def served() -> Flask:
    """Return the app for a worker of ``serve`` or ``demo``, which ends when its parent does."""
    embedded.end_with_parent()
    # Ctrl-C at a terminal reaches the worker too. Its parent ends it, and told twice it would not end.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    settings = read_environment()
    write_logs(as_json=for_machines(settings))
    app, outdated = made_of_a_sound_one(create_app, settings)
    if outdated:
        log.error("%s Mend it and reload.", outdated)
        app.extensions["consent"].warnings.append(outdated)
    for scripts in app.extensions["consent"].scripts.values():
        _ = scripts.consent.br  # which the first shopper would wait for
    # What stays for ever is not looked through again: that held up every shopper for some 45 ms.
    gc.collect()
    gc.freeze()
    # Ended at once: a thread of granian's that wants the interpreter while it is being taken down would panic.
    atexit.register(os._exit, 0)
    return app


def for_machines(settings: Settings) -> bool:
    """Return whether a program reads what is logged."""
    return not (settings.demo or sys.stderr.isatty())


def _tell(settings: Settings, sites: Iterable[Site], in_folder: bool) -> None:
    """Say what runs, where it is reached, and where decisions are kept."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    base = f"http://{host}:{settings.port}{settings.prefix}"
    log.info("consent-server %s at %s; the rates are at %s/", version("consent-server"), base, base)
    for site in sites:
        log.info("%s: its tag is %s", site.id, tag(site, base))
    redis = urlsplit(str(settings.redis_url))
    where = settings.data.absolute() if in_folder else f"{redis.scheme}://{redis.netloc.rpartition('@')[2]}{redis.path}"
    log.info("decisions are kept in %s", where)


def _must_suit(app: Flask) -> None:
    """Refuse a Redis that is too old or holds a newer layout; one that is away may still come."""
    store = app.extensions["consent"].store
    try:
        for server in store.servers():
            server.must_be_supported()
            for what, cure in server.faults():
                log.warning("%s To mend it, %s.", what, cure)
        store.ping()
    except StoreAway:
        log.warning("redis is away: decisions are refused until it is back")


def free_port(host: str, first: int = 0) -> int:
    """Return ``first`` or the next port above it that is free; any free one for 0."""
    for port in range(first, first + 1000) if first else (0,):
        with _probe(host) as probe:
            try:
                probe.bind((host, port))
            except OSError as error:
                _must_be_ours(host, error)
                continue
            return int(probe.getsockname()[1])
    raise CommandFailed(f"No port from {first} up is free on {host}.")


def must_be_free(host: str, port: int) -> None:
    """Refuse a port that somebody else listens on."""
    with _probe(host) as probe:
        try:
            probe.bind((host, port))
        except OSError as error:
            _must_be_ours(host, error)
            raise CommandFailed(f"Port {port} on {host} cannot be used ({error.strerror}): name another.") from None


def _probe(host: str) -> socket.socket:
    probe = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return probe


def _must_be_ours(host: str, error: OSError) -> None:
    """Refuse a host that is no address of this machine: then no other port helps."""
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        raise CommandFailed(
            f"HOST is {host}, which is no address of this machine: set HOST=127.0.0.1, or HOST=0.0.0.0 for all of them."
        ) from None


def run_workers(settings: Settings, level: LogLevels, *chosen: str) -> None:
    """Serve until told to end; ``chosen`` are the settings that did not come from the environment.

    Workers read the environment, also later ones, which find what its files say by then.
    """
    for name, text in settings.to_environment(*chosen).items():
        os.environ.pop(f"{name}_FILE", None)
        os.environ[name] = text
    # A forked worker inherits whatever lock another thread of ours holds at that moment, and waits for it for ever.
    multiprocessing.set_start_method("spawn", force=True)
    # It warns of more threads than cores could use; ours wait for Redis, and those that wait together share a write.
    logging.getLogger("_granian").addFilter(lambda record: "Python threads" not in record.getMessage())
    server = Granian(
        f"{__name__}:served",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        factory=True,
        workers=settings.web_concurrency,
        blocking_threads=settings.threads,
        respawn_failed_workers=True,
        respawn_interval=SECONDS_TO_RELOAD,
        workers_kill_timeout=10,
        websockets=False,
        log_level=level,
        log_dictconfig={"loggers": {"_granian": {"propagate": True}}},  # one format for all lines
    )
    with TemporaryDirectory(prefix="consent-metrics-") as together:
        if settings.web_concurrency > 1:  # each worker writes its numbers there, and whoever is asked adds them up
            os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", together)
        keep_configuration(settings.config, Path(together))
        server.serve()


def start_housekeeping(settings: Settings) -> None:
    """Have done what is due each day; of several servers the first one does it."""
    store = Store(str(settings.redis_url), SECONDS_TO_ANSWER, settings.redis_replicas)
    authority = Authority.named(settings.tsa, settings.tsa_certificate)
    sites = read_sites(settings.config)
    told = webhooks(sites, settings.webhook, settings.webhook_secret)
    must_name_sites(sites, settings.digest)
    work = (store, sites, Keys(settings.secret), told, authority)
    threading.Thread(target=keep, args=work, daemon=True).start()
    mail = MailServer.named(settings)
    if mail or told:  # in a thread of its own: whoever takes letters slowly holds up nothing else
        digests = (store, sites, settings, mail, told)
        threading.Thread(target=keep_sending, args=digests, daemon=True).start()
    for name, webhook in told.items():
        if webhook.secrets:
            teller = Teller(store, sites[name], webhook)
            with suppress(StoreAway):  # it begins when the store is back
                teller.begin()
            threading.Thread(target=keep_telling, args=(teller,), daemon=True).start()
