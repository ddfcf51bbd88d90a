"""A mail server that is away, slow or not to be trusted is named, and has no password told in the clear."""

import logging
import socket
import ssl

import pytest
from aiosmtpd.smtp import AuthResult
from beside import certificate
from dripping import dripping
from mail_server import Mailbox, box, send, serving, settings_with, shop, store, ttl

from consent_server.chores.digest.mail import MailServer

__all__ = ["box", "shop", "store"]


def test_a_password_that_mail_servers_are_not_told_is_named(store, shop, box, caplog):
    box.url = box.url.replace("://", "://leyla:p%C3%A4ss@")
    assert send(store, shop, settings_with(box)) == 0
    assert "p\u00e4ss" not in caplog.text
    assert caplog.messages[-1].startswith("the digest of smartmarket was not sent yet: ")
    assert ttl(store)[0] <= 3600


def test_a_server_that_is_away_or_silent_is_named_in_one_sentence(store, shop, box, caplog, monkeypatch):
    monkeypatch.setattr(MailServer.send, "__defaults__", (0.2, 60))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        box.url = f"smtp://127.0.0.1:{silent.getsockname()[1]}"
        assert send(store, shop, settings_with(box)) == 0
        assert caplog.messages[-1].endswith("The mail server 127.0.0.1 cannot be used: it takes too long.")
    assert send(store, shop, settings_with(box, CONSENT_DIGEST="ayla@shop.example")) == 0
    assert caplog.messages[-1].endswith("The mail server 127.0.0.1 cannot be used: Connection refused.")


GREETING, TAKEN, GO_ON = b"220 Here\r\n", b"250 Taken\r\n", b"354 Go on\r\n"
SIGNED = [GREETING, b"250-Here\r\n250 AUTH PLAIN\r\n"]


@pytest.mark.parametrize(
    ("scheme", "says", "drip", "said"),
    [
        ("smtp://", [b""], b"2", "cannot be used: it takes too long"),
        ("smtps://", [b"\x16\x03\x03\x3f\xff\x02"], b"\0", "cannot be used: it takes too long"),
        ("smtp://", [GREETING, b"250-"], b"0", "cannot be used: it takes too long"),
        ("smtp://", [GREETING, b""], b"250-Here\r\n", "cannot be used: it takes too long"),
        ("smtp://leyla:secret@", [*SIGNED, b"334 "], b"0", "cannot be used: it takes too long"),
        (
            "smtp://leyla:secret@",
            [*SIGNED, b"334 0\r\n"],
            b"0",
            "cannot be used: it asks for the password in no way that there is",
        ),
        ("smtp://", [GREETING, TAKEN, TAKEN, b""], b"2", "cannot be used: it takes too long"),
        ("smtp://", [GREETING, TAKEN, TAKEN, TAKEN, b"354"], b" ", "cannot be used: it takes too long"),
    ],
)
def test_a_mail_server_that_answers_byte_by_byte_has_no_more_time_for_that(
    store, shop, box, caplog, monkeypatch, scheme, says, drip, said
):
    monkeypatch.setattr(MailServer.send, "__defaults__", (15, 0.3))
    with dripping(*says, drip=drip) as server:
        box.url = f"{scheme}127.0.0.1:{server.port}"
        assert send(store, shop, settings_with(box)) == 0
        assert server.left.wait(45)
    assert caplog.messages == [f"the digest of smartmarket was not sent yet: The mail server 127.0.0.1 {said}."]


@pytest.mark.parametrize("drip", [b"2", b"250-Taken\r\n"])
def test_a_letter_that_a_dripping_server_has_whole_is_not_sent_again(store, shop, box, caplog, monkeypatch, drip):
    monkeypatch.setattr(MailServer.send, "__defaults__", (15, 0.3))
    with dripping(GREETING, TAKEN, TAKEN, TAKEN, GO_ON, b"", drip=drip) as server:
        box.url = f"smtp://127.0.0.1:{server.port}"
        assert send(store, shop, settings_with(box)) == 0
    assert caplog.messages[-1].endswith("and did not say whether it takes it: it takes too long.")
    assert ttl(store)[0] > 7 * 86400


# Passwords


class Guard:
    def __call__(self, server, session, envelope, mechanism, data):
        return AuthResult(success=(data.login, data.password) == (b"leyla", b"p@ss word"), handled=False)


def test_a_password_is_told_over_tls_or_on_this_machine_alone(store, shop, tmp_path, caplog):
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    box, (cert, key) = Mailbox(), certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    options = {"authenticator": Guard(), "auth_require_tls": False}
    near, url = serving(box, **options)
    try:
        box.url = url.replace("//", "//leyla:p%40ss%20word@")
        assert send(store, shop, settings_with(box)) == 1
        box.url = url.replace("//", "//leyla:wrong@")
        assert send(store, shop, settings_with(box, CONSENT_DIGEST="ayla@shop.example")) == 0
        assert "refuses: 535" in caplog.messages[-1]
        assert "wrong" not in caplog.text
    finally:
        near.stop()
    # 127.0.0.2 is not one of the names of this machine.
    for more, said in (
        ({}, "offers no TLS, and no password is told without"),
        ({"tls_context": context}, "certificate"),
    ):
        far, url = serving(box, "127.0.0.2", **options, **more)
        try:
            box.url = url.replace("//", "//leyla:p%40ss%20word@")
            assert send(store, shop, settings_with(box, CONSENT_DIGEST=f"{len(said)}@shop.example")) == 0
            assert said in caplog.messages[-1]
        finally:
            far.stop()
