"""A digest that was not sent is due again, and what may have arrived is not sent twice."""

import socket
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import Mock

import pytest
from mail_server import NOW, Mailbox, box, send, serving, settings_with, shop, store, ttl
from receiver import Receiver, status

from consent_server.chores.digest import sending
from consent_server.chores.digest.mail import MailServer
from consent_server.chores.digest.sending import send_due
from consent_server.events.webhook import Webhook
from consent_server.store import StoreAway

__all__ = ["box", "shop", "store"]


# A server that does not take it


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ({"says": "451 Try later"}, "The mail server 127.0.0.1 refuses: 451 Try later."),
        (
            {"knows": "550 <leyla@shop.example> is nobody here"},
            "The mail server 127.0.0.1 refuses: 550 <its reader> is nobody here.",
        ),
    ],
)
def test_what_a_server_refuses_is_sent_an_hour_later(store, shop, box, caplog, trouble, said):
    vars(box).update(trouble)
    assert send(store, shop, settings_with(box)) == 0
    assert caplog.messages == [f"the digest of smartmarket was not sent yet: {said}"]
    assert "leyla" not in caplog.text
    assert send(store, shop, settings_with(box)) == 0  # not at once
    assert len(caplog.messages) == 1
    [left] = ttl(store)
    assert 3000 < left <= 3600
    store.connection.client.delete(*store.connection.client.keys("consent:*:alarm:digest.*"))  # an hour passes
    vars(box).update(says="250 Taken", knows="250 Known")
    assert send(store, shop, settings_with(box)) == 1


def test_a_digest_that_was_never_made_is_due_again_in_an_hour(store, shop, box, monkeypatch):
    for error in (StoreAway("away"), KeyError("x")):
        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(sending.Week, "of", Mock(side_effect=error))
            with pytest.raises(type(error)):
                send(store, shop, settings_with(box))
        assert ttl(store)[0] <= 3600
        store.connection.client.delete(*store.connection.client.keys("consent:*:alarm:digest.*"))  # an hour passes
    assert send(store, shop, settings_with(box)) == 1


def test_a_digest_on_its_way_when_the_server_ends_is_due_again_until_it_may_have_arrived(store, shop):
    known = {}

    class Watching(Mailbox):
        async def handle_RCPT(self, server, session, envelope, address, options):
            known["asked"] = ttl(store)
            return await super().handle_RCPT(server, session, envelope, address, options)

        async def handle_DATA(self, server, session, envelope):
            known["had"] = ttl(store)
            return await super().handle_DATA(server, session, envelope)

    watching = Watching()
    controller, watching.url = serving(watching)
    try:
        assert send(store, shop, settings_with(watching)) == 1
    finally:
        controller.stop()
    assert known["asked"][0] <= 3600 < 7 * 86400 < known["had"][0]


def test_a_letter_that_nobody_could_write_down_as_sent_is_not_sent(store, shop, box, monkeypatch):
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(store.counters, "release_alarm", Mock(side_effect=StoreAway("away")))
        with pytest.raises(StoreAway):
            send(store, shop, settings_with(box))
    assert box.letters == []
    assert ttl(store)[0] <= 3600


def test_what_was_refused_while_the_store_was_away_is_due_again_once_it_is_back(store, shop, box, caplog, monkeypatch):
    settings, owed, release = settings_with(box), set(), store.counters.release_alarm
    box.says = "451 Try later"

    def away(site, name, after=0):
        if after <= 3600:
            raise StoreAway("away")
        release(site, name, after)

    def again():
        return send_due(store, shop, settings, MailServer.named(settings), None, NOW, owed)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(store.counters, "release_alarm", away)
        assert again() == 0
    assert "was not sent yet: The mail server 127.0.0.1 refuses: 451" in caplog.messages[-1]
    assert ttl(store)[0] > 7 * 86400
    assert again() == 0
    assert (owed, ttl(store)[0] <= 3600) == (set(), True)


def test_a_server_that_hangs_up_at_the_letter_has_not_had_it(store, shop, box, caplog):
    def talk(server):
        with server.accept()[0] as line, line.makefile("rb") as said:
            line.sendall(b"220 here\r\n")
            for word in said:
                if word.startswith(b"DATA"):
                    return
                line.sendall(b"250 yes\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        box.url = f"smtp://127.0.0.1:{server.getsockname()[1]}"
        with ThreadPoolExecutor(1) as thread:
            talked = thread.submit(talk, server)
            assert send(store, shop, settings_with(box)) == 0
            talked.result()
    assert caplog.messages[-1].startswith("the digest of smartmarket was not sent yet: ")
    assert ttl(store)[0] <= 3600


def test_what_may_have_arrived_is_not_sent_again(store, shop, box, caplog):
    box.says = None
    assert send(store, shop, settings_with(box)) == 0
    [line] = caplog.messages
    assert line.startswith("the digest of smartmarket was not sent: The mail server 127.0.0.1 had the letter")
    assert ttl(store)[0] > 7 * 86400


def test_a_webhook_that_refuses_is_told_later_too(store, shop, box, caplog):
    receiver = Receiver(lambda post, connection: status(503))
    assert send(store, shop, settings_with(box, CONSENT_DIGEST=""), Webhook(receiver.url)) == 0
    receiver.stop()
    assert "was not sent yet: The webhook at 127.0.0.1 answers 503." in caplog.messages[0]
    assert ttl(store)[0] <= 3600


@pytest.mark.parametrize(("secrets", "is_kept_before"), [((), True), ((b"secret",), False)])
def test_a_digest_that_its_receiver_may_not_know_again_is_kept_before_it_is_posted(
    store, shop, box, secrets, is_kept_before
):
    known = []
    receiver = Receiver(lambda post, connection: known.append(ttl(store)[0]) or status(200))
    assert send(store, shop, settings_with(box, CONSENT_DIGEST=""), Webhook(receiver.url, secrets)) == 1
    receiver.stop()
    assert (known[0] > 7 * 86400) is is_kept_before
    assert ttl(store)[0] > 7 * 86400
