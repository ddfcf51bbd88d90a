"""The log as a stream that another system follows: from a cursor on, without gap or repeat."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from ..site import ConsentError, Site
from ..store import Store
from ..store.feed.reader import Position
from . import as_event

START = "start"
"""The cursor before the first decision."""


class UnknownCursor(ConsentError):
    """A cursor that no decision of the site has."""

    problem = "unknown-cursor"


def follow(store: Store, site: Site, cursor: str) -> Iterator[bytes]:
    """Yield a line of JSON for each decision after ``cursor``, oldest first: the event, and its own ``cursor``.

    What was erased is not among them. To read on, take the cursor of the last line that was read: what is decided later
    comes after it, whatever clocks do.

    Raises:
        UnknownCursor: nothing that was decided at this site has it.
        Archived: the decision that has it was moved to an archive.
        ClocksApart: this machine's clock and the store's are over a minute apart.
    """
    position = _position(site, cursor)
    if position:
        day = datetime.fromtimestamp(position.at / 1000, UTC).date()
        store.log.must_have(site, day)
        if not store.feed.has(site, position):
            raise _unknown(site, cursor)
    until = store.feed.until_now(site, time.time_ns() // 1_000_000)
    for place, entry in store.feed.since(site, position, until):
        event = as_event(entry, site) | {"cursor": f"{place.at}-{place.bucket}-{place.seq}"}
        yield msgspec.json.encode(event) + b"\n"
    if position:
        store.log.must_have(site, day)  # still: or what was trimmed meanwhile would be a gap


def _position(site: Site, cursor: str) -> Position | None:
    if cursor == START:
        return None
    found = re.fullmatch(r"(\d{1,14})-(\d{1,4})-(\d{1,5})", cursor)
    if not found:
        raise _unknown(site, cursor)
    at, bucket, seq = map(int, found.groups())
    return Position(at, bucket, seq)


def _unknown(site: Site, cursor: str) -> UnknownCursor:
    return UnknownCursor(
        f"No decision of {site.id} has the cursor {cursor[:40]!r}: take the one of the last line that you had, or "
        f"{START!r}."
    )
