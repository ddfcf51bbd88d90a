"""What is measured, one function a figure; each prints what it found and what it found it with."""

from __future__ import annotations

import io
import json
import os
import secrets
import shutil
import time
import urllib.request
from datetime import date
from statistics import median

import psutil
import redis

from consent_server import create_app
from consent_server.settings.environment import Settings
from consent_server.settings.shops import make_site, read_sites
from consent_server.site import Notice
from tests.bench import scale
from tests.bench.fill import fill
from tests.bench.load import load
from tests.bench.servers import (
    ORIGIN,
    PHONE,
    ROOT,
    SERVER_CORE,
    consent,
    cpu_seconds,
    decisions,
    hello,
    load_apart,
    notice,
    plain,
    store,
)

ROUNDS, SECONDS = 5, 3.0
MANY = int(os.environ.get("BENCH_DECISIONS", "100000"))
"""Decisions of each kind whose memory is measured."""


def speed() -> None:
    """Decisions a second as a share of what a bare Flask view does on the same server and core, in turns."""
    load_apart()
    core = {SERVER_CORE}
    with store(core) as (url, kept), hello(core) as (plain_port, bare), consent(url, core) as (port, server):
        ask, decide = plain(plain_port), decisions(port)
        load(plain_port, ask, 1)
        load(port, decide, 1).only(201)
        shares, costs = [], []
        print("         hello/s  µs CPU   decisions/s  µs CPU  (store)    p50 ms    p99 ms   share of hello")
        for turn in range(ROUNDS):
            began = cpu_seconds(bare)
            first = load(plain_port, ask, SECONDS).only(200)
            bare_cost = (cpu_seconds(bare) - began) / len(first.waits) * 1e6
            began, began_store = cpu_seconds(server, kept), cpu_seconds(kept)
            second = load(port, decide, SECONDS).only(201)
            cost = (cpu_seconds(server, kept) - began) / len(second.waits) * 1e6
            store_cost = (cpu_seconds(kept) - began_store) / len(second.waits) * 1e6
            shares.append(second.rate / first.rate)
            costs.append(bare_cost / cost)
            rates = f"{first.rate:8,.0f}  {bare_cost:6.0f}  {second.rate:11,.0f}  {cost:6.0f}  ({store_cost:5.0f})"
            waits = f"{second.percentile(0.5) * 1e3:8.1f}  {second.percentile(0.99) * 1e3:8.1f}"
            print(f"round {turn + 1}  {rates}  {waits}  {shares[-1]:9.3f}")
        print(f"median share of hello: {median(shares):.3f} by rate, {median(costs):.3f} by CPU time")


def profile() -> None:
    """Where the time of a decision goes within the server's process, one thing taken away after another."""
    site = read_sites(ROOT / "consent.toml")
    with store({SERVER_CORE}) as (url, _):
        settings = Settings(secret=("x" * 40,), redis_url=url, client_limit=10**6, redis_timeout=5000)
        app = create_app(settings, site)
        behind = app.extensions["consent"]
        name = behind.scripts["smartmarket"].notices["az"][0].hash

        def environ() -> dict[str, object]:
            content = {"id": secrets.token_urlsafe(16), "allow": ["analytics"], "notice": name, "how": "save"}
            body = json.dumps(content).encode()
            return {
                **{"REQUEST_METHOD": "POST", "SCRIPT_NAME": "", "PATH_INFO": "/v1/smartmarket/decisions"},
                **{"QUERY_STRING": "", "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80", "HTTP_HOST": "127.0.0.1"},
                **{"SERVER_PROTOCOL": "HTTP/1.1", "HTTP_ORIGIN": ORIGIN, "HTTP_USER_AGENT": PHONE},
                **{"REMOTE_ADDR": "127.0.0.1", "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)},
                "wsgi.url_scheme": "http",
            }

        def cost(times: int = 4000) -> float:
            made = [environ() for _ in range(times)]
            statuses: list[str] = []
            began = time.process_time()
            for each in made:
                answer = app(each, lambda status, headers, error=None: statuses.append(status))  # type: ignore[arg-type,misc]
                b"".join(answer)
            spent = (time.process_time() - began) / times * 1e6
            assert {status[:3] for status in statuses} <= {"200", "201"}, set(statuses)
            return spent

        cost(500)
        whole = cost()
        behind.store.decisions._record = lambda keys, args: [0, 1]
        without_redis = cost()
        behind.keys._signed = lambda key, text: bytes(64)
        without_signing = cost()
        last = None
        kept = behind.store.decisions.record

        def record(*arguments: object, **named: object) -> object:
            nonlocal last
            last = last or kept(*arguments, **named)
            return last

        behind.store.decisions.record = record
        without_record = cost()
        print(f"whole                         {whole:6.0f} µs of CPU")
        print(f"  asking Redis, and waiting   {whole - without_redis:6.0f}")
        print(f"  Ed25519                     {without_redis - without_signing:6.0f}")
        print(f"  packing record and log      {without_signing - without_record:6.0f}")
        print(f"  Flask, and the rest of ours {without_record:6.0f}")
        behind.store.close()


def sustained() -> None:
    """At 70 % of what it can do, turn by turn beside a bare Flask view at 70 % of what that can do: no error, and p99.

    What each can do is found anew before each turn, as the machine's other work takes more or less of it.
    """
    load_apart()
    core = {SERVER_CORE}
    with store(core) as (url, _), hello(core) as (plain_port, _), consent(url, core) as (port, server):
        ask, decide = plain(plain_port), decisions(port)

        def memory() -> float:
            return sum(p.memory_info().rss for p in psutil.Process(server.pid).children(recursive=True)) / 1e6

        load(port, decide, 3).only(201)
        before, kept, times = memory(), 0, []
        print("         hello/s  p50 ms  p99 ms   decisions/s  p50 ms  p99 ms   times hello's p99")
        for turn in range(ROUNDS):
            waits = []
            for where, request, status in ((plain_port, ask, 200), (port, decide, 201)):
                most = load(where, request, SECONDS).only(status).rate
                report = load(where, request, 2 * SECONDS, rate=most * 0.7).only(status)
                waits.append((report.rate, report.percentile(0.5) * 1e3, report.percentile(0.99) * 1e3))
            kept += len(report.waits)
            times.append(waits[1][2] / waits[0][2])
            (bare, *bare_waits), (rate, *own_waits) = waits
            print(
                f"round {turn + 1}  {bare:8,.0f}  {bare_waits[0]:6.1f}  {bare_waits[1]:6.1f}   {rate:11,.0f}  "
                f"{own_waits[0]:6.1f}  {own_waits[1]:6.1f}   {times[-1]:17.2f}",
                flush=True,
            )
        print(
            f"median: {median(times):.2f} times hello's p99; {kept:,} kept at 70 %, no error; "
            f"memory {before:.1f} → {memory():.1f} MB"
        )


def workers() -> None:
    """What a second worker adds. With two cores for all, store and load take from the second: the figure is low."""
    cores = set(range(os.cpu_count() or 1))
    rates: dict[int, list[float]] = {1: [], 2: []}
    with store(cores) as (url, _), consent(url, cores, 1) as (one, _), consent(url, cores, 2) as (two, _):
        for _ in range(3):
            for many, port in ((1, one), (2, two)):
                rates[many].append(load(port, decisions(port), 3).only(201).rate)
    single, double = median(rates[1]), median(rates[2])
    print(f"1 worker {single:,.0f}/s, 2 workers {double:,.0f}/s: {double / single:.2f} times, on {len(cores)} cores")
    if len(cores) < 4:
        print("Store and load have no core of their own here: the second worker gets what they leave.")


def scripts() -> None:
    """Bytes of the scripts as they are served."""
    with store({SERVER_CORE}) as (url, _), consent(url, {SERVER_CORE}) as (port, _):
        address = f"http://127.0.0.1:{port}/v1/smartmarket"
        found = json.loads(urllib.request.urlopen(f"{address}/notice?lang=az").read())
        assert found["notice"] == notice(port)
        for name in ("consent.js", "details.az.0.js", "mine.az.0.js"):
            for encoding in ("br", "gzip", "identity"):
                request = urllib.request.Request(f"{address}/{name}", headers={"Accept-Encoding": encoding})
                with urllib.request.urlopen(request) as answer:
                    print(f"{name.replace('.0.', '.HASH.'):18} {encoding:9} {len(answer.read()):7,} bytes")


def memory() -> None:
    """Bytes of Redis' memory a decision, with its log entry, index and counters; consents and refusals apart."""
    asked = Notice.of({"site": "shop", "revision": 1, "keep": 15_811_200, "lang": "az", "variant": ""})
    shop = make_site("shop", "Shop", ("https://shop.example",), "/p", date(2026, 1, 1), languages=("az",))
    start = 1_795_305_600_000  # a midnight (UTC), in ms
    for label, binary in (("Valkey", None), ("Redis", shutil.which("redis-server"))):
        if label == "Redis" and not binary:
            print("redis-server is not installed.")
            continue
        for kind, allow in (("consents", 7), ("refusals", 0)):
            with store({SERVER_CORE}, binary) as (url, _):
                client = redis.Redis.from_url(url)
                before = client.info("memory")["used_memory"]
                fill(url, shop, asked, start, allow, MANY)
                info = client.info()
                name = f"{info.get('server_name', 'redis')} {info.get('valkey_version', info['redis_version'])}"
                each = (info["used_memory"] - before) / MANY
                print(f"{name:14} {kind}: {each:6.1f} bytes each at {MANY:,}", flush=True)
                client.close()


def spread() -> None:
    """How evenly a site's keys lie over the shards of a cluster."""
    scale.main()
