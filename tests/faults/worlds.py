"""Places in which things break: each runs the server on another kind of Redis, and knows what can go wrong there."""

from __future__ import annotations

import os
import random
import shlex
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import redis
from conftest import ROOT, SECRET, Live, RedisServer, binary_of, free_port
from examples import example

Fault = Callable[[random.Random], None]


class World:
    """The server on one Redis; ``folder`` makes folders, ``environment`` is what differs from the usual."""

    def __init__(self, folder: Callable[[], Path], **environment: str) -> None:
        self.folder = folder
        self.url = environment.get("REDIS_URL", "")
        self.live = Live(
            folder(),
            ("serve",),
            {
                "CONSENT_SECRET": SECRET,
                "CONSENT_CONFIG": str(ROOT / "consent.toml"),
                "WEB_CONCURRENCY": "2",
                "CLIENT_LIMIT": "1000000",
                "REDIS_TIMEOUT": "500",
                **environment,
            },
        ).start()

    def faults(self) -> dict[str, Fault]:
        """Return what can happen here, by name; each returns when what it broke may work again."""
        return {"worker killed": self.worker_killed}

    def stop(self) -> None:
        self.live.stop()

    def revive(self) -> None:
        """Start the server again if it has ended, as a service manager does.

        granian gives up when a worker dies twice within seconds, however it died.
        """
        if self.live.process and self.live.process.poll() is not None:
            self.live.start()

    def worker_killed(self, chance: random.Random) -> None:
        """End one worker, or both, with SIGKILL."""
        assert self.live.process
        parent = psutil.Process(self.live.process.pid)
        workers = [p for p in parent.children(recursive=True) if "spawn_main" in " ".join(p.cmdline())]
        assert workers, "no worker was found"
        for worker in workers[: chance.randint(1, 2)]:
            worker.kill()


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


class Cluster(World):
    """Three primaries with a replica each; a decision is acknowledged when its replica has it."""

    def __init__(self, folder: Callable[[], Path]) -> None:
        self.nodes = []
        for _ in range(6):
            options = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()), "--cluster-node-timeout", "1000")
            self.nodes.append(RedisServer(binary_of("valkey"), folder(), free_port(), options).start())
        first = self.nodes[0]
        for number, node in enumerate(self.nodes):
            with node.client() as client:
                client.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
                if number < 3:
                    client.execute_command("CLUSTER ADDSLOTSRANGE", number * 16384 // 3, (number + 1) * 16384 // 3 - 1)
                if number:
                    client.execute_command("CLUSTER MEET", "127.0.0.1", first.port, first.options[3])
        self._until(lambda: all(len(self._cluster(node, "NODES")) == 6 for node in self.nodes))
        for number in range(3):
            with self.nodes[number].client() as primary, self.nodes[number + 3].client() as replica:
                name = primary.execute_command("CLUSTER MYID")
                replica.execute_command("CLUSTER REPLICATE", name)
        self._until(self._whole)
        super().__init__(folder, REDIS_URL=f"redis+cluster://127.0.0.1:{first.port}", REDIS_REPLICAS="1")

    def faults(self) -> dict[str, Fault]:
        return {**super().faults(), "primary killed": self.primary_killed, "primary frozen": self.primary_frozen}

    def stop(self) -> None:
        super().stop()
        for node in self.nodes:
            node.stop()

    def _cluster(self, node: RedisServer, what: str) -> Any:
        with node.client() as client:
            return client.execute_command(f"CLUSTER {what}")

    def _role(self, node: RedisServer) -> list[Any]:
        with node.client() as client:
            return list(client.execute_command("ROLE"))

    def _whole(self) -> bool:
        """Return whether every slot has a primary with a replica that follows it."""
        try:
            roles = [self._role(node) for node in self.nodes]
            states = [dict(self._cluster(node, "INFO")).get("cluster_state") for node in self.nodes]
        except (redis.RedisError, OSError):
            return False
        linked = [role[3] in (b"connected", "connected") for role in roles if role[0] in (b"slave", "slave")]
        return set(states) == {"ok"} and len(linked) == 3 and all(linked)

    def _until(self, done: Callable[[], bool]) -> None:
        until = time.monotonic() + 120
        while not done():
            assert time.monotonic() < until, "the cluster did not come together"
            time.sleep(0.05)

    def _primary(self, chance: random.Random) -> RedisServer:
        return chance.choice([node for node in self.nodes if self._role(node)[0] in (b"master", "master")])

    def primary_killed(self, chance: random.Random) -> None:
        """Kill a primary; its replica takes over; it comes back as a replica."""
        node = self._primary(chance)
        node.stop(signal.SIGKILL)
        others = [other for other in self.nodes if other is not node]
        self._until(lambda: sum(self._role(other)[0] in (b"master", "master") for other in others) == 3)
        node.start()
        self._until(self._whole)

    def primary_frozen(self, chance: random.Random) -> None:
        """Stop a primary until its replica has taken over, then let it go on: it may not take anything more."""
        node = self._primary(chance)
        assert node.process
        os.kill(node.process.pid, signal.SIGSTOP)
        others = [other for other in self.nodes if other is not node]
        self._until(lambda: sum(self._role(other)[0] in (b"master", "master") for other in others) == 3)
        os.kill(node.process.pid, signal.SIGCONT)
        self._until(self._whole)


class Sentinel(World):
    """A primary and a replica, watched by three sentinels; a decision is acknowledged when the replica has it."""

    def __init__(self, folder: Callable[[], Path]) -> None:
        self.pair = [RedisServer(binary_of("redis7"), folder(), free_port()).start() for _ in range(2)]
        with self.pair[1].client() as client:
            client.replicaof("127.0.0.1", self.pair[0].port)
        self.sentinels = []
        ports = [free_port() for _ in range(3)]
        program = shutil.which("redis-server")
        assert program
        for port in ports:
            place = folder()
            (place / "sentinel.conf").write_text(
                f"port {port}\nbind 127.0.0.1\ndir {place}\nlogfile {place}/log\n"
                f"sentinel monitor mymaster 127.0.0.1 {self.pair[0].port} 2\n"
                "sentinel down-after-milliseconds mymaster 500\nsentinel failover-timeout mymaster 3000\n"
            )
            self.sentinels.append(subprocess.Popen([program, str(place / "sentinel.conf"), "--sentinel"]))
        self._asked = redis.Redis(port=ports[0])
        self._until(self._whole)
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        super().__init__(folder, REDIS_URL=f"redis+sentinel://{hosts}/mymaster", REDIS_REPLICAS="1")

    def faults(self) -> dict[str, Fault]:
        return {**super().faults(), "primary killed": self.primary_killed}

    def stop(self) -> None:
        super().stop()
        self._asked.close()
        for sentinel in self.sentinels:
            sentinel.terminate()
            sentinel.wait()
        for server in self.pair:
            server.stop()

    def _primary(self) -> int:
        return int(self._asked.execute_command("SENTINEL GET-MASTER-ADDR-BY-NAME", "mymaster")[1])

    def _whole(self) -> bool:
        try:
            known = self._asked.execute_command("SENTINEL SENTINELS", "mymaster")
            primary = next(server for server in self.pair if server.port == self._primary())
            with primary.client() as client:
                info = client.info("replication")
        except (redis.RedisError, StopIteration):
            return False
        return len(known) == 2 and info["role"] == "master" and info.get("slave0", {}).get("state") == "online"

    def _until(self, done: Callable[[], bool]) -> None:
        until = time.monotonic() + 60
        while not done():
            assert time.monotonic() < until, "the sentinels did not come together"
            time.sleep(0.05)

    def primary_killed(self, chance: random.Random) -> None:
        """Kill the primary; the replica takes over; the old one comes back as its replica."""
        port = self._primary()
        old = next(server for server in self.pair if server.port == port)
        old.stop(signal.SIGKILL)
        self._until(lambda: self._primary() != port)
        old.start()
        self._until(self._whole)


def _start(server: RedisServer) -> None:
    """Start it as is documented, told not to die of the signal that comes with a file that may not grow."""
    mend = example("redis mend").split("ExecStartPre=")[1].replace("/var/lib/redis", str(server.folder))
    subprocess.run(shlex.split(mend), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        server.start()
    finally:
        signal.signal(signal.SIGXFSZ, before)


WORLDS: dict[str, type[World]] = {
    "embedded": Embedded,
    "single": Single,
    "cluster": Cluster,
    "sentinel": Sentinel,
}
