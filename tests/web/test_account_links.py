"""What is kept of an account: a keyed hash and its newest answer, whatever secrets and servers come and go."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from conftest import SECRET, Clock, Shopper, closing
from devices import Browser, call, kept, key, laptop, linked, new, other_site, phone, redis, site, where
from flask import Flask
from flask.testing import FlaskClient

from consent_server import create_app
from consent_server.settings.environment import Settings
from consent_server.site import Site
from consent_server.tokens.accounts import AccountNames

__all__ = ["key", "laptop", "new", "other_site", "phone", "redis", "site"]


# What is kept


def test_an_account_is_known_by_a_keyed_hash_alone_and_only_until_its_answer_ends(
    app: Flask, site: Site, phone: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    account = "leyla@example.az"
    phone.answer("analytics")
    found = phone.visit(account)
    (name,) = AccountNames([SECRET]).names(site.id, account)
    redis = app.extensions["consent"].store.connection.client
    where = f"consent:account:{site.id}:{name}"
    assert [*kept(app)] == [where.encode()]
    assert abs(redis.ttl(where) - (found["expires"] - time.time())) < 60
    everything = [*redis.scan_iter("*")]
    dumped = b"".join(redis.dump(each) or b"" for each in everything) + b"".join(everything)
    assert account.encode() not in dumped
    assert phone.key.encode() not in dumped
    assert account not in caplog.text
    log = [entry for _, entry in redis.xrange(next(each for each in everything if each.endswith(b":log")))]
    assert name.encode() not in b"".join(entry[b"e"] for entry in log)
    assert AccountNames(["another secret"]).names(site.id, account) != [name]
    assert AccountNames([SECRET]).names("kitab", account) != [name]


def test_a_refusal_is_linked_without_a_number_and_of_who_is_not_logged_in_nothing_is_kept(
    app: Flask, new: Callable[[], Browser]
) -> None:
    one, other, stranger = new(), new(), new()
    for device in (one, other, stranger):
        device.answer()
    stranger.visit(None)
    assert kept(app) == {}
    assert stranger.cookies == {"consent": one.cookies["consent"]}
    for device, account in ((one, "1"), (other, "2")):
        device.visit(account)
    assert {*kept(app).values()} == {stranger.cookies["consent"].encode()}
    assert one.cookies["ask-account"] == other.cookies["ask-account"]


def test_a_new_secret_keeps_the_links(app: Flask, settings: Settings, site: Site, phone: Browser, key: str) -> None:
    phone.answer("analytics")
    phone.visit("42")
    rotated = create_app(replace(settings, secret=("a new secret that is long enough", SECRET)), {site.id: site})
    with closing(rotated.extensions["consent"].store):
        laptop = Browser(Shopper(rotated.test_client(use_cookies=False), site), key)
        assert laptop.visit("42")["allow"] == ["analytics"]
        before = {*kept(app)}
        assert len(before) == 1
        assert laptop.visit("42")["allow"] == ["analytics"]
        phone.shopper.client = rotated.test_client(use_cookies=False)
        (own,) = phone.visit("42")["set_cookies"]  # marked by the new secret
        assert own.startswith("ask-own=")
        assert phone.visit("42")["set_cookies"] == []
    (name, _) = AccountNames(["a new secret that is long enough", SECRET]).names(site.id, "42")
    assert before == {f"consent:account:{site.id}:{name}".encode()}


NEW_SECRET = "a new secret that is long enough"


def test_a_no_is_newer_than_an_account_s_yes_also_once_the_secret_of_the_login_is_out(
    settings: Settings, site: Site, phone: Browser, laptop: Browser, clock: Clock
) -> None:
    laptop.answer("analytics")
    laptop.visit("42")
    phone.visit("42")
    assert phone.allowed == ["analytics"]
    for secret in ((NEW_SECRET, SECRET), (NEW_SECRET,)):
        rotated = create_app(replace(settings, secret=secret), {site.id: site})
        with closing(rotated.extensions["consent"].store):
            for device in (laptop, phone):
                device.shopper.client = rotated.test_client(use_cookies=False)
            if len(secret) == 2:
                phone.visit("42")
                laptop.answer("analytics", "marketing")  # by a token that the new secret alone reads
                laptop.visit("42")
                phone.visit("42")
                clock.at += 3600
                del phone.cookies["consent"]  # a browser may end what a script has set
                phone.answer()
            else:
                assert (phone.visit("42")["allow"], phone.allowed) == ([], [])
                assert laptop.visit("42")["allow"] == []


def test_a_no_stays_and_counts_anew_where_what_the_account_knew_is_lost(
    app: Flask, phone: Browser, laptop: Browser
) -> None:
    phone.answer()
    phone.visit("42")
    for name in kept(app):
        app.extensions["consent"].store.connection.client.delete(name)
    for _ in range(2):
        phone.visit("42")
        assert phone.allowed == []
    assert laptop.visit("42")["allow"] == []


def test_a_no_of_an_account_that_has_run_out_stays_for_the_page_to_know_it(
    app: Flask, settings: Settings, site: Site, phone: Browser, key: str, clock: Clock
) -> None:
    no = phone.answer()
    phone.visit("42")
    raised = create_app(settings, {site.id: replace(site, revision=site.revision + 1)})
    with closing(raised.extensions["consent"].store):
        device = Browser(Shopper(raised.test_client(use_cookies=False), site), key, dict(phone.cookies))
        for _ in range(2):
            assert device.visit("42")["applied"] == "none"
            assert device.cookies["consent"] == no
    clock.pass_by(site.keep + 1)
    for account in ("42", "42", None, None):
        phone.visit(account)
        assert phone.cookies["consent"] == no, account


# Many at once


def test_of_many_logins_at_once_the_newest_answer_stays(app: Flask, new: Callable[[], Browser], clock: Clock) -> None:
    devices = []
    for allow in (("analytics",), ("marketing",), ("functional",), ("analytics", "marketing")) * 2:
        devices.append(new())
        devices[-1].answer(*allow)
        clock.pass_by(1)
    newest = devices[-1].cookies["consent"]
    ready = threading.Barrier(len(devices))

    def log_in(device: Browser) -> None:
        ready.wait()
        device.visit("42")

    threads = [threading.Thread(target=log_in, args=(device,)) for device in devices]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert linked(app) == [newest]
    for device in devices:
        device.visit("42")
        assert device.cookies["consent"] == newest


def test_where_others_are_always_faster_nothing_is_linked(
    app: Flask, client: FlaskClient, key: str, phone: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = phone.answer("analytics")
    monkeypatch.setattr(app.extensions["consent"].store.accounts, "swap", lambda *_: False)
    assert call(client, key, {"account": "42", "token": token}).status_code == 503
    assert kept(app) == {}


def test_what_a_version_before_linked_is_marked_by_the_device_that_has_it_and_loses_no_refusal(
    app: Flask, site: Site, phone: Browser, laptop: Browser, redis: Any
) -> None:
    token = phone.answer("analytics")
    phone.visit("42")
    redis.set(where(site, "42"), token)  # without a mark, as it was kept
    assert phone.visit("42")["allow"] == ["analytics"]
    assert kept(app)[where(site, "42").encode()].endswith(f".{token}".encode())
    redis.set(where(site, "42"), token)
    phone.answer()  # taken back, which no login was told of
    assert laptop.visit("42")["allow"] == []
    redis.set(where(site, "42"), laptop.cookies["consent"])
    assert laptop.visit("42")["allow"] == []


def test_a_new_secret_makes_no_other_token_of_a_decision(
    app: Flask, settings: Settings, site: Site, phone: Browser, key: str
) -> None:
    """Or its holder would be told that it is not in the log."""
    phone.answer("analytics")
    phone.visit("42")
    changed = phone.answer("marketing")  # of which the account learns from the log alone
    rotated = create_app(replace(settings, secret=("a new secret that is long enough", SECRET)), {site.id: site})
    with closing(rotated.extensions["consent"].store):
        laptop = Browser(Shopper(rotated.test_client(use_cookies=False), site), key)
        assert laptop.visit("42")["token"] == changed


def test_of_two_that_servers_with_two_secrets_have_linked_the_newer_counts_and_one_stays(
    app: Flask, settings: Settings, site: Site, phone: Browser, laptop: Browser, key: str, clock: Clock
) -> None:
    phone.answer("analytics", "marketing")
    rotated = create_app(replace(settings, secret=("a new secret that is long enough", SECRET)), {site.id: site})
    with closing(rotated.extensions["consent"].store):
        Browser(Shopper(rotated.test_client(use_cookies=False), site), key, phone.cookies).visit("42")
        clock.pass_by(5)
        laptop.answer("functional")
        laptop.visit("42")  # at one that has the secret before alone
        assert len(kept(app)) == 2
        tablet = Browser(Shopper(rotated.test_client(use_cookies=False), site), key)
        assert tablet.visit("42")["allow"] == ["functional"]
        assert linked(app) == [laptop.cookies["consent"]]
