"""What somebody writes into Redis is no answer of an account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from conftest import Clock
from devices import Browser, key, laptop, linked, new, other_site, phone, redis, site, where
from flask import Flask
from msgspec import structs

from consent_server.proof.erasure import erase
from consent_server.site import Site
from consent_server.store.keys import place
from consent_server.store.packing import pack, pack_places
from consent_server.verify import unsigned

__all__ = ["key", "laptop", "new", "other_site", "phone", "redis", "site"]

# Who writes to Redis and has no secret: what nobody answered, or nobody linked, is no account's answer


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
