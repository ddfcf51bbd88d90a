"""How a browser spells the hosts and paths that a shop lists: no other spelling of one ever matches anything."""

from __future__ import annotations

import re
from string import ascii_letters, digits
from typing import Any
from urllib.parse import quote

from ...catalogue.addresses import is_pattern
from .origins import spelled

_AS_IT_IS = ascii_letters + digits + "!$%&'()*+,-./:;=@[]_~"
"""What a browser leaves as it is in a path."""


def pattern(value: Any) -> str:
    """Return a pattern of a tracker's addresses as ``consent.toml`` has it.

    Raises:
        ValueError: no browser's address would match it; says how a browser spells it, or what is wrong with it.
    """
    why, right = "", value
    if isinstance(value, str):
        try:
            right = _pattern(value)
        except ValueError as error:
            why = f": {error}"
    if not isinstance(right, str) or why or not is_pattern(right):
        raise ValueError(f'takes a host such as "www.clarity.ms" or "*.hotjar.com", with a path if need be{why}')
    if right != _encoded(value):
        raise ValueError(
            "takes a host, with a path if need be, as browsers spell them, "
            f"without scheme, query and the ports 443 and 80: write {right!r} for {value!r}"
        )
    return str(value)


def _encoded(value: object) -> str:
    """Return a pattern with what some browsers leave in a path as others have it; it matches both."""
    return str(value).replace("^", "%5E").replace("|", "%7C")


def host(value: Any, shape: str, takes: str) -> str:
    """Return a host as ``consent.toml`` has it.

    Args:
        value: it.
        shape: a regular expression of what is taken.
        takes: what is said where it is none.

    Raises:
        ValueError: no browser has it so.
    """
    if not isinstance(value, str):
        raise ValueError(takes)
    try:
        right = _host(value)
    except ValueError:
        right = ""
    if not re.fullmatch(shape, right):
        raise ValueError(takes)
    if right != value:
        raise ValueError(f"{takes}, as browsers spell it: write {right!r} for {value!r}")
    return right


def _host(text: str) -> str:
    return spelled(f"https://{text}").removeprefix("https://").removesuffix(":80").removesuffix(".")


def _pattern(text: str) -> str:
    """Return a pattern with its host and its path as browsers have them.

    Raises:
        ValueError: the host, or its port, is none.
    """
    wanted = re.split("[?#]", re.sub(r"^[a-z]+://", "", text, flags=re.IGNORECASE), maxsplit=1)[0].replace("\\", "/")
    wide = "*." if wanted.startswith("*.") else ""
    name, slash, path = wanted.removeprefix(wide).partition("/")
    return wide + _host(name) + slash + quote(_without_dots(path), safe=_AS_IT_IS)


def _without_dots(path: str) -> str:
    """Return a path as a browser has it once it has gone where ``.`` and ``..`` lead."""
    kept: list[str] = []
    *folders, last = path.split("/")
    for part in (*folders, last):
        dots = part.lower().replace("%2e", ".")
        if dots == "..":
            del kept[-1:]
        elif dots != ".":
            kept.append(part)
    return "/".join([*kept, *([""] if last.lower().replace("%2e", ".") in (".", "..") else [])])
