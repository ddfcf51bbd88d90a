"""The operator learns whose pages are refused: once an hour, by origin, and nothing about who opened them."""

from __future__ import annotations

import logging

import pytest
from conftest import Clock, Shopper
from flask import Flask

from consent_server.store import Store
from consent_server.web.foreign_origins import MOST, MOST_OF_ONE, ForeignOrigins


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name.endswith("foreign_origins")]


def test_pages_of_an_unlisted_origin_are_told_once_an_hour_with_the_origin(
    shopper: Shopper, clock: Clock, caplog: pytest.LogCaptureFixture, app: Flask
) -> None:
    for _ in range(3):
        assert shopper.post(b"{}", origin="https://new.smartmarket.az").status_code == 403
    assert shopper.client.get("/v1/smartmarket/me", headers={"Origin": "null"}).status_code == 403
    first, second = told(caplog)
    assert "https://new.smartmarket.az" in first
    assert "smartmarket" in first
    assert "null" in second
    assert "127.0.0.1" not in first + second

    clock.pass_by(3600)
    app.extensions["consent"].store.connection.client.flushall()  # the hour of the store is the real one
    shopper.post(b"{}", origin="https://new.smartmarket.az")
    assert len(told(caplog)) == 3


def test_several_workers_tell_it_once(app: Flask, shopper: Shopper, caplog: pytest.LogCaptureFixture) -> None:
    workers = [ForeignOrigins(app.extensions["consent"].store.counters.claim_alarm) for _ in range(4)]
    for worker in workers:
        worker.tell(shopper.site, "https://new.smartmarket.az", "somebody")
    assert len(told(caplog)) == 1


def test_whoever_makes_up_origins_does_not_fill_the_log(shopper: Shopper, caplog: pytest.LogCaptureFixture) -> None:
    behind = shopper.client.environ_base
    for number in range(MOST + 10):
        shopper.post(b"{}", origin=f"https://{number}.example")
    assert len(told(caplog)) == MOST_OF_ONE
    behind["REMOTE_ADDR"] = "198.51.100.7"
    shopper.post(b"{}", origin="https://new.smartmarket.az")
    assert "https://new.smartmarket.az" in told(caplog)[-1], "those of others silence no page of the shop's"
    for number in range(MOST + 10):
        behind["REMOTE_ADDR"] = f"203.0.113.{number}"
        shopper.post(b"{}", origin=f"https://another-{number}.example")
    assert len(told(caplog)) == MOST


@pytest.mark.parametrize("odd", ["a b", "https://a.example/path", "Bearer abc.def", "https://" + "a" * 500, "é"])
def test_what_no_browser_sends_is_not_repeated(shopper: Shopper, caplog: pytest.LogCaptureFixture, odd: str) -> None:
    assert shopper.post(b"{}", origin=odd).status_code == 403
    assert told(caplog) == []


def test_it_is_told_while_redis_is_away_too(shopper: Shopper, caplog: pytest.LogCaptureFixture) -> None:
    away = Store("redis://127.0.0.1:1", 0.1)
    with caplog.at_level(logging.WARNING):
        ForeignOrigins(away.counters.claim_alarm).tell(shopper.site, "https://new.smartmarket.az", "somebody")
    away.close()
    assert len(told(caplog)) == 1
