"""Whatever works on the log may be killed at any moment: nothing is lost, and the next run ends the work.

A few of the places are tried; `make kills` tries each of them.
"""

from __future__ import annotations

import os
import secrets
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import RedisServer, closing
from proof.killed import DAYS, FIRST, KEYS, NOW, OLD, SHOP, Proxy, Runner, Work

from consent_server.decision import Decision, Entry
from consent_server.proof import log as proof
from consent_server.proof.archive import archive
from consent_server.proof.erasure import erase
from consent_server.rates import read
from consent_server.rates.period import Period
from consent_server.site import Notice
from consent_server.store import Store
from consent_server.store.keys import buckets, midnight
from consent_server.verify import opened, verify

EVERY = 1 if os.environ.get("KILLS") else 17
"""Of how many places one is tried."""

LEAST = {"archive": 200, "seal": 30, "erase": 2, "compact": 6}
"""How many places there are at least, so that a proxy that counts nothing is noticed."""


class Log:
    """A log of some days, put back as it was before each kill."""

    def __init__(self, server: RedisServer, proxy: Proxy, folder: Path) -> None:
        self.client, self.proxy, self.folder = server.client(), proxy, folder
        self.store = Store(server.url, 10)
        self.client.flushall()
        notice = Notice.of({"site": "shop", "revision": 1, "keep": SHOP.keep, "lang": "az", "variant": ""})
        self.store.notices.serve(SHOP, [notice])
        self.subject = ""
        followed = None
        for n in range(40):
            allow = (n * 5) % 8
            decision = Decision(secrets.token_urlsafe(16), allow, notice, "save", followed if n % 4 == 3 else None)
            now = midnight(FIRST) + n * (DAYS * 86_400_000 - 3_600_000) // 40
            kept = self.store.decisions.record(SHOP, decision, now=now, sign=KEYS.sign).consent
            followed = kept if kept.sub else None
            self.subject = self.subject or str(kept.sub if n % 4 == 3 and kept.sub else "")
        self.entries = self.logged()
        self._keys = {key: self.client.dump(key) for key in self.client.scan_iter()}

    def put_back(self) -> None:
        for path in self.folder.iterdir():
            path.unlink()
        calls = self.client.pipeline()
        calls.flushall()
        for key, value in self._keys.items():
            calls.restore(key, 0, value)
        calls.execute()

    def logged(self) -> list[Entry]:
        return [entry for n in range(DAYS) for entry in self.store.log.day(SHOP, FIRST + timedelta(n))]

    def held(self) -> set[str]:
        """Return the entries that are in the log or in an archive that is written down and proves itself."""
        found = {entry.id for entry in self.logged()}
        for made in self.store.log.archives(SHOP):
            with opened(self.folder / made.file) as lines:
                text = b"".join(lines)
            verify(text.splitlines(), KEYS.jwks())
            found |= {entry.id for entry in self.entries if entry.id.encode() in text}
        return found

    def proves_itself(self) -> None:
        if len(self.store.log.archives(SHOP)) == 0 or self.logged():
            verify(proof.export(self.store, SHOP, KEYS, None, OLD[-1] + timedelta(1), NOW), KEYS.jwks())
        assert read.recount(self.store, SHOP, Period(FIRST, NOW.date())).differences == []


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    started = Runner()
    yield started
    started.close()


@pytest.fixture
def log(valkey: RedisServer, short_folder: Callable[[], Path], tmp_path: Path) -> Iterator[Log]:
    proxy = Proxy(short_folder() / "proxy", valkey.folder / "redis.sock")
    made = Log(valkey, proxy, tmp_path)
    with closing(made.store), made.client:
        yield made
    proxy.close()


def killed(log: Log, runner: Runner, name: str) -> Iterator[str]:
    """Yield once for each place at which the work was killed, then once when it was not killed at all."""
    places = 0
    for kind in ("before command", "after command", "file"):
        for n in range(1, 1000):
            places += 1
            if n % EVERY != 1 % EVERY and EVERY > 1:
                continue
            log.put_back()
            log.proxy.tell(n if kind != "file" else None, after=kind == "after command")
            work = Work(name, log.proxy.url, str(log.folder), log.subject, n if kind == "file" else 0)
            status = runner.run(work)
            assert status in (0, -9), f"{name} failed by itself at {kind} {n}"
            yield f"{name}, {kind} {n}"
            if status == 0:
                break
        places -= 1
    assert places >= LEAST[name], f"{places} places"
    print(f"{name}: {places} places")


def test_an_archive_that_is_killed_loses_nothing_and_the_next_run_ends_it(log: Log, runner: Runner) -> None:
    everything = {entry.id for entry in log.entries}
    for place in killed(log, runner, "archive"):
        assert log.held() == everything, place
        archive(log.store, SHOP, KEYS, log.folder, NOW)
        assert log.held() == everything, place
        assert all(list(log.store.log.day(SHOP, day)) == [] for day in OLD), place
        assert all(made.trimmed for made in log.store.log.archives(SHOP)), place
        assert {path.name for path in log.folder.iterdir()} == {m.file for m in log.store.log.archives(SHOP)}, place
        log.proves_itself()


@pytest.mark.parametrize("room", [1, 100, 900])
def test_a_disk_that_is_full_leaves_the_log_whole_and_nothing_behind(log: Log, runner: Runner, room: int) -> None:
    everything = {entry.id for entry in log.entries}
    log.put_back()
    assert runner.run(Work("archive", log.proxy.url, str(log.folder), room=room)) == 1
    assert [*log.folder.iterdir()] == []
    assert log.store.log.archives(SHOP) == []
    assert {entry.id for entry in log.logged()} == everything
    archive(log.store, SHOP, KEYS, log.folder, NOW)
    assert log.held() == everything


def test_days_that_are_half_sealed_are_sealed_as_if_nothing_had_been(log: Log, runner: Runner) -> None:
    proof.seal(log.store, SHOP, KEYS, NOW)
    seals = log.store.log.seals(SHOP)
    assert len(seals) == DAYS
    for place in killed(log, runner, "seal"):
        proof.seal(log.store, SHOP, KEYS, NOW + timedelta(hours=5))
        assert log.store.log.seals(SHOP) == seals, place
        log.proves_itself()


def test_an_erasure_is_done_whole_or_not_at_all(log: Log, runner: Runner) -> None:
    own = {entry.id for entry in log.entries if entry.subject == log.subject}
    assert len(own) == 2
    for place in killed(log, runner, "erase"):
        assert {entry.id for entry in log.logged()} in (
            {e.id for e in log.entries},
            {e.id for e in log.entries} - own | {""},
        )
        erase(log.store, SHOP, KEYS, log.subject, 5)
        assert [entry.identity() for entry in log.logged()] == [entry.identity() for entry in log.entries], place
        assert sum(not entry.id for entry in log.logged()) == 2, place
        log.proves_itself()


def test_what_is_written_anew_is_there_before_and_after(log: Log, runner: Runner) -> None:
    erase(log.store, SHOP, KEYS, log.subject, 5)
    erased = log.logged()
    log._keys = {key: log.client.dump(key) for key in log.client.scan_iter()}
    name = urlsafe_b64decode(log.subject + "==")
    for place in killed(log, runner, "compact"):
        assert log.logged() == erased, place
        log.store.log.compact(SHOP)
        assert log.logged() == erased, place
        for bucket in buckets(SHOP):
            assert name not in log.client.dump(bucket.log), place
        log.proves_itself()
