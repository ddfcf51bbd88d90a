"""The log as evidence: each day sealed, and exported with all that it needs."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from .. import verify
from ..site import ConsentError, Notice, Site
from ..store import ForgedNotice, Store
from ..tokens import Keys, token
from ..verify import LONGEST_LINE, VERSION, Tree, canonical, leaf, notice_hash, seal_hash
from .attested import Attested
from .attested.stamps import Authority
from .days.day import Day
from .days.owned import Owned
from .entries import by_hash, fields, prove
from .files.whole import CannotWrite, append, write
from .keys import all_published, believed, remember
from .seals import newest_to_seal_after

__all__ = ["GRACE", "CannotWrite", "NothingToExport", "append", "export", "first_day", "seal", "write"]

GRACE = timedelta(hours=1)
"""How long after midnight a day is sealed, so that a decision on its way at midnight still finds its day."""


class NothingToExport(ConsentError):
    """There is no log in that period."""

    problem = "nothing-to-export"


def seal(store: Store, site: Site, keys: Keys, now: datetime) -> list[date]:
    """Seal every day that is over and has no seal yet, in order, and return them.

    Several servers may do this at once: the first seal of a day stays.

    Raises:
        Unproven: an entry of a day is not what somebody answered, nor what an erasure left; the day is not sealed.
        ForgedNotice: words that were asked were changed in the store; nothing is sealed.
        SealedAhead: days to come are sealed already.
    """
    seals = store.log.seals(site)
    remember(store, keys, seals)
    store.notices.put_back(site)
    known, notices = believed(store, keys, seals), store.notices.all(site)
    previous = newest_to_seal_after(site, seals, known)
    if seals:
        store.clock.must_be_over(site, max(seals))
    first = max(seals) + timedelta(1) if seals else store.log.first_day(site)
    last = (now.astimezone(UTC) - GRACE).date() - timedelta(1)
    sealed: list[date] = []
    began = time.monotonic()
    while first and first <= last:
        # A backlog may take longer than a clock may be off.
        store.log.freeze(site, first, now + timedelta(seconds=time.monotonic() - began))
        read, owned = Day(store, site, notices, first), Owned(previous)
        for entry in store.log.day(site, first):
            line = fields(entry, site)
            hashed = leaf(line)
            prove(line, hashed, site, notices, known)
            owned.add(line)
            read.add(line, hashed)
        # The time in it is the day's: whichever server seals a day, and when, it is the same seal.
        due = datetime(first.year, first.month, first.day, tzinfo=UTC) + timedelta(1) + GRACE
        counted = read.counts()
        previous = _seal(site, keys, known, first, read.tree, counted, previous, due, owned.days, is_open=False)
        if not store.log.keep_seal(site, first, previous):
            break  # another server was faster, and goes on
        sealed.append(first)
        first += timedelta(1)
    return sealed


def _seal(
    site: Site,
    keys: Keys,
    known: verify.Keys,
    day: date,
    tree: Tree,
    counted: object,
    previous: str,
    now: datetime,
    own: int,
    *,
    is_open: bool,
) -> str:
    kid = keys.jwks()["keys"][0]["kid"]
    content = {
        "typ": "seal",
        "site": site.id,
        "day": day.isoformat(),
        "entries": tree.leaves,
        "root": tree.root(),
        "counts": hashlib.sha256(canonical(counted)).hexdigest(),
        "prev": seal_hash(previous) if previous else "",
        "at": int(now.timestamp()),
        "kid": kid,
    }
    if previous and known.read(previous, "seal").get("kid") != kid:  # whoever trusted the key before can go on
        content["endorsed"] = sorted(text for text, whose in known.endorsements.items() if whose == kid)
    if own:
        content["own"] = own
    if is_open:
        content["open"] = True
    return token(content, keys.sign(content))


def export(
    store: Store,
    site: Site,
    keys: Keys,
    first: date | None,
    last: date,
    now: datetime,
    progress: Callable[[date, int], None] = lambda day, entries: None,
    *,
    with_tokens: bool = False,
    authority: Authority | None = None,
) -> Iterator[bytes]:
    """Yield the lines of an export of the log from ``first`` (the oldest day if None) to ``last``, both included.

    It begins with the oldest day at the earliest, before which there is none to prove. Days that have no seal yet get
    one that says that it is open. ``now`` is by the store's clock. ``progress`` is told each day and the entries so
    far. Of kept time-stamps those are left out that are not the ``authority``'s, where that is known.
    People are named by a hash alone, unless ``with_tokens``: then whoever has the export has everybody's token.

    Raises:
        NothingToExport: the log is empty in that period.
        Archived: ``first`` is in an archive, or came into one meanwhile.
        Unproven: an entry of a day without a seal is not what somebody answered, nor what an erasure left.
        ForgedNotice: words that were asked were changed in the store, or cannot be read again.
    """
    seals = store.log.seals(site)
    if first:
        store.log.must_have(site, first)
    start = max(filter(None, [first, first_day(store, site)]), default=None)
    if start is None or start > last:
        raise NothingToExport(f"The log of {site.id} has nothing up to {last}.")
    store.log.must_have(site, start)
    lines = _Lines(store, site, keys, now, seals, start, last, authority, with_tokens)
    yield lines.head()
    yield from lines.of_notices()
    day = start
    while day <= last:
        yield from lines.of_day(day)
        progress(day, lines.entries)
        day += timedelta(1)
    yield lines.end()


class _Lines:
    """The lines of an export, and meanwhile what the last of them says of all: sums that no line could leave."""

    def __init__(
        self,
        store: Store,
        site: Site,
        keys: Keys,
        now: datetime,
        seals: Mapping[date, str],
        start: date,
        last: date,
        authority: Authority | None,
        with_tokens: bool,
    ) -> None:
        self._store, self._site, self._keys, self._now, self._seals = store, site, keys, now, seals
        self._known, self._notices = believed(store, keys, seals), store.notices.all(site)
        self._attested = Attested(store, site, self._known, seals, start, last, authority)
        self._whole = {
            **{"version": VERSION, "site": site.id, "from": start.isoformat(), "to": last.isoformat()},
            "made": now.astimezone(UTC).isoformat(timespec="seconds"),
        }
        self._with_tokens = with_tokens
        self.entries = self._signed = self._erased = 0
        self._named, self._statements = hashlib.sha256(), hashlib.sha256()
        self._previous, self._newer = seals.get(start - timedelta(1), ""), set[str]()

    def head(self) -> bytes:
        published = all_published(self._store, self._keys, self._seals)
        return _line("log", **self._whole, keys=published, **self._attested.head)

    def of_notices(self) -> Iterator[bytes]:
        for _, notice in sorted(self._notices.items()):
            self._named.update(f"{notice.hash}\n".encode())
            yield _of_notice(self._site, notice)

    def of_day(self, day: date) -> Iterator[bytes]:
        """Yield a day: its entries, what was counted of them, and its seal, or one that says that it is open."""
        yield _line("day", day=day.isoformat())
        read, owned = Day(self._store, self._site, self._notices, day), Owned(self._previous)
        for entry in self._store.log.day(self._site, day):
            line = fields(entry, self._site)
            hashed = leaf(line)
            if day not in self._seals:  # what is sealed was checked, and is held against its seal by whoever verifies
                if _is_newer(self._store, self._site, line["notice"], self._notices, self._newer):
                    continue  # words that were first asked since the export began: the notices stand before the days
                prove(line, hashed, self._site, self._notices, self._known)
                owned.add(line)
            yield self._of_entry(read.tree.leaves, line, hashed)
            read.add(line, hashed)
        # still: or entries that were trimmed meanwhile would seem to be missing
        self._store.log.must_have(self._site, day)
        counted = read.counts(self._seals.get(day, ""))
        yield _line("counts", day=day.isoformat(), counts=counted)
        self._previous = self._seals.get(day) or _seal(
            *(self._site, self._keys, self._known, day, read.tree, counted, self._previous, self._now, owned.days),
            is_open=True,
        )
        yield _line("seal", day=day.isoformat(), token=self._previous, **self._attested.of_seal(day))
        self.entries += read.tree.leaves

    def _of_entry(self, n: int, line: dict[str, Any], hashed: bytes) -> bytes:
        given = line if self._with_tokens else by_hash(line)
        # The leaf of an entry is the same with its signature, without, and erased.
        self._signed += "signature" in given
        self._erased += "erased" in given
        self._statements.update(given.get("statement", "").encode())
        return _line("entry", n=n, **given, leaf=hashed.hex())

    def end(self) -> bytes:
        """Return the last line, a token over the sums."""
        content = {
            **{"typ": "export", **self._whole, "entries": self.entries, "head": seal_hash(self._previous)},
            **{"signed": self._signed, "erased": self._erased, "statements": self._statements.hexdigest()},
            "notices": self._named.hexdigest(),  # no leaf names one that nobody has answered
            "clock": "store",  # by which `made` is; in exports of before it was the machine's
            **self._attested.end(),
        }
        return _line("end", token=token(content, self._keys.sign(content)))


def _is_newer(store: Store, site: Site, name: str, notices: Mapping[str, Notice], newer: set[str]) -> bool:
    """Return whether the store has a notice now that it did not have before, and remember it in ``newer``.

    ``name`` is its hash, or begins it.
    """
    if name in notices:
        return False
    if name not in newer and any(each.startswith(name) for each in store.notices.all(site)):
        newer.add(name)
    return name in newer


def first_day(store: Store, site: Site) -> date | None:
    """Return the day with which the log begins that is not archived, or None where there is none."""
    if archives := store.log.archives(site):
        return archives[-1].last + timedelta(1)
    return min([*store.log.seals(site), *filter(None, [store.log.first_day(site)])], default=None)


def _line(kind: str, /, **content: object) -> bytes:
    """Return a line of an export.

    Raises:
        CannotWrite: whoever verifies it could not read it: somebody has written that much into the store.
    """
    line = msgspec.json.encode({"type": kind, **content}) + b"\n"
    if len(line) > LONGEST_LINE:
        raise CannotWrite(f"A line of type {kind} would have {len(line)} bytes, of which {LONGEST_LINE} are read.")
    return line


def _of_notice(site: Site, notice: Notice) -> bytes:
    """Return the line of a notice, whose hash whoever verifies it finds in its words."""
    line = _line("notice", hash=notice.hash, content=notice.content)
    with suppress(ValueError, RecursionError):
        if notice_hash(json.loads(line)["content"]) == notice.hash:
            return line
    raise ForgedNotice(f"The notice {notice.hash} of {site.id} is none of this server: others find another hash.")
