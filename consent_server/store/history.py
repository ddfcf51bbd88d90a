"""What is kept of one shopper: read back for whoever decided, erased for whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, cast

from msgspec.structs import replace

from ..decision import Entry
from ..site import Site
from . import keys
from .connection import Connection
from .connection.foreign import ours
from .evidence.notices import Notices
from .evidence.remains import Remains
from .feed.entries import Entries
from .packing import pack_erased, pack_name, pack_places, unpack, unpack_places


class _Found(NamedTuple):
    """What the index says of a subject: its latest places as they are kept, how many older ones, what is there.

    A refusal there comes with the signature that it shares with the others of its hour.
    """

    positions: bytes
    older: int
    entries: list[Entry]


class History:
    """Finds the decisions of one shopper, and erases them."""

    def __init__(self, connection: Connection, notices: Notices) -> None:
        self._redis = connection.client
        self._reached = connection.reached
        self._notices = notices
        self._entries = Entries(connection, Remains(connection))
        self._erase = connection.script("erase")
        self._touch = connection.script("touch")

    def of(self, site: Site, subject: str) -> list[Entry]:
        """Return the decisions of one shopper that are kept, oldest first, with their whole notice hashes."""
        return [
            replace(entry, notice=self._notices.starting_with(site, entry.notice).hash)
            for entry in self._found(keys.place(site, subject)).entries
            if entry.subject == subject
        ]

    def newest(self, site: Site, subject: str) -> Entry | None:
        """Return the newest decision of one shopper, if one is kept; its notice is the beginning of a hash.

        Whoever wrote it: it proves nothing by itself.
        """
        place = keys.place(site, subject)
        with self._reached(place.seen, place.bucket.log), ours(place.seen):
            positions = cast(bytes | None, self._redis.hget(place.seen, place.digest)) or b""
            for at, seq in sorted(unpack_places(positions), reverse=True):
                page = cast(list[Any], self._redis.xrange(place.bucket.log, f"{at}-{seq}", f"{at}-{seq}"))
                entry = unpack(page[0][1][b"e"], place.bucket.number, at, seq) if page else None
                if entry and entry.subject == subject:
                    return self._entries.signed(place.bucket, [entry])[0]
        return next(reversed(self.of(site, subject)), None) if positions else None

    def _found(self, place: keys.Place) -> _Found:
        """Return what the index says of a place, as it is kept, and the entries there, oldest first."""
        with self._reached(place.seen, place.older), ours(place.seen):
            positions = cast(bytes | None, self._redis.hget(place.seen, place.digest)) or b""
            # Read last: a place that goes from the one to the other meanwhile is in both, and not in neither.
            older = cast(dict[bytes, bytes], self._redis.hgetall(place.older))
            places = sorted({*unpack_places(positions), *unpack_places(b"".join(older.values()))})
            calls = self._redis.pipeline(transaction=False)
            for at, seq in places:
                calls.xrange(place.bucket.log, f"{at}-{seq}", f"{at}-{seq}")
            pages = calls.execute() if places else []
            entries = [
                unpack(page[0][1][b"e"], place.bucket.number, at, seq)
                for (at, seq), page in zip(places, pages, strict=True)
                if page
            ]
        return _Found(positions, len(older), self._entries.signed(place.bucket, entries))

    def erase(self, site: Site, subject: str, state: Callable[[Entry], bytes]) -> int:
        """Erase one shopper. Of each entry stays what was counted, and a hash by which the log still adds up.

        Args:
            site: the shop.
            subject: whose decisions.
            state: returns the statement of an entry's erasure, which is kept with what is left of it.

        Returns:
            How many entries were erased.
        """
        place = keys.place(site, subject)
        bucket, tried = place.bucket, 0
        while True:
            found = self._found(place)
            own = [entry for entry in found.entries if entry.subject == subject]
            if not own:
                self._touch(keys=[bucket.torn], args=[])  # replicas have what was erased by a call that could not wait
                return tried  # 0, or it was done, and the answer was lost
            tried = len(own)
            of_others = {(entry.at, entry.seq) for entry in found.entries if entry.subject != subject}
            others = pack_places(at for at in unpack_places(found.positions) if at in of_others)
            whole, left = self._notices.names(site), list[str | bytes]()
            for entry in own:
                said = state(replace(entry, notice=whole.get(entry.notice, entry.notice)))
                left += [f"{entry.at}-{entry.seq}", pack_name(entry.id), pack_erased(entry, said)]
            # Nothing is done, and it is read again, if a decision came in between.
            if self._erase(
                keys=[
                    *(place.seen, place.older, bucket.log, bucket.copy),
                    *(bucket.erased, bucket.erasures, bucket.torn),
                ],
                args=[place.digest, found.positions, found.older, others, *left],
            ):
                return len(own)
