"""A client for an address of Redis: single, Sentinel or Cluster."""

from __future__ import annotations

import re
from typing import Any, cast
from urllib.parse import unquote

import redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.retry import Retry
from redis.sentinel import Sentinel


def connect(url: str, timeout: float) -> redis.Redis | RedisCluster:
    """Return a client for ``url``, with time-outs of ``timeout`` seconds on everything and no silent retries.

    Raises:
        ValueError: the URL is none that Redis is reached by.
    """
    asking = {"socket_timeout": timeout, "socket_connect_timeout": timeout, "retry": Retry(NoBackoff(), 0)}
    options: dict[str, Any] = {**asking}
    scheme, _, rest = url.partition("://")
    base, _, kind = scheme.partition("+")
    if kind == "cluster":
        return RedisCluster.from_url(f"{base}://{rest}", **options)
    if kind == "sentinel":
        hosts, _, service = rest.partition("/")
        credentials, _, addresses = hosts.rpartition("@")
        user, _, password = credentials.partition(":")
        places = (re.fullmatch(r"\[?(.*?)\]?(?::(\d*))?", address) for address in addresses.split(","))
        sentinels = [(place[1], int(place[2] or 26379)) for place in places if place]
        if credentials:
            options |= {"username": unquote(user) or None, "password": unquote(password) or None}
        if base == "rediss":
            options["ssl"] = True
        sentinel = Sentinel(sentinels, sentinel_kwargs=asking, **options)  # type: ignore[no-untyped-call]
        return cast(redis.Redis, sentinel.master_for(service.partition("?")[0] or "mymaster"))  # type: ignore[no-untyped-call]
    return redis.Redis.from_url(url, **options)
