"""Who is erased, and an account that is closed, leave nothing with any account."""

from __future__ import annotations

import time
from typing import Any

import pytest
from conftest import Clock, RedisServer
from devices import Browser, call, kept, key, laptop, new, other_site, phone, redis, site
from flask import Flask
from flask.testing import FlaskClient

from consent_server.proof.erasure import erase
from consent_server.site import Site
from consent_server.verify import unsigned
from consent_server.web.accounts import held as answers

__all__ = ["key", "laptop", "new", "other_site", "phone", "redis", "site"]


# Erasure


def test_erasure_unlinks(app: Flask, phone: Browser, laptop: Browser) -> None:
    phone.answer("analytics")
    phone.visit("42")
    laptop.visit("42")
    assert len(kept(app)) == 1
    phone.shopper.token = phone.cookies["consent"]
    erased = phone.shopper.client.delete(
        "/v1/smartmarket/me", headers={"Authorization": f"Bearer {phone.shopper.token}"}
    )
    assert erased.get_json()["erased"] == 1
    assert kept(app) == {}, "at once, whether a device of theirs comes again or not"
    assert not app.extensions["consent"].store.connection.client.keys("consent:linked:*")
    phone.cookies["ask-account"] = "erased"
    del phone.cookies["consent"]
    found = laptop.visit("42")
    assert (found["applied"], found["token"]) == ("none", None)
    assert "erased" in found["refused"]
    assert laptop.allowed is None
    assert kept(app) == {}
    phone.visit("42")
    assert phone.cookies == {}


def test_no_token_of_who_was_erased_stays_in_redis_nor_in_its_file(
    valkey: RedisServer, app: Flask, site: Site, phone: Browser
) -> None:
    """Whatever becomes of the devices: an account may be of somebody who never logs in again."""
    token = phone.answer("analytics")
    for account in ("42", "43"):
        phone.visit(account)
    behind, (signature, subject) = app.extensions["consent"], (token.partition(".")[2], unsigned(token)["sub"])
    assert any(signature.encode() in text for text in valkey.files())
    assert erase(behind.store, site, behind.keys, subject, int(time.time())) == 1
    assert kept(app) == {}
    assert behind.store.log.compact(site)
    behind.store.log.rewrite(site)
    redis = behind.store.connection.client
    everything = b"".join((redis.dump(each) or b"") + each for each in redis.scan_iter("*")) + b"".join(valkey.files())
    assert signature.encode() not in everything


def test_an_erasure_finds_a_link_of_a_version_before_that_noted_none(
    app: Flask, site: Site, phone: Browser, redis: Any
) -> None:
    phone.answer("analytics")
    phone.visit("42")
    redis.delete(*redis.scan_iter("consent:linked:*"))
    phone.visit("42")
    behind, subject = app.extensions["consent"], unsigned(phone.cookies["consent"])["sub"]
    assert erase(behind.store, site, behind.keys, subject, int(time.time())) == 1
    assert kept(app) == {}


def test_an_account_keeps_what_is_not_of_who_was_erased(app: Flask, site: Site, phone: Browser, clock: Clock) -> None:
    phone.answer("analytics")
    subject = unsigned(phone.cookies["consent"])["sub"]
    phone.visit("42")
    clock.pass_by(4000)
    phone.answer()
    phone.visit("42")
    (refusal,) = kept(app).values()
    behind = app.extensions["consent"]
    assert erase(behind.store, site, behind.keys, subject, int(time.time())) == 2
    assert [*kept(app).values()] == [refusal], "which names nobody"


def test_who_is_erased_while_an_account_takes_their_answer_is_not_kept(
    app: Flask, site: Site, phone: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone.answer("analytics")
    behind, subject = app.extensions["consent"], unsigned(phone.cookies["consent"])["sub"]
    swap = behind.store.accounts.swap

    def erased_just_before(*args: Any) -> bool:
        monkeypatch.undo()
        erase(behind.store, site, behind.keys, subject, int(time.time()))
        return swap(*args)

    monkeypatch.setattr(behind.store.accounts, "swap", erased_just_before)
    assert phone.ask("42")["token"] is None
    assert kept(app) == {}


def test_what_was_erased_is_not_kept_for_the_logout(phone: Browser) -> None:
    token = phone.answer("analytics")
    phone.shopper.client.delete("/v1/smartmarket/me", headers={"Authorization": f"Bearer {token}"})
    phone.visit("42")
    assert phone.cookies["ask-own"].partition(".")[2] == answers.NOTHING
    assert phone.allowed is None


def test_a_refusal_that_is_erased_is_unlinked_by_the_device_that_did_it(app: Flask, phone: Browser) -> None:
    phone.answer()
    phone.visit("42")
    assert len(kept(app)) == 1
    del phone.cookies["consent"]
    phone.cookies["ask-account"] = "erased"
    phone.visit("42")
    assert kept(app) == {}
    assert phone.cookies == {}


def test_an_account_that_is_closed_is_forgotten(app: Flask, client: FlaskClient, key: str, phone: Browser) -> None:
    phone.answer("analytics")
    phone.visit("42")
    for _ in range(2):
        assert call(client, key, {"account": "42"}, "DELETE").status_code == 204
    assert kept(app) == {}
    assert call(client, key, {"account": None}, "DELETE").status_code == 400
