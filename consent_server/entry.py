"""What the log holds of a decision (Entry), and as what it is counted (COLUMNS)."""

from __future__ import annotations

import hashlib

import msgspec

from .site import OPTIONAL, categories_of

HOW = ("accept", "refuse", "save", "preferences", "signal", "script")
"""Ways of answering: ``accept`` and ``refuse``, both buttons; ``save``, the switches, or a frame that waits;
``preferences``, whatever changes an answer that holds; SIGNAL; and the shop's script.

Whatever else a front end of the shop's own calls its way of asking counts as ``script``.
"""

SIGNAL = "signal"
"""Global Privacy Control, which denies marketing while a browser sends it, and answers nothing.

Entries of versions in which it did stay as they were written, and count in no rate. Banners that are shown to a browser
which sends it are counted under this name too.
"""

LONGEST_HOW = 32

KINDS = ("first", "renewal", "change")
DEVICES = ("desktop", "phone", "tablet")
DIMENSIONS = ("day", "language", "variant", "device", "country", "how", "rule")

COLUMNS = (
    "shown",
    *(f"first{mask}" for mask in range(8)),
    *(f"renewal{mask}" for mask in range(8)),
    "changes",
    "withdrawals",
    *(f"withdrawn_{category}" for category in OPTIONAL),
)
"""What is counted, once a day and once more for each value of a dimension."""


class Entry(msgspec.Struct, frozen=True):
    """One decision as the log holds it. ``at`` is in milliseconds and, with ``seq`` and ``bucket``, its place.

    Refusals of one hour share their ``signature``, a token's; ``own`` is the entry's itself (``store.evidence.own``).
    After an erasure ``id``, ``subject`` and both are gone, ``erased`` is the hash of what they were, and ``statement``
    is what was signed of it then (``proof.erasure``).
    """

    bucket: int
    at: int
    seq: int
    kind: str
    allow: int
    before: int
    how: str
    device: str
    country: str
    notice: str
    id: str = ""
    subject: str = ""
    signature: bytes = b""
    erased: bytes = b""
    statement: bytes = b""
    own: bytes = b""

    def identity(self) -> bytes:
        """Return the SHA-256 of what says whose decision it is; it outlives an erasure."""
        if self.erased:
            return self.erased
        # Refusals of one hour share their token, so its signature says nothing about one of them.
        own = self.signature if self.allow else b""
        return hashlib.sha256(msgspec.json.encode([self.id, self.subject, own])).digest()

    def allowed(self) -> list[str]:
        """Return the optional categories that it allowed, sorted."""
        return categories_of(self.allow)

    def columns(self) -> list[str]:
        """Return the names of the COLUMNS in which this entry counts, once each."""
        return columns(self.kind, self.allow, self.before)


def columns(kind: str, allow: int, before: int) -> list[str]:
    """Return in which COLUMNS a decision counts that turned the mask ``before`` into ``allow``."""
    if kind != "change":
        return [f"{kind}{allow}"]
    taken_back = categories_of(before & ~allow)
    return ["changes", *(["withdrawals"] if taken_back else []), *(f"withdrawn_{name}" for name in taken_back)]
