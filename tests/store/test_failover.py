"""A real Sentinel promotes the replica: what commands had sealed, erased and archived is so there too."""

from __future__ import annotations

import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner, Result
from conftest import SECRET, RedisServer, binary_of, closing, free_port

from consent_server.cli.log import log as log_command
from consent_server.cli.shopper import erase as erase_command
from consent_server.decision import Decision
from consent_server.settings.shops import read_sites
from consent_server.site import Notice, Site
from consent_server.store import Store
from consent_server.store.keys import DAY
from consent_server.tokens import Keys
from consent_server.verify import opened, verify

KEYS = Keys([SECRET])
OLDEST = datetime.now(UTC).date() - timedelta(6)
SHOP = """[sites.shop]
name = "Shop"
origins = ["https://shop.example"]
policy_url = "/privacy"
policy_updated = 2025-12-20
languages = ["en"]
keep = "1 day"
prove = "1 day"
buckets = 2
"""


@dataclass
class Watched:
    """A primary and its replica, watched by a sentinel on a port of its own."""

    servers: list[RedisServer]
    port: int

    @property
    def url(self) -> str:
        return f"redis+sentinel://127.0.0.1:{self.port}/mymaster"

    def has_promoted(self) -> bool:
        """Return whether the sentinel is done with making the replica the primary."""
        with redis.Redis(port=self.port) as sentinel:
            primary = sentinel.sentinel_master("mymaster")
        return (primary["port"], primary["flags"]) == (self.servers[1].port, "master")

    def fail_over(self) -> None:
        """Kill the primary, and return when another one is named and writes."""
        self.servers[0].stop(signal.SIGKILL)
        self.servers[0].process = None
        until(self.has_promoted, "no other was promoted")


def until(happened: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + 120
    while not happened():
        assert time.monotonic() < end, otherwise
        time.sleep(0.05)


def knows_replica(port: int) -> bool:
    """Return whether a sentinel has spoken to the replica that it would promote."""
    try:
        with redis.Redis(port=port) as sentinel:
            found = sentinel.sentinel_slaves("mymaster")
    except redis.RedisError:
        return False
    return any(each["flags"] == "slave" and each["master-link-status"] == "ok" for each in found)


@pytest.fixture
def watched(short_folder: Callable[[], Path]) -> Iterator[Watched]:
    servers = [RedisServer(binary_of("redis7"), short_folder(), free_port()).start() for _ in range(2)]
    with servers[1].client() as replica, servers[0].client() as primary:
        replica.replicaof("127.0.0.1", servers[0].port)
        until(
            lambda: primary.info("replication").get("slave0", {}).get("state") == "online", "the replica did not come"
        )
    folder, port = short_folder(), free_port()
    (folder / "sentinel.conf").write_text(
        f"port {port}\nbind 127.0.0.1\ndir {folder}\nlogfile {folder}/log\n"
        f"sentinel monitor mymaster 127.0.0.1 {servers[0].port} 1\n"
        "sentinel down-after-milliseconds mymaster 600\nsentinel failover-timeout mymaster 5000\n"
    )
    sentinel = subprocess.Popen([binary_of("redis7"), str(folder / "sentinel.conf"), "--sentinel"])
    try:
        until(lambda: knows_replica(port), "the sentinel does not know the replica")
        yield Watched(servers, port)
    finally:
        sentinel.terminate()
        sentinel.wait()
        for server in servers:
            server.stop(signal.SIGKILL)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "consent.toml"
    path.write_text(SHOP, "utf-8")
    return path


@pytest.fixture
def site(config: Path) -> Site:
    return read_sites(config)["shop"]


def filled(watched: Watched, site: Site) -> str:
    """Have shoppers answer for six days; return one of them who answered two days ago."""
    with closing(Store(watched.url, 5, replicas=1, any_clock=True)) as store:
        notice = Notice.of({"site": site.id, "revision": 1, "keep": 86_400, "lang": "en", "variant": "", "words": {}})
        store.notices.serve(site, [notice])
        for n in range(5):
            decision = Decision(secrets.token_urlsafe(16), 2, notice, "save", None)
            at = ((OLDEST - date(1970, 1, 1)).days + n) * DAY + 5
            store.decisions.record(site, decision, now=at, sign=KEYS.sign)
        return decision.subject


def test_what_commands_have_sealed_erased_and_archived_is_so_after_a_failover(
    watched: Watched, site: Site, config: Path, tmp_path: Path
) -> None:
    subject = filled(watched, site)
    environment = {"CONSENT_SECRET": SECRET, "CONSENT_CONFIG": str(config), "REDIS_URL": watched.url}
    folder = tmp_path / "archive"
    folder.mkdir()

    def run(command: object, *arguments: str, replicas: str = "1") -> Result:
        done = CliRunner().invoke(command, arguments, env={**environment, "REDIS_REPLICAS": replicas})  # type: ignore[arg-type]
        assert done.exit_code == 0, done.output
        return done

    run(log_command, "seal", site.id)
    run(erase_command, site.id, subject)
    run(log_command, "archive", site.id, "--to", str(folder))
    with closing(Store(watched.url, 5)) as store:
        seals, archives = store.log.seals(site), store.log.archives(site)
        assert len(seals) == 6
        assert [each.trimmed for each in archives] == [True]
    watched.fail_over()
    with closing(Store(watched.url, 5)) as store:
        assert store.log.seals(site) == seals
        assert store.log.archives(site) == archives
        assert store.history.of(site, subject) == []
        first = store.log.first_day(site)
        assert first is not None
        assert first > archives[0].last
    # Nobody has to mend anything by hand: what is left of the log proves itself, beside its archive.
    out = tmp_path / "log.jsonl"
    run(log_command, "export", site.id, "--out", str(out), replicas="0")
    for path in (out, folder / archives[0].file):
        with opened(path) as lines:
            verify(lines, KEYS.jwks())
