"""What a shopper answers (Decision), what holds from then on (Consent), and what the log holds of it (Entry).

Everything here is pure: no clock, no network, no storage.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

import msgspec

from .site import CATEGORIES, OPTIONAL, ConsentError, Notice, UnknownCategory, categories_of, mask_of

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


class Malformed(ConsentError):
    """The body is not what the contract says."""

    problem = "malformed"


class UnknownNotice(ConsentError):
    """The answer is to a question that this site never asked."""

    problem = "unknown-notice"


class Consent(
    msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, tag_field="typ", tag="consent"
):
    """The payload of a token: the answer that counts now, for whoever has to heed it. ``at``, ``exp``: seconds.

    ``sub`` (the shopper) and ``jti`` (the decision) exist only where something optional is allowed: nobody is
    numbered for refusing.
    """

    site: str
    allow: list[str]
    rev: int
    notice: str
    at: int
    exp: int
    sub: str | None = None
    jti: str | None = None

    def allows(self, category: str) -> bool:
        """Return whether cookies of this category may be set; ``necessary`` always may.

        Raises:
            UnknownCategory: the name is not one of the four categories.
        """
        if category not in CATEGORIES:
            raise UnknownCategory(f"{category!r} is not a category; there are {', '.join(CATEGORIES)}.")
        return category == "necessary" or category in self.allow

    @property
    def order(self) -> tuple[int, int]:
        """What the newest of several answers has most of, to compare by.

        A refusal says only its hour: of two that cannot be ordered the stricter counts, as it does in the page.
        """
        return self.at + (0 if self.allow else 3599), -len(self.allow)


class _Answer(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a decision as a browser posts it."""

    id: str
    allow: list[str]
    notice: str
    lang: str | None = None
    variant: str | None = None
    how: str = "script"
    previous: str | None = None


_answer = msgspec.json.Decoder(_Answer)
_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")


class Decision(msgspec.Struct, frozen=True):
    """One answer of one shopper to one notice; ``allow`` is a mask, ``previous`` the consent that it follows."""

    id: str
    allow: int
    notice: Notice
    how: str
    previous: Consent | None

    @classmethod
    def parse(
        cls,
        body: bytes,
        notice: Callable[[str], Notice | None],
        read: Callable[[str], Consent],
    ) -> Decision:
        """Read the body of a decision.

        Args:
            body: JSON text, ``{id, allow, notice, lang, variant, how, previous?}``.
            notice: finds a notice of the shop it was sent to, by its hash.
            read: reads a token of that shop, expired or not, and raises a ConsentError for any other.

        Raises:
            Malformed: not JSON, a field too many or of the wrong type, an id or a way of answering out of bounds.
            UnknownCategory: something else than the optional categories of that notice is allowed.
            UnknownNotice: the notice was never served by this site.
            ConsentError: whatever ``read`` raises about ``previous``.
        """
        try:
            answer = _answer.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Malformed(f"The body is not a decision: {str(error).rstrip('.')}.") from None
        if not _ID.fullmatch(answer.id):
            raise Malformed("`id` must be 16 to 64 characters out of A-Z, a-z, 0-9, - and _, made afresh.")
        if len(answer.how) > LONGEST_HOW:
            raise Malformed(f"`how` is one of {', '.join(HOW)}, or a word of up to {LONGEST_HOW} characters.")
        for category in answer.allow:
            if category not in CATEGORIES:
                raise UnknownCategory(f"{category[:40]!r} is not a category; `allow` takes {', '.join(OPTIONAL)}.")
        asked = notice(answer.notice)
        if asked is None:
            raise UnknownNotice(f"This site never showed the notice {answer.notice[:40]!r}; ask for its `notice`.")
        if answer.lang is not None and answer.lang != asked.lang:
            raise UnknownNotice(f"That notice is in {asked.lang!r}, not in {answer.lang[:40]!r}.")
        for category in answer.allow:
            if asked.rule and category not in asked.content["categories"]:
                raise UnknownCategory(
                    f"{category!r} is not offered by that notice: it is off in the rule {asked.rule!r}."
                )
        previous = None if answer.previous is None else read(answer.previous)
        # A privacy signal is no answer: as a way of answering it would be in no total.
        how = answer.how if answer.how in HOW and answer.how != SIGNAL else "script"
        return cls(answer.id, mask_of(answer.allow), asked, how, previous)

    @property
    def subject(self) -> str:
        """Whose decision it is: the subject of the consent it follows, else the decision itself."""
        return (self.previous and self.previous.sub) or self.id

    @property
    def before(self) -> int:
        """The mask that was allowed until now."""
        return mask_of(self.previous.allow) if self.previous else 0

    def kind(self, now: int) -> str:
        """Return ``first``, ``renewal`` (asked again after expiry or a new revision) or ``change``; now: seconds."""
        if self.previous is None:
            return "first"
        if self.previous.exp <= now or self.previous.rev != self.notice.revision:
            return "renewal"
        return "change"

    def consent(self, now: int) -> Consent:
        """Return what the token says of this decision, taken at ``now`` (seconds).

        A refusal names no shopper and only the hour, so that all who refuse in one hour hold the same token.
        """
        return consent_of(self.notice, self.allow, now, self.subject, self.id)


def consent_of(notice: Notice, allow: int, now: int, subject: str, decision: str) -> Consent:
    """Return the payload of the token for an answer ``allow`` (a mask) given at ``now`` (seconds)."""
    at = now if allow else now - now % 3600
    return Consent(
        site=str(notice.content["site"]),
        allow=categories_of(allow),
        rev=notice.revision,
        notice=notice.hash,
        at=at,
        exp=at + notice.keep,
        sub=subject if allow else None,
        jti=decision if allow else None,
    )


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
