"""What shoppers get while the store is away: an answer at once, the same each time, and no queue that grows."""

from __future__ import annotations

import os
import signal
import threading

import psutil

from tests.bench.load import load
from tests.bench.servers import SERVER_CORE, consent, decisions, load_apart, store

SECONDS = 10
TIMEOUT = 500
"""Milliseconds after which Redis counts as away, as it comes."""


def away() -> None:
    """Stop the store where it stands for ten seconds, under load; print what came back, how late, and the memory."""
    load_apart()
    core = {SERVER_CORE}
    with store(core) as (url, kept), consent(url, core, REDIS_TIMEOUT=str(TIMEOUT)) as (port, server):
        decide = decisions(port)
        load(port, decide, 3)

        def memory() -> float:
            return sum(p.memory_info().rss for p in psutil.Process(server.pid).children(recursive=True)) / 1e6

        before = memory()
        os.kill(kept.pid, signal.SIGSTOP)
        back = threading.Timer(SECONDS, os.kill, (kept.pid, signal.SIGCONT))
        back.start()
        report = load(port, decide, SECONDS - 0.5)
        print(
            f"away: answers {dict(report.statuses)}, {report.broken} connections broken; "
            f"p50 {report.percentile(0.5) * 1e3:.1f} ms, longest {report.percentile(1) * 1e3:.0f} ms; "
            f"memory {before:.1f} → {memory():.1f} MB"
        )
        back.join()
        report = load(port, decide, 5)
        print(f"back: answers {dict(report.statuses)}, p50 {report.percentile(0.5) * 1e3:.1f} ms")
