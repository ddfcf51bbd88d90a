"""A place in which things break: the server, and what can happen to it on whatever Redis."""

from __future__ import annotations

import random
import shlex
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil
from conftest import ROOT, SECRET, Live, RedisServer
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


def _start(server: RedisServer) -> None:
    """Start it as is documented, told not to die of the signal that comes with a file that may not grow."""
    mend = example("redis mend").split("ExecStartPre=")[1].replace("/var/lib/redis", str(server.folder))
    subprocess.run(shlex.split(mend), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        server.start()
    finally:
        signal.signal(signal.SIGXFSZ, before)
