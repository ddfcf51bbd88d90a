"""What is wrong with a deployment as it is reached: the server at its public address, the shops at theirs."""

from __future__ import annotations

import json
import ssl
import urllib.error
from collections.abc import Iterable, Iterator, Mapping
from http.client import HTTPException

from ..net.http import fetch
from ..settings.environment import Settings
from ..site import Site
from .faults import Fault

SECONDS_TO_ANSWER = 5

MOST = 65_536
"""Bytes of an answer that are read: what is not our own may be of any length."""


def reached(url: str, settings: Settings, sites: Iterable[Site]) -> Iterator[Fault]:
    """Ask the running server at its public ``url`` whether it answers, and whom it believes about the scheme."""
    shops = [*sites]
    address = f"{url}/v1/{shops[0].id}/consent.js"
    way = "have the web server pass this address on to it"
    if settings.prefix and not url.endswith(settings.prefix):
        way = f"add CONSENT_PREFIX: --url {url}{settings.prefix}"
    try:
        _answer(address)
    except OSError as error:
        yield Fault(
            f"{address} cannot be had: {_reason(error)}.",
            f"start it, with `consent-server serve` or what else runs it, and {way}",
        )
        return
    try:
        scheme, forged = (
            json.loads(_answer(f"{url}/readyz", said))["scheme"]
            for said in ({}, {"X-Forwarded-Proto": "http" if url.startswith("https") else "https"})
        )
    except OSError:  # without its store it does not say; `check` tells of that itself
        scheme = forged = ""
    except (ValueError, LookupError, TypeError):  # a shop's page may answer 200 to everything
        yield Fault(f"Something else than this server answers at {url}/readyz.", way)
        return
    if url.startswith("https") and scheme == "http":
        yield Fault(
            f"A proxy answers at {url}, and its X-Forwarded-* headers are not believed.",
            "set TRUSTED_PROXIES to the number of proxies in front that each add to X-Forwarded-For, X-Forwarded-Proto "
            "and X-Forwarded-Host, which is 1 for an nginx as docs/embedding.md has it, behind a CDN too",
        )
    elif scheme != forged:
        yield Fault(
            "The X-Forwarded-Proto header of any client is believed.",
            "have the web server set it (nginx: proxy_set_header X-Forwarded-Proto $scheme;), "
            "or set TRUSTED_PROXIES=0 if there is none"
            + (f"; it is {settings.trusted_proxies}" if settings.trusted_proxies else ""),
        )
    for shop in shops[1:]:
        try:
            _answer(f"{url}/v1/{shop.id}/consent.js")
        except OSError as error:
            yield Fault(
                f"{url} does not serve {shop.id}: {_reason(error)}.", "restart it, so that it reads consent.toml again"
            )


def shops_answer(shop: Site) -> Iterator[Fault]:
    """Find origins of a shop that do not answer."""
    for origin in shop.origins:
        try:
            _answer(origin)
        except urllib.error.HTTPError:
            continue  # it answers, if only to say no
        except OSError as error:
            yield Fault(
                f"{shop.id}: {origin} cannot be reached from here: {_reason(error)}.",
                "correct origins in consent.toml, or leave the shops out with --offline",
                grave=False,
            )


def _answer(url: str, headers: Mapping[str, str] = {}) -> bytes:
    # Addresses and origins are http or https: their readers take nothing else.
    try:
        return fetch(url, SECONDS_TO_ANSWER, MOST, {"User-Agent": "consent-server check", **headers})
    except HTTPException as error:
        raise urllib.error.URLError("it does not speak HTTP") from error


def _reason(error: OSError) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"it answers {error.code}"
    reason = getattr(error, "reason", error)
    if isinstance(reason, ssl.SSLCertVerificationError):
        return reason.verify_message
    return str(getattr(reason, "strerror", None) or reason)
