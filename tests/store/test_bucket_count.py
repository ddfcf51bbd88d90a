"""A site's data are found by the number of buckets that they were spread over; with another nothing goes on."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from beside import described
from click.testing import CliRunner
from conftest import SECRET, closing
from decided import KEYS, NOTICE, SHOP, decide

from consent_server import create_app
from consent_server.chores.housekeeping import work_on
from consent_server.cli import main
from consent_server.decision import Decision
from consent_server.settings.environment import Settings
from consent_server.store import OtherBuckets, Store

OTHER = replace(SHOP, buckets=48)


def test_another_number_is_refused_once_something_is_kept(store: Store) -> None:
    store.notices.serve(SHOP, [NOTICE])
    store.notices.serve(OTHER, [NOTICE])  # nothing is kept yet
    with closing(Store(store.url, 5)) as later:
        later.notices.serve(SHOP, [NOTICE])
        decide(later, 7)
    with pytest.raises(OtherBuckets, match=r"sites.shop has buckets = 48, .* over 24, .*: write buckets = 24\.$"):
        store.must_fit(OTHER)
    with closing(Store(store.url, 5)) as later, pytest.raises(OtherBuckets):
        later.notices.serve(OTHER, [NOTICE])
    store.must_fit(SHOP)


def test_a_server_that_found_redis_away_at_its_start_keeps_nothing_where_it_would_be_lost(store: Store) -> None:
    decide(store, 7)
    with closing(Store(store.url, 5)) as later:
        later.notices._unwritten.append((OTHER, [], later.notices.asked(SHOP)[-1]))  # as after a start without Redis
        with pytest.raises(OtherBuckets):
            later.decisions.record(
                OTHER, Decision("a" * 22, 7, NOTICE, "save", None), now=time.time_ns() // 1_000_000, sign=KEYS.sign
            )
        with pytest.raises(OtherBuckets):
            work_on(later, OTHER, KEYS, None, datetime.now(UTC) + timedelta(2))
        assert later.log.seals(OTHER) == {}
        neighbour, now = replace(SHOP, id="neighbour"), time.time_ns() // 1_000_000  # whom it does not concern
        later.decisions.record(neighbour, Decision("b" * 22, 7, NOTICE, "save", None), now=now, sign=KEYS.sign)


@pytest.fixture
def config(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A consent.toml that the environment names, of a shop that somebody has answered."""
    written = described(tmp_path, "https://shop.example")
    for name, value in {"CONSENT_SECRET": SECRET, "CONSENT_CONFIG": str(written), "REDIS_URL": redis_url}.items():
        monkeypatch.setenv(name, value)
    with closing(Store(redis_url, 5)) as store:
        decide(store, 7)
    return written


def test_the_server_and_commands_say_so_in_one_sentence(redis_url: str, config: Path) -> None:
    config.write_text(config.read_text("utf-8").replace("[sites.shop]\n", "[sites.shop]\nbuckets = 48\n"), "utf-8")
    for command in (["rates", "shop"], ["log", "seal"], ["check", "--offline"]):
        done = CliRunner().invoke(main, command)
        assert done.exit_code == (1 if command[0] == "check" else 2), done.output
        assert "spread over 24" in done.output
    with pytest.raises(OtherBuckets):
        create_app(Settings(secret=(SECRET,), redis_url=redis_url, config=config))


def test_what_was_kept_before_the_number_was_written_down_is_spread_over_24(store: Store) -> None:
    client = store.connection.client
    store.must_fit(OTHER)
    for _ in range(30):  # the first bucket alone is the same one under both numbers
        decide(store, 7)
    client.delete("consent:{shop}:buckets")
    store.must_fit(SHOP)
    with pytest.raises(OtherBuckets, match=r"buckets = 48, .* over 24, .*: write buckets = 24\.$"):
        store.must_fit(OTHER)
    with closing(Store(store.url, 5)) as later, pytest.raises(OtherBuckets):
        later.notices.serve(OTHER, [NOTICE])
    assert client.get("consent:{shop}:buckets") is None


def test_of_another_number_that_nobody_wrote_down_nothing_is_said(store: Store) -> None:
    store.notices.serve(OTHER, [NOTICE])
    store.decisions.record(
        OTHER, Decision("a" * 22, 7, NOTICE, "save", None), now=time.time_ns() // 1_000_000, sign=KEYS.sign
    )
    store.connection.client.delete("consent:{shop}:buckets")
    store.must_fit(OTHER)


def test_a_shop_is_not_refused_for_what_is_kept_of_another(config: Path) -> None:
    text = config.read_text("utf-8")
    other = text.replace("sites.shop", "sites.kitab")
    config.write_text(text.replace("[sites.shop]\n", "[sites.shop]\nbuckets = 48\n") + other, "utf-8")

    def typed(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, words)
        return done.exit_code, done.output

    assert typed("rates", "kitab")[0] == typed("keys", "--all")[0] == typed("log", "seal", "kitab")[0] == 0
    assert typed("rates", "shop")[0] == typed("log", "seal", "shop")[0] == typed("log", "restored")[0] == 2
    status, said = typed("log", "seal")
    assert status == 2
    assert "kitab: 0 days sealed" in said
    assert "shop is not sealed: sites.shop has buckets = 48" in said
    assert "Not all was done: shop." in said
