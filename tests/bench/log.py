"""What the log costs: bytes of memory a decision, and how fast a log is exported and checked, in how much memory."""

from __future__ import annotations

import gzip
import json
import os
import resource
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import redis

from consent_server.decision import Decision
from consent_server.proof.log import export, seal, write
from consent_server.settings.shops import make_site
from consent_server.site import Notice
from consent_server.store import Store, StoreAway
from consent_server.store.keys import buckets
from consent_server.tokens import Keys
from tests.bench.servers import store as running

START = 1_795_132_800_000
SITE = make_site("shop", "Shop", ("https://shop.example",), "/p", date(2025, 12, 20), languages=("az",))
NOTICE = Notice.of({"site": "shop", "revision": 1, "keep": 15_811_200, "lang": "az", "variant": ""})
KEYS = Keys(["the secret that the bench signs with"])


def fill(store: Store, many: int, allow: int) -> float:
    """Lay down ``many`` first decisions over a day; return the bytes of memory that each takes."""
    store.notices.serve(SITE, [NOTICE])
    before = int(store.connection.client.info("memory")["used_memory"])

    def decide(n: int) -> None:
        decision = Decision(secrets.token_urlsafe(16), allow, NOTICE, "accept" if allow else "refuse", None)
        for _ in range(50):  # threads that come to one part of the log out of turn are told to send it again
            with suppress(StoreAway):
                store.decisions.record(
                    SITE, decision, now=START + n * 86_000_000 // many, sign=KEYS.sign, device="phone", country="AZ"
                )
                break
        if n % 1000 == 0:
            print(f"\r{n:,} of {many:,}", end="", file=sys.stderr)

    with ThreadPoolExecutor(8) as threads:  # they share each write to disk
        for start in range(0, many, 10_000):
            list(threads.map(decide, range(start, min(start + 10_000, many))))
    print("\r", end="", file=sys.stderr)
    return (int(store.connection.client.info("memory")["used_memory"]) - before) / many


MANY = int(os.environ.get("ENTRIES") or 1_000_000)
"""How many entries a log has that is measured."""


def proof(many: int = MANY) -> None:
    """Measure what proves a log alone: sealed, exported, checked, held against an older export."""
    with running({0}, "redis-server") as (url, _):
        store = Store(url, 30, any_clock=True)
        fill(store, many, 7)
        proven(store, url, many)
        store.close()


def main(many: int = MANY) -> None:
    """Measure and print."""
    for name, binary in (("redis-server", "redis-server"), ("the embedded Valkey", None)):
        for kind, allow in (("refusal", 0), ("consent", 7)):
            with running({0}, binary) as (url, _):
                store = Store(url, 30, any_clock=True)
                each = fill(store, many, allow)
                print(f"memory: {each:.0f} bytes a {kind}, log entry included, at {many:,} on {name}")
                if kind == "consent" and binary:
                    proven(store, url, many)
                store.close()
    compacted(many)


def compacted(many: int) -> None:
    """Erase a shopper out of a bucket with ``many`` entries; print for how long Redis does nothing else at most."""
    for binary in ("redis-server", None):
        _compacted(binary, many)


def _compacted(binary: str | None, many: int) -> None:
    site = make_site("one", "One", ("https://shop.example",), "/p", date(2025, 12, 20), languages=("az",), buckets=1)
    with running({0}, binary) as (url, _):
        store = Store(url, 30, any_clock=True)
        client, (bucket,) = store.connection.client, buckets(site)
        store.notices.serve(site, [NOTICE])
        decision = Decision(secrets.token_urlsafe(16), 7, NOTICE, "accept", None)
        store.decisions.record(site, decision, now=START, sign=KEYS.sign)
        ((_, entry),) = client.xrange(bucket.log, count=1)
        for start in range(1, many, 5000):
            calls = client.pipeline(transaction=False)
            for n in range(start, start + 5000):
                calls.xadd(bucket.log, entry, id=f"{START + n}-0")
            calls.execute()
        assert store.history.erase(site, decision.id, lambda entry: b"") == 1
        pieces, compact = list[float](), store.log._compact

        def timed(keys: Sequence[str], args: Sequence[Any]) -> Any:
            before = of_main_thread(client)
            try:
                return compact(keys, args)
            finally:
                pieces.append(of_main_thread(client) - before)

        store.log._compact = timed
        store.log.compact(site)
        store.log.rewrite(site)
        pieces.sort()
        assert client.xlen(bucket.log) >= many - 1
        print(
            f"compaction: Redis is at it for {pieces[len(pieces) // 2]:.1f} ms a piece, {pieces[-1]:.1f} at most, "
            f"and {client.info('stats')['latest_fork_usec'] / 1000:.1f} to begin a new file, at {many:,} on "
            f"{binary or 'the embedded Valkey'}"
        )
        store.close()


def of_main_thread(client: redis.Redis) -> float:
    """Return the CPU time, in ms, of the thread that answers everybody: other load on the machine is not in it."""
    spent = client.info("cpu")
    return 1000 * float(spent["used_cpu_user_main_thread"] + spent["used_cpu_sys_main_thread"])


NOW, DAY = datetime(2026, 11, 22, tzinfo=UTC), date(2026, 11, 20)
MOST = 200
"""MB that an export, and whoever checks one, may take, however long the log is."""


def proven(store: Store, url: str, many: int) -> None:
    """Seal what is there, all signatures checked, export it, and check that, each in a process of its own."""
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    seal(store, SITE, KEYS, NOW)
    spent = time.process_time() - started
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"seal: {spent:.0f} s of one core for a day of {many:,}, each signature checked, in {grown:.0f} MB more")
    with tempfile.TemporaryDirectory() as folder:
        keys = Path(folder) / "keys.json"
        keys.write_text(json.dumps(KEYS.jwks()))
        for with_tokens in (False, True):
            name = "with tokens" if with_tokens else "by hash"
            file = Path(folder) / f"{name}.jsonl.gz"
            rate = apart(
                f"export {name}",
                "from tests.bench.log import exported; exported(sys.argv[1], sys.argv[2], bool(sys.argv[3]))\n"
                f"entries = {many}",
                *(url, file, with_tokens or ""),
            )
            print(f"export {name}: {rate}, {file.stat().st_size / many:.0f} bytes each")
            checked(f"verify {name}", file, keys)
        checked("verify --after", file, keys, Path(folder) / "by hash.jsonl.gz")
        with gzip.open(file) as lines:
            assert sum(1 for _ in lines) > many


def exported(url: str, file: str, with_tokens: bool) -> None:
    """Write the export of the day; ``with_tokens`` or by hash."""
    store = Store(url, 30, any_clock=True)
    write(Path(file), export(store, SITE, KEYS, DAY, DAY, NOW, with_tokens=with_tokens))
    store.close()


def checked(what: str, *files: Path) -> None:
    """Check an export, and print how fast, and in how much memory, a process of its own did."""
    program = "from consent_server.verify import Path, check\nentries = check(*map(Path, sys.argv[1:])).entries"
    print(f"{what}: {apart(what, program, *files)}")


def apart(what: str, program: str, *arguments: object) -> str:
    """Return how many ``entries`` a second a program did in a process of its own, and in how much memory."""
    measured = (
        f"import resource, sys, time; started = time.process_time()\n{program}\n"
        "spent = time.process_time() - started\n"
        "print(entries / spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    command = [sys.executable, "-c", measured, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    rate, peak = map(float, done.stdout.split())
    assert peak / 1024 < MOST, f"{what} took {peak / 1024:.0f} MB, and {MOST} are promised"
    return f"{rate:,.0f} entries a second of one core, {peak / 1024:.0f} MB at most (of {MOST})"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
