"""Places in which things break: each runs the server on another kind of Redis, and knows what can go wrong there."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
from conftest import RedisServer, binary_of, free_port

from .failover import Cluster, Sentinel
from .world import Fault, World, _start


class Embedded(World):
    """The Valkey that the server brings itself, started again by its parent."""

    def __init__(self, folder: Callable[[], Path]) -> None:
        super().__init__(folder, CONSENT_DATA="data")
        self.url = f"unix://{(self.live.folder / 'data' / 'socket').read_text()}"

    def faults(self) -> dict[str, Fault]:
        return {
            **super().faults(),
            "valkey killed": self.valkey_killed,
            "valkey frozen": self.valkey_frozen,
            "all killed": self.all_killed,
        }

    def _valkey(self) -> psutil.Process:
        return next(p for p in self.live.family() if "valkey" in p.name() or "redis" in p.name())

    def valkey_killed(self, chance: random.Random) -> None:
        self._valkey().kill()

    def valkey_frozen(self, chance: random.Random) -> None:
        """Stop it where it stands: for a moment mostly, sometimes for ten seconds."""
        valkey = self._valkey()
        valkey.suspend()
        time.sleep(10 if chance.random() < 0.2 else chance.uniform(0.3, 1.5))
        valkey.resume()

    def all_killed(self, chance: random.Random) -> None:
        self.live.kill()
        self.live.start()


class Proxy:
    """A TCP proxy that cuts connections, once for each time that it is told to."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.cuts: list[tuple[str, int]] = []
        """What is still to be cut: a request or a reply, and after how many of its bytes."""
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self._target))
                except OSError:
                    near.close()
                    continue
                for what, source, sink in (("request", near, far), ("reply", far, near)):
                    threading.Thread(target=self._pump, args=(what, source, sink), daemon=True).start()

    def _pump(self, what: str, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                # Only what belongs to a decision: its answer starts with an array, its request runs a script.
                mine = data.startswith(b"*") and (what == "reply" or b"EVALSHA" in data[:20])
                if mine and self.cuts and self.cuts[0][0] == what:
                    sink.sendall(data[: self.cuts.pop(0)[1]])
                    break
                sink.sendall(data)
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def close(self) -> None:
        self._listener.close()


class Single(World):
    """A Redis of the operator's, reached over a network that cuts connections; its disk is small."""

    def __init__(self, folder: Callable[[], Path]) -> None:
        self.redis = RedisServer(binary_of("redis7"), folder(), free_port(), ("--aof-load-truncated", "no"))
        _start(self.redis)
        self.proxy = Proxy(self.redis.port)
        self.clock = folder() / "clock"
        self.clock.write_text("0")
        super().__init__(
            folder,
            REDIS_URL=f"redis://127.0.0.1:{self.proxy.port}",
            PYTHONPATH=str(Path(__file__).parent / "clock"),
            CLOCK_STEP=str(self.clock),
        )
        self.url = self.redis.url

    def faults(self) -> dict[str, Fault]:
        return {
            **super().faults(),
            "cut in mid-reply": self.cut_in_reply,
            "cut in mid-request": self.cut_in_request,
            "redis killed": self.redis_killed,
            "disk full": self.disk_full,
            "memory full": self.memory_full,
            "read-only": self.read_only,
            "scripts forgotten": self.scripts_forgotten,
            "clock stepped": self.clock_stepped,
        }

    def stop(self) -> None:
        super().stop()
        self.proxy.close()
        self.redis.stop()

    def _cut(self, what: str, chance: random.Random, most: int) -> None:
        self.proxy.cuts += [(what, chance.randrange(most)) for _ in range(chance.randint(1, 4))]
        until = time.monotonic() + 120
        while self.proxy.cuts:
            assert time.monotonic() < until, "nothing came by to be cut"
            time.sleep(0.01)

    def cut_in_reply(self, chance: random.Random) -> None:
        self._cut("reply", chance, 12)

    def cut_in_request(self, chance: random.Random) -> None:
        self._cut("request", chance, 200)

    def redis_killed(self, chance: random.Random) -> None:
        self.redis.stop(signal.SIGKILL)
        time.sleep(chance.uniform(0, 1))
        _start(self.redis)

    def disk_full(self, chance: random.Random) -> None:
        """Let no file of it grow any more: what a full disk answers to a write comes back as a limit's does."""
        assert self.redis.process
        largest = max(map(len, self.redis.files()))
        psutil.Process(self.redis.process.pid).rlimit(psutil.RLIMIT_FSIZE, (largest + chance.randrange(4000), -1))
        try:
            # With `appendfsync always` it ends rather than acknowledge what it cannot keep.
            self.redis.process.wait(120)
        except subprocess.TimeoutExpired:
            raise AssertionError("it went on with a full disk") from None
        _start(self.redis)

    def memory_full(self, chance: random.Random) -> None:
        with self.redis.client() as client:
            client.config_set("maxmemory", "1mb")
            time.sleep(chance.uniform(0.2, 0.6))
            client.config_set("maxmemory", 0)

    def read_only(self, chance: random.Random) -> None:
        """Make it refuse writes for want of replicas."""
        with self.redis.client() as client:
            client.config_set("min-replicas-to-write", 1)
            time.sleep(chance.uniform(0.2, 0.6))
            client.config_set("min-replicas-to-write", 0)

    def scripts_forgotten(self, chance: random.Random) -> None:
        with self.redis.client() as client:
            client.script_flush()

    def clock_stepped(self, chance: random.Random) -> None:
        """Step the server's clock while Redis' own stays: an hour, which is refused, or by what is taken; then back."""
        for step in (chance.choice(["3600", "-3600", "50", "-50"]), "0"):
            # Replaced at once: whoever reads the time meanwhile reads the one or the other.
            fresh = self.clock.with_suffix(".new")
            fresh.write_text(step)
            fresh.rename(self.clock)
            time.sleep(chance.uniform(0.2, 0.5))


WORLDS: dict[str, type[World]] = {
    "embedded": Embedded,
    "single": Single,
    "cluster": Cluster,
    "sentinel": Sentinel,
}
