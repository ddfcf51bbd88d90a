"""A receiver that refuses some or all decisions, or takes them slowly, holds up what it has to and loses nothing."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from decided import SHOP, by_shopper, decide
from receiver import TAKEN, Post, Receiver, status
from told import tell

from consent_server.events import telling
from consent_server.events.telling import Teller
from consent_server.store import Store
from consent_server.store.keys import place

__all__ = ["tell"]


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
