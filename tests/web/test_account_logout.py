"""After the logout a device has its own answer again, and nothing of the account's."""

from __future__ import annotations

import pytest
from conftest import Clock
from devices import Browser, key, laptop, new, other_site, phone, site

from consent_server.site import Site
from consent_server.web.accounts import held as answers

__all__ = ["key", "laptop", "new", "other_site", "phone", "site"]


# Logout


@pytest.mark.parametrize("own", [None, (), ("functional",)])
def test_logout_leaves_the_device_s_own(
    phone: Browser, laptop: Browser, clock: Clock, own: tuple[str, ...] | None
) -> None:
    if own is not None:
        laptop.answer(*own)
        clock.pass_by(7200)
    before = laptop.cookies.get("consent")
    phone.answer("analytics", "marketing")
    phone.visit("42")
    laptop.visit("42")
    assert laptop.allowed == ["analytics", "marketing"]
    laptop.visit(None)
    assert laptop.cookies.get("consent") == before
    found = laptop.visit(None)
    assert {*laptop.cookies} == (set() if own is None else {"consent"})
    assert found["applied"] == ("none" if own is None else "device")
    assert phone.visit("42")["allow"] == ["analytics", "marketing"]  # what the device has again says nothing to it


def test_what_was_answered_while_logged_in_stays_the_account_s(phone: Browser, laptop: Browser, clock: Clock) -> None:
    laptop.visit("42")
    laptop.answer("analytics")
    laptop.visit("42")
    laptop.visit(None)
    assert laptop.allowed is None
    assert phone.visit("42")["allow"] == ["analytics"]


def test_an_own_answer_that_was_taken_back_meanwhile_is_not_put_back(
    phone: Browser, laptop: Browser, clock: Clock
) -> None:
    laptop.answer("marketing")
    laptop.visit("42")
    phone.visit("42")
    clock.pass_by(3600)
    phone.answer()
    phone.visit("42")
    laptop.visit("42")
    left = laptop.visit(None)
    assert "withdrawn" in left["refused"]
    assert laptop.allowed is None


def test_an_answer_after_the_logout_is_the_device_s_own_and_stays(
    phone: Browser, laptop: Browser, clock: Clock
) -> None:
    phone.answer("analytics")
    phone.visit("42")
    laptop.visit("42")
    laptop.visit(None)
    clock.pass_by(60)
    own = laptop.answer("functional")
    laptop.visit(None)
    laptop.visit(None)
    assert laptop.cookies == {"consent": own}


def test_another_account_on_the_same_device_gets_nothing_of_the_one_before(
    phone: Browser, laptop: Browser, clock: Clock
) -> None:
    own = laptop.answer()
    clock.pass_by(7200)
    phone.answer("analytics", "marketing")
    phone.visit("42")
    laptop.visit("42")
    assert laptop.allowed == ["analytics", "marketing"]
    found = laptop.visit("43")  # no page of the shop came in between
    assert (found["applied"], found["allow"]) == ("device", [])
    assert laptop.cookies["consent"] == own
    assert phone.visit("42")["allow"] == ["analytics", "marketing"]
    laptop.visit("42")
    laptop.ask(None)  # nor had the logout a page that runs our script
    laptop.visit("43")
    assert laptop.allowed == []


def test_what_is_a_device_s_own_lives_as_long_as_what_the_account_says(
    phone: Browser, laptop: Browser, clock: Clock
) -> None:
    phone.answer("functional")
    phone.visit("42")
    clock.at += 1
    laptop.answer("analytics")
    laptop.visit("42")
    named = [line.partition("=")[0] for line in phone.visit("42")["set_cookies"]]
    assert sorted(named) == ["ask-account", "ask-own"]


def test_a_no_of_the_device_s_own_that_has_run_out_is_put_back_at_the_logout(
    phone: Browser, laptop: Browser, site: Site, clock: Clock
) -> None:
    no = laptop.answer()
    clock.pass_by(site.keep // 2)
    phone.answer("analytics")
    phone.visit("42")
    laptop.visit("42")
    assert laptop.allowed == ["analytics"]
    clock.pass_by(site.keep // 2 + 7200)
    assert laptop.visit(None)["token"] is None
    assert laptop.cookies["consent"] == no


@pytest.mark.parametrize("after", [(), ("analytics",)])
def test_an_answer_after_a_logout_that_was_not_told_is_not_made_more_of(
    phone: Browser, laptop: Browser, clock: Clock, after: tuple[str, ...]
) -> None:
    laptop.answer("analytics", "marketing")
    clock.pass_by(7200)
    phone.answer("analytics", "functional")
    phone.visit("42")
    laptop.visit("42")
    assert laptop.allowed == ["analytics", "functional"]
    clock.pass_by(7200)
    laptop.answer(*after)  # logged out, while the server was away
    for _ in range(2):
        laptop.visit(None)
        assert laptop.allowed == [*after]
    assert set(laptop.cookies) == {"consent"}


def test_who_erased_and_logs_out_at_once_gets_no_answer_back(phone: Browser, laptop: Browser, clock: Clock) -> None:
    laptop.answer("marketing")
    clock.pass_by(60)
    phone.answer("analytics")
    phone.visit("42")
    laptop.visit("42")
    del laptop.cookies["consent"]
    laptop.cookies["ask-account"] = answers.ERASED  # as the page does
    laptop.visit(None)
    laptop.visit(None)
    assert laptop.cookies == {}


def test_what_one_account_erased_leaves_another_s_that_logs_in_next(
    phone: Browser, laptop: Browser, clock: Clock
) -> None:
    phone.answer("analytics")
    phone.visit("42")
    clock.pass_by(60)
    laptop.answer("marketing")
    laptop.visit("43")
    del laptop.cookies["consent"]
    laptop.cookies["ask-account"] = answers.ERASED
    laptop.visit("42")
    assert laptop.allowed == ["analytics"]
    assert phone.visit("42")["allow"] == ["analytics"]
