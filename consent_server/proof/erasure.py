"""Erasing a shopper: of each entry stays its leaf, with a statement of when it was erased, signed at that moment."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from datetime import UTC, date, datetime
from typing import Any

from msgspec.structs import replace

from ..decision import Entry, consent_of
from ..site import Site
from ..store import Store
from ..tokens import Keys
from ..verify import leaf, unsigned
from .days.merkle import Place
from .days.proven import Proven
from .entries import ERASED, FOUND, erased_at, fields, restated, statement

log = logging.getLogger(__name__)

PIECE, MOST = 1000, 5000
"""Of how many erased entries of an export the log is looked at once, and how many shoppers are erased again at once."""


def erase(store: Store, site: Site, keys: Keys, subject: str, at: int) -> int:
    """Erase one shopper, with a statement for each entry that they answered. ``at``: seconds since 1970.

    What somebody else wrote in their name goes too, without a statement, so that its day is named and not sealed.

    Returns:
        How many entries were erased.
    """
    proven = Proven(store, site, keys)

    def state(entry: Entry) -> bytes:
        return statement(entry, site, keys, ERASED, at) if entry in proven else b""

    done = store.history.erase(site, subject, state)
    _unlink(store, site, subject)
    return done


def _unlink(store: Store, site: Site, subject: str) -> None:
    """Forget which accounts have an answer of a shopper who was erased: their token would stay in the store."""

    def is_theirs(kept: str) -> bool:
        said = unsigned(".".join(kept.split(".")[-2:]))
        return not said or said.get("sub") == subject

    store.accounts.forget(site, subject, is_theirs)


def erased_before(store: Store, site: Site, keys: Keys, subject: str) -> int | None:
    """Return when a shopper was erased whom nothing names any more, in seconds since 1970; None if that is not known.

    Their first decision has the name that all of theirs share, so that the hash which its erasure left can be made
    again from that name alone, with the signature that the token had.
    """
    proven = Proven(store, site, keys)
    notices = {name[:8]: notice for name, notice in store.notices.all(site).items()}
    for left in store.erasures.of(site, subject):
        if notice := notices.get(left.notice):
            consent = consent_of(notice, left.allow, left.at // 1000, subject, subject)
            for key in range(len(keys.public) if left.allow else 1):
                own = replace(left, id=subject, subject=subject, signature=keys.sign(consent, key), erased=b"")
                if own.identity() == left.erased and left in proven:
                    return erased_at(left)
    return None


def erase_again(store: Store, site: Site, keys: Keys, export: Iterable[bytes], at: int, most: int = MOST) -> int:
    """Erase who an export says was erased, where a backup that was put back has brought their entries.

    What else stands at a place of the export by now is another answer, and stays. The statement of an entry is the one
    that the export has, so that this log goes on from that export; or one of now, where the export begins later.

    Args:
        store: in which the backup is.
        site: the shop.
        keys: the newest signs.
        export: the lines of one of that shop, which was verified; they are read once more for every ``most`` shoppers.
        at: now, in seconds since 1970.
        most: how many shoppers are found, before they are erased: so much is held in memory, however long it is.

    Returns:
        How many entries were erased.
    """
    proven, done, passed = Proven(store, site, keys), 0, set[str]()
    while True:
        found, is_all = _whole_again(store, site, export, most, passed)
        said = {place: text for subject in found.values() for place, text in subject.items()}

        def state(entry: Entry, said: Mapping[Place, str] = said) -> bytes:
            if text := said.get((entry.bucket, entry.at, entry.seq)):
                return restated(text)
            return statement(entry, site, keys, ERASED, at) if entry in proven else b""

        for subject in found:
            erased = store.history.erase(site, subject, state)
            done += erased
            if not erased:
                passed.add(subject)  # whose entries the index does not lead to: those behind them have their turn
            _unlink(store, site, subject)
        if is_all or not found:
            break
    if passed:
        log.warning("%d shoppers of %s are not erased again: nothing leads to their entries.", len(passed), site.id)
    return done


def _whole_again(
    store: Store, site: Site, export: Iterable[bytes], most: int, passed: Set[str]
) -> tuple[dict[str, dict[Place, str]], bool]:
    """Return by shopper the statements that an export has of entries that are whole in the store, by their places.

    And whether these are all: no further one is begun once there are ``most``. Not of those who are ``passed`` over.
    """
    found, is_all = dict[str, dict[Place, str]](), True
    for day, lines in _pieces(export):
        bucket = next(iter(lines))[0]
        first, last = min(lines)[1], max(lines)[1]
        for entry in store.log.day(site, day, (bucket, first), (bucket, last)):
            line = lines.get((entry.bucket, entry.at, entry.seq))
            if not line or entry.erased or entry.subject in passed or leaf(fields(entry, site)).hex() != line["leaf"]:
                continue  # another one stands there, or it is erased as it was
            if entry.subject in found or len(found) < most:
                found.setdefault(entry.subject, {})[entry.bucket, entry.at, entry.seq] = line["statement"]
            else:
                is_all = False
    return found, is_all


def _pieces(export: Iterable[bytes]) -> Iterator[tuple[date, dict[Place, dict[str, Any]]]]:
    """Yield the erased entries of an export by their places, a piece of one day and bucket at a time."""
    piece = dict[Place, dict[str, Any]]()
    of: tuple[date, int] | None = None
    for line in map(json.loads, (line for line in export if b'"statement"' in line)):
        if line["type"] != "entry":
            continue
        here = datetime.fromtimestamp(line["at"] // 1000, UTC).date(), line["bucket"]
        if of and (here != of or len(piece) >= PIECE):
            yield of[0], piece
            piece = {}
        of = here
        piece[line["bucket"], line["at"], line["seq"]] = line
    if of:
        yield of[0], piece


def carry_over(
    store: Store, site: Site, keys: Keys, at: int, progress: Callable[[int], None] = lambda done: None
) -> int:
    """Sign, for each entry that a version before statements has erased, that it was found so. Returns how many.

    Nothing proves that somebody erased these who may: whoever calls this believes the store, once.
    ``progress`` is told how many are done.
    """
    done = 0
    for entry in store.erasures.unstated(site):
        store.erasures.state(site, entry, statement(entry, site, keys, FOUND, at))
        done += 1
        progress(done)
    return done
