"""What each call costs beside a bare Flask view, and beside the least that it could cost: its floor.

A floor is the bare view with what the call cannot do without: a signature made or checked, something written to the
store or read from it. Those are measured in this process, by the libraries that the server uses, sixteen writes at once
as they come under load, and the store's own share with them. All is CPU time of server and store, which other people's
load on the machine moves least.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

import redis

from consent_server.banner.scripts import build_scripts
from consent_server.proof.log import seal
from consent_server.settings.shops import read_sites
from consent_server.site import Site
from consent_server.store import ApiKey, Store
from consent_server.store.keys import buckets
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
    hello,
    load_apart,
    notice,
    plain,
    posts,
    store,
)

ROUNDS, SECONDS = 5, 0.6
STORED = 3000
TOGETHER = 16
MOST = 3
"""How many times its floor a call may cost without a reason."""


@dataclass(frozen=True)
class Call:
    """A call that is measured; ``least``: µs that it costs besides the bare view in any case; ``reason`` for more."""

    name: str
    request: Callable[[], bytes]
    status: int
    least: float
    reason: str = ""


def _each(work: Callable[[], object], *processes: subprocess.Popen[bytes], times: int = 300) -> float:
    """Return the µs of CPU that a piece of work takes, here and in these processes; the least of several runs."""
    found = []
    for _ in range(5):
        began, elsewhere = time.process_time(), cpu_seconds(*processes)
        for _ in range(times):
            work()
        found.append((time.process_time() - began + cpu_seconds(*processes) - elsewhere) / times * 1e6)
    return min(found)


def _calls(port: int, url: str, kept: subprocess.Popen[bytes], shop: Site) -> list[Call]:
    """Return all calls that are measured, with their floors."""
    keys = Keys([SECRET])
    with urllib.request.urlopen(
        urllib.request.Request(
            f"http://127.0.0.1:{port}/v1/smartmarket/decisions",
            json.dumps(
                {"id": secrets.token_urlsafe(16), "allow": ["analytics"], "notice": notice(port), "how": "save"}
            ).encode(),
        )
    ) as answer:
        token = json.load(answer)["token"]
    key = secrets.token_urlsafe(32)
    with closing(Store(url, 30)) as opened:
        opened.rates_keys.add(shop, ApiKey(digest("api-key", key), "bench", int(time.time())))
    script = "/v1/smartmarket/consent.js"
    with urllib.request.urlopen(
        urllib.request.Request(f"http://127.0.0.1:{port}{script}", headers={"Accept-Encoding": "br"})
    ) as answer:
        etag = answer.headers["ETag"]
    now = int(time.time())
    verify = _each(lambda: keys.verify(token, "smartmarket", now))
    sign = _each(lambda: keys.sign({"n": secrets.token_bytes(8).hex()}))
    with redis.Redis.from_url(url, single_connection_client=True) as client:

        def write_together() -> None:
            calls = client.pipeline(transaction=False)
            for _ in range(TOGETHER):
                calls.incr("bench")
            calls.execute()

        write = _each(write_together, kept) / TOGETHER
        read = _each(lambda: client.hgetall("consent:{smartmarket}:seals"), kept)
        days = [(datetime.now(UTC) - timedelta(n)).strftime("%Y-%m") for n in (0, 30)]

        def rows() -> None:
            calls = client.pipeline(transaction=False)
            for bucket in buckets(shop):
                for month in days:
                    calls.getrange(bucket.count(month), 0, 30 * 25 * 4 - 1)
            calls.execute()

        month = _each(rows, kept, times=30)
    today = datetime.now(UTC).date()
    rates = f"/v1/smartmarket/rates?from={today - timedelta(29)}&to={today}&by=day"
    bearer = f"Authorization: Bearer {token}\r\n"
    return [
        Call(
            "decisions",
            decisions(port),
            201,
            sign + write,
            "over half is the store: its script, and threads that stand in line for one write and wake to cold caches",
        ),
        Call("shown", posts(port, "/v1/smartmarket/shown", json.dumps({"notice": notice(port)})), 204, write),
        Call(
            "allows",
            plain(port, "/v1/smartmarket/allows/analytics", bearer),
            204,
            verify,
            "the store is asked twice, as what was withdrawn or erased allows nothing",
        ),
        Call("keys.json", plain(port, "/v1/keys.json"), 200, 0),
        Call("consent.js", plain(port, script, "Accept-Encoding: br\r\n"), 200, 0),
        Call("consent.js, 304", plain(port, script, f"Accept-Encoding: br\r\nIf-None-Match: {etag}\r\n"), 304, 0),
        Call(
            "seals of 29 days",
            plain(port, "/v1/smartmarket/seals"),
            200,
            read,
            "each seal is read, looked at and written as JSON; caches keep the answer",
        ),
        Call(
            "rates of 30 days",
            plain(port, rates, f"Authorization: Bearer {key}\r\n"),
            200,
            month,
            "thirty rows of rates with their intervals; for a marketer, now and then",
        ),
    ]


def costs() -> None:
    """CPU time of each call as a share of a bare Flask view's, in turns, and as a multiple of its floor."""
    load_apart()
    core = {SERVER_CORE}
    shop = read_sites(ROOT / "consent.toml")["smartmarket"]
    with store(core) as (url, kept):
        asked = build_scripts(shop).notices["az"][0]
        fill(url, shop, asked, int((time.time() - 30 * 86400) * 1000), 7, STORED, signed=True)
        with closing(Store(url, 30)) as opened:
            seal(opened, shop, Keys([SECRET]), datetime.now(UTC))
        with hello(core) as (plain_port, bare), consent(url, core) as (port, server):
            ask, calls = plain(plain_port), _calls(port, url, kept, shop)
            bare_costs: list[float] = []
            spent: dict[str, list[tuple[float, float]]] = {call.name: [] for call in calls}
            for turn in range(ROUNDS + 1):
                for call in calls:
                    began = cpu_seconds(bare)
                    first = load(plain_port, ask, SECONDS).only(200)
                    bare_cost = (cpu_seconds(bare) - began) / len(first.waits) * 1e6
                    began = cpu_seconds(server, kept)
                    second = load(port, call.request, SECONDS).only(call.status)
                    cost = (cpu_seconds(server, kept) - began) / len(second.waits) * 1e6
                    if turn:  # the first is to warm up
                        bare_costs.append(bare_cost)
                        spent[call.name].append((cost, bare_cost))
    bare_cost = median(bare_costs)
    print(f"a bare Flask view: {bare_cost:.0f} µs of CPU")
    print(f"{'':18}  µs CPU   of hello   floor µs   times its floor")
    for call in calls:
        cost = median(cost for cost, _ in spent[call.name])
        share = median(hello / cost for cost, hello in spent[call.name])
        floor = bare_cost + call.least
        reason = ""
        if cost > MOST * floor:
            reason = f"  {call.reason or 'and nobody has said why'}"
        print(f"{call.name:18}  {cost:6.0f}   {share:8.3f}   {floor:8.0f}   {cost / floor:15.2f}{reason}", flush=True)
