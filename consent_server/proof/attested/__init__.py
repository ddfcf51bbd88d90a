"""What goes into an export beside the log: time-stamps, cosigned checkpoints, records of backups that were put back."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

from ... import verify
from ...site import Site
from ...store import Store
from ...tokens import Keys, token
from ...verify import LAST_SECOND, Failed, Tree, is_out_of_use, seal_hash
from ..keys import believed
from ..seals import newest_to_seal_after
from .stamps import Authority, is_stamp
from .witness_notes import genuine, newest_of_each


def restored(store: Store, site: Site, keys: Keys) -> datetime:
    """Record that a backup of the log was put back, and return when, by the clock of the store.

    The record is signed, and names the newest seal that is in the log now: what came after it was lost, not left out.

    Raises:
        Unproven: somebody else wrote the newest seal, or a newer key than today's made it.
    """
    seals = store.log.seals(site)
    at, seal = store.attestations.time(site) // 1000, newest_to_seal_after(site, seals, believed(store, keys, seals))
    said = {"typ": "restored", "site": site.id, "at": at, "head": seal_hash(seal) if seal else ""}
    store.attestations.keep_restored(site, token(said, keys.sign(said)))
    return datetime.fromtimestamp(at, UTC)


def restorations(store: Store, site: Site, keys: Keys) -> list[datetime]:
    """Return when backups of the log were put back, by the records that one of our keys signed."""
    seals = store.log.seals(site)
    found = _records(store, site, believed(store, keys, seals), seals)
    return sorted(datetime.fromtimestamp(said["at"], UTC) for said in found.values())


def _records(store: Store, site: Site, known: verify.Keys, seals: Mapping[date, str]) -> dict[str, dict[str, Any]]:
    """Return the records that one of our keys signed while it was in use, by their text, in order of time."""
    found: dict[str, dict[str, Any]] = {}
    for text in store.attestations.restored(site):
        with suppress(Failed, LookupError, TypeError, ValueError, AttributeError):  # somebody else wrote it
            said = known.read(text, "restored")
            at, by = said["at"], known.signer(text)
            is_ours = said["site"] == site.id and isinstance(at, int) and 0 <= at <= LAST_SECOND
            if is_ours and not any(is_out_of_use(known, at, by, seal) for seal in seals.values()):
                found[text] = said
    return dict(sorted(found.items(), key=lambda each: each[1]["at"]))


class Attested:
    """What is attested of the seals of some days, for an export of them.

    Args:
        store: where it is kept.
        site: whose log.
        known: the keys that are believed.
        seals: all that there are, in order.
        start: the first day of the export.
        last: its last day.
        authority: whose time-stamps they have to be, if that is known; others would have the export fail.
    """

    def __init__(
        self,
        store: Store,
        site: Site,
        known: verify.Keys,
        seals: Mapping[date, str],
        start: date,
        last: date,
        authority: Authority | None = None,
    ) -> None:
        before = Tree()
        for day, seal in seals.items():
            if day < start:
                before.add(hashlib.sha256(b"\0" + seal.encode()).digest())
        until, now = sum(day <= last for day in seals), store.attestations.time(site) // 1000
        kept = genuine(store.attestations.cosigned(site), site, known, now)
        notes = [*newest_of_each({n: note for n, note in kept.items() if before.leaves < n <= until}).values()]
        records = [*_records(store, site, known, seals)]
        self.head: dict[str, Any] = {
            **({"restored": records} if records else {}),
            **({"cosigned": notes, "before": [before.leaves, before.peaks()]} if notes else {}),
        }
        self._stamps = store.attestations.stamps(site)
        self._authority = authority
        self._sealed = seals
        self._hash = hashlib.sha256()
        self._anything = False
        for text in (*records, *notes):
            self._add(text)

    def _add(self, text: str) -> None:
        self._anything = True
        self._hash.update(hashlib.sha256(text.encode()).digest())

    def of_seal(self, day: date) -> dict[str, str]:
        """Return the time-stamp of a day's seal, if it has one, as it stands in an export."""
        raw = self._stamps.get(day, b"")
        if day not in self._sealed or not is_stamp(raw, self._sealed[day], day, self._authority):
            return {}  # somebody else may have written anything
        stamp = b64encode(raw).decode()
        self._add(stamp)
        return {"stamp": stamp}

    def end(self) -> dict[str, Any]:
        """Return what the end of the export signs of it, so that none of it is left out unseen."""
        before = {"before": self.head["before"]} if "before" in self.head else {}
        return {"attested": self._hash.hexdigest(), **before} if self._anything else {}
