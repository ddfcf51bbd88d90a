"""An event is signed as the standard has it, and no receiver, whatever it does, holds up or leads astray who posts."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest
import standardwebhooks
from receiver import TAKEN, Post, Receiver, status
from webhook_line import SECRET, _line, line

from consent_server.events.webhook import NotTaken, NoWebhookSecret, Webhook, WebhookConnection, _seconds, webhooks
from consent_server.site import Site

__all__ = ["line"]
NEXT = "whsec_TmV4dC1OZXh0LU5leHQtTmV4dC1OZXh0LU5leHQ"
"""Some write them without padding."""


def test_the_standards_own_library_verifies_what_is_posted(receiver: Receiver, line: WebhookConnection) -> None:
    line.post("event-1", b'{"kind":"test"}')
    line.post("event-2", '{"kind":"\N{LATIN SMALL LETTER SCHWA}"}'.encode())
    for post in receiver.posts:
        assert standardwebhooks.Webhook(SECRET).verify(post.body, post.headers) == json.loads(post.body)
        assert post.path == "/hooks/secret-path?a=b"
    assert [post.headers["webhook-id"] for post in receiver.posts] == ["event-1", "event-2"]
    changed = receiver.posts[0].body.replace(b"test", b"best")
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(SECRET).verify(changed, receiver.posts[0].headers)


def test_while_a_secret_is_changed_both_sign(receiver: Receiver, site: Site) -> None:
    line = _line(receiver.url, site, secrets=(NEXT, SECRET))
    line.post("event", b"{}")
    line.close()
    (post,) = receiver.posts
    for secret in (SECRET, NEXT):
        assert standardwebhooks.Webhook(secret).verify(post.body, post.headers) == {}


def test_a_sites_own_secret_signs_its_events_alone(site: Site, other_site: Site) -> None:
    secrets = (SECRET, f"{site.id}={NEXT}")
    found = webhooks({each.id: each for each in (site, other_site)}, "https://all.example/", secrets)
    assert found[site.id].headers("e", b"{}", 1) == Webhook.of(site, "https://a/", (NEXT,)).headers("e", b"{}", 1)  # type: ignore[union-attr]
    assert found[other_site.id].headers("e", b"{}", 1) == Webhook.of(other_site, "https://a/", (SECRET,)).headers(  # type: ignore[union-attr]
        "e", b"{}", 1
    )


def test_a_sites_own_webhook_takes_the_place_of_the_common_one(site: Site, other_site: Site) -> None:
    shops = {site.id: replace(site, webhook="https://own.example/hook"), other_site.id: other_site}
    found = webhooks(shops, "https://all.example/hook", (SECRET,))
    assert {name: webhook.host for name, webhook in found.items()} == {
        site.id: "own.example",
        other_site.id: "all.example",
    }
    assert [*webhooks(shops, None, (SECRET,))] == [site.id]


def test_what_is_missing_is_said(site: Site) -> None:
    own = {site.id: replace(site, webhook="https://own.example/hook")}
    with pytest.raises(NoWebhookSecret, match="CONSENT_WEBHOOK_SECRET is not set, and the webhook of smartmarket"):
        webhooks(own, None, ())
    with pytest.raises(NoWebhookSecret, match="a secret of 'smartmarkt', which is no site; there are smartmarket"):
        webhooks({site.id: site}, None, (f"smartmarkt={SECRET}",))


def test_the_connection_is_kept_and_taken_up_again_if_it_was_closed(
    receiver: Receiver, line: WebhookConnection
) -> None:
    ports = []

    def answer(post: Post, connection: socket.socket) -> bytes:
        ports.append(connection.getpeername()[1])
        return TAKEN

    receiver.answer = answer
    for n in range(3):
        line.post(f"event-{n}", b"{}")
    assert len({*ports}) == 1
    receiver.stop()
    receiver.start()
    line.post("event-3", b"{}")
    assert len({*ports}) == 2


def test_an_answer_with_a_body_is_read_as_far_as_the_connection_needs_it(
    receiver: Receiver, line: WebhookConnection
) -> None:
    ports = []

    def answer(post: Post, connection: socket.socket) -> bytes:
        ports.append(connection.getpeername()[1])
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
        return [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", chunked, TAKEN][len(ports) - 1]

    receiver.answer = answer
    for n in range(3):
        line.post(f"event-{n}", b"{}")
    assert len({*ports}) == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (status(500), "The webhook at 127.0.0.1 answers 500."),
        (status(410), "The webhook at 127.0.0.1 answers 410."),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "The webhook at 127.0.0.1 cannot be reached: it does not speak HTTP."),
        (b"", "The webhook at 127.0.0.1 cannot be reached: the connection broke."),
    ],
)
def test_what_is_not_taken_is_said_in_one_sentence(
    receiver: Receiver, line: WebhookConnection, answer: bytes, said: str
) -> None:
    receiver.answer = lambda post, connection: answer
    with pytest.raises(NotTaken) as caught:
        line.post("event", b"{}")
    assert str(caught.value) == said
    assert "secret-path" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://127.0.0.1:1/", "Connection refused"),
        ("http://nobody.invalid/", "cannot be reached: "),
        ("http://127.0.0.1:99999/", "its address is none"),
    ],
)
def test_nobody_at_an_address_is_said_too(site: Site, address: str, said: str) -> None:
    with pytest.raises(NotTaken, match=said):
        _line(address, site).post("event", b"{}")


@pytest.fixture
def safe_port(tmp_path: Path) -> Iterator[int]:
    """A server with a certificate that it made itself; gives its port."""
    made = [*("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-days", "2")]
    made += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "cert")]
    subprocess.run(made, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with suppress(OSError), context.wrap_socket(connection, server_side=True) as safe:
                    asked = b""
                    # To leave some unread would break the connection.
                    while not asked.endswith(b"{}") and (part := safe.recv(10_000)):
                        asked += part
                    safe.sendall(TAKEN)

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def test_a_certificate_that_nobody_vouches_for_is_refused(
    safe_port: int, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = _line(f"https://127.0.0.1:{safe_port}/", site)
    with pytest.raises(NotTaken, match="its certificate is not valid, self-signed certificate"):
        line.post("event", b"{}")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert"))
    line.post("event", b"{}")
    line.close()


def test_a_receiver_says_for_how_long_it_wants_to_be_left_alone(receiver: Receiver, line: WebhookConnection) -> None:
    for code, wait, pause in (
        (503, "120", 120),
        *((503, wait, 3600) for wait in ("3601", "999999", "9" * 20, "Tue, 31 Dec 2999 23:59:59 GMT")),
        *((503, wait, 0) for wait in ("Fri, 31 Dec 1999 23:59:59 GMT", "-1", "9" * 400)),
        (429, "soon", 1),  # it is one that asks for it, for the shortest pause
    ):
        receiver.answer = lambda post, connection, code=code, wait=wait: status(code, f"Retry-After: {wait}")  # type: ignore[misc]
        with pytest.raises(NotTaken) as caught:
            line.post("event", b"{}")
        assert caught.value.pause == pause


def test_a_date_without_a_zone_is_greenwichs_wherever_the_machine_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "West+11")  # POSIX's way to say: eleven hours behind Greenwich
    time.tzset()
    try:
        assert 0 < _seconds(formatdate(time.time() + 600)) <= 600
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("scheme", ["http://", ""])
def test_the_proxy_of_the_environment_is_used(
    receiver: Receiver, site: Site, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv("http_proxy", receiver.url.replace("http://", scheme))
    monkeypatch.setenv("no_proxy", "direct.example")
    line = _line("http://hooks.shop.example/decisions?x=1", site)
    line.post("event", b"{}")
    line.close()
    (post,) = receiver.posts
    assert post.path == "http://hooks.shop.example/decisions?x=1"
    assert post.headers["host"] == "hooks.shop.example"
