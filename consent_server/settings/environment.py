"""How the server runs: settings of the environment, one row each."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .hints.names import must_be_meant
from .rows import Row, SettingsError, address, text, whole, yes_no

_MARK = "\ufeff"
"""What some editors begin a file with, and is no part of it."""


def _secrets(value: str) -> tuple[str, ...]:
    parts = [part.strip() for part in value.split(",") if part.strip(f"{_MARK} \r\n\t")]
    secrets = [part.strip(f"{_MARK} ") for part in parts]
    if (value and not secrets) or any(len(secret) < 32 for secret in secrets):
        raise ValueError("takes secrets of at least 32 characters, the newest first, separated by commas")
    # Earlier versions took the mark for a part of the secret: what they signed with it stays theirs.
    return tuple(dict.fromkeys(each for pair in zip(secrets, parts, strict=True) for each in pair))


def _redis_url(value: str) -> str:
    if not re.match(r"(unix|rediss?(\+(sentinel|cluster))?)://.", value):
        raise ValueError("takes unix://, redis:// or rediss://, these two also with +sentinel or +cluster")
    scheme, _, rest = value.partition("://")
    wrong = "takes a host and a port, such as redis://127.0.0.1:6379; of a password, percent-encode it: %2F for /"
    if "#" in rest and scheme != "unix":
        raise ValueError(wrong)
    for place in re.split("[/?]", rest)[0].rpartition("@")[2].split(",") if scheme != "unix" else ():
        port = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]]*)(?::(\d{0,5}))?", place)
        if not port or int(port[2] or 0) > 65535:
            raise ValueError(wrong)
        try:
            port[1].encode("idna")  # as Python's sockets do
        except UnicodeError:
            raise ValueError("takes a host that there can be") from None
    return value


def _prefix(value: str) -> str:
    if re.fullmatch(r"(/[A-Za-z0-9._~-]+)*/?", value):
        return value.rstrip("/")
    raise ValueError("takes a path such as /consent")


def _authority(value: str) -> str:
    parts = urlsplit(address(value))
    if "@" in parts.netloc or not value.isascii():
        raise ValueError("takes an address in ASCII, without a name and a password, which are not sent")
    if parts.scheme == "https" or parts.hostname in ("localhost", "127.0.0.1", "::1"):
        return value
    raise ValueError("takes an address with https://, or with http:// on this machine")


def _webhook_secrets(value: str) -> tuple[str, ...]:
    secrets = tuple(part.strip() for part in value.split(",") if part.strip())
    for secret in secrets:
        found = re.fullmatch(r"([a-z0-9][a-z0-9-]*=)?whsec_([A-Za-z0-9+/]+)={0,2}", secret)
        if not found or not 32 <= len(found[2]) <= 86 or len(found[2]) % 4 == 1:
            raise ValueError(
                "takes secrets of 24 to 64 bytes as whsec_ and their base64 (echo whsec_$(openssl rand -base64 32) "
                "makes one), for one site alone after its id and =, separated by commas"
            )
    return secrets


def _mail_server(value: str) -> str:
    parts = urlsplit(value)
    try:
        is_one = parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_one = False
    if is_one and not parts.path.strip("/") and not parts.query:
        return value
    raise ValueError("takes a mail server such as smtp://name:password@mail.shop.example:587")


def address_of_mail(value: str) -> str:
    """Return an address for mail.

    Raises:
        ValueError: it is none.
    """
    if re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}", value):
        return value
    raise ValueError("takes an address such as leyla@shop.example")


def _header(value: str) -> str:
    if re.fullmatch("[A-Za-z0-9_-]+", value):
        return value
    raise ValueError("takes the name of a header such as CF-IPCountry, without a colon")


def _readers(value: str) -> tuple[str, ...]:
    found = tuple(part.strip() for part in value.split(",") if part.strip())
    for each in found:
        site, _, address = each.rpartition("=")
        address_of_mail(address)
        if site and not re.fullmatch(r"[a-z0-9][a-z0-9-]*", site):
            raise ValueError("takes addresses, of one site alone after its id and =, separated by commas")
    return found


def _host_or_none(value: str) -> str:
    if re.fullmatch(r"[a-z0-9.-]+(:\d{1,5})?|\[[0-9a-f:]+\](:\d{1,5})?", value):
        if value.endswith((":443", ":80")):
            raise ValueError("takes a host without the port that browsers leave out, :443 or :80")
        return value
    raise ValueError("takes a host such as rates.shop.example, with its port if it has one, or none")


def _row(name: str, read: Callable[[Any], Any], default: Any, help: str, example: Any, secret: bool = False) -> Any:
    """Return a field of Settings that is described by a row."""
    row = Row(name, read, default, help, example, secret)
    return field(default=row.value, metadata={"row": row})


@dataclass(frozen=True)
class Settings:
    """How the server runs: one attribute for each row of ENVIRONMENT, in lower case without ``CONSENT_``."""

    secret: tuple[str, ...] = _row(
        "CONSENT_SECRET",
        _secrets,
        "",
        "Secret that tokens are signed with; several, the newest first, to change it.",
        "a-secret-of-at-least-32-characters-made-up",
        secret=True,
    )
    redis_url: str | None = _row(
        "REDIS_URL",
        _redis_url,
        None,
        "Where Redis or Valkey is; an embedded Valkey if left out.",
        "redis://127.0.0.1:6379/0",
        secret=True,
    )
    config: Path = _row(
        "CONSENT_CONFIG", Path, "consent.toml", "The file that describes the shops.", "/etc/consent/consent.toml"
    )
    data: Path = _row("CONSENT_DATA", Path, "consent-data", "Folder of the embedded Valkey.", "/var/lib/consent")
    host: str = _row("HOST", text, "127.0.0.1", "Address to listen on.", "192.0.2.10")
    port: int = _row("PORT", whole(0, 65535), 8000, "Port to listen on; 0 takes a free one.", "8080")
    web_concurrency: int = _row("WEB_CONCURRENCY", whole(1, 256), 1, "Worker processes.", "2")
    threads: int = _row("CONSENT_THREADS", whole(1, 64), 32, "Threads of each worker; they share writes to disk.", "16")
    prefix: str = _row(
        "CONSENT_PREFIX",
        _prefix,
        "",
        "Path with which every address of the server begins, such as /consent: of monitors and back ends too.",
        "/consent",
    )
    trusted_proxies: int = _row(
        "TRUSTED_PROXIES",
        whole(0, 10),
        0,
        "Proxies in front whose X-Forwarded-For, -Proto and -Host are believed.",
        "1",
    )
    country_header: str | None = _row(
        "COUNTRY_HEADER",
        _header,
        None,
        "Header in which a proxy tells the shopper's country in two letters.",
        "CF-IPCountry",
    )
    region_header: str | None = _row(
        "REGION_HEADER",
        _header,
        None,
        "Header in which a proxy tells the part of that country (ISO 3166-2): CA, or US-CA.",
        "CF-Region-Code",
    )
    client_limit: int = _row(
        "CLIENT_LIMIT", whole(1, 1_000_000), 600, "Decisions a minute from one address, shared ones included.", "1200"
    )
    site_limit: int = _row(
        "SITE_LIMIT", whole(1, 1_000_000_000), 300_000, "Decisions a minute of one shop, for each worker.", "600000"
    )
    redis_timeout: int = _row(
        "REDIS_TIMEOUT", whole(50, 10_000), 500, "Milliseconds after which Redis counts as away.", "250"
    )
    redis_replicas: int = _row(
        "REDIS_REPLICAS", whole(0, 5), 0, "Replicas that must have a decision before it is acknowledged (WAIT).", "1"
    )
    metrics_token: str | None = _row(
        "CONSENT_METRICS_TOKEN",
        text,
        None,
        "Bearer token for /metrics; without one only this machine may read it.",
        "a-token-for-prometheus",
        secret=True,
    )
    webhook: str | None = _row(
        "CONSENT_WEBHOOK",
        address,
        None,
        "Address that is posted to when a rate leaves its usual range, or something leaks; signed, decisions too.",
        "https://chat.shop.example/hooks/consent",
        secret=True,
    )
    webhook_secret: tuple[str, ...] = _row(
        "CONSENT_WEBHOOK_SECRET",
        _webhook_secrets,
        "",
        "Secret that signs what webhooks are posted, whsec_…; several, and of one site SITE=whsec_….",
        "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        secret=True,
    )
    smtp: str | None = _row(
        "CONSENT_SMTP",
        _mail_server,
        None,
        "Mail server that takes the weekly digest: smtp:// (TLS where it is offered) or smtps://.",
        "smtp://name:password@mail.shop.example:587",
        secret=True,
    )
    smtp_from: str | None = _row(
        "CONSENT_SMTP_FROM",
        address_of_mail,
        None,
        "Address that the digest comes from; needed with CONSENT_SMTP.",
        "consent@shop.example",
    )
    digest: tuple[str, ...] = _row(
        "CONSENT_DIGEST",
        _readers,
        "",
        "Who gets the digest of each week by mail: addresses, of one site SITE=address, separated by commas.",
        "leyla@shop.example,kitab=murad@kitab.example",
    )
    tsa: str | None = _row(
        "CONSENT_TSA",
        _authority,
        None,
        "Address of an RFC 3161 authority that time-stamps each seal.",
        "https://tsa.example/stamp",
        secret=True,
    )
    tsa_certificate: Path | None = _row(
        "CONSENT_TSA_CERTIFICATE",
        Path,
        None,
        "File with the authority's certificates (PEM), by which its stamps are checked as they come.",
        "/etc/consent/tsa.pem",
    )
    marketers: str | None = _row(
        "CONSENT_MARKETERS",
        _host_or_none,
        None,
        "The only host on which the marketers' page answers; `none` leaves it out.",
        "rates.shop.example",
    )
    demo: bool = _row(
        "CONSENT_DEMO", yes_no, False, "Set by `consent-server demo`: serves the storefront at /demo/.", "true"
    )


ENVIRONMENT: tuple[Row, ...] = tuple(each.metadata["row"] for each in fields(Settings))


def _one_line(value: str, *, is_secret: bool) -> str:
    """Return a value that is on one line, but for a list whose commas end its lines, and a secret that was wrapped."""
    lines = [[line for line in part.strip().splitlines() if line.strip()] for part in value.split(",")]
    if any(len(part) > 1 and (not is_secret or min(map(len, part)) >= 32) for part in lines):
        raise ValueError("takes one line; where it takes several values, they are separated by commas")
    return value


def read_environment(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of the environment; each may also be a file's name in ``NAME_FILE``.

    Raises:
        SettingsError: a value is wrong or its file cannot be read, or a name is misspelled; says what is accepted.
    """
    must_be_meant(environ, [row.name for row in ENVIRONMENT])
    values: dict[str, Any] = {}
    for each in fields(Settings):
        row: Row = each.metadata["row"]
        written = environ.get(row.name)
        path = environ.get(f"{row.name}_FILE")
        if written and path:
            raise SettingsError(f"{row.name} and {row.name}_FILE are both set; set one.", row.name)
        if path:
            try:
                written = Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise SettingsError(
                    f"{row.name}_FILE names {path}, which cannot be read: {error.strerror}.", row.name
                ) from None
            except ValueError:
                raise SettingsError(f"{row.name}_FILE names {path}, which is no text in UTF-8.", row.name) from None
            if row.secret and not written.strip(_MARK):  # one that is not mounted yet is not the default
                raise SettingsError(f"{row.name}_FILE names {path}, which is empty.", row.name)
        if written:
            try:
                marked = written if row.read is _secrets else written.replace(_MARK, "")
                values[each.name] = row.read(_one_line(marked, is_secret=row.read is _secrets))
            except ValueError as error:
                shown = "" if row.secret else f"{f' (of {row.name}_FILE, {path})' if path else ''} is {written!r} but"
                raise SettingsError(f"{row.name}{shown} {error}.", row.name) from None
    return Settings(**values)
