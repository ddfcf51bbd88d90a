"""A deadline for a talk with another machine: time-outs of a socket start anew with each byte, and this does not."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack, suppress
from types import TracebackType


class Deadline:
    """So many seconds from now, whatever the other end does meanwhile.

    Used with ``with`` it is kept without anybody looking at the clock: connections that it made are cut off then, which
    ends every call on them, through TLS and through other libraries too. How long a name is looked up for is up to the
    machine's own resolver.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._at = time.monotonic() + seconds
        self._kept = ExitStack()

    @property
    def is_over(self) -> bool:
        """Whether it has passed."""
        return time.monotonic() >= self._at

    def left(self) -> float:
        """Return the seconds that are left.

        Raises:
            TimeoutError: there are none. What was cut off looks as if it had ended by itself, so this is asked then.
        """
        seconds = self._at - time.monotonic()
        if seconds <= 0:
            raise TimeoutError(f"it takes longer than {self.seconds:g} s")
        return seconds

    def sooner(self, seconds: float) -> Deadline:
        """Return the sooner one of this and so many seconds from now.

        Raises:
            TimeoutError: this one has passed.
        """
        return Deadline(min(seconds, self.left()))

    def connect(self, address: tuple[str, int], seconds: float | None = None, *_: object) -> socket.socket:
        """Return a connection, in place of ``socket.create_connection``.

        Args:
            address: host and port. Each address that the host has is given an equal share of the time.
            seconds: for how long one call on the connection may take, if not for all that is left.

        Raises:
            OSError: there is nobody, or not in time.
        """
        found = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)
        for number, (family, kind, protocol, _name, where) in enumerate(found, 1):
            try:
                most = self.left() if seconds is None else min(self.left(), seconds)
                connected = socket.socket(family, kind, protocol)  # none of a family that is not here, as without IPv6
                try:
                    connected.settimeout(most / (1 + len(found) - number))
                    connected.connect(where)
                    connected.settimeout(most)
                except OSError:
                    connected.close()
                    raise
            except OSError:
                if number == len(found):
                    raise
            else:
                break
        self._cut_off(connected.dup())  # whoever wraps a connection in TLS takes its own end away
        return connected

    def _cut_off(self, end: socket.socket) -> None:
        timer = threading.Timer(max(self._at - time.monotonic(), 0), _end, (end,))
        timer.daemon = True
        self._kept.callback(end.close)
        self._kept.callback(timer.cancel)
        timer.start()

    def __enter__(self) -> Deadline:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kept.close()


def _end(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
