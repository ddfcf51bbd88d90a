"""How Redis is reached: single, Sentinel or Cluster; with time-outs, few retries, and a circuit that opens."""

from __future__ import annotations

import hashlib
import logging
import os
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.resources import files
from typing import Any, Protocol, cast

import redis
from redis.cluster import RedisCluster
from redis.connection import parse_url
from redis.exceptions import ClusterDownError, MovedError, NoScriptError, OutOfMemoryError

from .addresses import connect
from .away import OTHER_KIND, Circuit, FirstLook, OtherKind, StoreAway, WrongLayout
from .foreign import not_ours_in
from .later import Later
from .misfits import misfit
from .reasons import reason
from .sender import Sender
from .server import Server, TooOld, ask, may, rewrite

__all__ = ["Connection", "Script", "Server", "StoreAway", "TooOld", "WrongLayout", "connect", "may", "reason"]

PAUSES = (0.0, 0.05)
"""Seconds before a call is made again whose connection broke; a call that timed out has waited long enough."""

LUA = files(__package__.rpartition(".")[0]) / "lua"

log = logging.getLogger(__name__)


class Script(Protocol):
    """A Lua script to be called; its answer as Redis gives it."""

    def __call__(self, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """Run it."""


class Connection:
    """The way to one Redis, Sentinel pair or Cluster.

    ``client`` is redis-py's, for whatever is not in a hurry, to be used within ``reached()``. Scripts go over
    one connection to each server that all threads share (``sender.py``): by redis-py's ``register_script``, pool and
    ``Retry`` a decision costs more; and ``WAIT`` has to follow on the connection that wrote.

    Args:
        url: ``redis://``, ``rediss://``, ``unix://``, the first two also with ``+sentinel`` or ``+cluster``.
        timeout: seconds after which an unanswered call counts as a failure.
        replicas: how many replicas must have what a script wrote before it counts as written.
        look: is called before anything else is asked, and again where Redis was away: it may be another one. It
            raises WrongLayout if what is there is not for us.

    Raises:
        StoreAway: no Redis is reached by such a URL.
    """

    def __init__(self, url: str, timeout: float, replicas: int = 0, look: Callable[[], None] = lambda: None) -> None:
        self._first = FirstLook(look)
        self._is_cluster = "+cluster://" in url
        self._circuits: defaultdict[str, Circuit] = defaultdict(Circuit)
        try:
            self.client: redis.Redis | RedisCluster
            if self._is_cluster:
                parse_url(url.replace("+cluster", "", 1))  # type: ignore[no-untyped-call]
                self.client = cast(RedisCluster, Later(partial(self._reach, url, timeout)))
            else:
                self.client = client = cast(redis.Redis, connect(url, timeout))
                pool = client.connection_pool  # one beside it, not opened: only now it is known whether it can be
                pool.connection_class(**pool.connection_kwargs)
        except (ValueError, TypeError) as error:
            raise StoreAway(f"REDIS_URL is none that Redis is reached by: {error}.") from None
        self._timeout = timeout
        self._replicas = replicas
        self._senders: dict[tuple[int, str], Sender] = {}
        self._looking = threading.Lock()

    def _reach(self, url: str, timeout: float) -> RedisCluster:
        """Return a client of the cluster, which says where each key is; while it is away one caller at a time asks."""
        circuit = self._circuits["slots"]
        circuit.enter()
        try:
            client = cast(RedisCluster, connect(url, timeout))
        except (redis.RedisError, redis.exceptions.RedisClusterException, OSError) as error:
            circuit.open(error)
            raise StoreAway("The cluster cannot be reached.") from error
        circuit.close()
        return client

    @contextmanager
    def reached(self, *keys: str, looks: bool = False) -> Iterator[None]:
        """Turn whatever goes wrong with Redis within into StoreAway, and open its circuit if it is away.

        Each primary of a cluster has a circuit of its own: the first of ``keys``, those in use, says which.
        ``looks``: whether it is what is asked first.
        """
        if not (looks or self._first.is_over):
            self._first.take()
        circuit = self._circuits[self._server(keys[0])[0] if keys else ""]
        circuit.enter()
        try:
            yield
        except (redis.ResponseError, OutOfMemoryError) as error:
            circuit.close()  # It answers, and refuses: full, a replica, loading, out of step with its cluster.
            log.warning("redis refuses: %s", error)
            not_ours_in(error)
            if "WRONGTYPE" in str(error):
                raise OtherKind(f"{misfit(self.client, keys, error)} holds {OTHER_KIND}") from error
            raise StoreAway("The store takes nothing at the moment; try again shortly.") from error
        except (redis.RedisError, redis.exceptions.RedisClusterException, OSError) as error:
            circuit.open(error)
            self._first.is_over = False  # it may be another one that comes back
            raise StoreAway("The store cannot be reached at the moment; try again shortly.") from error
        circuit.close()

    def script(self, *names: str, repeatable: bool = True) -> Script:
        """Return a Lua script as a function of its keys, all in one slot, and arguments.

        Args:
            names: the files below ``lua`` that make it up.
            repeatable: whether it does nothing when it is called again; then it is, if a connection breaks before
                the answer.
        """
        text = "".join(LUA.joinpath(f"{name}.lua").read_text("utf-8") for name in names)
        digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()  # that is how Redis names scripts

        def call(keys: Sequence[str], args: Sequence[Any]) -> Any:
            with self.reached(*keys):
                try:
                    return self._ask(repeatable, keys[0], "EVALSHA", digest, len(keys), *keys, *args)
                except NoScriptError:
                    return self._ask(repeatable, keys[0], "EVAL", text, len(keys), *keys, *args)

        return call

    def write(self, key: str, command: str, *args: Any) -> Any:
        """Have one command write to ``key``, as a script does: it counts when the replicas that are wanted have it.

        It may be made twice, if a connection breaks before the answer.
        """
        with self.reached(key):
            return self._ask(True, key, command, key, *args)

    def _ask(self, repeatable: bool, key: str, *command: Any) -> Any:
        """Return the answer to a command of the server that holds ``key``."""
        until = time.monotonic() + self._timeout
        for pause in (*PAUSES, None) if repeatable else (None,):
            try:
                return self._sender(key).ask(*command)
            except (redis.ConnectionError, redis.TimeoutError, MovedError, ClusterDownError) as error:
                # One that is silent is away too: another may hold the key by now, and the next call is to find it.
                last = pause is None or isinstance(error, redis.TimeoutError) or time.monotonic() > until
                self._look_again(wait=not last)
                if pause is None or last:
                    raise
                time.sleep(pause * random.uniform(0.5, 1.5))  # nosec B311  # noqa: S311
        raise AssertionError

    def _look_again(self, wait: bool) -> None:
        """Ask a cluster who holds what. ``wait``: for what another thread finds, if one asks already."""
        if not self._is_cluster:
            return
        nodes = cast(RedisCluster, self.client).nodes_manager
        if wait:
            nodes.initialize()  # those who come together ask once
        elif self._looking.acquire(blocking=False):
            try:
                nodes.initialize()
            finally:
                self._looking.release()

    def _sender(self, key: str) -> Sender:
        """Return what sends to the server that holds ``key``."""
        server, client = self._server(key)
        name = os.getpid(), server  # a fork's copy of a connection is its parent's
        sender = self._senders.get(name)
        if sender is None:
            pool = client.connection_pool
            connection = partial(pool.connection_class, **pool.connection_kwargs)
            sender = self._senders.setdefault(name, Sender(connection, self._timeout, self._replicas))
        return sender

    def _server(self, key: str) -> tuple[str, redis.Redis]:
        """Return name and client of the server that holds ``key``, as far as is known."""
        if not self._is_cluster:
            return "", cast(redis.Redis, self.client)
        client = cast(RedisCluster, self.client)
        try:
            node = client.get_node_from_key(key)  # type: ignore[no-untyped-call]
        except redis.exceptions.RedisClusterException as error:  # nobody has its slot at the moment
            raise StoreAway("The store cannot be reached at the moment; try again shortly.") from error
        return node.name, client.get_redis_connection(node)

    def time(self, key: str) -> int:
        """Return what the clock of the server that holds ``key`` says, in milliseconds."""
        with self.reached(key):
            seconds, micros = self._server(key)[1].time()
        return seconds * 1000 + micros // 1000

    def servers(self) -> list[Server]:
        """Return what the server, or each primary of the cluster, says of itself.

        Raises:
            StoreAway: one of them cannot be reached.
        """
        with self.reached():
            return [ask(client) for client in self._primaries().values()]

    def _primaries(self) -> dict[str, redis.Redis]:
        if not self._is_cluster:
            return {"": cast(redis.Redis, self.client)}
        cluster = cast(RedisCluster, self.client)
        nodes = cluster.get_primaries()  # type: ignore[no-untyped-call]
        return {node.name: cluster.get_redis_connection(node) for node in nodes}

    def rewrite_files(self, keys: Sequence[str]) -> None:
        """Return when all servers have written their append-only files anew, as what accounts have may be in any.

        Raises:
            StoreAway: one of them refuses to, or takes longer than a minute; the others have.
        """
        fault: StoreAway | None = None
        for name, client in (self._primaries() if keys else {}).items():
            try:
                with self.reached():
                    if client.info("persistence")["aof_enabled"]:
                        log.info("redis writes its append-only file anew %s", name)
                        rewrite(client)
            except StoreAway as error:
                fault = error
        if fault:
            raise fault

    def close(self) -> None:
        """Close all connections."""
        for (pid, _), sender in self._senders.items():
            if pid == os.getpid():
                sender.close()
        self.client.close()
