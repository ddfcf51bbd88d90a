"""Kinds of Redis in which another server takes over."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis
from conftest import RedisServer, binary_of, free_port

from .world import Fault, World


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
