"""How a browser spells an origin (WHATWG URL, HTML): no other spelling of one ever arrives in an ``Origin`` header."""

from __future__ import annotations

import ipaddress
import re
from itertools import takewhile
from typing import Any

import idna

DEFAULT_PORTS = {"http": "80", "https": "443"}

_ORIGIN = re.compile(r"(https?)://(\[[^\]/?#@]*\]|[^\s/?#@:\[\]\\]+)(?::(\d*))?/?", re.IGNORECASE)
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\"#%/:<>?@\[\\\]^`{|}*]")
_LONGEST_HOST = 253
_LONGEST_LABEL = 63


def origins(value: Any) -> tuple[str, ...]:
    """Return a list of origins as ``consent.toml`` has it.

    Raises:
        ValueError: one of them would never arrive; says how a browser spells it, or what is wrong with it.
    """
    texts = value if isinstance(value, list) else []
    if not texts or not all(isinstance(text, str) for text in texts):
        raise ValueError('takes a list of exact origins such as ["https://shop.example"]: no path, no pattern')
    for text in texts:
        try:
            sent = spelled(text)
        except ValueError as error:
            raise ValueError(
                'takes exact origins such as "https://shop.example", no path, no pattern, '
                f"which {text!r} is not: {error}"
            ) from None
        if text != sent:
            raise ValueError(f"takes exact origins, as browsers send them: write {sent!r} for {text!r}")
    return tuple(texts)


def spelled(text: str) -> str:
    """Return the origin that a browser sends from pages of ``text``.

    Raises:
        ValueError: it is no origin of a web page: another scheme, a path, a pattern, a host or port that cannot be.
    """
    match = _ORIGIN.fullmatch(text)
    if match is None:
        raise ValueError("it is no scheme, host and port")
    scheme, port = match[1].lower(), match[3] or ""
    host = _ipv6(match[2][1:-1]) if match[2].startswith("[") else _host(match[2])
    number = port.lstrip("0") or port[:1]
    if number and not 1 <= int(number[:6]) <= 65535:
        raise ValueError("ports are 1 to 65535")
    return f"{scheme}://{host}{'' if number in ('', DEFAULT_PORTS[scheme]) else ':' + number}"


def _ipv6(text: str) -> str:
    try:
        packed = ipaddress.IPv6Address(text).packed
    except ValueError:
        raise ValueError("it is no IPv6 address") from None
    if "%" in text:
        raise ValueError("browsers take no zone in an address")
    groups = [int.from_bytes(packed[n : n + 2]) for n in range(0, 16, 2)]
    # The first of the longest runs of zeros is left out, if it is longer than one.
    runs = [sum(1 for _ in takewhile(lambda group: group == 0, groups[n:])) for n in range(8)]
    start = runs.index(max(runs))
    parts = [groups[:start], groups[start + runs[start] :]] if runs[start] > 1 else [groups]
    return f"[{'::'.join(':'.join(f'{group:x}' for group in part) for part in parts)}]"


def _host(text: str) -> str:
    """Return a name as browsers have it: lower case, punycode (UTS 46); or an IPv4 address, however it was written."""
    try:
        mapped = text.lower() if text.isascii() else idna.uts46_remap(text, std3_rules=False, transitional=False)
    except idna.IDNAError:
        raise ValueError("browsers take no such host") from None
    labels = [label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in mapped.split(".")]
    host = ".".join(labels)
    dotless = labels[:-1] if labels[-1] == "" else labels
    if not dotless or _FORBIDDEN.search(host) or not all(0 < len(label) <= _LONGEST_LABEL for label in dotless):
        raise ValueError("browsers take no such host")
    if len(host.rstrip(".")) > _LONGEST_HOST or not all(_is_punycode(label) for label in labels):
        raise ValueError("browsers take no such host")
    if re.fullmatch(r"\d+|0x[0-9a-f]*", dotless[-1]):
        return _ipv4(dotless)
    return host


def _is_punycode(label: str) -> bool:
    """Return whether a label that says so is punycode, and of something that needs it."""
    if not label.startswith("xn--"):
        return True
    try:
        said = label[4:].encode().decode("punycode")
    except UnicodeError:
        return False
    return not said.isascii() and said.encode("punycode").decode() == label[4:]


def _ipv4(parts: list[str]) -> str:
    """Return the address that browsers take a host for whose last part is a number: ``127.1``, ``0x7f.0.0.1``."""
    try:
        numbers = [_number(part) for part in parts]
    except ValueError:
        raise ValueError("it is no IPv4 address") from None
    *first, last = numbers
    if len(numbers) > 4 or any(number > 255 for number in first) or last >= 256 ** (5 - len(numbers)):
        raise ValueError("it is no IPv4 address")
    total = last + sum(number << 8 * (3 - n) for n, number in enumerate(first))
    return str(ipaddress.IPv4Address(total))


def _number(text: str) -> int:
    if text.startswith("0x"):
        return int(text[2:] or "0", 16)
    return int(text, 8 if len(text) > 1 and text.startswith("0") else 10)
