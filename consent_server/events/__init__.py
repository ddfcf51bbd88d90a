"""What shops' other systems are told: each decision, in order, from the log itself."""

from __future__ import annotations

from typing import Any

from ..decision import Entry
from ..site import Site


def as_event(entry: Entry, site: Site) -> dict[str, Any]:
    """Return what is told of a decision: ``{kind, allow, at, jti, sub, site}``, ``at`` in seconds since 1970.

    ``jti`` (the decision) and ``sub`` (the shopper) are those of the token. Who refused and had allowed nothing is not
    named, and the time of it is the hour, as in the token; who takes back what was allowed is, for somebody may have to
    act on that.
    """
    named, at = bool(entry.allow | entry.before), entry.at // 1000
    return {
        "kind": entry.kind,
        "allow": entry.allowed(),
        "at": at if named else at - at % 3600,
        "jti": entry.id if named else None,
        "sub": entry.subject if named else None,
        "site": site.id,
    }
