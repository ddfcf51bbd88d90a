"""A store of another version is found whenever it is there, however the app was started, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import ROOT, SECRET, RedisServer, Shopper, binary_of, closing
from flask import Flask

from consent_server import create_app
from consent_server.cli.keys import keys
from consent_server.cli.log import log
from consent_server.cli.shopper import erase, export_shopper
from consent_server.settings.environment import Settings
from consent_server.site import Site
from consent_server.store import Store, StoreAway, WrongLayout
from consent_server.store.connection import away


class Stopped(RedisServer):
    """A Redis of a test's own that is not there yet."""

    def holds(self, layout: str) -> None:
        with self.client() as client:
            client.set("consent:layout", layout)

    def keys(self) -> dict[bytes, bytes | None]:
        with self.client() as client:
            return {key: client.get(key) if key == b"consent:layout" else None for key in client.scan_iter()}


@pytest.fixture
def server(short_folder: Callable[[], Path]) -> Iterator[Stopped]:
    made = Stopped(binary_of("redis7"), short_folder())
    yield made
    made.stop()


@pytest.fixture
def mounted(server: Stopped, site: Site) -> Iterator[Callable[[], Flask]]:
    """The app as a mounted one is made: by nobody who looks first."""
    made: list[Store] = []

    def make() -> Flask:
        settings = Settings(secret=(SECRET,), redis_url=server.url, redis_timeout=5000)
        app = create_app(settings, {site.id: site})
        made.append(app.extensions["consent"].store)
        return app

    yield make
    for each in made:
        each.close()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a Redis that was away a moment ago."""
    monkeypatch.setattr(away, "SECONDS_OPEN", 0)


@pytest.mark.parametrize("there_at_the_start", [True, False])
def test_an_app_that_nobody_started_with_a_look_writes_nothing_into_a_newer_store(
    server: Stopped, mounted: Callable[[], Flask], site: Site, there_at_the_start: bool
) -> None:
    if there_at_the_start:
        server.start().holds("3")
        app = mounted()
    else:
        app = mounted()
        server.start().holds("3")
    shopper = Shopper(app.test_client(use_cookies=False), site)
    for answer in (shopper.decide("analytics"), shopper.decide(), shopper.client.get("/readyz")):
        assert answer.status_code == 503
        assert answer.get_json()["type"] == "/problems/wrong-layout"
    assert shopper.client.get(f"/v1/{site.id}/consent.js").status_code == 200
    assert shopper.client.get("/metrics").status_code == 200
    assert server.keys() == {b"consent:layout": b"3"}


@pytest.mark.parametrize("before", [None, "1"])
def test_a_store_that_comes_later_is_of_this_layout_from_the_first_decision_on(
    server: Stopped, mounted: Callable[[], Flask], site: Site, before: str | None
) -> None:
    app = mounted()
    server.start()
    if before:
        server.holds(before)
    assert Shopper(app.test_client(use_cookies=False), site).decide().status_code == 201
    assert server.keys()[b"consent:layout"] == b"2"


def test_who_only_reads_leaves_the_layout_as_it_is(server: Stopped) -> None:
    server.start().holds("1")
    with closing(Store(server.url, 5)) as store:
        assert store.marketers.all() == []
    assert server.keys() == {b"consent:layout": b"1"}


def test_one_that_was_away_is_looked_at_again(server: Stopped) -> None:
    server.start()
    with closing(Store(server.url, 5)) as store:
        assert store.marketers.all() == []
        server.stop()
        with pytest.raises(StoreAway):
            store.marketers.all()
        server.start().holds("3")
        with pytest.raises(WrongLayout, match="The store has layout 3"):
            store.marketers.all()


def test_a_command_that_signs_makes_an_older_store_one_of_this_layout_and_another_leaves_it(
    server: Stopped, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the version before could still be started on it, beside statements and seals that it does not know."""
    server.start()
    for name, value in {
        "REDIS_URL": server.url,
        "CONSENT_SECRET": SECRET,
        "CONSENT_CONFIG": f"{ROOT / 'consent.toml'}",
    }.items():
        monkeypatch.setenv(name, value)
    for command, *arguments in (
        [log, "seal", site.id],
        [log, "export", site.id, "--out", f"{tmp_path / 'log.jsonl'}"],
        [log, "archive", site.id, "--to", f"{tmp_path}"],
        [log, "restored", site.id],
        [log, "carry-over", site.id],
        [erase, site.id, "nobody-at-all"],
        [keys, "vouch", "nothing"],
    ):
        server.holds("1")
        CliRunner().invoke(command, arguments)
        assert server.keys()[b"consent:layout"] == b"2", arguments
    server.holds("1")
    CliRunner().invoke(log, ["notice", "nothing"])
    CliRunner().invoke(export_shopper, [site.id, "nobody-at-all"])
    assert server.keys()[b"consent:layout"] == b"1"
