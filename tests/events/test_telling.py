"""Each decision reaches the webhook, at least once and in order for each shopper, whatever goes away meanwhile."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import standardwebhooks
from conftest import closing
from decided import KEYS, SECRET, SHOP, by_shopper, decide, lay_down
from receiver import TAKEN, Post, Receiver, status
from told import tell

from consent_server.events import telling
from consent_server.events.telling import Teller
from consent_server.events.webhook import Webhook
from consent_server.proof.erasure import erase
from consent_server.store import Store
from consent_server.store.keys import place

__all__ = ["tell"]

ROOT = Path(__file__).parent.parent.parent


def test_each_decision_is_told_and_signed_on_any_redis(
    store: Store, receiver: Receiver, tell: Callable[..., Teller]
) -> None:
    teller = tell(store)
    decided = [decide(store, 7, 2, 0) for _ in range(10)]
    decide(store, 0)
    assert teller.go_on() == 31
    assert teller.go_on() == 0
    told = [standardwebhooks.Webhook(SECRET).verify(post.body, post.headers) for post in receiver.posts]
    assert len({post.headers["webhook-id"] for post in receiver.posts}) == 31
    assert not any("." in post.headers["webhook-id"] for post in receiver.posts)
    named = [event for event in told if event["jti"]]
    assert sorted(by_shopper(named).values()) == sorted(decided)
    assert [[event["kind"], event["allow"]] for event in named if event["sub"] == decided[0][0]] == [
        ["first", ["analytics", "functional", "marketing"]],
        ["change", ["analytics"]],
        ["change", []],
    ]
    now = time.time()
    assert all(event["site"] == "shop" and now - 60 < event["at"] <= now for event in named)
    (refusal,) = [event for event in told if not event["jti"]]
    assert refusal.keys() == named[0].keys()
    assert (refusal["kind"], refusal["allow"], refusal["sub"], refusal["at"] % 3600) == ("first", [], None, 0)


def test_10_000_decisions_survive_a_receiver_and_a_server_that_come_and_go(
    kept: Store, receiver: Receiver, tell: Callable[..., Teller]
) -> None:
    tell(kept)  # from now on
    decided = lay_down(kept, 2500, 3)
    program = [sys.executable, str(ROOT / "tests" / "decided.py"), kept.url, receiver.url]
    turns = {"refused": 0, "slow": 0}

    def answer(post: Post, connection: socket.socket) -> bytes:
        if len(receiver.posts) < 2000 and turns["refused"] < 60:
            turns["refused"] += 1
            return status(500 if turns["refused"] % 2 else 422)
        if len(receiver.posts) > 6000 and turns["slow"] < 2:
            turns["slow"] += 1
            time.sleep(0.6)  # it has less
        return TAKEN

    def run() -> subprocess.Popen[bytes]:
        return subprocess.Popen(program, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})

    def told() -> int:
        return len({post.headers["webhook-id"] for post in receiver.posts})

    receiver.answer = answer
    receiver.stop()
    process = run()
    try:
        receiver.start()  # nobody was there at first
        receiver.wait(lambda: len(receiver.posts) > 2000)
        receiver.stop()  # in the middle of some
        decided |= lay_down(kept, 500, 5)
        receiver.start()
        receiver.wait(lambda: len(receiver.posts) > 4000)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process = run()
        receiver.wait(lambda: len(receiver.posts) >= 10_000 and told() == 10_000)
    finally:
        process.kill()
        process.wait()
    assert turns == {"refused": 60, "slow": 2}
    assert by_shopper([post.event for post in receiver.posts]) == decided


def test_a_server_that_is_to_end_posts_nothing_more(
    kept: Store, receiver: Receiver, tell: Callable[..., Teller]
) -> None:
    teller, ids = tell(kept), decide(kept, 7, 1, 2)

    def answer(post: Post, connection: socket.socket) -> bytes:
        teller.ending.set()
        return TAKEN

    receiver.answer = answer
    telling.keep_telling(teller)
    assert [post.event["jti"] for post in receiver.posts] == ids[:1]
    teller.ending.clear()
    assert teller.go_on() == 1, "how far it was is noted"
    assert [post.event["jti"] for post in receiver.posts] == ids[:2]


def test_what_is_lost_of_how_far_it_was_is_begun_anew(
    kept: Store, receiver: Receiver, tell: Callable[..., Teller]
) -> None:
    teller, (first,) = tell(kept), decide(kept, 7)
    assert teller.go_on() == 1
    kept.connection.client.delete(place(SHOP, first).bucket.told)
    teller.go_on()
    while place(SHOP, (late := decide(kept, 7)[0])).bucket != place(SHOP, first).bucket:
        pass
    while teller.go_on():
        pass
    assert late in {post.event["jti"] for post in receiver.posts}


def test_what_was_decided_before_a_webhook_was_set_is_not_told(
    kept: Store, receiver: Receiver, tell: Callable[..., Teller]
) -> None:
    decide(kept, 7, now=time.time_ns() // 1_000_000 - 120_000)
    teller = tell(kept)
    (late,) = decide(kept, 7)
    tell(kept)  # a server that starts anew begins where the other one was
    assert teller.go_on() == 1
    assert [post.event["jti"] for post in receiver.posts] == [late]


def test_a_webhook_that_was_left_out_for_a_while_is_told_what_was_decided_meanwhile(
    kept: Store, receiver: Receiver, tell: Callable[..., Teller]
) -> None:
    _, (before,) = tell(kept), decide(kept, 7, now=time.time_ns() // 1_000_000)
    url = receiver.url.replace("//", "//name:new-password@")
    webhook = Webhook.of(SHOP, url, (SECRET,))
    assert webhook
    with closing(Teller(kept, SHOP, webhook)) as teller:
        assert teller.go_on() == 1
    assert [post.event["jti"] for post in receiver.posts] == [before]


def test_who_was_erased_is_not_told(kept: Store, receiver: Receiver, tell: Callable[..., Teller]) -> None:
    teller = tell(kept)
    (gone, _), (stays,) = decide(kept, 7, 1), decide(kept, 7)
    erase(kept, SHOP, KEYS, gone, int(time.time()))
    kept.log.compact(SHOP)
    assert teller.go_on() == 1
    assert [post.event["jti"] for post in receiver.posts] == [stays]


def test_who_is_erased_while_others_of_the_bucket_are_told_is_not_told_any_more(
    kept: Store, receiver: Receiver, tell: Callable[..., Teller]
) -> None:
    teller = tell(kept)
    shoppers = [decide(kept, 7) for _ in range(60)]
    (first,), (gone,) = next(
        (one, other)
        for n, one in enumerate(shoppers)
        for other in shoppers[n + 1 :]
        if place(SHOP, one[0]).bucket == place(SHOP, other[0]).bucket
    )

    def answer(post: Post, connection: socket.socket) -> bytes:
        if post.event["jti"] == first:
            assert erase(kept, SHOP, KEYS, gone, int(time.time())) == 1
        return TAKEN

    receiver.answer = answer
    assert teller.go_on() == 59
    assert gone not in {post.event["jti"] for post in receiver.posts}


def test_names_of_events_are_the_same_at_each_attempt_and_say_nothing(
    kept: Store, receiver: Receiver, tell: Callable[..., Teller], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "SHORTEST_PAUSE", 0)
    monkeypatch.setattr(telling, "LONGEST_PAUSE", 0)
    teller, names = tell(kept), []

    def answer(post: Post, connection: socket.socket) -> bytes:
        names.append(post.headers["webhook-id"])
        return TAKEN if len(names) > 2 else status(500)

    receiver.answer = answer
    decide(kept, 0)
    while not teller.go_on():
        pass
    assert len(names) == 3
    assert len({*names}) == 1
    assert str(int(time.time()))[:7] not in names[0]


def test_a_busy_shop_tells_all_and_lets_every_bucket_have_its_turn(
    kept: Store, receiver: Receiver, tell: Callable[..., Teller], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "TURN", 3)
    teller = tell(kept)
    decided = decide(kept, *[1 + n % 7 for n in range(10)])
    other = secrets.token_urlsafe(16)
    assert other not in decided
    assert [teller.go_on() for _ in range(5)] == [3, 3, 3, 1, 0]
    assert [post.event["jti"] for post in receiver.posts] == decided
