"""The operators' door at the terminal: ``consent-server``."""

from __future__ import annotations

import atexit
import gc
import logging
import multiprocessing
import os
import secrets
import signal
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import msgspec
from flask import Flask
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from .. import __version__
from ..app import create_app
from ..decision import Site
from ..demo.sample import DAYS
from ..demo.sample import sample as lay_down
from ..housekeeping import keep
from ..rates.counts import Period, Report, dimension
from ..settings.shops import Settings, read_environment, read_sites
from ..store import Store, StoreAway, embedded
from ..tokens import Keys
from ..web.marketer.rates import hash_password
from ..web.request import write_logs
from . import audit as audit_commands
from . import check
from . import log as log_commands
from .terminal import SECONDS_TO_ANSWER, CouldNot, data_option, demo_config, in_words, named, opened

SECONDS_TO_START = 30
SECONDS_TO_RELOAD = 5
"""How long a new worker has until the old one ends on SIGHUP; less than it takes to start would lose requests."""

FIRST_DEMO_PORT = 8000

log = logging.getLogger(__name__)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="consent-server")
def main() -> None:
    """Cookie consent that can be proven.

    Try it: consent-server demo. For your own shop: consent-server init, then check, then serve.
    """


# Serving


def served() -> Flask:
    """Return the app for a worker of ``serve`` or ``demo``, which ends when its parent does."""
    embedded.end_with_parent()
    # Ctrl-C at a terminal reaches the worker too. Its parent ends it, and told twice it would not end.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    app = create_app()
    write_logs(as_json=not app.extensions["consent"].settings.demo)
    # What stays for ever is not looked through again: that held up every shopper for some 45 ms.
    gc.collect()
    gc.freeze()
    # Ended at once: a thread of granian's that wants the interpreter while it is being taken down would panic.
    atexit.register(os._exit, 0)
    return app


@main.command()
@in_words
def serve() -> None:
    """Run the server as the environment and consent.toml say; this is what the Procfile runs.

    Without REDIS_URL it brings a Valkey of its own, in the folder CONSENT_DATA.
    """
    settings = read_environment()
    own = _own_valkey(settings.data) if settings.redis_url is None else None
    try:
        app_settings = settings if own is None else replace(settings, redis_url=os.environ["REDIS_URL"])
        _must_suit(create_app(app_settings))  # what is wrong is said here, once, before any worker starts
        port = settings.port or _free_port(settings.host)
        _must_be_free(settings.host, port)
        _keep(app_settings)
        _run(settings, port, LogLevels.info)
    finally:
        if own:
            own.stop()


@main.command()
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; the next free one if left out.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder to keep decisions in (default: consent-demo).")
@click.option("--sample", is_flag=True, help="Lay down 90 days of made-up decisions first, marked as such.")
@in_words
def demo(port: int | None, data: Path | None, sample: bool) -> None:
    """Try the whole thing: the SmartMarket shop, the banner, the rates, on a Valkey of its own."""
    chosen = port if port else _free_port("127.0.0.1", FIRST_DEMO_PORT if port is None else 0)
    _must_be_free("127.0.0.1", chosen)
    if port is None and chosen != FIRST_DEMO_PORT:
        click.echo(f"Port {FIRST_DEMO_PORT} is in use; this demo takes {chosen}.", err=True)
    own, folder = _demo_valkey(data)
    try:
        secret = _kept(folder / "secret", lambda: secrets.token_urlsafe(32))
        password = _kept(folder / "password", lambda: secrets.token_urlsafe(9))
        config = demo_config()
        os.environ.update(
            CONSENT_SECRET=secret, CONSENT_CONFIG=str(config), CONSENT_DEMO="1", HOST="127.0.0.1", PORT=str(chosen)
        )
        settings = read_environment()
        sites = read_sites(config)
        store = Store(str(settings.redis_url), settings.redis_timeout / 1000)
        store.ping()
        store.keep_marketer("demo", hash_password(password), [*sites])
        if sample:
            behind = create_app(settings).extensions["consent"]  # it keeps the notices that the sample answers
            for site in behind.sites.values():
                days = lay_down(behind.store, site, datetime.now(UTC).date(), sign=behind.keys.sign)
                with click.progressbar(days, length=DAYS, label=f"Making up {DAYS} days", file=sys.stderr) as bar:
                    for _ in bar:
                        pass
        _keep(settings)
        _tell_when_up(chosen, folder, password)
        _run(settings, chosen, LogLevels.warning)
    finally:
        own.stop()


def _must_suit(app: Flask) -> None:
    """Refuse a Redis that is too old or holds a newer layout; one that is away may still come."""
    store = app.extensions["consent"].store
    try:
        for server in store.servers():
            server.must_be_supported()
        store.ping()
    except StoreAway:
        log.warning("redis is away: decisions are refused until it is back")


def _own_valkey(folder: Path) -> embedded.Embedded:
    own = embedded.Embedded(folder)
    os.environ["REDIS_URL"] = own.start()
    return own


def _demo_valkey(data: Path | None) -> tuple[embedded.Embedded, Path]:
    """Start the demo's Valkey in the folder that was named, else in the first of the usual ones that nobody uses."""
    if data:
        return _own_valkey(data), data.absolute()
    for n in range(1, 100):
        folder = Path("consent-demo" if n == 1 else f"consent-demo-{n}")
        try:
            own = _own_valkey(folder)
        except embedded.InUse:
            continue
        if n > 1:
            first = Path("consent-demo").absolute()
            click.echo(f"Another demo keeps its decisions in {first}; this one takes {folder}.", err=True)
        return own, folder.absolute()
    raise CouldNot("A hundred demos run here already; stop one, or name a folder with --data.")


def _kept(path: Path, make: Callable[[], str]) -> str:
    """Return the secret in a file that only we can read, made on first use."""
    if not path.exists():
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(make())
    return path.read_text(encoding="utf-8")


def _free_port(host: str, first: int = 0) -> int:
    """Return ``first`` or the next port above it that is free; any free one for 0."""
    for port in range(first, first + 1000):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise CouldNot(f"No port from {first} up is free on {host}.")


def _must_be_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CouldNot(f"Port {port} on {host} cannot be used ({error.strerror}): name another.") from None


def _run(settings: Settings, port: int, level: LogLevels) -> None:
    # Workers read the environment again: the port that was chosen, the Valkey that was started.
    os.environ["PORT"] = str(port)
    # A forked worker inherits whatever lock another thread of ours holds at that moment, and waits for it for ever.
    multiprocessing.set_start_method("spawn", force=True)
    # It warns of more threads than cores could use; ours wait for Redis, and those that wait together share a write.
    logging.getLogger("_granian").addFilter(lambda record: "Python threads" not in record.getMessage())
    server = Granian(
        f"{__name__}:served",
        address=settings.host,
        port=port,
        interface=Interfaces.WSGI,
        factory=True,
        workers=settings.web_concurrency,
        blocking_threads=settings.threads,
        respawn_failed_workers=True,
        respawn_interval=SECONDS_TO_RELOAD,
        workers_kill_timeout=10,
        websockets=False,
        log_level=level,
    )
    with TemporaryDirectory(prefix="consent-metrics-") as together:
        if settings.web_concurrency > 1:  # each worker writes its numbers there, and whoever is asked adds them up
            os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", together)
        server.serve()


def _keep(settings: Settings) -> None:
    """Have done what is due each day; of several servers the first one does it."""
    store = Store(str(settings.redis_url), SECONDS_TO_ANSWER)
    work = (store, read_sites(settings.config), Keys(settings.secret), settings.webhook)
    threading.Thread(target=keep, args=work, daemon=True).start()


def _tell_when_up(port: int, folder: Path, password: str) -> None:
    """Print the addresses as soon as the server answers."""

    def tell() -> None:
        until = time.monotonic() + SECONDS_TO_START
        while not _answers(f"http://127.0.0.1:{port}/readyz"):
            if time.monotonic() > until:
                click.echo(f"The server has not answered within {SECONDS_TO_START} s; its words are above.", err=True)
                return
            time.sleep(0.05)
        click.echo(
            f"The shop          http://127.0.0.1:{port}/demo/\n"
            f"Consent rates     http://127.0.0.1:{port}/   name: demo   password: {password}\n"
            f"Decisions kept in {folder}\n"
            "Ctrl-C ends it; decisions stay."
        )

    threading.Thread(target=tell, daemon=True).start()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1):  # nosec B310  # noqa: S310 our own address
            return True
    except OSError:
        return False


# Reading the store


@main.command("rates")
@click.argument("site")
@click.option("--from", "first", help="First day, such as 2026-11-01 (default: 30 days ago).")
@click.option("--to", "last", help="Last day (default: today); days are UTC.")
@click.option("--by", default="day", help="day, language, variant, device, country or how.")
@click.option("--format", "form", type=click.Choice(["text", "json", "csv"]), default="text")
@click.option("--recount", is_flag=True, help="Count the log again and compare; exit status 1 if anything differs.")
@data_option
@in_words
def rates_command(
    site: str, first: str | None, last: str | None, by: str, form: str, recount: bool, data: Path | None
) -> None:
    """Print how many were asked, how many answered, and how many said yes to what."""
    period = Period.parse(first, last, datetime.now(UTC).date())
    with opened(data) as (_, sites, store):
        shop = named(sites, site)
        if recount:
            _recount(store, shop, period.first, period.last)
            return
        rows = store.counts(shop, period.first, period.last, dimension(by))
        report = Report.of(shop.id, period, by, rows)
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(report.as_json())))
    else:
        click.echo(report.as_csv() if form == "csv" else report.as_text(), nl=form == "text")


def _recount(store: Store, site: Site, first: date, last: date) -> None:
    """Compare what was counted with what the log says, in every dimension."""
    differ = 0
    for by, counted, logged in store.recount(site, first, last):
        for value in sorted({*counted, *logged}):
            if counted.get(value) != logged.get(value):
                differ += 1
                click.echo(f"{by} {value}: counted {counted.get(value)}, the log says {logged.get(value)}")
    if differ:
        raise SystemExit(1)
    click.echo(f"The counters of {site.id} from {first} to {last} agree with the log.")


@main.command()
@click.argument("site")
@click.argument("receipt")
@data_option
@in_words
def erase(site: str, receipt: str, data: Path | None) -> None:
    """Erase one shopper: RECEIPT is the identifier in their receipt, or `sub` of a token."""
    with opened(data) as (_, sites, store):
        erased = store.erase(named(sites, site), receipt)
    if not erased:
        raise CouldNot(f"Nothing is held at {site} under {receipt!r}.")
    click.echo(f"{erased} entries erased.")


@main.group()
def marketers() -> None:
    """Who may read the rates: add, list or remove."""


@marketers.command("add")
@click.argument("name")
@click.argument("sites", nargs=-1, required=True)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking.")
@data_option
@in_words
def add_marketer(name: str, sites: tuple[str, ...], password_stdin: bool, data: Path | None) -> None:
    """Let NAME read the rates of SITES; asks for a password."""
    password = (
        sys.stdin.readline().rstrip("\n")
        if password_stdin
        else click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    )
    if len(password) < 10:
        raise CouldNot("A password takes at least 10 characters.")
    with opened(data) as (_, known, store):
        store.keep_marketer(name, hash_password(password), [named(known, site).id for site in sites])
    click.echo(f"{name} may read the rates of {', '.join(sites)}.")


@marketers.command("list")
@data_option
@in_words
def list_marketers(data: Path | None) -> None:
    """List the marketers and their sites."""
    with opened(data) as (_, _, store):
        for marketer in store.marketers():
            click.echo(f"{marketer.name}\t{' '.join(marketer.sites)}")


@marketers.command("remove")
@click.argument("name")
@data_option
@in_words
def remove_marketer(name: str, data: Path | None) -> None:
    """Take the right to read rates away from NAME, at once."""
    with opened(data) as (_, _, store):
        if not store.drop_marketer(name):
            raise CouldNot(f"There is no marketer {name!r}.")
    click.echo(f"{name} is removed.")


main.add_command(audit_commands.audit_command)
main.add_command(check.init)
main.add_command(check.check)
main.add_command(log_commands.log)
main.add_command(log_commands.export_shopper)
main.add_command(log_commands.keys)
