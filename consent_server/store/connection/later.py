"""A client that is made when something is first asked of it, as making one asks a cluster, which may be away."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from redis.cluster import RedisCluster


class Later:
    """Can what the client can that it makes, once."""

    def __init__(self, make: Callable[[], RedisCluster]) -> None:
        self._make = make
        self._made: RedisCluster | None = None
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        with self._lock:
            if self._made is None:
                self._made = self._make()
        return getattr(self._made, name)

    def close(self) -> None:
        """Close what was made."""
        if self._made is not None:
            self._made.disconnect_connection_pools()  # type: ignore[no-untyped-call]  # which close() leaves open
            self._made.close()
