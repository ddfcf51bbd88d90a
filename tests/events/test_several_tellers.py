"""Of several servers, addresses and versions one tells at a time, and who was too slow gives way."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

import pytest
from conftest import closing
from decided import SECRET, SHOP, decide
from receiver import TAKEN, Post, Receiver
from told import tell

from consent_server.events.telling import Teller
from consent_server.events.webhook import Webhook
from consent_server.store import Store
from consent_server.store.feed import reader
from consent_server.store.keys import buckets, place

__all__ = ["tell"]


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
