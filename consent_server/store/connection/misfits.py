"""Keys that hold another kind of value than ours, by what Redis calls it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import cast

import redis
from redis.cluster import RedisCluster

from ..keys.kinds import type_of

PIECE, MOST_NAMED = 500, 6
"""Of how many keys the types are asked for at once, and how many are named where that may not be asked."""

_IN_PIPELINE = re.compile(r"Command # \d+ \([^()]*?(consent:[^\s()]+)")


def misfit(client: redis.Redis | RedisCluster, keys: Sequence[str], error: Exception) -> str:
    """Return which of the keys it is of which Redis says that it is of another kind, as far as that can be told."""
    if named := _IN_PIPELINE.match(str(error)):
        return named[1]
    if len(keys) == 1:
        return keys[0]
    return next(misfits(client, keys), f"One of {', '.join(keys[:MOST_NAMED])}" if keys else "A key")


def misfits(client: redis.Redis | RedisCluster, keys: Iterable[str]) -> Iterator[str]:
    """Yield which keys are there and hold another kind of value than ours; none where Redis' user may not look.

    Of one key that is asked first: or all that follow would be refused in vain, and stand in Redis' count of that.
    """
    rest, many = iter(keys), 1
    with suppress(redis.RedisError, redis.exceptions.RedisClusterException, OSError):
        while piece := [*islice(rest, many)]:
            calls = client.pipeline(transaction=False)
            for key in piece:
                calls.type(key)
            types = [said.decode() for said in cast(list[bytes], calls.execute())]
            yield from (key for key, said in zip(piece, types, strict=True) if said not in ("none", type_of(key)))
            many = PIECE
