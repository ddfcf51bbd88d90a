"""A server that says something, and from then on a byte now and then, so that no read of it ever times out."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

LONGEST = 4
"""Seconds after which it ends all the same, so that who waits for it fails instead of hanging."""


class Dripping:
    """``port`` of 127.0.0.1; ``left`` is set once somebody had enough of it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.left = threading.Event()


@contextmanager
def dripping(*says: bytes, drip: bytes = b"0") -> Iterator[Dripping]:
    """Serve one connection after the other.

    Args:
        says: what is said at first and after each line that comes (after "354", at the end of a letter); after the
            last one it drips.
        drip: what drips.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Dripping(listener.getsockname()[1])
        thread = threading.Thread(target=_accept, args=(listener, says, drip, server), daemon=True)
        thread.start()
        yield server
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, says: Sequence[bytes], drip: bytes, server: Dripping) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            with connection, suppress(OSError), connection.makefile("rb") as lines:
                for said, text in zip((None, *says), says, strict=False):
                    while said is not None and lines.readline() not in (b"", b".\r\n") and said[:4] == b"354 ":
                        pass
                    connection.sendall(text)
                until = time.monotonic() + LONGEST
                while time.monotonic() < until:
                    connection.sendall(drip)
                    time.sleep(0.02)
                connection.close()
                continue
            server.left.set()
