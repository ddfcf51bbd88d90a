"""What left the browser and what came back with it, from Chromium's own network log.

It alone sees what shared workers ask for, and every ``Set-Cookie``, also one that the browser refused to keep.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..hosts import spelled

_PRECONNECT = re.compile(
    r"<\s*([^>]+?)\s*>(?:[^,<]*;)?\s*rel\s*=\s*\"?[^\",;]*\b(?:preconnect|dns-prefetch)\b", re.IGNORECASE
)


@dataclass(slots=True)
class Sent:
    """A request as the network layer saw it.

    ``at``: seconds since 1970; ``initiator``: an origin, empty for what the browser itself asked for, which includes
    the pages that an audit goes to, and ``null`` for who has none (a sandboxed frame, a worker out of a ``data:``
    address); ``cookies``: lines of ``Set-Cookie``; ``preconnects``: addresses in ``Link``.
    """

    url: str
    at: float
    initiator: str
    cookies: list[str] = field(default_factory=list)
    preconnects: list[str] = field(default_factory=list)


def read_netlog(path: Path) -> Sequence[Sent]:
    """Return the requests in the order in which they left, redirects' middle addresses too.

    Args:
        path: a file written by ``--log-net-log``; one that was cut off is read as far as it goes.
    """
    if not path.exists():
        return ()
    sent: list[Sent] = []
    with path.open(encoding="utf-8", errors="replace") as lines:
        head = next(lines, "").strip().rstrip(",").removeprefix('{"constants":')
        try:
            constants = json.loads(head)
        except ValueError:
            return ()
        names = {number: name for name, number in constants["logEventTypes"].items()}
        offset = int(constants["timeTickOffset"])
        last: dict[int, Sent] = {}
        for line in lines:
            event = _event(line)
            if event is None:
                continue
            kind, params, source = names.get(event["type"]), event.get("params", {}), event["source"]["id"]
            at = (int(event["time"]) + offset) / 1000
            if kind == "URL_REQUEST_START_JOB" and "url" in params:  # one for each address of a chain of redirects
                last[source] = Sent(params["url"], at, _origin(params.get("initiator", "")))
                sent.append(last[source])
            elif kind == "HTTP_TRANSACTION_READ_RESPONSE_HEADERS" and source in last:
                _take_headers(params.get("headers", ()), last[source])
    return sent


def _take_headers(headers: Sequence[str], sent: Sent) -> None:
    for header in headers:
        name, _, value = header.partition(":")
        if name.lower() == "set-cookie":
            sent.cookies.append(value.strip())
        elif name.lower() == "link":
            sent.preconnects += [spelled(address, sent.url) for address in _PRECONNECT.findall(value)]


def _origin(initiator: str) -> str:
    """Return the origin as the log has it, which describes one without a name in words."""
    return "null" if initiator.startswith("null") else initiator if "://" in initiator else ""


def _event(line: str) -> dict[str, Any] | None:
    """Return the event on a line of the log, each of which ends with a comma; None for what is no event."""
    try:
        event = json.loads(line.strip().rstrip(",").removesuffix("]}"))
    except ValueError:
        return None
    return event if isinstance(event, dict) and "type" in event and "source" in event else None
