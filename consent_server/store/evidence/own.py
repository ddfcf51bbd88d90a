"""What the server signs of an entry itself, where its token does not say all that it is counted as."""

from __future__ import annotations

from typing import Any

from ...decision import Entry
from ...site import categories_of


def needs_own(entry: Entry) -> bool:
    """Return whether a token is not enough: refusals of an hour share theirs, and none says what was before it."""
    return entry.kind != "first" or not entry.allow


def logged(entry: Entry) -> dict[str, Any]:
    """Return what is logged of an entry, but for its place and whose it is."""
    return {
        "kind": entry.kind,
        "allow": entry.allowed(),
        "before": categories_of(entry.before),
        "how": entry.how,
        "device": entry.device,
        "country": entry.country,
        "notice": entry.notice,
    }


def said(entry: Entry, site: str) -> dict[str, Any]:
    """Return what is signed of an entry: all that is logged, but of its place only the second.

    Within that second the log may still move it on. ``site``: the site's id.
    """
    return {
        "typ": "entry",
        "site": site,
        "at": entry.at // 1000,
        **logged(entry),
        "id": entry.id,
        "subject": entry.subject,
    }
