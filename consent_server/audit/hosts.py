"""Whose an address is: the shop's own, or somebody else's."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from functools import cache
from urllib.parse import SplitResult, urljoin, urlsplit

from publicsuffixlist import PublicSuffixList


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def parts_of(url: str) -> SplitResult:
    """Return the parts of an address; of one that no browser reads either, such as ``http://[``, none."""
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")


def host_of(url: str) -> str:
    """Return host and port of an address, as a browser writes them; empty where it has none."""
    return parts_of(url).netloc.rpartition("@")[2].lower()


def without_login(url: str) -> str:
    """Return an address without the name and password that may stand in it, which no report has."""
    parts = parts_of(url) if "@" in url else None
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if parts and "@" in parts.netloc else url


def document_of(url: str) -> str:
    """Return the address of a document alone: without a name and password, and without the place within it."""
    parts = parts_of(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()


def spelled(address: str, base: str) -> str:
    """Return an address of an answer's header as the browser spells it; empty where it can read none."""
    with suppress(ValueError):
        parts = parts_of(urljoin(base, address))
        return parts._replace(netloc=parts.netloc.lower(), path=parts.path or "/").geturl()
    return ""


def path_of(url: str) -> str:
    """Return the address without login, query and fragment, which may hold what is personal."""
    return without_login(url.partition("#")[0].partition("?")[0])


def without_port(host: str) -> str:
    """Return a host as a cookie has it."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


@cache
def registrable(host: str) -> str:
    """Return the domain that somebody registered, by the Public Suffix List; an IP address and *.localhost whole."""
    name = without_port(host).rstrip(".")
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        if name == "localhost" or name.endswith(".localhost"):
            return name
        return _suffixes().privatesuffix(name) or name
    return name


def is_third_party(host: str, shop: str) -> bool:
    """Return whether ``host`` is another's than ``shop``: another registrable domain."""
    return registrable(host) != registrable(shop)


def is_of_shop(domain: str, shop: str) -> bool:
    """Return whether a cookie of ``domain`` is the shop's: of its registrable domain, or of a host above its own."""
    return not is_third_party(domain, shop) or f".{without_port(shop)}".endswith(f".{domain}")
