"""Erasing a shopper: of each entry stays its leaf, with a statement of when it was erased, signed at that moment."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import Any

from msgspec.structs import replace

from ..decision import Entry, consent_of
from ..site import Site
from ..store import Store
from ..tokens import Keys
from ..verify import leaf, unsigned
from .entries import ERASED, FOUND, erased_at, fields, restated, statement
from .proven import Proven


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


def erase_again(store: Store, site: Site, keys: Keys, export: Iterable[bytes], at: int) -> int:
    """Erase who an export says was erased, where a backup that was put back has brought their entries.

    What else stands at a place of the export by now is another answer, and stays. The statement of an entry is the one
    that the export has, so that this log goes on from that export; or one of now, where the export begins later.

    Args:
        store: in which the backup is.
        site: the shop.
        keys: the newest signs.
        export: the lines of one of that shop, which was verified.
        at: now, in seconds since 1970.

    Returns:
        How many entries were erased.
    """
    lines = (json.loads(line) for line in export if b'"statement"' in line)
    said = {(line["bucket"], line["at"], line["seq"]): line for line in lines if line["type"] == "entry"}
    proven = Proven(store, site, keys)

    def of(entry: Entry) -> dict[str, Any] | None:
        """Return what the export says of this very entry."""
        line = said.get((entry.bucket, entry.at, entry.seq))
        return line if line and leaf(fields(entry, site)).hex() == line["leaf"] else None

    def state(entry: Entry) -> bytes:
        if line := of(entry):
            return restated(line["statement"])
        return statement(entry, site, keys, ERASED, at) if entry in proven else b""

    together: dict[tuple[int, date], list[int]] = {}
    for bucket, moment, _ in said:
        together.setdefault((bucket, datetime.fromtimestamp(moment // 1000, UTC).date()), []).append(moment)
    done = 0
    for (bucket, day), moments in together.items():
        again = {
            entry.subject
            for entry in store.log.day(site, day, (bucket, min(moments)), (bucket, max(moments)))
            if not entry.erased and of(entry)
        }
        for subject in again:
            done += store.history.erase(site, subject, state)
            _unlink(store, site, subject)
    return done


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
