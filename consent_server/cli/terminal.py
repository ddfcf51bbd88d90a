"""What all commands share: errors in one sentence, and the store that they read."""

from __future__ import annotations

import errno
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import date
from functools import wraps
from importlib.resources import files
from ipaddress import ip_address
from pathlib import Path
from traceback import format_exc
from typing import Any, ParamSpec, TypeVar

import click
import msgspec

from ..rates.period import read_day
from ..settings.environment import Settings, read_environment
from ..settings.hints.secret import to_have_one
from ..settings.rows import SettingsError
from ..settings.shops import read_sites
from ..site import ConsentError, Site
from ..store import Store, StoreAway, WrongLayout, embedded
from ..store.connection import reason
from ..tokens import Keys
from ..verify import CannotCheck

P = ParamSpec("P")
R = TypeVar("R")

_IDENTIFIER = re.compile(r"-[\w-]{7,63}", re.ASCII)
"""Ours have 8 to 64 characters of base64url; no option of a command that takes one is as long."""

PORT = "port"
"""File in the folder of a demo: where it answers."""

SECONDS_TO_ANSWER = 5
"""A command may wait longer for Redis than a shopper."""


class CommandFailed(click.ClickException):
    """Something could not be done; one sentence says why."""

    exit_code = 2


class EndsInIdentifier(click.Command):
    """A command whose last argument is a hash or an identifier of ours, one in 64 of which begins with a dash."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments; what looks like an identifier is no option."""
        found = [each for each in args if _IDENTIFIER.fullmatch(each)]
        rest = [each for each in args if each not in found]
        return super().parse_args(ctx, [*rest, "--", *found] if found and "--" not in args else args)


def errors_to_exit_2(command: Callable[P, R]) -> Callable[P, R]:
    """Turn this package's errors into one sentence and exit status 2."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except WrongLayout as error:
            raise CommandFailed(str(error)) from None
        except StoreAway as error:
            what, cure = reason(error.__cause__ or error)
            raise CommandFailed(f"The store cannot be used ({what}): {cure}.") from None
        except (ConsentError, CannotCheck) as error:
            raise CommandFailed(f"{error} ({error.__cause__})" if error.__cause__ else str(error)) from None
        except (click.Abort, KeyboardInterrupt):  # click's own exit status says that something is wrong with a shop
            raise CommandFailed("Interrupted; it is not done.") from None
        except OSError as error:
            if error.errno == errno.EPIPE:  # whoever reads has enough: click knows what to do
                raise
            with suppress(OSError):  # what a full disk did not take is not tried again at the end
                sys.stdout.close()
            what = f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error)
            raise CommandFailed(f"It could not be done to the end ({what}).") from None
        except UnicodeEncodeError:  # of an argument: nothing else here is text that somebody else wrote
            raise CommandFailed("What was typed is no text in UTF-8.") from None
        except (click.ClickException, click.exceptions.Exit):
            raise
        except Exception:  # a fault of ours: it is no answer such as 1 would be, and who mends it needs all of it
            click.echo(format_exc(), err=True)
            raise CommandFailed("It could not be done, by a fault of this program.") from None

    return run


def data_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --data, for commands that read the store."""
    return click.option(
        "--data", type=click.Path(path_type=Path), help="Folder of the embedded Valkey, running or not; else REDIS_URL."
    )(command)


class Sites(dict[str, Site]):
    """The shops by id. One that is taken by its id fits what the store has of it; ``values()`` are all of them."""

    def __init__(self, sites: Mapping[str, Site], store: Store) -> None:
        super().__init__(sites)
        self._store = store

    def __getitem__(self, name: str) -> Site:
        """Return the shop of that id.

        Raises:
            OtherBuckets: what is kept of it would not be found; what is kept of others may be.
        """
        site = super().__getitem__(name)
        self._store.must_fit(site)
        return site


def environment_of(data: Path | None) -> dict[str, str]:
    """Return the environment, with the secret that lies in the folder of --data where it has none."""
    environ = dict(os.environ)
    if data and (data / "secret").exists() and not environ.get("CONSENT_SECRET"):
        environ.setdefault("CONSENT_SECRET_FILE", str(data / "secret"))
    return environ


def config_of(settings: Settings, data: Path | None, environ: Mapping[str, str]) -> Path:
    """Return where the shops are described: those of a demo with it, unless CONSENT_CONFIG names others."""
    is_demo = data is not None and (data / "password").exists() and named_config(environ) is None
    return demo_config() if is_demo else settings.config


@contextmanager
def open_store(data: Path | None, *, writes: bool = False) -> Iterator[tuple[Settings, dict[str, Site], Store]]:
    """Give settings, shops and the store that REDIS_URL or --data names; a demo's folder brings shop and secret.

    ``writes``: whether seals, statements or records are written, so that an older version reads it no more.
    """
    environ = environment_of(data)
    # What goes wrong is the command's to say, once.
    logging.getLogger("consent_server").addHandler(logging.NullHandler())
    settings = read_environment(environ)
    if data and (data / PORT).exists() and "PORT" not in environ:
        with suppress(ValueError):
            settings = replace(settings, port=int((data / PORT).read_text("utf-8")))
    sites = read_sites(config_of(settings, data, environ))
    where: AbstractContextManager[str]
    if data or not settings.redis_url:
        where, replicas = embedded.at(data or settings.data), 0
    else:
        where, replicas = nullcontext(settings.redis_url), settings.redis_replicas
    with where as url, closing(Store(url, SECONDS_TO_ANSWER, replicas)) as store:
        (store.take_up if writes else store.must_be_known)()
        yield settings, Sites(sites, store), store


def named_config(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the consent.toml that the environment names, None where it names none: without a look at the rest of it.

    Raises:
        SettingsError: what names it cannot be read.
    """
    row = {name: environ[name] for name in ("CONSENT_CONFIG", "CONSENT_CONFIG_FILE") if environ.get(name)}
    return read_environment(row).config if row else None


def site_named(sites: dict[str, Site], name: str) -> Site:
    """Return the shop of that id, or say which there are."""
    if name not in sites:
        raise CommandFailed(f"There is no site {name!r}; consent.toml has {', '.join(sites)}.")
    return sites[name]


def demo_config() -> Path:
    """Return the demo shop's consent.toml: beside the package in a checkout, within it when installed."""
    installed = Path(str(files("consent_server.demo"))) / "consent.toml"
    return installed if installed.exists() else installed.parents[2] / "consent.toml"


def base_of(settings: Settings) -> str:
    """Return where the server is reached on this machine."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    with suppress(ValueError):  # a name
        if (address := ip_address(settings.host)).is_unspecified:
            host = "127.0.0.1" if address.version == 4 else "[::1]"
    return f"http://{host}:{settings.port}{settings.prefix}"


def page_of_marketers(settings: Settings) -> str | None:
    """Return where the marketers' page is, as far as the environment says; None if there is none."""
    if settings.marketers == "none":
        return None
    return f"https://{settings.marketers}{settings.prefix}" if settings.marketers else base_of(settings)


def signing_keys(settings: Settings) -> Keys:
    """Return the keys of the secret in the environment.

    Raises:
        SettingsError: there is none.
    """
    if not settings.secret:
        raise SettingsError(f"CONSENT_SECRET is not set; {to_have_one(Path.cwd())}.")
    return Keys(settings.secret)


def day(name: str, text: str | None) -> date | None:
    """Return the day of an option that may be left out.

    Raises:
        BadQuestion: it is none.
    """
    return read_day(text, name) if text else None


def echo_json(value: object) -> None:
    """Print a result as JSON that people can read."""
    click.echo(msgspec.json.format(msgspec.json.encode(value)).decode())
