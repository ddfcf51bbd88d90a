"""Refusals are counted by reason and told once a minute, without a word about who was refused."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from conftest import Shopper
from flask import Flask
from flask.testing import FlaskClient

from consent_server.site import Site
from consent_server.web.refusals import Refusals, tell_the_rest

SECONDS = 45


class Told(logging.Handler):
    """Waits for lines of the log."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.came = threading.Semaphore(0)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self.came.release()

    def line(self) -> str:
        assert self.came.acquire(timeout=SECONDS), "nothing was told"
        return self.lines.pop(0)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    tell_the_rest()  # of the servers of tests before
    handler = Told()
    log = logging.getLogger("consent_server.web.refusals")
    monkeypatch.setattr(log, "handlers", [handler])
    before = log.level
    log.setLevel(logging.INFO)  # which also forgets what the logger has remembered of its level, unlike an assignment
    yield handler
    log.setLevel(before)


@pytest.fixture
def app(app: Flask) -> Flask:
    app.extensions["consent"] = replace(app.extensions["consent"], refusals=Refusals(0.5))
    return app


def test_they_are_counted_by_reason_and_told_again_only_when_there_are_more(told: Told) -> None:
    refusals = Refusals(0.2)
    for _ in range(3):
        refusals.add("shop", "too-many")
    refusals.add("", "unknown-site")
    assert told.line() == "refused in a minute: unknown-site 1, too-many 3 at shop"
    refusals.add("shop", "malformed")
    assert told.line() == "refused in a minute: malformed 1 at shop"
    assert told.lines == []


def test_a_worker_that_ends_tells_what_it_refused_since_the_last_time(told: Told) -> None:
    refusals = Refusals(3600)
    refusals.add("shop", "too-many")
    for _ in range(2):
        tell_the_rest()
    assert told.lines == ["refused in a minute: too-many 1 at shop"]


def test_a_server_tells_what_it_refused_and_not_whom(
    app: Flask, client: FlaskClient, shopper: Shopper, site: Site, told: Told
) -> None:
    address = {"REMOTE_ADDR": "203.0.113.77"}
    body = {
        "data": "{}",
        "environ_base": address,
        "headers": {"Origin": "https://elsewhere.example", "User-Agent": "Odd"},
    }
    for _ in range(2):
        refused = client.post(f"/v1/{site.id}/decisions", **body)
    assert refused.status_code == 403
    assert client.get("/v1/no-such-shop/me").status_code == 404
    assert client.get(f"/v1/{site.id}/allows/analytics").status_code == 403  # that is an answer
    assert shopper.decide("analytics").status_code == 201
    said = ""
    while not {"foreign-origin", "unknown-site"} <= {*re.findall(r"[a-z-]+", said)}:
        said += told.line() + "\n"
    assert f"foreign-origin 2 at {site.id}" in said
    assert "unknown-site 1" in said
    for word in ("203.0.113", "elsewhere", "Odd", "no-such-shop", "not-allowed"):
        assert word not in said


def test_the_refusal_of_a_foreign_origin_says_what_to_do(client: FlaskClient, site: Site) -> None:
    refused = client.post(f"/v1/{site.id}/decisions", data="{}", headers={"Origin": "https://new.shop.example"})
    assert refused.status_code == 403
    assert refused.get_json()["detail"] == (
        f"The origin https://new.shop.example is not in `origins` of {site.id} in consent.toml; "
        "if it is the shop's, add it."
    )
