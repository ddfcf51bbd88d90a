"""What is sealed, erased or trimmed counts when a replica has it, from the commands and the daily thread too."""

import os
import secrets
import signal
import time
from base64 import urlsafe_b64decode
from contextlib import suppress
from dataclasses import replace

import pytest
from click.testing import CliRunner
from conftest import ROOT, SECRET, RedisServer, binary_of, closing, free_port

from consent_server.cli.log import log as log_command
from consent_server.cli.shopper import erase as erase_command
from consent_server.decision import Decision
from consent_server.site import Notice
from consent_server.store import Store, StoreAway
from consent_server.store.keys import DAY
from consent_server.tokens import Keys

KEYS = Keys([SECRET])


@pytest.fixture(params=["valkey", "redis7"])
def pair(request, short_folder):
    """A primary and a replica that follows it; the one may be killed, the other stopped where it stands."""
    servers = [RedisServer(binary_of(request.param), short_folder(), free_port()).start() for _ in range(2)]
    with servers[1].client() as replica, servers[0].client() as primary:
        replica.replicaof("127.0.0.1", servers[0].port)
        until = time.monotonic() + 120
        while primary.info("replication").get("slave0", {}).get("state") != "online":
            assert time.monotonic() < until, "the replica did not come"
            time.sleep(0.02)
    yield servers
    for server in servers:
        server.stop(signal.SIGKILL)


@pytest.fixture
def environment(pair, tmp_path):
    config = tmp_path / "consent.toml"
    config.write_text((ROOT / "consent.toml").read_text("utf-8"), "utf-8")
    return {
        "REDIS_URL": pair[0].url,
        "REDIS_REPLICAS": "1",
        "CONSENT_SECRET": SECRET,
        "CONSENT_CONFIG": str(config),
    }


@pytest.fixture
def log(pair, site):
    """A log with decisions of two days ago; returns a subject."""
    with closing(Store(pair[0].url, 5, replicas=1, any_clock=True)) as store:
        notice = Notice.of({"site": site.id, "revision": 1, "keep": 10_000_000, "lang": "az", "variant": ""})
        store.notices.serve(site, [notice])
        for n in range(5):
            decision = Decision(secrets.token_urlsafe(16), 2, notice, "save", None)
            store.decisions.record(site, decision, now=time.time_ns() // 1_000_000 - 2 * DAY + n, sign=KEYS.sign)
        return decision.subject


def run(command, environment, *arguments):
    return CliRunner().invoke(command, arguments, env=environment)


def promoted(pair):
    """Kill the primary, and have the replica take over as it is."""
    pair[0].stop(signal.SIGKILL)
    with pair[1].client() as replica:
        replica.replicaof("NO", "ONE")
    return closing(Store(pair[1].url, 5))


@pytest.mark.parametrize("what", ["seal", "erase"])
def test_it_is_not_done_before_a_replica_has_it_and_stays_done_when_that_takes_over(pair, environment, log, site, what):
    command, arguments = {
        "seal": (log_command, ["seal", site.id]),
        "erase": (erase_command, [site.id, log]),
    }[what]
    os.kill(pair[1].process.pid, signal.SIGSTOP)
    refused = run(command, environment, *arguments)
    assert refused.exit_code == 2, refused.output
    assert "under 1 replicas have it" in refused.output
    os.kill(pair[1].process.pid, signal.SIGCONT)
    again = run(command, environment, *arguments)
    assert again.exit_code == 0, again.output
    assert what == "seal" or "Erased before, at 20" in again.output
    with closing(Store(pair[0].url, 5)) as store:
        seals = store.log.seals(site)
    with promoted(pair) as store:
        assert store.log.seals(site) == seals
        assert len(seals) == (2 if what == "seal" else 0)
        assert len(store.history.of(site, log)) == (what == "seal")


def test_the_daily_thread_waits_too(pair, environment, log, site, run_live):
    os.kill(pair[1].process.pid, signal.SIGSTOP)
    live = run_live("serve", **environment)
    until = time.monotonic() + 120
    while "under 1 replicas have it" not in live.words():  # nobody decides, so that it can only be the thread
        assert time.monotonic() < until, live.words()
        time.sleep(0.05)
    with closing(Store(pair[0].url, 5)) as store:
        assert store.log.seals(site) == {}


def test_words_and_time_zones_are_not_taken_for_written_before_a_replica_has_them(pair, site, caplog):
    notice = Notice.of({"site": site.id, "revision": 1, "keep": 10_000_000, "lang": "az", "variant": ""})
    in_baku = replace(site, timezone="Asia/Baku")
    os.kill(pair[1].process.pid, signal.SIGSTOP)
    with closing(Store(pair[0].url, 1, replicas=1)) as store:
        store.notices.serve(site, [notice])
        assert "notices will be kept when the store takes them" in caplog.text
        with pytest.raises(StoreAway):
            store.zones.day(in_baku, 0)
        os.kill(pair[1].process.pid, signal.SIGCONT)
        decision, kept, until = (
            Decision(secrets.token_urlsafe(16), 2, notice, "save", None),
            None,
            time.monotonic() + 60,
        )
        while kept is None and time.monotonic() < until:
            with suppress(StoreAway):
                kept = store.decisions.record(in_baku, decision, now=time.time_ns() // 1_000_000, sign=KEYS.sign)
        assert kept
        with promoted(pair) as taken_over:
            assert [*taken_over.notices.all(site)] == [notice.hash]
            assert len(taken_over.notices.asked(site)) == 1
            assert [zone for _, zone in taken_over.zones.history(site)] == ["Asia/Baku"]


def test_a_replica_forgets_who_was_erased_and_its_own_file_does_when_it_is_written_anew(pair, log, site):
    def in_files(server):
        return any(log.encode() in each or urlsafe_b64decode(log + "==") in each for each in server.files())

    for server in pair:
        with server.client() as client:
            client.config_set("rdbcompression", "no")
    with closing(Store(pair[0].url, 5, replicas=1, any_clock=True)) as store, pair[1].client() as replica:
        assert store.history.erase(site, log, lambda entry: b"") == 1
        assert store.log.compact(site)
        store.log.rewrite(site)
        assert not store.log.is_rewrite_due(site)
        with closing(Store(pair[1].url, 5)) as read:
            assert read.history.of(site, log) == []
        assert (in_files(pair[0]), in_files(pair[1])) == (False, True)
        replica.bgrewriteaof()
        until = time.monotonic() + 60
        while in_files(pair[1]) and time.monotonic() < until:
            time.sleep(0.02)
        assert not in_files(pair[1])


def test_an_account_is_not_taken_for_forgotten_before_a_replica_has_forgotten_it(pair, site):
    with closing(Store(pair[0].url, 5, replicas=1)) as patient, closing(Store(pair[0].url, 1, replicas=1)) as store:
        assert patient.accounts.swap(site, "an account", "", "an answer", 1000, "a subject")
        os.kill(pair[1].process.pid, signal.SIGSTOP)
        for forget in (
            lambda: store.accounts.remove(site, ["an account"]),
            lambda: store.accounts.forget(site, "a subject", lambda kept: True),
        ):
            with pytest.raises(StoreAway):
                forget()
        os.kill(pair[1].process.pid, signal.SIGCONT)
