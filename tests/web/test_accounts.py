"""One answer for an account: what a shop's back end asks, and what its devices then have."""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http.cookies import SimpleCookie
from typing import Any

import pytest
from conftest import SECRET, Clock, RedisServer, Shopper, closing
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec import structs

from consent_server import create_app
from consent_server.proof.erasure import erase
from consent_server.settings.environment import Settings
from consent_server.site import Site
from consent_server.store import ApiKey
from consent_server.store.keys import place
from consent_server.store.packing import pack, pack_places
from consent_server.tokens.accounts import AccountNames
from consent_server.verify import unsigned
from consent_server.web import accounts as accounts_views
from consent_server.web.accounts import KIND
from consent_server.web.accounts import held as answers
from consent_server.web.marketer.session import digest

NAMES = {"token": "consent", "ask_own": "ask-own", "ask_account": "ask-account"}


@pytest.fixture(scope="session")
def site(site: Site) -> Site:
    """This shop, which links accounts."""
    return replace(site, accounts=True, cookie_domain=None)


@pytest.fixture(scope="session")
def other_site(other_site: Site) -> Site:
    """Another shop, which does not."""
    return replace(other_site, accounts=False)


@pytest.fixture
def key(app: Flask, site: Site) -> str:
    """The key of the shop's back end."""
    made = secrets.token_urlsafe(32)
    app.extensions["consent"].store.account_keys.add(site, ApiKey(digest(KIND, made), "the back end", 1))
    return made


@dataclass
class Browser:
    """A device: its cookies, and what its pages and the shop's back end do with them."""

    shopper: Shopper
    key: str
    cookies: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def answer(self, *allow: str) -> str:
        """Answer in a page, as delivered; the cookie has the token."""
        self.shopper.token = self.cookies.get("consent")
        response = self.shopper.decide(*allow)
        if response.status_code == 409:  # as the page does
            self.shopper.token = None
            response = self.shopper.decide(*allow)
        assert response.status_code == 201, response.text
        self.cookies["consent"] = response.get_json()["token"]
        return self.cookies["consent"]

    def ask(self, account: str | None) -> dict[str, Any]:
        """Have the back end ask, and send on what it is to."""
        body = {"account": account, **{name: self.cookies.get(cookie) for name, cookie in NAMES.items()}}
        response = self.shopper.client.post(
            f"/v1/{self.shopper.site.id}/account", json=body, headers={"Authorization": f"Bearer {self.key}"}
        )
        assert response.status_code == 200, response.text
        for line in response.get_json()["set_cookies"]:
            ((name, morsel),) = SimpleCookie(line).items()
            if morsel["max-age"] == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value
        return response.get_json()

    def page(self) -> None:
        """Do what account.js does, and what tells of it."""
        what, *more = self.cookies.get("ask-account", "").split(".", 3)
        if len(more) == 3:
            seen, mark, token = more
            as_seen = self.cookies.get("consent", answers.NOTHING).endswith(seen)
            if as_seen:
                self.cookies.pop("consent", None)
                if token:
                    self.cookies["consent"] = token
            if what == "out":
                del self.cookies["ask-account"]
                return
            what, more = (what, [mark]) if as_seen else ("in", ["0"])
        if what in ("applied", "conflict"):
            self.said.append(what)
        if what and what != "erased":
            self.cookies["ask-account"] = f"in.{more[0]}"

    def visit(self, account: str | None) -> dict[str, Any]:
        """Ask for a page of the shop, and have it run."""
        answer = self.ask(account)
        self.page()
        return answer

    @property
    def allowed(self) -> list[str] | None:
        """What the device's cookie allows."""
        text = self.cookies.get("consent")
        keys = self.shopper.client.application.extensions["consent"].keys
        return keys.read(text, self.shopper.site.id).allow if text else None


@pytest.fixture
def new(app: Flask, site: Site, key: str) -> Callable[[], Browser]:
    """Make another device."""
    return lambda: Browser(Shopper(app.test_client(use_cookies=False), site), key)


@pytest.fixture
def phone(new: Callable[[], Browser]) -> Browser:
    return new()


@pytest.fixture
def laptop(new: Callable[[], Browser]) -> Browser:
    return new()


def kept(app: Flask) -> dict[bytes, bytes]:
    """Return what is kept of accounts."""
    redis = app.extensions["consent"].store.connection.client
    return {name: redis.get(name) for name in redis.scan_iter("consent:account:*")}


def linked(app: Flask) -> list[str]:
    """Return the tokens of the answers that are kept of accounts, without what marks them as linked here."""
    return [".".join(value.decode().split(".")[-2:]) for value in kept(app).values()]


def call(
    client: FlaskClient, key: str | None, body: Any, method: str = "POST", path: str = "smartmarket", **headers: str
):
    """Call as a back end."""
    if key:
        headers["Authorization"] = f"Bearer {key}"
    data = body if isinstance(body, bytes) else json.dumps(body)
    return client.open(f"/v1/{path}/account", method=method, data=data, headers=headers)


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


def test_a_token_that_holds_no_more_is_never_linked_and_says_why(
    app: Flask, settings: Settings, site: Site, phone: Browser, key: str, clock: Clock
) -> None:
    phone.answer("analytics")
    raised = create_app(settings, {site.id: replace(site, revision=site.revision + 1)})
    with closing(raised.extensions["consent"].store):
        device = Browser(Shopper(raised.test_client(use_cookies=False), site), key, dict(phone.cookies))
        found = device.visit("42")
        assert (found["applied"], found["token"]) == ("none", None)
        assert "asked before" in found["refused"]
        assert device.cookies["consent"] == phone.cookies["consent"]  # the page asks, and names what it renews
    clock.pass_by(site.keep + 1)
    found = phone.visit("42")
    assert "expired" in found["refused"]
    assert kept(app) == {}


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


def test_a_token_of_another_shop_or_nobody_s_is_refused_in_one_sentence(
    app: Flask, client: FlaskClient, other_site: Site, key: str
) -> None:
    other = Shopper(client, other_site)
    other.decide("analytics")
    for token in (other.token, "nonsense", "a.b", "é"):
        answer = call(client, key, {"account": "42", "token": token})
        assert answer.status_code == 401, token
        assert answer.get_json()["detail"].endswith(".")
        assert answer.mimetype == "application/problem+json"
    assert kept(app) == {}


def test_whatever_stands_in_the_cookies_is_answered_in_words(client: FlaskClient, key: str, phone: Browser) -> None:
    phone.answer("analytics")
    phone.visit("42")
    own, state = phone.cookies["ask-own"], phone.cookies["ask-account"]
    near = st.sampled_from([None, "", ".", "0", own, state, phone.cookies["consent"], own[:-1], f"{own}.", "x.0"])
    texts = near | st.text(max_size=40)

    @hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.none() | st.sampled_from(["42", "43"]), texts, texts, texts)
    def fuzz(account: str | None, token: str | None, own: str | None, state: str | None) -> None:
        body = {"account": account, "token": token, "ask_own": own, "ask_account": state}
        answer = call(client, key, body)
        assert answer.status_code in (200, 401), answer.text
        for line in answer.get_json().get("set_cookies", ()):
            assert re.fullmatch(
                r"ask-(own|account)=[\w.-]*; Path=/; SameSite=Lax; Secure; Max-Age=\d+(; HttpOnly)?", line
            )

    fuzz()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"[]",
        b"{}",
        b'{"account": ""}',
        b'{"account": 42}',
        b'{"account": "\xff"}',
        b'{"account": "\\ud800"}',
        json.dumps({"account": "x" * 201}).encode(),
        b'{"account": "42", "token": 1}',
        b'{"account": "42", "cookies": {}}',
        json.dumps({"account": "42", "token": "x" * 5000}).encode(),
    ],
)
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_body_that_is_none_is_refused_in_one_sentence(
    client: FlaskClient, key: str, body: bytes, method: str
) -> None:
    answer = call(client, key, body, method)
    assert answer.status_code == 400, answer.text
    assert answer.get_json()["detail"].endswith(".")
    assert call(client, key, b"x" * 20_000, method).status_code == 413


@pytest.mark.parametrize("account", ["\0", "🛒" * 200, "a\0b", " ", "ə" * 200, "x\r\nSet-Cookie: y=z"])
def test_an_account_is_any_text_that_a_shop_has(app: Flask, phone: Browser, laptop: Browser, account: str) -> None:
    phone.answer("analytics")
    phone.visit(account)
    assert laptop.visit(account)["allow"] == ["analytics"]
    assert Browser(phone.shopper, phone.key).visit(account[1:] + "x")["token"] is None


def test_no_other_key_opens_it_and_it_opens_nothing_else(
    app: Flask, client: FlaskClient, site: Site, other_site: Site, key: str
) -> None:
    store = app.extensions["consent"].store
    rates = secrets.token_urlsafe(32)
    store.rates_keys.add(site, ApiKey(digest("api-key", rates), "rates", 1))
    for wrong in (None, "wrong", "", rates, SECRET):
        for method in ("POST", "DELETE"):
            answer = call(client, wrong, {"account": "42"}, method)
            assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert client.get(f"/v1/{site.id}/rates", headers={"Authorization": f"Bearer {rates}"}).status_code == 200
    assert client.get(f"/v1/{site.id}/rates", headers={"Authorization": f"Bearer {key}"}).status_code == 401
    both = create_app(
        app.extensions["consent"].settings, {each.id: each for each in (site, replace(other_site, accounts=True))}
    )
    with closing(both.extensions["consent"].store):
        assert call(both.test_client(), key, {"account": "42"}).status_code == 200
        assert call(both.test_client(), key, {"account": "42"}, path="kitab").status_code == 401


def test_of_a_shop_that_links_no_accounts_there_is_nothing(client: FlaskClient, key: str) -> None:
    answer = call(client, key, {"account": "42"}, path="kitab")
    assert (answer.status_code, answer.get_json()["type"]) == (404, "/problems/no-accounts")
    assert call(client, key, {"account": "42"}, path="nowhere").get_json()["type"] == "/problems/unknown-site"


def test_no_page_may_call_it(client: FlaskClient, site: Site, key: str) -> None:
    for origin in (site.origins[0], "https://evil.example", "null"):
        answer = call(client, key, {"account": "42"}, Origin=origin)
        assert answer.get_json()["type"] == "/problems/not-for-pages"
        asked = client.options(
            f"/v1/{site.id}/account", headers={"Origin": origin, "Access-Control-Request-Method": "POST"}
        )
        for each in (answer, asked):
            assert not [name for name in dict(each.headers) if name.startswith("Access-Control")]
    for method in ("GET", "HEAD", "PUT"):
        assert call(client, key, {"account": "42"}, method).status_code == 405


def test_wrong_keys_are_taken_so_often_a_minute(settings: Settings, site: Site) -> None:
    app = create_app(replace(settings, client_limit=3), {site.id: site})
    with closing(app.extensions["consent"].store):
        client = app.test_client()
        said = [call(client, "wrong", {"account": "42"}) for _ in range(5)]
    assert [each.status_code for each in said] == [401] * 3 + [429] * 2
    assert said[-1].headers["Retry-After"]


def test_while_redis_is_away_it_says_when_to_come_back(site: Site) -> None:
    app = create_app(Settings(secret=(SECRET,), redis_url="redis://127.0.0.1:1", redis_timeout=100), {site.id: site})
    with closing(app.extensions["consent"].store):
        for method in ("POST", "DELETE"):
            answer = call(app.test_client(), "key", {"account": "42"}, method)
            assert answer.status_code == 503
            assert answer.headers["Retry-After"]


def test_neither_key_nor_account_is_in_a_line_of_the_log(
    client: FlaskClient, key: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("DEBUG")

    def broken(*_: object) -> None:
        raise RuntimeError("of ours")

    monkeypatch.setattr("consent_server.web.accounts.sync_account", broken)
    assert call(client, key, {"account": "leyla@example.az"}).status_code == 500
    assert "of ours" in caplog.text
    assert "leyla@" not in caplog.text
    assert key not in caplog.text


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


# Who writes to Redis and has no secret: what nobody answered, or nobody linked, is no account's answer


@pytest.fixture
def redis(app: Flask) -> Any:
    """The store, as whoever writes to it without a secret does."""
    return app.extensions["consent"].store.connection.client


def where(site: Site, account: str) -> str:
    """Return under which key an account's answer is kept."""
    return f"consent:account:{site.id}:{AccountNames([SECRET]).names(site.id, account)[0]}"


@pytest.mark.parametrize("kind", ["change", "first"])
def test_an_answer_that_somebody_wrote_into_the_log_is_neither_signed_nor_given_to_an_account(
    app: Flask, site: Site, phone: Browser, laptop: Browser, redis: Any, kind: str
) -> None:
    """The attack: a yes to everything that nobody gave, for which the next login brings a genuine token.

    Of a *first* one the signature that came back made the entry itself genuine: it was sealed.
    """
    token = phone.answer("functional")
    if kind == "first":
        token = phone.answer("functional", "analytics")
    phone.visit("42")
    store, keys = app.extensions["consent"].store, app.extensions["consent"].keys
    subject = keys.read(token, site.id).sub
    at = place(site, subject)
    changes = {"id": subject, "kind": "first", "before": 0} if kind == "first" else {"id": "x" * 22, "kind": "change"}
    fake = structs.replace(store.history.newest(site, subject), allow=7, signature=bytes(64), own=b"", **changes)
    ms, seq = map(int, redis.xadd(at.bucket.log, {"e": pack(fake)}).split(b"-"))
    redis.hset(at.seen, at.digest, redis.hget(at.seen, at.digest) + pack_places([(ms, seq)]))
    found = laptop.visit("42")
    assert (found["token"], found["allow"], found["applied"]) == (None, None, "none")
    assert linked(app) == []
    assert laptop.answer("analytics"), "the account is asked again, and goes on"
    assert laptop.visit("42")["allow"] == ["analytics"]


def test_another_shopper_s_yes_is_no_answer_of_an_account_that_it_was_written_for(
    app: Flask, site: Site, phone: Browser, laptop: Browser, new: Callable[[], Browser], redis: Any
) -> None:
    """The attack: a genuine yes, of whom it may be, put in the place of the account's own answer."""
    phone.answer("functional")
    phone.visit("42")
    other = new()
    theirs = other.answer("analytics", "marketing")
    other.visit("43")
    for value in (theirs.encode(), redis.get(where(site, "43"))):  # bare, and with what binds it to the other account
        redis.set(where(site, "42"), value)
        assert laptop.ask("42")["allow"] is None
        laptop.cookies.clear()
    redis.set(where(site, "42"), theirs)
    assert phone.visit("42")["allow"] != ["analytics", "marketing"]


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


def test_who_writes_to_redis_can_put_back_what_an_account_was_linked_to_before(
    app: Flask, site: Site, phone: Browser, laptop: Browser, new: Callable[[], Browser], redis: Any, clock: Clock
) -> None:
    """As SECURITY.md says: it was the account's answer once, and nothing says that it is the newest."""
    phone.answer("analytics")
    phone.visit("42")
    before = redis.get(where(site, "42"))
    clock.pass_by(5)
    laptop.answer()
    assert laptop.visit("42")["allow"] == []
    redis.set(where(site, "42"), before)
    assert new().visit("42")["allow"] == ["analytics"], "unseen"
    redis.delete(*redis.scan_iter("consent:linked:*"))
    behind, subject = app.extensions["consent"], unsigned(phone.shopper.token or "")["sub"]
    assert erase(behind.store, site, behind.keys, subject, int(clock.at)) == 1
    assert redis.get(where(site, "42")) is not None, "it stays until it ends"
    assert new().visit("42")["allow"] is None
