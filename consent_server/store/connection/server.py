"""What a Redis or Valkey says of itself: whether it is one that we run on, and keeps what it acknowledges."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

import redis

from ...site import ConsentError

OLDEST = {"redis": (7, 0), "valkey": (8, 0)}
"""The first version of each that is supported."""

SECONDS_TO_REWRITE = 60


class TooOld(ConsentError):
    """A Redis or Valkey that lacks what the scripts need."""

    problem = "too-old"


@dataclass(frozen=True, slots=True)
class Server:
    """What one Redis or Valkey says of itself.

    ``fsync`` is None where it does not tell; ``cuts``: at its start it cuts a half-written command off its file;
    ``clock``: seconds.
    """

    name: str
    version: tuple[int, ...]
    append_only: bool
    fsync: str | None
    cuts: bool
    eviction: str
    clock: float
    replicas: int = 0

    @property
    def cuts_wrongly(self) -> bool:
        """Whether it may leave half a decision at the end of its file, into which the next ones then run.

        A decision is several commands between MULTI and EXEC, and the cut has to be made before MULTI. Servers older
        than Valkey 9.1.2 make it after the last whole command (https://github.com/valkey-io/valkey/pull/4342).
        """
        return self.cuts and not (self.name == "valkey" and self.version >= (9, 1, 2))

    def faults(self) -> Iterator[tuple[str, str]]:
        """Yield by what it would lose decisions, a sentence each, and what to type against it."""
        if not self.append_only:
            yield (
                "Redis keeps decisions in memory only: a restart loses all of them.",
                "type: redis-cli config set appendonly yes; redis-cli config rewrite",
            )
        elif self.fsync not in (None, "always"):
            yield (
                f"Redis writes with appendfsync {self.fsync}: a crash loses decisions that were acknowledged.",
                "type: redis-cli config set appendfsync always; redis-cli config rewrite",
            )
        elif self.cuts_wrongly:
            yield (
                "A full disk or a power cut may leave half a decision in this Redis's file, and later ones are lost.",
                "type: redis-cli config set aof-load-truncated no; redis-cli config rewrite, and have redis-check-aof "
                "mend the file before each start (docs/operating.md); or install Valkey 9.1.2",
            )
        if self.eviction not in ("", "noeviction"):
            yield (
                f"Redis drops keys when it is full (maxmemory-policy {self.eviction}), consents included.",
                "type: redis-cli config set maxmemory-policy noeviction; redis-cli config rewrite",
            )

    def must_be_supported(self) -> None:
        """Return if this version is one that we run on.

        Raises:
            TooOld: it is not.
        """
        if self.version < OLDEST[self.name]:
            found, wanted = (".".join(map(str, version)) for version in (self.version, OLDEST[self.name]))
            raise TooOld(f"{self.name.capitalize()} {found} is too old: {wanted} or newer is needed.")


def ask(client: redis.Redis) -> Server:
    """Return what one server says of itself."""
    info = client.info()
    name = str(info.get("server_name", "redis"))
    told: dict[str, str] = {}
    with suppress(redis.ResponseError):  # a managed server keeps its configuration to itself
        told = cast(dict[str, str], client.config_get("appendfsync", "aof-load-truncated"))
    seconds, micros = client.time()
    return Server(
        name=name,
        version=tuple(int(part) for part in str(info[f"{name}_version"]).split(".")[:3]),
        append_only=bool(info.get("aof_enabled")),
        fsync=told.get("appendfsync"),
        cuts=told.get("aof-load-truncated") == "yes",
        eviction=str(info.get("maxmemory_policy", "")),
        clock=seconds + micros / 1e6,
        replicas=int(info.get("connected_slaves", 0)),
    )


def may(client: Any, command: str) -> bool:
    """Return whether Redis' user may do what a command says, which is tried; true where that cannot be known."""
    try:
        client.execute_command(*command.split())
    except redis.exceptions.NoPermissionError:
        return False
    except (redis.RedisError, redis.exceptions.RedisClusterException, OSError):
        return True
    return True


REFUSES = {
    "OOM": ("it is full", "give it more memory: redis-cli config set maxmemory, or a larger machine"),
    "READONLY": ("it is a replica", "write the address of its primary in REDIS_URL"),
    "MISCONF": ("it cannot write to its disk", "see its log, and whether the disk is full"),
    "NOREPLICAS": ("too few replicas follow it (min-replicas-to-write)", "start its replicas"),
}
"""By how the refusal of a write begins: why, and what to do."""


def refusal(client: Any, keys: Sequence[str]) -> tuple[str, str] | None:
    """Return why Redis would refuse to write one of such keys, and what to do; None where it would not.

    ``keys``: of sorted sets, which stay as they are: what is written is a score of a member that nobody has.
    """
    try:
        calls = client.pipeline(transaction=False)
        for key in keys:
            calls.execute_command("ZADD", key, "XX", "0", "nothing")
        said = calls.execute(raise_on_error=False)
    except (redis.RedisError, redis.exceptions.RedisClusterException, OSError) as error:
        said = [error]
    by: dict[type, str] = {redis.exceptions.ReadOnlyError: "READONLY", redis.exceptions.OutOfMemoryError: "OOM"}
    # redis-py leaves out how some begin
    begins = (by.get(type(error), str(error).partition(" ")[0]) for error in said if isinstance(error, Exception))
    return next((REFUSES[each] for each in begins if each in REFUSES), None)


def rewrite(client: redis.Redis) -> None:
    """Return when a server has written its append-only file anew, from what is in its memory from now on.

    Raises:
        redis.RedisError: it refuses to, fails, or takes longer than SECONDS_TO_REWRITE.
    """
    until = time.monotonic() + SECONDS_TO_REWRITE
    asked = False
    while time.monotonic() < until:
        info = client.info("persistence")
        if not info["aof_rewrite_in_progress"] and not info["aof_rewrite_scheduled"]:
            if asked:
                if info["aof_last_bgrewrite_status"] != "ok":
                    raise redis.ResponseError("the append-only file could not be written anew")
                return
            # One that was begun earlier may have what was erased since, so it is waited for, and begun again.
            asked = bool(client.bgrewriteaof())
        time.sleep(0.05)
    raise redis.TimeoutError(f"the append-only file was not written anew within {SECONDS_TO_REWRITE} s")
