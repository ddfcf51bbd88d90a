"""``consent-server demo``: everything on one machine, with a shop to try it on."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from granian.log import LogLevels

from ..app import create_app
from ..demo.sample import DAYS
from ..demo.sample import sample as lay_down
from ..settings.environment import Settings, read_environment
from ..settings.sound import Configuration
from ..store import Store, embedded
from ..web.marketer.session import hash_password
from .serving.ports import free_port, must_be_free
from .serving.workers import run
from .terminal import PORT, CommandFailed, demo_config, errors_to_exit_2

FIRST_PORT = 8000
SECONDS_TO_START = 30
CHOSEN = ("secret", "redis_url", "config", "host", "port", "demo")
"""Settings that the demo chooses, whatever the environment says."""


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; the next free one if left out.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder to keep decisions in (default: consent-demo).")
@click.option("--sample", is_flag=True, help="Lay down 90 days of made-up decisions first, marked as such.")
@errors_to_exit_2
def demo(port: int | None, data: Path | None, sample: bool) -> None:
    """Try the whole thing: the SmartMarket shop, the banner, the rates, on a Valkey of its own."""
    at_terminal = os.isatty(0)

    def end_with_terminal(*_: object) -> None:
        """A signal to reload is one to end where it says that the window was closed in which this was begun."""
        if at_terminal and not os.isatty(0):
            os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGHUP, end_with_terminal)  # not to the default either, as in `serve`
    chosen = port if port else free_port("127.0.0.1", FIRST_PORT if port is None else 0)
    must_be_free("127.0.0.1", chosen)
    if port is None and chosen != FIRST_PORT:
        click.echo(f"Port {FIRST_PORT} is in use; this demo takes {chosen}.", err=True)
    valkey, url, folder = _start_valkey(data)
    try:
        secret = _kept(folder / "secret", lambda: secrets.token_urlsafe(32))
        password = _kept(folder / "password", lambda: secrets.token_urlsafe(9))
        (folder / PORT).write_text(str(chosen), encoding="utf-8")
        own: tuple[Any, ...] = (secret,), url, demo_config(), "127.0.0.1", chosen, True

        def read() -> Settings:
            end_with_terminal()
            others = {name: text for name, text in os.environ.items() if _attribute(name) not in CHOSEN}
            environment = read_environment({**others, "REDIS_URL": url})  # so that nothing else is taken for it
            return replace(environment, **dict(zip(CHOSEN, own, strict=True)))

        configuration = Configuration.of(read())
        settings = configuration.settings
        store = Store(url, settings.redis_timeout / 1000)
        store.ping()
        store.marketers.add("demo", hash_password(password), [*configuration.sites])
        if sample:
            made_up = Store(url, settings.redis_timeout / 1000, any_clock=True)
            behind = create_app(settings).extensions["consent"]  # it keeps the notices that the sample answers
            for site in behind.sites.values():
                days = lay_down(made_up, site, datetime.now(UTC).date(), sign=behind.keys.sign)
                with click.progressbar(days, length=DAYS, label=f"Making up {DAYS} days", file=sys.stderr) as bar:
                    for _ in bar:
                        pass
        _tell_when_up(chosen, folder, password)
        run(configuration, read, LogLevels.warning)
    finally:
        valkey.stop()


def _attribute(variable: str) -> str:
    """Return what Settings calls a variable of the environment, also one that names a file."""
    return variable.removesuffix("_FILE").removeprefix("CONSENT_").lower()


def _start_valkey(data: Path | None) -> tuple[embedded.Embedded, str, Path]:
    """Start a Valkey in the folder that was named, else in the first of the usual ones that nobody uses."""
    if data:
        valkey = embedded.Embedded(data)
        return valkey, valkey.start(), data.absolute()
    for n in range(1, 100):
        folder = Path("consent-demo" if n == 1 else f"consent-demo-{n}")
        valkey = embedded.Embedded(folder)
        try:
            url = valkey.start()
        except embedded.InUse:
            continue
        if n > 1:
            first = Path("consent-demo").absolute()
            click.echo(f"Another demo keeps its decisions in {first}; this one takes {folder}.", err=True)
        return valkey, url, folder.absolute()
    raise CommandFailed("A hundred demos run here already; stop one, or name a folder with --data.")


def _kept(path: Path, make: Callable[[], str]) -> str:
    """Return the secret in a file that only we can read, made on first use."""
    if not path.exists():
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(make())
    return path.read_text(encoding="utf-8")


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
