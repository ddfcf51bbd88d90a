"""Redis over TLS, and as a user who may do nothing but what the server does."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis
from beside import certificate
from conftest import (
    CONSENT_SERVER,
    ROOT,
    SECONDS_TO_START,
    SECRET,
    Cluster,
    RedisServer,
    Shopper,
    _logged_in,
    binary_of,
    closing,
    free_port,
)
from examples import example
from forms import api_key, post

from consent_server import create_app
from consent_server.decision import DIMENSIONS, Decision
from consent_server.proof import log as proof
from consent_server.proof.archive import archive
from consent_server.proof.erasure import erase
from consent_server.rates import read
from consent_server.rates.period import Period
from consent_server.settings.environment import Settings
from consent_server.site import Site
from consent_server.store import Store, StoreAway, connection, leaks
from consent_server.store.connection import away as away_module
from consent_server.store.keys import buckets

PASSWORD = "the-password-of-that-user"


# ---- TLS ----


@pytest.fixture(scope="module")
def tls(short_folder: Callable[[], Path]) -> Iterator[RedisServer]:
    """A Redis that is reached by TLS alone, but for its socket."""
    folder = short_folder()
    cert, key = certificate(folder)
    port = free_port()
    options = ("--tls-port", str(port), "--tls-cert-file", str(cert), "--tls-key-file", str(key))
    options += ("--tls-ca-cert-file", str(cert), "--tls-auth-clients", "no")
    server = RedisServer(binary_of("redis7"), folder, options=options).start()
    yield server
    server.stop()


def over_tls(server: RedisServer) -> str:
    return f"rediss://127.0.0.1:{server.options[1]}"


def decide(url: str, site: Site) -> int:
    """Take a decision with a server on this Redis; return the status."""
    app = create_app(Settings(secret=(SECRET,), redis_url=url, redis_timeout=5000), {site.id: site})
    with closing(app.extensions["consent"].store):
        return Shopper(app.test_client(use_cookies=False), site).decide("analytics").status_code


def test_a_decision_is_kept_over_tls(tls: RedisServer, site: Site) -> None:
    assert decide(f"{over_tls(tls)}?ssl_ca_certs={tls.folder / 'cert.pem'}", site) == 201


def test_a_ca_that_the_whole_process_trusts_will_do(
    tls: RedisServer, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tls.folder / "cert.pem"))
    assert decide(over_tls(tls), site) == 201


def test_a_primary_that_a_sentinel_names_is_reached_over_tls(
    tls: RedisServer, site: Site, monkeypatch: pytest.MonkeyPatch, short_folder: Callable[[], Path]
) -> None:
    folder, port = short_folder(), free_port()
    (folder / "sentinel.conf").write_text(
        f"port {port}\nbind 127.0.0.1\ndir {folder}\nlogfile {folder}/log\ntls-replication yes\n"
        f"tls-ca-cert-file {tls.folder}/cert.pem\n"
        f"tls-cert-file {tls.folder}/cert.pem\ntls-key-file {tls.folder}/key.pem\n"
        f"sentinel monitor mymaster 127.0.0.1 {tls.options[1]} 1\n"
    )
    sentinel = subprocess.Popen([binary_of("redis7"), str(folder / "sentinel.conf"), "--sentinel"])
    monkeypatch.setenv("SSL_CERT_FILE", str(tls.folder / "cert.pem"))
    try:
        with redis.Redis(port=port) as asked:
            until = time.monotonic() + SECONDS_TO_START
            while not reachable(asked):
                assert time.monotonic() < until, (folder / "log").read_text()
                time.sleep(0.05)
        assert decide(f"rediss+sentinel://127.0.0.1:{port}/mymaster", site) == 201
    finally:
        sentinel.terminate()
        sentinel.wait()


def reachable(sentinel: redis.Redis) -> bool:
    """Return whether a sentinel has spoken to its primary."""
    with suppress(redis.ConnectionError):
        primary = sentinel.sentinel_master("mymaster")
        return bool(primary["is_master"]) and not primary["is_disconnected"]
    return False


@pytest.mark.parametrize("trusted", ["another", None])
def test_a_redis_whose_certificate_is_not_trusted_is_away_and_check_says_why(
    tls: RedisServer, site: Site, tmp_path: Path, trusted: str | None
) -> None:
    url = over_tls(tls)
    if trusted:
        url += f"?ssl_ca_certs={certificate(tmp_path)[0]}"
    assert decide(url, site) == 503
    done = subprocess.run(
        [CONSENT_SERVER, "check", "--offline"],
        env={"CONSENT_SECRET": SECRET, "CONSENT_CONFIG": str(ROOT / "consent.toml"), "REDIS_URL": url},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "Redis is away" in done.stdout
    assert "its certificate is not believed (" in done.stdout


def test_tls_is_not_left_out_where_it_is_asked_for(redis7: RedisServer, short_folder: Callable[[], Path]) -> None:
    plain = RedisServer(binary_of("redis7"), short_folder(), free_port()).start()
    with closing(Store(f"rediss://127.0.0.1:{plain.port}", 0.2)) as store, pytest.raises(StoreAway):
        store.ping()
    plain.stop()


# ---- A user of its own ----


@dataclass
class Guarded:
    """A Redis with the user of the documentation, and its servers as whoever made that user sees them."""

    url: str
    rules: list[str]
    servers: list[redis.Redis]


@pytest.fixture(params=["redis7", "valkey", "cluster"])
def guarded(request: pytest.FixtureRequest) -> Iterator[Guarded]:
    kind: RedisServer | Cluster = request.getfixturevalue(request.param)
    word, name, *rules = example("acl").replace("PASSWORD", PASSWORD).split()
    assert word == "user"
    if isinstance(kind, Cluster):
        more = re.search(r"a cluster needs `([^`]+)`", (ROOT / "docs" / "operating.md").read_text("utf-8"))
        assert more
        rules += more[1].split()
    servers = [node.client() for node in getattr(kind, "nodes", [kind])]
    for server in servers:
        server.flushall()
        # Scripts outlive it: with those of an earlier test in the server, none would have to be sent.
        server.script_flush()
        server.execute_command("ACL SETUSER", name, "reset", *rules)
        server.config_resetstat()
        server.acl_log_reset()
    yield Guarded(kind.url.replace("://", f"://{name}:{PASSWORD}@"), rules, servers)
    for server in servers:
        server.acl_deluser(name)
        server.close()


def do_everything(url: str, site: Site, folder: Path) -> None:
    """Do what the server and its commands ever do."""
    app = create_app(Settings(secret=(SECRET,), redis_url=url, redis_timeout=5000), {site.id: site})
    behind, now = app.extensions["consent"], datetime.now(UTC)
    store, keys = behind.store, behind.keys
    with closing(store):
        long_ago = int((now - timedelta(days=4)).timestamp()) * 1000
        notice = behind.scripts[site.id].notices["az"][0]
        store.decisions.record(site, Decision("a" * 22, 7, notice, "accept", None), now=long_ago, sign=keys.sign)
        erased = Decision("c" * 22, 7, notice, "accept", None)
        store.decisions.record(site, erased, now=long_ago, sign=keys.sign)
        in_baku = replace(site, id="shop-in-baku", timezone="Asia/Baku")
        in_zone = Decision("b" * 22, 7, notice, "accept", None)
        store.decisions.record(in_baku, in_zone, now=long_ago, sign=keys.sign)
        store.feed.untold(site, begins=True)
        shopper = Shopper(app.test_client(use_cookies=False), site)
        for allow in (("analytics",), ("marketing",), ()):
            assert shopper.decide(*allow).status_code == 201
        assert shopper.client.post(f"/v1/{site.id}/shown").status_code == 204
        shopper.token = None
        shopper.decide("analytics")
        assert shopper.get("me").status_code == shopper.get("me/receipt").status_code == 200
        assert shopper.client.get("/readyz").status_code == 200
        marketer = _logged_in(app, "leyla", site)
        key = api_key(marketer, site)
        page = marketer.get(f"/keys?site={site.id}").text
        assert marketer.get("/").status_code == 200
        for by in DIMENSIONS:
            asked = f"/v1/{site.id}/rates?by={by}"
            assert shopper.client.get(asked, headers={"Authorization": f"Bearer {key}"}).status_code == 200
        (digest,) = re.findall(r'name="key" value="([0-9a-f]+)"', page)
        assert post(marketer, "/keys/revoke", page, site=site.id, key=digest).status_code == 303
        assert post(marketer, "/logout", page).status_code == 303
        assert store.marketers.remove("leyla")
        assert store.marketers.all() == []

        names = [("before", "cookie", f"n{n}") for n in range(leaks.MOST + 1)]
        store.leaks.add(site, now.date(), names)
        assert len(store.leaks.counts(site, now.date())[now.date()]) == leaks.MOST

        assert store.counters.claim_alarm(site, "told")
        store.counters.release_alarm(site, "told")
        store.sample.add(site)
        untold = store.feed.untold(site)
        assert untold
        for bucket in untold:
            place = store.feed.claim(bucket, "teller", 60_000)
            assert place
            assert store.feed.after(bucket, place)
            assert store.feed.told(bucket, "teller", place, 0)
        assert [*store.feed.since(site, None, store.feed.until_now(site, int(now.timestamp() * 1000)))]
        assert read.recount(store, site, Period(now.date(), now.date())).differences == []
        assert proof.seal(store, site, keys, now)
        token = {"Authorization": f"Bearer {shopper.token}"}
        assert shopper.client.delete(f"/v1/{site.id}/me", headers=token).get_json()["erased"] == 1
        assert erase(store, site, keys, erased.subject, int(now.timestamp())) == 1
        assert store.log.compact(site)
        store.log.rewrite(site)
        assert not store.log.compact(site)
        ahead = f"{int(now.timestamp() * 1000) + 90_000}-0"  # as somebody else could move it
        for bucket in buckets(site):
            store.connection.client.xadd(bucket.log, {"e": "x"}, id=ahead)
            store.connection.client.xdel(bucket.log, ahead)
        store.log.compact(site)
        assert not store.clock.logs_ahead(site)
        assert [*proof.export(store, site, keys, None, now.date(), now)]
        assert archive(store, site, keys, folder, now)
        assert store.servers()


def test_the_documented_user_may_do_all_that_is_needed_and_nothing_else(
    guarded: Guarded, site: Site, tmp_path: Path
) -> None:
    do_everything(guarded.url, replace(site, id="shop", buckets=3, keep=86400, prove=0), tmp_path)
    refused = {entry["object"] for server in guarded.servers for entry in server.acl_log()}
    # What `check` and the client library would like to know, and can do without.
    assert refused <= {"config|get", "client|setinfo"}
    used = {name.removeprefix("cmdstat_") for server in guarded.servers for name in server.info("commandstats")}
    never = {rule for rule in guarded.rules if rule.startswith("+") and rule[1:] not in used}
    assert not never, "nothing is allowed that is not done"

    forbidden = (["KEYS", "*"], ["FLUSHALL"], ["CONFIG", "SET", "appendonly", "no"], ["GET", "of-somebody-else"])
    for command in forbidden:
        with closing(Store(guarded.url, 5)) as store, pytest.raises(redis.exceptions.NoPermissionError):
            store.connection.client.execute_command(*command)


def test_a_cluster_that_is_away_at_the_start_is_found_when_it_is_there(
    cluster: Cluster, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.flush()
    asked, there = [], connection.connect

    def away(*where: object) -> None:
        asked.append(where)
        raise redis.exceptions.RedisClusterException("nobody is there")

    monkeypatch.setattr(connection, "connect", away)
    app = create_app(Settings(secret=(SECRET,), redis_url=cluster.url, redis_timeout=5000), {site.id: site})
    shopper = Shopper(app.test_client(use_cookies=False), site)
    with closing(app.extensions["consent"].store):
        assert [shopper.decide("analytics").status_code for _ in range(5)] == [503] * 5
        assert shopper.client.get("/healthz").status_code == 200
        assert len(asked) == 1, "those who come within a second are told so at once"
        monkeypatch.setattr(connection, "connect", there)
        monkeypatch.setattr(away_module, "SECONDS_OPEN", 0)
        until = time.monotonic() + 45
        while shopper.decide("analytics").status_code != 201:
            assert time.monotonic() < until
            time.sleep(0.05)


def test_an_address_of_a_cluster_that_can_be_none_is_refused_at_once() -> None:
    with pytest.raises(StoreAway, match="REDIS_URL is none"):
        Store("redis+cluster://127.0.0.1:1?socket_timeout=soon")


def test_a_wrong_password_is_told(guarded: Guarded) -> None:
    with pytest.raises(StoreAway) as away, closing(Store(guarded.url.replace(PASSWORD, "wrong"), 5)) as store:
        store.ping()
    assert "invalid username-password pair" in f"{away.value.__cause__}"


def test_whether_an_address_can_be_used_is_found_out_without_a_connection_of_the_pool(valkey: RedisServer) -> None:
    with closing(Store(f"{valkey.url}?max_connections=1", 5)) as store:
        store.ping()
        assert store.connection.client.get("consent:layout") is not None
