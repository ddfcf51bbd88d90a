"""A page with a leak, and what an audit has to say of it."""

from __future__ import annotations

from dataclasses import dataclass, field

STILL = ("before", "refused", "withdrawn", "gpc")
"""States in which nothing is allowed."""

HIT = "fetch('{t}/%s', { mode: 'no-cors' });"


@dataclass(frozen=True)
class Plant:
    """A page, the scripts beside it, and the finding: ``by`` is the initiator's path, the page where it is empty."""

    body: str
    kind: str
    name: str
    host: str = "t"
    by: str = ""
    by_host: str = "shop"
    scripts: dict[str, str] = field(default_factory=dict)
    states: tuple[str, ...] = STILL
    also: tuple[str, ...] = ("accepted",)
    """States in which it may be there too."""


def request(body: str, path: str, **rest: object) -> Plant:
    return Plant(body, "request", "{t}/" + path, **rest)  # type: ignore[arg-type]


def script(text: str, kind: str, name: str, host: str = "shop", **rest: object) -> Plant:
    """Plant a script of the shop's own that does something on the device."""
    return Plant('<script src="/own.js"></script>', kind, name, host, "own.js", scripts={"own.js": text}, **rest)  # type: ignore[arg-type]
