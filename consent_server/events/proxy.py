"""How a webhook is reached through a proxy that the environment names, and by a name and a password of its address."""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass


def proxy_of(url: str) -> SplitResult:
    """Return the address of the proxy that the environment names for an address, empty if it names none."""
    parts = urlsplit(url)
    named = "" if proxy_bypass(str(parts.hostname)) else getproxies().get(parts.scheme, "")
    return urlsplit(named if "://" in named or not named else f"http://{named}")  # as curl and others read it


def basic(header: str, parts: SplitResult) -> dict[str, str]:
    """Return the header that tells the name and password of an address (RFC 7617); nothing if it has none."""
    if "@" not in parts.netloc:
        return {}
    said = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return {header: f"Basic {b64encode(said.encode()).decode()}"}


def target_of(url: str, proxy: SplitResult) -> str:
    """Return what is asked for at the other end of a connection."""
    parts = urlsplit(url)
    path = f"{parts.path or '/'}{parts.query and '?'}{parts.query}"
    return f"http://{parts.netloc.rpartition('@')[2]}{path}" if proxy.hostname and parts.scheme == "http" else path
