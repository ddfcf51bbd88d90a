"""What is wrong with a configuration and its deployment, each fault with what to type against it."""

from __future__ import annotations

import os
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from urllib.parse import urlsplit

from ..decision import CATEGORIES, ConsentError, Site
from ..settings.shops import ENVIRONMENT, Settings, SettingsError, read_environment
from ..store.connection import Server, TooOld
from .visit import Seen

MAKE_SECRET = "python -c 'import secrets; print(secrets.token_urlsafe(32))' > consent-secret"  # nosec B105  # noqa: S105
SECONDS_APART = 2.0
"""How far the clocks of server and Redis may lie apart: days and expiries are cut by the one, kept by the other."""
SECONDS_TO_ANSWER = 5
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault and its cure, a sentence each; ``grave`` if the server must not go on like this."""

    fault: str
    cure: str
    grave: bool = True


def environment(environ: Mapping[str, str]) -> tuple[Settings, list[Finding]]:
    """Return the settings, without those that are wrong, and what is wrong with them."""
    rest, found = dict(environ), []
    while True:
        try:
            settings = read_environment(rest)
            break
        except SettingsError as error:
            name = str(error).split(maxsplit=1)[0].removesuffix("_FILE")
            for spelling in (name, f"{name}_FILE"):
                rest.pop(spelling, None)
            row = next(row for row in ENVIRONMENT if row.name == name)
            secret = name == "CONSENT_SECRET"
            cure = (
                f"type: {MAKE_SECRET}; export CONSENT_SECRET_FILE=consent-secret" if secret else f"set it: {row.help}"
            )
            found.append(Finding(str(error), cure))
    if not settings.secret and not any("CONSENT_SECRET" in finding.fault for finding in found):
        found.append(
            Finding(
                "CONSENT_SECRET is not set, so no token can be signed.",
                f"type: {MAKE_SECRET}; export CONSENT_SECRET_FILE=consent-secret",
            )
        )
    return settings, found


def secret(settings: Settings, folder: Path) -> Iterator[Finding]:
    """Find a secret that others know: that of a demo in ``folder``, or one that everybody may read."""
    for kept in folder.glob("consent-demo*/secret"):
        if kept.read_text(encoding="utf-8").strip() in settings.secret:
            yield Finding(
                f"CONSENT_SECRET is the one of the demo in {kept.parent.name}.",
                f"type: {MAKE_SECRET}; export CONSENT_SECRET_FILE=consent-secret",
            )
    path = os.environ.get("CONSENT_SECRET_FILE")
    if path and Path(path).exists() and Path(path).stat().st_mode & 0o077:
        yield Finding(f"{path} can be read by others than its owner.", f"type: chmod 600 {path}")


def servers(found: Iterable[Server], now: float) -> Iterator[Finding]:
    """Find what would lose or refuse consents in the Redis servers that keep them; ``now`` in seconds."""
    for server in found:
        try:
            server.must_be_supported()
        except TooOld as error:
            yield Finding(
                str(error), "install Redis 7 or Valkey 8, or leave REDIS_URL out for the one that comes along"
            )
        if not server.append_only:
            yield Finding(
                "Redis keeps decisions in memory only: a restart loses all of them.",
                "type: redis-cli config set appendonly yes; redis-cli config rewrite",
            )
        elif server.fsync not in (None, "always"):
            yield Finding(
                f"Redis writes with appendfsync {server.fsync}: a crash loses decisions that were acknowledged.",
                "type: redis-cli config set appendfsync always; redis-cli config rewrite",
            )
        elif server.cuts_wrongly:
            yield Finding(
                "A full disk or a power cut may leave half a decision in this Redis's file, and later ones are lost.",
                "type: redis-cli config set aof-load-truncated no; redis-cli config rewrite, and have redis-check-aof "
                "mend the file before each start (docs/operating.md); or install Valkey 9.1.2",
            )
        if server.eviction not in ("", "noeviction"):
            yield Finding(
                f"Redis drops keys when it is full (maxmemory-policy {server.eviction}), consents included.",
                "type: redis-cli config set maxmemory-policy noeviction; redis-cli config rewrite",
            )
        if abs(server.clock - now) > SECONDS_APART:
            yield Finding(
                f"The clocks of this machine and of Redis are {abs(server.clock - now):.0f} s apart.",
                "type on both: timedatectl set-ntp true",
            )


def site(asked: Site) -> Iterator[Finding]:
    """Find what is wrong with a shop as it is described."""
    for origin in asked.origins:
        host = urlsplit(origin).hostname or ""
        if origin.startswith("http://") and host not in LOOPBACK:
            yield Finding(
                f"{asked.id}: {origin} is not under https, so anybody on the way can read and change the answer.",
                f'write "https://{host}" in origins, and have the shop answer there',
            )
        domain = asked.cookie_domain
        if domain and host != domain and not host.endswith(f".{domain}"):
            yield Finding(
                f"{asked.id}: browsers refuse the cookie of {domain} on {origin}.",
                f"take a parent domain of every origin as cookie_domain, or leave it out, or leave {origin} out",
            )
    named = {cookie.name for cookies in asked.cookies.values() for cookie in cookies}
    if asked.cookie not in named:
        yield Finding(
            f"{asked.id}: the cookie list leaves out the cookie `{asked.cookie}`, in which the answer is kept.",
            f'add a table [[sites.{asked.id}.cookies.necessary]] with name = "{asked.cookie}"',
            grave=False,
        )
    if (asked.vendors or asked.trackers) and not any(asked.cookies.get(category) for category in CATEGORIES[1:]):
        yield Finding(
            f"{asked.id}: the cookie list names no optional cookie, though vendors or trackers are configured.",
            f"name what they set in tables [[sites.{asked.id}.cookies.analytics]] and so on",
            grave=False,
        )


def kept_by_safari(asked: Site, url: str) -> Iterator[Finding]:
    """Find origins on another host than the server's ``url``: there only a script can set the answer's cookie."""
    host = urlsplit(url).hostname
    for origin in asked.origins:
        if urlsplit(origin).hostname != host:
            yield Finding(
                f"{asked.id}: on {origin} Safari keeps the answer for 7 days only, then the shopper is asked again.",
                f"have the shop's web server pass {origin}/consent/ on to this server, and set CONSENT_PREFIX=/consent",
                grave=False,
            )


def listed(asked: Site, page: str, seen: Seen) -> Iterator[Finding]:
    """Compare what a browser saw on ``page`` with the shop's cookie list."""
    names = {cookie.name: category for category, cookies in asked.cookies.items() for cookie in cookies}
    category_of = {
        name: next((names[pattern] for pattern in names if fnmatchcase(name, pattern)), None)
        for name in seen.before | seen.after
    }
    for name, category in sorted(category_of.items()):
        if category is None and not re.fullmatch(r"(__Host-)?(consent|ask-\w+)", name):
            yield Finding(
                f"{asked.id}: {page} sets {name}, which the cookie list does not name.",
                f'add it in a table [[sites.{asked.id}.cookies.CATEGORY]] with name = "{name}"',
            )
        elif category not in (None, CATEGORIES[0]) and name in seen.before:
            yield Finding(
                f"{asked.id}: {page} sets {name} before the shopper has answered, though it is for {category}.",
                f'mark the tag that sets it: <script type="text/plain" data-consent="{category}" …>',
            )


# Over the network


def reached(url: str, settings: Settings, sites: Iterable[Site]) -> Iterator[Finding]:
    """Ask the running server at its public ``url`` whether it answers, and whom it believes about the scheme."""
    shops = [*sites]
    address = f"{url}/v1/{shops[0].id}/consent.js"
    try:
        plain = _headers(address)
        forged = _headers(address, {"X-Forwarded-Proto": "http" if url.startswith("https") else "https"})
    except OSError as error:
        yield Finding(
            f"{address} cannot be had: {_reason(error)}.",
            "start it with `consent-server serve`, and have the web server pass this address on to it",
        )
        return
    secure = "Strict-Transport-Security" in plain
    believed = ("Strict-Transport-Security" in forged) != secure
    if url.startswith("https") and not secure:
        yield Finding(
            f"A proxy answers at {url}, and its X-Forwarded-* headers are not believed.",
            "set TRUSTED_PROXIES to the number of proxies in front (usually 1), and have each set X-Forwarded-Proto",
        )
    elif believed:
        yield Finding(
            "The X-Forwarded-Proto header of any client is believed.",
            "have the web server set it (nginx: proxy_set_header X-Forwarded-Proto $scheme;), "
            "or set TRUSTED_PROXIES=0 if there is none"
            + (f"; it is {settings.trusted_proxies}" if settings.trusted_proxies else ""),
        )
    for shop in shops[1:]:
        try:
            _headers(f"{url}/v1/{shop.id}/consent.js")
        except OSError as error:
            yield Finding(
                f"{url} does not serve {shop.id}: {_reason(error)}.", "restart it, so that it reads consent.toml again"
            )


def shops_answer(asked: Site) -> Iterator[Finding]:
    """Find origins of a shop that do not answer."""
    for origin in asked.origins:
        try:
            _headers(origin)
        except urllib.error.HTTPError:
            continue  # it answers, if only to say no
        except OSError as error:
            yield Finding(
                f"{asked.id}: {origin} cannot be reached from here: {_reason(error)}.",
                "correct origins in consent.toml, or leave the shops out with --offline",
                grave=False,
            )


def _headers(url: str, headers: Mapping[str, str] = {}) -> HTTPMessage:
    # Addresses and origins are http or https: their readers take nothing else.
    request = urllib.request.Request(url, headers={"User-Agent": "consent-server check", **headers})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=SECONDS_TO_ANSWER) as answer:  # nosec B310  # noqa: S310
            return answer.headers  # type: ignore[no-any-return]
    except HTTPException as error:
        raise urllib.error.URLError("it does not speak HTTP") from error


def _reason(error: OSError) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"it answers {error.code}"
    reason = getattr(error, "reason", error)
    if isinstance(reason, ssl.SSLCertVerificationError):
        return reason.verify_message
    return str(getattr(reason, "strerror", None) or reason)


# The tag


def tag(asked: Site, url: str) -> str:
    """Return the tag that the pages of this shop need.

    What has to run before the tags of vendors, or to hold back unmarked ones, must not be async.
    """
    kind = "" if asked.vendors or asked.trackers else "async "
    return f'<script {kind}src="{url}/v1/{asked.id}/consent.js"></script>'


def where(asked: Site) -> str:
    """Return where that tag has its place, in a sentence."""
    if asked.trackers:
        return "as the first script in <head>, before anything that loads a tracker"
    if asked.vendors:
        return "in <head>, before the tags of the vendors"
    return "anywhere in <head>"


def unread(error: ConsentError) -> Finding:
    """Return the finding that ``consent.toml`` is wrong."""
    return Finding(str(error), "correct it there; `consent-server init` writes one to start from")
