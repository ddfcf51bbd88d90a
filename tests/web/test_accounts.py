"""One answer for an account: what a shop's back end asks, and what its devices then have."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from conftest import Clock
from devices import Browser, call, kept, key, laptop, new, other_site, phone, redis, site
from flask import Flask

from consent_server.site import Site
from consent_server.web import accounts as accounts_views

__all__ = ["key", "laptop", "new", "other_site", "phone", "redis", "site"]


# What counts


def test_what_one_device_answered_applies_on_another_after_the_login_and_that_is_said(
    phone: Browser, laptop: Browser
) -> None:
    token = phone.answer("analytics")
    first = phone.visit("42")
    assert (first["applied"], first["conflict"], first["token"]) == ("device", False, token)
    assert phone.said == []
    second = laptop.visit("42")
    assert (second["applied"], second["allow"], second["token"]) == ("account", ["analytics"], token)
    assert laptop.cookies["consent"] == token
    assert laptop.said == ["applied"]
    for device in (phone, laptop):
        assert device.visit("42")["set_cookies"] == []
    assert laptop.said == ["applied"]
    redis = phone.shopper.client.application.extensions["consent"].store.connection.client
    logs = [redis.xlen(each) for each in redis.scan_iter("*:log")]
    assert sum(logs) == 1  # what a device is given is no decision, and counts nowhere


@pytest.mark.parametrize("lost", ["erased elsewhere", "account closed", "backup put back", "other server"])
def test_a_no_that_the_account_knew_gives_way_to_no_older_yes_whatever_became_of_it(
    app: Flask, phone: Browser, laptop: Browser, new: Callable[[], Browser], clock: Clock, lost: str
) -> None:
    redis = app.extensions["consent"].store.connection.client
    phone.answer("analytics")
    if lost == "backup put back":
        phone.visit("42")
        laptop.visit("42")
    backup = {name: redis.dump(name) for name in redis.scan_iter()}
    clock.pass_by(2 * 3600)
    laptop.answer()
    laptop.visit("42")
    tablet = new()
    tablet.visit("42")
    assert laptop.allowed == tablet.allowed == []
    if lost == "erased elsewhere":
        del tablet.cookies["consent"]
        tablet.cookies["ask-account"] = "erased"
        tablet.visit("42")
    elif lost == "account closed":
        assert call(phone.shopper.client, phone.key, {"account": "42"}, "DELETE").status_code == 204
    elif lost == "backup put back":
        redis.flushall()
        for name, value in backup.items():
            redis.restore(name, 0, value)
    else:
        (name,) = kept(app)
        redis.set(name, phone.cookies["consent"])  # as one does that knows the newest secret alone
    clock.pass_by(60)
    phone.visit("42")
    laptop.visit("42")
    assert laptop.allowed == []


def test_a_yes_that_was_forgotten_for_an_account_is_not_brought_back_over_a_no(
    phone: Browser, new: Callable[[], Browser], clock: Clock
) -> None:
    tablet = new()
    tablet.answer()
    clock.pass_by(3 * 3600)
    phone.answer("analytics")
    phone.visit("42")
    phone.visit("42")
    assert call(phone.shopper.client, phone.key, {"account": "42"}, "DELETE").status_code == 204
    tablet.visit("42")
    phone.visit("42")
    assert (phone.allowed, tablet.visit("42")["allow"]) == ([], [])


@pytest.mark.parametrize(("phone_says", "laptop_says"), [((), ("analytics",)), (("marketing",), ())])
def test_of_two_that_differ_the_newer_counts_whichever_device_has_it_and_that_there_were_two_is_said(
    phone: Browser, laptop: Browser, clock: Clock, phone_says: tuple[str, ...], laptop_says: tuple[str, ...]
) -> None:
    phone.answer(*phone_says)
    clock.pass_by(2 * 3600)
    laptop.answer(*laptop_says)
    laptop.visit("42")
    clock.pass_by(2 * 3600)
    found = phone.visit("42")
    assert (found["applied"], found["conflict"], found["allow"]) == ("account", True, list(laptop_says))
    assert (phone.allowed, phone.said) == (list(laptop_says), ["conflict"])
    tablet = Browser(phone.shopper, phone.key)
    tablet.answer("functional")
    clock.pass_by(60)
    found = tablet.visit("42")
    assert (found["applied"], found["conflict"], found["allow"]) == ("device", True, ["functional"])
    assert tablet.said == ["conflict"]
    assert phone.visit("42")["allow"] == ["functional"]
    assert phone.said == ["conflict", "applied"]


def test_of_two_that_cannot_be_ordered_the_stricter_counts(phone: Browser, laptop: Browser, clock: Clock) -> None:
    phone.answer()
    clock.pass_by(600)
    laptop.answer("analytics", "marketing")
    phone.visit("42")
    assert laptop.visit("42")["allow"] == []
    assert laptop.allowed == []


def test_what_was_answered_where_the_account_s_answer_was_known_is_newer_whatever_the_hour_says(
    phone: Browser, clock: Clock
) -> None:
    phone.answer()
    phone.visit("42")
    clock.pass_by(600)
    phone.answer("analytics")
    assert phone.visit("42")["allow"] == ["analytics"]
    assert phone.allowed == ["analytics"]


def test_a_withdrawal_on_one_device_applies_on_the_others_at_their_next_page(
    phone: Browser, laptop: Browser, clock: Clock
) -> None:
    phone.answer("analytics", "marketing")
    phone.visit("42")
    laptop.visit("42")
    clock.pass_by(60)
    laptop.answer()
    assert phone.visit("42")["allow"] == []  # though the laptop's next page has not come yet: the log knows
    assert (phone.allowed, phone.said) == ([], ["applied"])
    laptop.visit("42")
    assert (laptop.allowed, laptop.said) == ([], ["applied"])
    clock.pass_by(60)
    phone.answer("functional")
    phone.visit("42")
    assert laptop.visit("42")["allow"] == ["functional"]


def test_who_takes_a_withdrawal_back_within_the_same_page_is_not_overruled_by_it(phone: Browser, clock: Clock) -> None:
    phone.answer("analytics")
    phone.visit("42")
    clock.pass_by(5)
    phone.answer()
    clock.pass_by(5)
    phone.answer("marketing")
    assert phone.visit("42")["allow"] == ["marketing"]
    assert phone.allowed == ["marketing"]


def test_a_page_that_answers_meanwhile_keeps_its_answer(phone: Browser, laptop: Browser, clock: Clock) -> None:
    phone.answer("analytics")
    phone.visit("42")
    laptop.ask("42")  # the answer of the back end is on its way when the shopper refuses
    clock.pass_by(3600)
    laptop.answer()
    laptop.page()
    assert laptop.allowed == []
    assert laptop.visit("42")["allow"] == []
    assert phone.visit("42")["allow"] == []


def test_what_waits_for_its_delivery_is_left_alone(phone: Browser, laptop: Browser) -> None:
    phone.answer("analytics")
    phone.visit("42")
    for account in ("42", None):
        laptop.cookies = {"consent": "~%5B%7B%7D%5D"}
        found = laptop.visit(account)
        assert (found["applied"], found["token"], found["set_cookies"]) == ("none", None, [])
        assert "delivery" in found["refused"]


def test_who_never_answered_is_asked_and_the_answer_counts_for_the_account(phone: Browser, laptop: Browser) -> None:
    assert phone.visit("42")["applied"] == "none"
    assert laptop.visit("42")["token"] is None
    phone.answer("analytics")
    phone.visit("42")
    assert laptop.visit("42")["allow"] == ["analytics"]


def test_a_device_that_the_back_end_leaves_out_keeps_its_own(phone: Browser, laptop: Browser, clock: Clock) -> None:
    own = laptop.answer()
    clock.pass_by(7200)
    phone.answer("analytics")
    phone.visit("42")
    laptop.page()
    assert laptop.cookies == {"consent": own}
    assert phone.visit("42")["allow"] == ["analytics"]


def test_a_clock_that_is_far_ahead_takes_no_answer_away(
    app: Flask, site: Site, phone: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone.answer("analytics")
    phone.visit("42")
    before = kept(app)
    ahead = Clock(time.time() + 400 * 86_400)
    monkeypatch.setattr(accounts_views, "time", ahead)
    assert phone.ask("42")["token"] is None, "it has ended, by that clock"
    assert kept(app) == before
    monkeypatch.setattr(app.extensions["consent"].store.clock, "leeway", 60_000)
    body = {"account": "42", "token": phone.cookies["consent"]}
    headers = {"Authorization": f"Bearer {phone.key}"}
    refused = phone.shopper.client.post(f"/v1/{site.id}/account", json=body, headers=headers)
    assert (refused.status_code, refused.get_json()["type"]) == (503, "/problems/clocks-apart")
    assert kept(app) == before


# What is refused


def test_an_older_answer_that_is_sent_again_changes_nothing(phone: Browser, laptop: Browser, clock: Clock) -> None:
    old = phone.answer("analytics", "marketing")
    phone.visit("42")
    clock.pass_by(60)
    phone.answer("functional")
    phone.visit("42")
    for state in (None, phone.cookies["ask-account"], "in.0", "in..", "x" * 40):
        laptop.cookies = {"consent": old, **({"ask-account": state} if state else {})}
        found = laptop.visit("42")
        assert found["allow"] == ["functional"], state
        assert "changed" in found["refused"]
    assert phone.visit("42")["allow"] == ["functional"]
