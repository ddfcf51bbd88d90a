"""A load generator on plain sockets: kept connections, every answer read whole, every wait measured."""

from __future__ import annotations

import select
import socket
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Report:
    """What came back: how many answers of each status, and how long each took in seconds."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    broken: int = 0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.waits) / self.seconds

    def percentile(self, share: float) -> float:
        """Return the wait in seconds that this share of the answers did not exceed."""
        ordered = sorted(self.waits)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def only(self, *statuses: int) -> Report:
        """Return this report if it has no broken connection and no other status than these.

        Raises:
            AssertionError: it has; says what came back.
        """
        assert self.statuses, "nothing was answered"
        assert not self.broken, f"{self.broken} connections broke"
        assert set(self.statuses) <= set(statuses), f"answers by status: {dict(self.statuses)}"
        return self


class _Connection:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.began = 0.0
        self.read = b""

    def ask(self, request: bytes, began: float) -> None:
        self.began = began
        self.read = b""
        self.socket.sendall(request)

    def answer(self) -> int | None:
        """Return the status if the answer is whole, None if more is to come, and 0 if the connection is gone."""
        try:
            got = self.socket.recv(65536)
        except BlockingIOError:
            return None
        except OSError:
            return 0
        if not got:
            return 0
        read = self.read = self.read + got
        end = read.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = read[: end + 2].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 : head.index(b"\r", at)]) if at >= 0 else 0
        return int(read[9:12]) if len(read) >= end + 4 + length else None


def load(
    port: int, request: Callable[[], bytes], seconds: float, connections: int = 32, rate: float | None = None
) -> Report:
    """Ask for ``seconds`` over kept connections.

    Args:
        port: where, on 127.0.0.1.
        request: makes the next request, head and body.
        seconds: how long requests are sent; all of them are waited for.
        connections: how many at once.
        rate: requests a second, each due at its own time whatever the ones before are doing, and its wait counted
            from then; as fast as the answers come if left out.
    """
    report = Report()
    poll = select.epoll()
    every = {}
    for _ in range(connections):
        connection = _Connection(port)
        every[connection.socket.fileno()] = connection
        poll.register(connection.socket, select.EPOLLIN)
    idle = deque(every.values())
    due: deque[float] = deque()
    clock = time.perf_counter
    start = clock()
    until = start + seconds
    next_due = start
    if rate is None:
        while idle:
            idle.popleft().ask(request(), clock())
    while True:
        now = clock()
        if rate is not None:
            while next_due <= now and next_due < until:
                due.append(next_due)
                next_due += 1 / rate
            while due and idle:
                idle.popleft().ask(request(), due.popleft())
        if now >= until and not due and len(idle) == len(every):
            break
        assert now < until + 30, f"{len(every) - len(idle)} answers did not come within 30 s"
        wait = max(0.0, next_due - now) if rate is not None and now < until else 0.1
        for number, _ in poll.poll(wait):
            connection = every[number]
            status = connection.answer()
            if status is None:
                continue
            now = clock()
            if status == 0:
                report.broken += 1
                poll.unregister(number)
                del every[number]
                if not every:
                    raise AssertionError("the server closed every connection")
                continue
            report.statuses[status] += 1
            report.waits.append(now - connection.began)
            if rate is None and now < until:
                connection.ask(request(), now)
            else:
                idle.append(connection)
    report.seconds = clock() - start
    poll.close()
    for connection in every.values():
        connection.socket.close()
    return report
