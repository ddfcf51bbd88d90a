"""What marketers note themselves: something that happened on a day, to be seen on the charts."""

from __future__ import annotations

from datetime import date
from typing import cast

import msgspec

from ...site import Site
from ..connection import Connection
from ..connection.foreign import ours
from ..keys import single


class Note(msgspec.Struct, frozen=True):
    """Something that happened on a day, in a marketer's own words."""

    id: str
    day: date
    text: str


class Notes:
    """The notes of each site."""

    def __init__(self, connection: Connection) -> None:
        self._redis = connection.client
        self._reached = connection.reached

    def add(self, site: Site, note: Note) -> None:
        """Keep a note."""
        with self._reached(single.notes(site)):
            self._redis.hset(single.notes(site), note.id, msgspec.json.encode(note))

    def all(self, site: Site) -> list[Note]:
        """Return the notes of a site by day."""
        with self._reached(single.notes(site)):
            found = cast(dict[bytes, bytes], self._redis.hgetall(single.notes(site)))
        with ours(single.notes(site)):
            return sorted((msgspec.json.decode(text, type=Note) for text in found.values()), key=lambda note: note.day)

    def remove(self, site: Site, name: str) -> None:
        """Forget the note of this id."""
        with self._reached(single.notes(site)):
            self._redis.hdel(single.notes(site), name)
