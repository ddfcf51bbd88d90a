"""Each decision reaches the webhook, at least once and in order for each shopper, whatever goes away meanwhile."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import standardwebhooks
from conftest import closing
from decided import KEYS, SECRET, SHOP, by_shopper, decide, lay_down
from receiver import TAKEN, Post, Receiver, status

from consent_server.events import telling
from consent_server.events.telling import Teller
from consent_server.events.webhook import Webhook
from consent_server.proof.erasure import erase
from consent_server.store import Store
from consent_server.store.feed import reader
from consent_server.store.keys import buckets, place

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def tell(receiver: Receiver) -> Iterator[Callable[..., Teller]]:
    """Make who tells the receiver what is decided."""
    made: list[Teller] = []

    def make(store: Store, **fields: float) -> Teller:
        webhook = Webhook.of(SHOP, receiver.url, (SECRET,))
        assert webhook
        made.append(Teller(store, SHOP, webhook, **fields))
        made[-1].begin()
        return made[-1]

    yield make
    for teller in made:
        teller.close()


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


def test_a_day_of_refusals_loses_nothing_and_is_quiet(
    kept: Store,
    receiver: Receiver,
    tell: Callable[..., Teller],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = [0.0]
    monkeypatch.setattr(telling, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    teller = tell(kept)
    decided = decide(kept, 7, 1, 2)
    receiver.answer = lambda post, connection: status(503)
    with caplog.at_level(logging.WARNING):
        while clock[0] < 86_400:
            assert teller.go_on() == 0
            clock[0] += 2
        assert receiver.seen < 400  # it is left alone for five minutes at last
        receiver.answer = lambda post, connection: status(503, "Retry-After: 3600")
        clock[0] += 400
        teller.go_on()
        asked = receiver.seen
        clock[0] += 3500
        teller.go_on()
        assert receiver.seen == asked
        receiver.answer = lambda post, connection: TAKEN
        clock[0] += 200
        assert teller.go_on() == 3
    assert [post.event["jti"] for post in receiver.posts] == decided
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "a decision of shop was not taken and is told again until it is: The webhook at 127.0.0.1 answers 503.",
        "the webhook of shop takes decisions again",
    ]


def test_a_decision_that_alone_is_refused_holds_up_only_those_of_its_bucket(
    kept: Store, receiver: Receiver, tell: Callable[..., Teller], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "SHORTEST_PAUSE", 0)
    monkeypatch.setattr(telling, "LONGEST_PAUSE", 0)
    teller = tell(kept)
    (bad, *rest), others = decide(kept, 7, 1, 2), [decide(kept, 7, 1, 2) for _ in range(60)]
    receiver.answer = lambda post, connection: status(422) if post.event["jti"] == bad else TAKEN
    while teller.go_on():
        pass
    told = {post.event["jti"] for post in receiver.posts}
    assert not told & {bad, *rest}
    held_up = [ids for ids in others if not told & {*ids}]
    assert len(held_up) < 20
    receiver.answer = lambda post, connection: TAKEN
    while teller.go_on():
        pass
    found = by_shopper([post.event for post in receiver.posts])
    assert sorted(found.values()) == sorted([[bad, *rest], *others])


@pytest.mark.parametrize("code", [500, 404])
def test_a_decision_that_the_receiver_stumbles_over_stops_none_of_the_others(
    kept: Store,
    receiver: Receiver,
    tell: Callable[..., Teller],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    code: int,
) -> None:
    clock = [0.0]
    monkeypatch.setattr(telling, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    teller = tell(kept)
    (bad,), others = decide(kept, 7), [decide(kept, 7) for _ in range(9)]
    receiver.answer = lambda post, connection: status(code) if post.event["jti"] == bad else TAKEN
    for _ in range(20):
        teller.go_on()
        clock[0] += 2
    held_up = {ids[0] for ids in others if place(SHOP, ids[0]).bucket == place(SHOP, bad).bucket}
    assert {post.event["jti"] for post in receiver.posts} == {each for (each,) in others} - held_up
    clock[0] += 400
    assert teller.go_on() == 0, "it alone is due, and what is answered then says nothing of others"
    while place(SHOP, (late := decide(kept, 7)[0])).bucket == place(SHOP, bad).bucket:
        pass
    assert teller.go_on() == 1
    assert receiver.posts[-1].event["jti"] == late
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        f"a decision of shop was not taken and is told again until it is: The webhook at 127.0.0.1 answers {code}."
    ]


def test_a_receiver_that_wants_to_be_left_alone_is_although_it_took_others(
    kept: Store, receiver: Receiver, tell: Callable[..., Teller]
) -> None:
    teller, (bad,) = tell(kept), decide(kept, 7)
    _ = [decide(kept, 7) for _ in range(5)]
    receiver.answer = lambda post, connection: status(429) if post.event["jti"] == bad else TAKEN
    teller.go_on()
    seen = receiver.seen
    decide(kept, 7)
    assert teller.go_on() == 0
    assert receiver.seen == seen


def test_new_decisions_do_not_wait_for_all_of_a_bucket_that_is_taken_slowly(
    kept: Store, receiver: Receiver, tell: Callable[..., Teller], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(telling, "time", SimpleNamespace(monotonic=lambda: clock[0]))

    def answer(post: Post, connection: socket.socket) -> bytes:
        clock[0] += 4
        return TAKEN

    receiver.answer = answer
    teller, ids = tell(kept, lease=1000), decide(kept, *[1 + n % 7 for n in range(8)])
    assert [teller.go_on() for _ in range(3)] == [3, 3, 2]
    assert [post.event["jti"] for post in receiver.posts] == ids


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


def test_an_entry_that_somebody_else_wrote_is_said_once_and_holds_up_its_bucket_alone(
    kept: Store,
    receiver: Receiver,
    tell: Callable[..., Teller],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(telling, "SHORTEST_PAUSE", 0)
    monkeypatch.setattr(telling, "LONGEST_PAUSE", 0)
    teller = tell(kept)
    shoppers = [decide(kept, 7)[0] for _ in range(60)]
    bucket = place(SHOP, shoppers[0]).bucket
    kept.connection.client.xadd(bucket.log, {"e": b""})
    while teller.go_on():
        pass
    assert {post.event["jti"] for post in receiver.posts} == {*shoppers}
    teller.go_on()
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "a decision of shop was not taken and is told again until it is: "
        f"In {bucket.log} stands what this server did not write."
    ]


def test_one_server_at_a_time_tells_a_shoppers_decisions(
    kept: Store, receiver: Receiver, tell: Callable[..., Teller]
) -> None:
    here, there = tell(kept), tell(kept, lease=0.001)
    ids, goes_on = decide(kept, 7, 1, 2), threading.Event()

    def answer(post: Post, connection: socket.socket) -> bytes:
        assert goes_on.wait(45)
        return TAKEN

    receiver.answer = answer
    under_way = threading.Thread(target=here.go_on)
    under_way.start()
    while not kept.feed.untold(SHOP) or not any(
        kept.connection.client.hget(bucket.told, "holder") for bucket in kept.feed.untold(SHOP)
    ):
        time.sleep(0.01)
    assert there.go_on() == 0
    goes_on.set()
    under_way.join()
    assert [post.event["jti"] for post in receiver.posts] == ids
    assert (here.go_on(), there.go_on()) == (0, 0)


def test_who_was_too_slow_gives_way_to_who_went_on(
    kept: Store, receiver: Receiver, tell: Callable[..., Teller]
) -> None:
    slow, other = tell(kept, lease=0.001, seconds=45), tell(kept)
    ids = decide(kept, 7, 1, 2)

    def answer(post: Post, connection: socket.socket) -> bytes:
        if receiver.posts:
            return TAKEN
        receiver.answer = lambda post, connection: TAKEN
        while not other.go_on():  # until the lease is over
            time.sleep(0.01)
        return TAKEN

    receiver.answer = answer
    assert slow.go_on() == 1
    assert [post.event["jti"] for post in receiver.posts] == [*ids, ids[0]]
    assert (slow.go_on(), other.go_on()) == (0, 0)


def test_what_was_decided_before_a_webhook_was_set_is_not_told(
    kept: Store, receiver: Receiver, tell: Callable[..., Teller]
) -> None:
    decide(kept, 7, now=time.time_ns() // 1_000_000 - 120_000)
    teller = tell(kept)
    (late,) = decide(kept, 7)
    tell(kept)  # a server that starts anew begins where the other one was
    assert teller.go_on() == 1
    assert [post.event["jti"] for post in receiver.posts] == [late]


@pytest.mark.parametrize("took", [True, False])
def test_another_webhook_is_told_what_is_decided_from_then_on_unless_the_one_before_never_took_anything(
    kept: Store, receiver: Receiver, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, took: bool
) -> None:
    def telling_to(address: str) -> Teller:
        webhook = Webhook.of(SHOP, address, (SECRET,))
        assert webhook
        return Teller(kept, SHOP, webhook)

    monkeypatch.setattr(reader, "MS_BEFORE", 0)
    away = telling_to("http://127.0.0.1:9/hooks")
    away.begin()
    waits = [decide(kept, 7)[0] for _ in range(5)]
    assert away.go_on() == 0
    if took:  # of one bucket is enough: each shopper is in another
        kept.connection.client.hset(place(SHOP, waits[0]).bucket.told, "taken", 1)
    assert not caplog.messages[1:], "the first one is no other"
    time.sleep(0.01)
    with closing(telling_to(receiver.url)) as teller:
        teller.begin()
        late = [decide(kept, 7)[0] for _ in range(5)]
        said = (
            "the webhook of shop is another one: it is told what is decided from now on, and what waited for the one "
            "before is told nobody; `consent-server log export shop --since start` has it"
        )
        assert caplog.messages[1:] == [said] * took
        assert teller.go_on() == (5 if took else 10)
        assert kept.connection.client.hget(place(SHOP, late[0]).bucket.told, "taken") == b"1"
    assert {post.event["jti"] for post in receiver.posts} == {*late, *([] if took else waits)}


def test_who_still_tells_the_address_of_before_gives_way_to_another(
    kept: Store, receiver: Receiver, tell: Callable[..., Teller]
) -> None:
    old, _ = tell(kept), decide(kept, 7)
    assert old.go_on() == 1
    ids = decide(kept, 7, 1, 2)
    webhook = Webhook.of(SHOP, f"{receiver.url}&other", (SECRET,))
    assert webhook
    new = Teller(kept, SHOP, webhook)

    def answer(post: Post, connection: socket.socket) -> bytes:
        receiver.answer = lambda post, connection: TAKEN
        new.begin()
        begun.append(kept.connection.client.hget(place(SHOP, ids[0]).bucket.told, "position"))
        return TAKEN

    begun: list[object] = []
    receiver.answer = answer
    old.go_on()
    assert [kept.connection.client.hget(place(SHOP, ids[0]).bucket.told, "position")] == begun


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


def test_how_far_an_older_version_has_told_is_gone_on_from(
    kept: Store, receiver: Receiver, tell: Callable[..., Teller]
) -> None:
    kept.feed.untold(SHOP, begins=True)  # without noting whom
    (early,) = decide(kept, 7)
    for bucket in buckets(SHOP):
        kept.connection.client.hset(bucket.told, "position", "0-0")
    assert tell(kept).go_on() == 1
    assert [post.event["jti"] for post in receiver.posts] == [early]
    assert {kept.connection.client.hexists(bucket.told, "of") for bucket in buckets(SHOP)} == {True}


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
