"""Whose a name in a browser may be: services by the entries that the catalogue has of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from ..site import glob
from . import Entry, services


@cache
def _compiled(name: str) -> re.Pattern[str]:
    return re.compile(glob(name))


@cache
def _whole() -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for id_, each in services().items():
        for entry in each.entries:
            if not entry.host:
                found.setdefault((entry.kind, entry.name), []).append(id_)
    return found


def is_like(entry: Entry, kind: str, name: str) -> bool:
    """Return whether an entry is of that kind and takes that name."""
    return entry.kind == kind and bool(_compiled(entry.name).fullmatch(name))


def named_so(kind: str, name: str) -> Sequence[str]:
    """Return ids of services that keep an entry of exactly that name with the shop."""
    return _whole().get((kind, name), ())


def resembled(kind: str, name: str) -> list[str]:
    """Return ids of services that keep entries of such a name with the shop: perhaps it is one of theirs."""
    entries = ((id_, entry) for id_, each in services().items() for entry in each.entries if not entry.host)
    return list(dict.fromkeys(id_ for id_, entry in entries if is_like(entry, kind, name)))
