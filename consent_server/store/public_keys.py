"""What the keys that sign say of each other; whoever reads it believes only what leads to a key that they trust."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import msgspec

from . import keys
from .connection import Connection


class PublicKeys:
    """Endorsements of public keys, for as long as there are entries that they signed, which is for ever."""

    def __init__(self, connection: Connection) -> None:
        self._redis = connection.client
        self._reached = connection.reached
        self._write = connection.write

    def remember(self, endorsements: Iterable[str]) -> None:
        """Keep endorsements (``verify.Keys``)."""
        texts = [*endorsements]
        if texts:
            self._write(keys.ENDORSEMENTS, "SADD", *texts)

    def endorsements(self) -> list[str]:
        """Return all endorsements that are kept, whoever wrote them."""
        with self._reached():
            found = cast(set[bytes], self._redis.smembers(keys.ENDORSEMENTS))
        return sorted(text.decode(errors="replace") for text in found)

    def unendorsed(self, name: str) -> dict[str, Any] | None:
        """Return the public key (JWK) of that name that a version without endorsements kept, whoever wrote it."""
        with self._reached():
            found = cast(bytes | None, self._redis.hget(keys.PUBLIC_KEYS, name))
        try:
            jwk = msgspec.json.decode(found or b"null")
        except msgspec.DecodeError:
            return None
        return jwk if isinstance(jwk, dict) else None

    def unendorsed_names(self) -> list[str]:
        """Return the names of the public keys that a version without endorsements kept."""
        with self._reached():
            found = cast(list[bytes], self._redis.hkeys(keys.PUBLIC_KEYS))
        return sorted(name.decode(errors="replace") for name in found)
