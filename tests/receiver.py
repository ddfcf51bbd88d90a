"""A receiver of webhooks that answers as a test wants, and can go away and come back on the same port."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"


class Post(NamedTuple):
    """What was posted: the first line's path, the headers by name in lower case, the body as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """Takes posts on a port of 127.0.0.1; ``posts`` are those that it took, in the order in which it did.

    ``answer`` gets each post and returns what is sent back; a post counts as taken if that is a status of 200 to 299,
    and nothing is sent if it is empty. It may also write to the connection itself.
    """

    def __init__(self, answer: Callable[[Post, socket.socket], bytes] = lambda post, connection: TAKEN) -> None:
        self.answer = answer
        self.posts: list[Post] = []
        self.seen = 0
        self._changed = threading.Condition()
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks/secret-path?a=b"

    def start(self) -> None:
        """Listen, on the port of before if there was one."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def stop(self) -> None:
        """Go away at once, whoever is being answered."""
        listener, self._listener = self._listener, None
        for each in (*([listener] if listener else []), *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def wait(self, until: Callable[[], bool], seconds: float = 45) -> None:
        """Return when something is so; looks again at each post."""
        with self._changed:
            assert self._changed.wait_for(until, seconds), f"{len(self.posts)} of {self.seen} posts were taken by then"

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        self._open.add(connection)
        with suppress(OSError, ValueError), connection, connection.makefile("rb") as stream:
            while line := stream.readline():
                headers = {}
                while (field := stream.readline()) not in (b"\r\n", b""):
                    name, _, value = field.decode().partition(":")
                    headers[name.lower()] = value.strip()
                body = stream.read(int(headers.get("content-length", "1")))
                if len(body) < int(headers.get("content-length", "1")):
                    break  # who posted it was killed meanwhile
                post = Post(line.split()[1].decode(), headers, body)
                answer = self.answer(post, connection)
                with self._changed:
                    self.seen += 1
                    if answer[9:10] == b"2":
                        self.posts.append(post)
                    self._changed.notify_all()
                if not answer:
                    break
                connection.sendall(answer)
        self._open.discard(connection)


def status(code: int, *headers: str) -> bytes:
    """Return an answer without a body."""
    return "\r\n".join([f"HTTP/1.1 {code} So", "Content-Length: 0", *headers, "", ""]).encode()
