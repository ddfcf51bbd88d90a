"""What left the browser, from Chromium's own network log: also workers' requests, and those of a page that unloads.

Playwright's events and a page's DevTools session miss the last. The browser's own calls have no origin as initiator.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as the network layer saw it. ``at``: seconds since 1970; ``initiator``: an origin."""

    url: str
    at: float
    initiator: str


def read_netlog(path: Path) -> Iterator[Sent]:
    """Yield the requests that pages and their workers made, redirects' middle addresses too.

    Args:
        path: a file written by ``--log-net-log``; one that was cut off is read as far as it goes.
    """
    if not path.exists():
        return
    with path.open(encoding="utf-8", errors="replace") as lines:
        head = next(lines, "").strip().rstrip(",").removeprefix('{"constants":')
        try:
            constants = json.loads(head)
        except ValueError:
            return
        names = {number: name for name, number in constants["logEventTypes"].items()}
        offset = int(constants["timeTickOffset"])
        initiators: dict[int, str] = {}
        for line in lines:
            event = _event(line)
            if event is None:
                continue
            kind, params, source = names.get(event["type"]), event.get("params", {}), event["source"]["id"]
            at = (int(event["time"]) + offset) / 1000
            if kind == "URL_REQUEST_START_JOB" and "://" in params.get("initiator", ""):
                initiators[source] = params["initiator"]
                yield Sent(params["url"], at, params["initiator"])
            elif kind == "URL_REQUEST_REDIRECTED" and source in initiators:
                yield Sent(params["location"], at, initiators[source])


def _event(line: str) -> dict[str, Any] | None:
    """Return the event on a line of the log, each of which ends with a comma; None for what is no event."""
    try:
        event = json.loads(line.strip().rstrip(",").removesuffix("]}"))
    except ValueError:
        return None
    return event if isinstance(event, dict) and "type" in event and "source" in event else None
