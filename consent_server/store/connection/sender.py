"""Sends what several threads ask of one server in one write, and reads the answers in one go."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import redis
from hiredis import pack_command
from redis.exceptions import ReadOnlyError

SECONDS_TO_LOOK, SECONDS_TO_OPEN_ANEW = 1, 30
"""How long a connection may be idle before it is looked at, whether it was closed meanwhile, and before it is left.

Redis may close it (``timeout``), or be started again; a firewall drops it and tells nobody.
"""


class _Call:
    """What one thread asks; then the answer, or what went wrong instead. ``turn`` is held until then."""

    def __init__(self, command: tuple[Any, ...]) -> None:
        self.command = command
        self.answer: Any = None
        self.error: BaseException | None = None
        self.done = self.leads = False
        self.turn = threading.Lock()
        self.turn.acquire()


class Sender:
    """One connection to one server, which all threads share.

    The thread that finds it idle sends its command, and whoever comes meanwhile waits; then the first of these sends
    for all of them. So a busy server is asked in few writes, which wait for the disk and for replicas together, and a
    lone call waits for nobody.

    Args:
        connection: makes one, which is not connected yet.
        timeout: seconds after which what was sent counts as unanswered.
        replicas: how many replicas must have what was written before it counts as answered.
    """

    def __init__(self, connection: Callable[[], Any], timeout: float, replicas: int) -> None:
        self._made, self._timeout, self._replicas = connection, timeout, replicas
        self._lock = threading.Lock()
        self._waiting: list[_Call] = []
        self._busy = False
        self._connection: Any = None
        self._used = 0.0

    def ask(self, *command: Any) -> Any:
        """Return the answer to a command.

        Raises:
            redis.ResponseError: the server refuses this command, or too few replicas have it.
            redis.RedisError, OSError: it was not answered, and may have been carried out or not.
        """
        call = _Call(command)
        with self._lock:
            self._waiting.append(call)
            call.leads, self._busy = not self._busy, True
        # Until it is answered, or is the first of those that wait: for what was sent before, and for itself.
        if not call.leads and not call.turn.acquire(timeout=2 * self._timeout):
            self._give_up(call)
        if call.leads:
            self._lead(call)
        if call.error is not None:
            raise call.error
        return call.answer

    def _give_up(self, call: _Call) -> None:
        """Return if a call that has waited too long is about to send for all, as nobody else would.

        Raises:
            redis.TimeoutError: it is not.
        """
        with self._lock:
            if call.leads:
                return
            if call in self._waiting:
                self._waiting.remove(call)
        raise redis.TimeoutError("whoever sends for all is not answered")

    def _lead(self, own: _Call) -> None:
        """Send all that waits, hand on the answers, and let the first that came meanwhile send for the next ones."""
        with self._lock:
            calls, self._waiting = self._waiting, []
        failed: Exception | None = None
        try:
            self._exchange(calls)
        except BaseException as error:
            self.close()  # what is left unread would be taken for the answer to the next command
            failed = error if isinstance(error, Exception) else redis.ConnectionError("interrupted")
            if failed is not error:
                raise
        finally:
            with self._lock:
                if isinstance(failed, redis.TimeoutError):  # whoever came meanwhile has waited for it long enough
                    calls, self._waiting = calls + self._waiting, []
                heir = self._waiting[0] if self._waiting else None
                self._busy = heir is not None
                if heir is not None:
                    heir.leads = True
                    heir.turn.release()
            for call in calls:
                call.error = call.error or (None if call.done else failed)
                if call is not own:
                    call.turn.release()

    def _exchange(self, calls: list[_Call]) -> None:
        """Send these calls, and read their answers."""
        self._leave_if_stale()
        connection = self._connection
        if connection is None:
            connection = self._connection = self._made()
            connection.connect()
        # redis-py looks at each part of each command for what none of ours has.
        connection.send_packed_command([b"".join(pack_command(call.command) for call in calls)])
        until = time.monotonic() + self._timeout
        for call in calls:
            if time.monotonic() > until:
                raise redis.TimeoutError("the answers to what was sent together come too slowly")
            try:
                call.answer = connection.read_response()
            except redis.ResponseError as error:
                call.error = error
            call.done = not self._replicas
        if self._replicas:
            # Not for as long as we wait for the answers: Redis is there, and says how many have it.
            connection.send_command("WAIT", self._replicas, int(self._timeout * 800))
            few = connection.read_response() < self._replicas
            for call in calls:
                call.done = True
                if few and not call.error:
                    call.error = ReadOnlyError(f"under {self._replicas} replicas have it")
        self._used = time.monotonic()

    def _leave_if_stale(self) -> None:
        """Close a connection that was idle for so long that it may be none any more: nothing is sent into the void."""
        idle = time.monotonic() - self._used
        if self._connection is None or idle < SECONDS_TO_LOOK:
            return
        try:
            stale = idle > SECONDS_TO_OPEN_ANEW or self._connection.can_read(0)
        except (redis.RedisError, OSError):
            stale = True
        if stale:
            self.close()

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.disconnect()
