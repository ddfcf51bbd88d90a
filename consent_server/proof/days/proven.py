"""Which entries of the store somebody answered, or erased: nothing is signed over any other, and none grants."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cached_property

from msgspec.structs import replace

from ... import verify
from ...decision import Entry
from ...site import Site
from ...store import ForgedNotice, Store
from ...tokens import Keys
from ...verify import leaf
from ..entries import Unproven, fields, prove
from ..keys import believed


class Proven:
    """Tells entries of one shop that prove themselves from what somebody else wrote into the store.

    Args:
        store: where they were read.
        site: the shop.
        keys: those of today.
    """

    def __init__(self, store: Store, site: Site, keys: Keys) -> None:
        self._store, self._site, self._keys = store, site, keys

    def __contains__(self, entry: Entry) -> bool:
        """Return whether an entry is what somebody answered, or what an erasure left of it, by its signatures.

        ``entry`` has its notice's hash, or the beginning of it.

        Raises:
            StoreAway: that cannot be told.
        """
        try:
            notice = self._store.notices.find(self._site, self._names.get(entry.notice[:8], entry.notice))
            if notice is None:
                return False
            line = fields(replace(entry, notice=notice.hash), self._site)
            prove(line, leaf(line), self._site, {notice.hash: notice}, self._known)
        except (Unproven, ForgedNotice):
            return False
        return not verify.needs_own(line) or "own" in line or not self._has_own(entry)

    def _has_own(self, entry: Entry) -> bool:
        """Return whether each refusal and change of an entry's day is signed by itself, as what is sealed has to be."""
        day = datetime.fromtimestamp(entry.at // 1000, UTC).date()
        seal = self._seals.get(day) or next(reversed(self._seals.values()), "")
        if not seal:
            return False
        said = verify.unsigned(seal).get("own") if self._known.signer(seal) else 2
        return isinstance(said, int) and said > (0 if day in self._seals else 1)

    @cached_property
    def _known(self) -> verify.Keys:
        return believed(self._store, self._keys)

    @cached_property
    def _names(self) -> dict[str, str]:
        return self._store.notices.names(self._site)

    @cached_property
    def _seals(self) -> dict[date, str]:
        return self._store.log.seals(self._site)
