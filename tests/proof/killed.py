"""Runs work on a log and kills it at a place that is counted: a command to Redis, or a step with a file.

As a program it forks a process for each line of its standard input, which does the work that the line names.
"""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from consent_server.proof import log as proof
from consent_server.proof.archive import archive
from consent_server.proof.erasure import erase
from consent_server.proof.files import whole
from consent_server.settings.shops import make_site
from consent_server.store import Store
from consent_server.store import log as store_log
from consent_server.tokens import Keys

FIRST = date(2026, 11, 20)
DAYS = 4
NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)
"""When the last of the days is over, and all but that one are old enough for an archive."""

KEYS = Keys(["the secret that the log is signed with"])
SHOP = replace(
    make_site("shop", "Mağaza", ("https://shop.example",), "/p", date(2025, 12, 20), languages=("az",), buckets=3),
    keep=86_400,
    prove=0,
)
OLD = [FIRST + timedelta(n) for n in range(DAYS - 1)]


class Proxy:
    """Passes commands on to a Redis, and kills who sends them at the one that it is told: before it, or once done."""

    def __init__(self, here: Path, target: Path) -> None:
        self.url = f"unix://{here}"
        self._target = target
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(here))
        self._listener.listen()
        self.tell(None)
        threading.Thread(target=self._accept, daemon=True).start()

    def tell(self, place: int | None, after: bool = False) -> None:
        """Kill at the command of this number, from 1; never if None."""
        self.place, self.after, self.seen = place, after, 0

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        pid = int.from_bytes(near.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[:4], sys.byteorder)
        far = socket.socket(socket.AF_UNIX)
        far.connect(str(self._target))
        with near, far, far.makefile("rb") as answers, near.makefile("rb") as asked, suppress(OSError, ValueError):
            for command in _values(asked):
                self.seen += 1
                is_it = self.seen == self.place
                if is_it and not self.after:
                    os.kill(pid, signal.SIGKILL)
                    return
                far.sendall(command)
                answer = next(_values(answers))
                if is_it:
                    os.kill(pid, signal.SIGKILL)
                    return
                near.sendall(answer)

    def close(self) -> None:
        self._listener.close()


def _values(stream: Any) -> Iterator[bytes]:
    """Yield the values of a stream in Redis' protocol, as they are written."""

    def value() -> bytes:
        line = stream.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"$":
            return line + (stream.read(int(rest) + 2) if int(rest) >= 0 else b"")
        if kind in b"*~>" and kind:
            return line + b"".join(value() for _ in range(int(rest)))
        if kind == b"%":
            return line + b"".join(value() for _ in range(2 * int(rest)))
        return bytes(line)

    while read := value():
        yield read


@dataclass
class Work:
    """What is done in a process that may be killed.

    ``step``: at which step with a file, from 1, it kills itself; ``room``: bytes after which its disk is full.
    """

    name: str
    url: str
    folder: str
    subject: str = ""
    step: int = 0
    room: int = 0

    def do(self) -> None:
        store_log.PIECE = 3
        if self.step:
            self._kill_at_step()
        if self.room:  # what a full disk answers to a write comes back as a limit's does
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.room, self.room))
        store = Store(self.url, 10, any_clock=True)
        if self.name == "archive":
            archive(store, SHOP, KEYS, Path(self.folder), NOW)
        elif self.name == "archive, erased meanwhile":
            keep = store.log.keep_archive

            def erased_meanwhile(*made: Any) -> bool:
                try:
                    return keep(*made)
                finally:
                    erase(store, SHOP, KEYS, self.subject, 5)

            store.log.keep_archive = erased_meanwhile  # type: ignore[method-assign]
            archive(store, SHOP, KEYS, Path(self.folder), NOW)
        elif self.name == "seal":
            proof.seal(store, SHOP, KEYS, NOW)
        elif self.name == "erase":
            erase(store, SHOP, KEYS, self.subject, 5)
        elif self.name == "compact":
            store.log.compact(SHOP)

    def _kill_at_step(self) -> None:
        steps = 0

        def step() -> None:
            nonlocal steps
            steps += 1
            if steps == self.step:
                os.kill(os.getpid(), signal.SIGKILL)

        def hook(event: str, args: Any) -> None:
            if event in ("open", "os.link", "os.rename", "os.remove", "os.chmod") and self.folder in str(args[0]):
                step()

        class Raw(io.FileIO):
            def write(self, content: Any) -> int:
                step()
                return super().write(content) or 0

        def sync(file: int, fsync: Callable[[int], None] = os.fsync) -> None:
            step()
            fsync(file)

        sys.addaudithook(hook)
        os.fsync = sync
        whole.open = lambda file, mode: io.BufferedWriter(Raw(file, mode), 256)  # type: ignore[attr-defined]


@dataclass
class Runner:
    """Does work in processes of its own."""

    process: subprocess.Popen[str] = field(init=False)

    def __post_init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, work: Work) -> int:
        """Return the status with which it ended: 0 done, -9 killed."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(work.__dict__) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def close(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if not child:
            status = 1
            try:
                Work(**json.loads(line)).do()
                status = 0
            finally:
                os._exit(status)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
