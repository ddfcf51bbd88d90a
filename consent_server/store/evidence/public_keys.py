"""What the keys that sign say of each other; whoever reads it believes only what leads to a key that they trust."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, cast

import msgspec

from ..connection import Connection
from ..connection.away import OtherKind
from ..keys import single

log = logging.getLogger(__name__)


@contextmanager
def _no_other_kind() -> Iterator[None]:
    """Go on without what somebody else wrote, and say so: it is all shops', and who has one key alone needs none."""
    try:
        yield
    except OtherKind as error:
        log.error("%s No other key than those of CONSENT_SECRET is believed until it is taken away.", error)


class PublicKeys:
    """Endorsements of public keys, for as long as there are entries that they signed, which is for ever."""

    def __init__(self, connection: Connection) -> None:
        self._redis = connection.client
        self._reached = connection.reached
        self._write = connection.write

    def remember(self, endorsements: Sequence[str]) -> None:
        """Keep endorsements (``verify.Keys``)."""
        if endorsements:
            with _no_other_kind():
                self._write(single.ENDORSEMENTS, "SADD", *endorsements)

    def endorsements(self) -> list[str]:
        """Return all endorsements that are kept, whoever wrote them."""
        found = set[bytes]()
        with _no_other_kind(), self._reached(single.ENDORSEMENTS):
            found = cast(set[bytes], self._redis.smembers(single.ENDORSEMENTS))
        return sorted(text.decode(errors="replace") for text in found)

    def unendorsed(self) -> dict[str, Any]:
        """Return by name the public keys (JWK) that a version without endorsements kept, whoever wrote them."""
        with self._reached(single.PUBLIC_KEYS):
            found = cast(dict[bytes, bytes], self._redis.hgetall(single.PUBLIC_KEYS))
        kept: dict[str, Any] = {}
        for name, text in sorted(found.items()):
            with suppress(msgspec.DecodeError):
                kept[name.decode(errors="replace")] = msgspec.json.decode(text)
        return kept
