"""What a full store costs: decisions a second, the rates' time, and how long others' work holds decisions up.

BENCH_GROWTH says how many decisions are stored, a million as it comes. They are laid down by a script of the bench;
the days that are sealed, archived and erased from are decisions as shoppers post them, of another shop.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import redis

from consent_server.banner.scripts import build_scripts
from consent_server.proof.archive import archive
from consent_server.proof.erasure import erase
from consent_server.proof.log import seal
from consent_server.settings.shops import read_sites
from consent_server.site import Site
from consent_server.store import ApiKey, Store
from consent_server.store.keys import CHUNKS, DAY, buckets
from consent_server.tokens import Keys
from consent_server.web.marketer.session import digest
from tests.bench.fill import fill
from tests.bench.load import load
from tests.bench.servers import (
    ROOT,
    SECRET,
    SERVER_CORE,
    consent,
    cpu_seconds,
    decisions,
    load_apart,
    plain,
    store,
    written_anew,
)

ROUNDS, SECONDS = 5, 3.0
MANY = int(os.environ.get("BENCH_GROWTH", "1000000"))
PIECE = 5_000
PROVEN = 20_000
"""Decisions with signatures that hold, on two days that are over; a tenth of that yesterday."""
ERASED = 200
WORK = ("erase", "seal", "archive")
BULK = Path(__file__).with_name("bulk.lua")


def _shop() -> Site:
    return read_sites(ROOT / "consent.toml")["smartmarket"]


def _other() -> Site:
    """Return a shop in the same store that the server does not know, or it would seal its days before they are."""
    return replace(_shop(), id="other", keep=86_400, prove=0)


def lay_down(url: str, shop: Site, many: int) -> None:
    """Lay down ``many`` decisions of today."""
    now = int(time.time() * 1000) - 1000
    first = max(now - now % DAY, now - 3_600_000)
    head = bytes([0x10, 7]) + bytes(2) + secrets.token_bytes(6)
    all_of = buckets(shop)
    with redis.Redis.from_url(url, socket_timeout=600) as client, written_anew(client):
        script = client.register_script(BULK.read_text("utf-8"))
        for bucket in all_of:
            each = many // len(all_of)
            keys = [bucket.log, *(bucket.seen(chunk) for chunk in range(CHUNKS))]
            for done in range(0, each, PIECE):  # never later than now, which a log's time would be ahead of
                step = min(PIECE, each - done)
                start, end = (first + (now - first) * n // each for n in (done, done + step))
                script(keys, [start, end, step, head, secrets.randbelow(2**31)])


def _work(name: str, url: str) -> None:
    """Do what is done beside decisions: ``erase`` shoppers, ``seal`` days, or ``archive`` them."""
    shop, keys, now = _other(), Keys([SECRET]), datetime.now(UTC)
    with closing(Store(url, 60)) as opened:
        if name == "seal":
            print(f"{len(seal(opened, shop, keys, now))} days with {PROVEN * 11 // 10:,} decisions")
        elif name == "archive":
            with tempfile.TemporaryDirectory() as folder:
                print(f"{sum(made.entries for made in archive(opened, shop, keys, Path(folder), now)):,} decisions")
        else:
            yesterday = (now - timedelta(1)).date()
            subjects = [entry.subject for _, entry in zip(range(ERASED), opened.log.day(shop, yesterday), strict=False)]
            erased = sum(erase(opened, shop, keys, subject, int(time.time())) for subject in subjects)
            opened.log.compact(shop)
            print(f"{erased} decisions, and all logs written anew")


@contextmanager
def _working(name: str, url: str) -> Iterator[subprocess.Popen[str]]:
    command = (sys.executable, "-m", "tests.bench.growth", name, url)
    cores = ",".join(map(str, range(os.cpu_count() or 1)))  # beside the load, as it would be beside the server
    with subprocess.Popen(("taskset", "-c", cores, *command), cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        yield process


def _beside(port: int, url: str, most: float) -> None:
    """Print how long decisions wait while each piece of other work is done, at half of what the server can do.

    Where others use the machine, what they take is in the waits; the longest command in Redis has less of it.
    """
    decide = decisions(port)
    calm = load(port, decide, 10, rate=most / 2).only(201)
    print(f"nothing else: p99 {calm.percentile(0.99) * 1e3:.1f} ms, longest {calm.percentile(1) * 1e3:.0f} ms")
    client = redis.Redis.from_url(url)
    client.config_set("slowlog-log-slower-than", 1000)
    for name in WORK:
        waits: list[float] = []
        began = time.monotonic()
        client.slowlog_reset()
        with _working(name, url) as process:
            while process.poll() is None:
                waits += load(port, decide, 2, rate=most / 2).only(201).waits
            spent = time.monotonic() - began
            assert process.stdout
            said = process.stdout.read().strip()
        assert process.returncode == 0, name
        waits.sort()
        slowest = max((call["duration"] / 1000 for call in client.slowlog_get(1000)), default=1)
        print(
            f"{name} ({said}; {spent:.0f} s): p99 {waits[int(len(waits) * 0.99)] * 1e3:.1f} ms, "
            f"longest {waits[-1] * 1e3:.0f} ms; longest command in Redis {slowest:.1f} ms",
            flush=True,
        )
    client.close()


def _rates(port: int, url: str, shop: Site) -> None:
    """Print how long the rates of thirty days take, one at a time."""
    key = secrets.token_urlsafe(32)
    with closing(Store(url, 30)) as opened:
        opened.rates_keys.add(shop, ApiKey(digest("api-key", key), "bench", int(time.time())))
    today = datetime.now(UTC).date()
    for by in ("day", "language", "how"):
        path = f"/v1/smartmarket/rates?from={today - timedelta(29)}&to={today}&by={by}"
        report = load(port, plain(port, path, f"Authorization: Bearer {key}\r\n"), 2, connections=1).only(200)
        print(
            f"rates of 30 days by {by}: {report.percentile(0.5) * 1e3:.1f} ms, p99 {report.percentile(0.99) * 1e3:.1f}"
        )


def growth() -> None:
    """Decisions a second with MANY stored, as a share of what they are with none, in turns; then all the rest."""
    load_apart()
    core, shop = {SERVER_CORE}, _shop()
    with store(core) as (none, none_kept), store(core) as (many, many_kept):
        other, midnight = _other(), int(time.time() * 1000) // DAY * DAY
        asked = build_scripts(other).notices["az"][0]
        fill(many, other, asked, midnight - 4 * DAY, 7, PROVEN, days=2, signed=True)
        fill(many, other, asked, midnight - DAY, 7, PROVEN // 10, days=1, signed=True)
        lay_down(many, other, MANY // 4)
        began = time.monotonic()
        with redis.Redis.from_url(many) as client:
            before = client.info("memory")["used_memory"]
            lay_down(many, shop, MANY)
            used = client.info("memory")["used_memory"] - before
        print(f"{MANY:,} decisions laid down in {time.monotonic() - began:.0f} s, {used / MANY:.0f} bytes each")
        with consent(none, core) as (empty, empty_server), consent(many, core) as (filled, filled_server):
            shares, costs, rates = [], [], [0.0, 0.0]
            print(f"         none stored/s  µs CPU   {MANY:,} stored/s  µs CPU   share")
            for turn in range(ROUNDS + 1):
                spent = []
                for n, (port, processes) in enumerate(
                    ((empty, (empty_server, none_kept)), (filled, (filled_server, many_kept)))
                ):
                    started = cpu_seconds(*processes)
                    report = load(port, decisions(port), SECONDS).only(201)
                    rates[n] = report.rate
                    spent.append((cpu_seconds(*processes) - started) / len(report.waits) * 1e6)
                if turn:  # the first is to warm up
                    shares.append(rates[1] / rates[0])
                    costs.append(spent[0] / spent[1])
                    figures = f"{rates[0]:13,.0f}  {spent[0]:6.0f}  {rates[1]:16,.0f}  {spent[1]:6.0f}"
                    print(f"round {turn}  {figures}  {shares[-1]:6.3f}", flush=True)
            print(f"median share: {median(shares):.3f} by rate, {median(costs):.3f} by CPU time")
            _rates(filled, many, shop)
            _beside(filled, many, rates[1])


if __name__ == "__main__":
    _work(*sys.argv[1:])
