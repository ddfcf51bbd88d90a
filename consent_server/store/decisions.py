"""Decisions, each kept once."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from ..decision import DEVICES, Consent, Decision, Entry, consent_of
from ..site import ConsentError, Site
from . import keys
from .connection import Connection, StoreAway
from .connection.clock import Ahead, Clock, ahead, apart
from .connection.foreign import ours
from .counters import counting
from .evidence.notices import Notices
from .evidence.own import needs_own, said
from .packing import name_in, pack, pack_hour, pack_name, unpack


class OtherContent(ConsentError):
    """A decision's id was used before for another answer."""

    problem = "other-content"


class PreviousReplaced(ConsentError):
    """The token that a decision follows is not the subject's latest, or the subject was erased."""

    problem = "previous-replaced"


class TooManyChanges(ConsentError):
    """A subject has more decisions than can be looked through while others wait."""

    problem = "too-many"


class Recorded(msgspec.Struct, frozen=True):
    """A decision as it was acknowledged; ``repeat`` says that it had been recorded before, ``at`` when, in ms.

    ``now``: when it was sent, in ms, by Redis' clock where this machine's is far from that.
    """

    consent: Consent
    signature: bytes
    repeat: bool
    at: int
    now: int = 0


class Reply(IntEnum):
    """What ``record.lua`` says of a decision."""

    NEW = 0
    REPEATED = 1
    REPLACED = 2
    PASSED = 3
    APART = 4
    FULL = 5
    AHEAD = 6


class _Arguments(NamedTuple):
    """What ``record.lua`` takes, in its order; what to count follows."""

    digest: bytes
    now: int
    clock: int
    leeway: int
    entry: bytes
    id: bytes
    follows: bytes
    hour: bytes
    signature: bytes


class Decisions:
    """Writes decisions with their log entries and counts."""

    def __init__(self, connection: Connection, notices: Notices, clock: Clock) -> None:
        self._redis = connection.client
        self._reached = connection.reached
        self._notices = notices
        self._leeway = clock.leeway
        self._day = clock.zones.day
        self._record = connection.script("clock", "count", "record")

    def record(
        self,
        site: Site,
        decision: Decision,
        *,
        now: int,
        sign: Callable[[Any], bytes],
        device: str = DEVICES[0],
        country: str = "",
    ) -> Recorded:
        """Keep a decision, its log entry and its counts, atomically and once.

        Args:
            site: the shop.
            decision: what was answered.
            now: what this machine's clock says, milliseconds since 1970. The day is the one that Redis' clock says,
                and the log's own time never runs back: an earlier clock is moved up to it.
            sign: makes the signature of a token, and that of an entry whose token does not say it all; both are kept.
            device: one of DEVICES.
            country: two letters (ISO 3166), or empty.

        Returns:
            What the token says and its signature; of a repeat, those of the first time.

        Raises:
            OtherContent: this decision was kept before, with another answer.
            PreviousReplaced: it follows a token that is not the subject's latest.
            TooManyChanges: it is one of over 2,000 of the subject's, and allows something.
            ClocksApart: this machine's clock is over a minute off Redis', or the log ahead of it; nothing was kept.
            StoreAway: nothing was kept, or it is not known; the same call may be made again.
        """
        self._notices.write(site)
        clock = now
        for _ in range(5):
            consent, signature, reply = self._attempt(site, decision, now, clock, sign, device, country)
            if reply[0] == Reply.NEW:
                return Recorded(consent, signature, repeat=False, at=now)
            if reply[0] != Reply.PASSED:
                return self._repeated(site, decision, clock, reply)
            now = int(reply[1])
        raise StoreAway("The log moved on faster than this decision could follow; send it again.")

    def _attempt(
        self,
        site: Site,
        decision: Decision,
        now: int,
        clock: int,
        sign: Callable[[Any], bytes],
        device: str,
        country: str,
    ) -> tuple[Consent, bytes, list[Any]]:
        """Return what the token says of a decision at ``now``, its signature, and what ``record.lua`` says to it."""
        place = keys.place(site, decision.subject)
        bucket = place.bucket
        followed = decision.previous and decision.previous.jti
        seconds = now // 1000
        consent = decision.consent(seconds)
        signature = sign(consent)
        entry = Entry(
            bucket=bucket.number,
            at=now,
            seq=0,
            kind=decision.kind(seconds),
            allow=decision.allow,
            before=decision.before,
            how=decision.how,
            device=device,
            country=country,
            notice=decision.notice.hash,
            id=decision.id,
            subject=decision.subject,
            signature=signature if decision.allow else b"",
        )
        packed = pack(replace(entry, own=sign(said(entry, site.id))) if needs_own(entry) else entry)
        arguments = _Arguments(
            digest=place.digest,
            now=now,
            clock=clock,
            leeway=self._leeway,
            entry=packed,
            id=name_in(packed),
            follows=pack_name(followed) if followed else b"",
            hour=b"" if decision.allow else pack_hour(consent.at, consent.notice),
            signature=signature,
        )
        month, day = keys.month_and_day(self._day(site, now))
        reply = self._record(
            keys=[place.seen, place.older, bucket.log, bucket.refused, bucket.values, bucket.count(month)],
            args=[*arguments, *counting(day, entry, decision.notice, bool(site.rules))],
        )
        return consent, signature, reply

    def _repeated(self, site: Site, decision: Decision, clock: int, reply: list[Any]) -> Recorded:
        """Return how a decision was acknowledged before, or raise why it is not taken."""
        bucket = keys.place(site, decision.subject).bucket
        match reply:
            case [Reply.REPLACED, *_]:
                raise PreviousReplaced("`previous` is not this shopper's latest token, or the shopper was erased.")
            case [Reply.FULL, *_]:
                raise TooManyChanges("This shopper has changed the answer over 2,000 times; a refusal is taken.")
            case [Reply.APART, at]:
                raise apart(clock, at)
            case [Reply.AHEAD, at, last]:
                raise ahead(site, Ahead(bucket.log, last, at))
        _, at, packed, shared, time = reply
        with ours(bucket.log):
            first = unpack(packed, bucket.number, at, 0)
        notice = self._notices.starting_with(site, first.notice)
        if (first.allow, notice.hash, first.subject) != (decision.allow, decision.notice.hash, decision.subject):
            raise OtherContent("A decision with this `id` was kept before, with another answer; make a new id.")
        consent = consent_of(notice, first.allow, first.at // 1000, first.subject, first.id)
        sent = clock if abs(clock - time) <= self._leeway else time
        return Recorded(consent, first.signature or shared, repeat=True, at=first.at, now=sent)
