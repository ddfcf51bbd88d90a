"""A name and a password in the address of a webhook, or of the proxy to it, are told to whom they are for."""

from __future__ import annotations

import socket
import threading
from base64 import b64encode

import pytest
from receiver import Receiver, status

from consent_server.events.webhook import NotTaken, Webhook, WebhookConnection

WRITTEN, MEANT = "shop:p%40ss@", "Basic " + b64encode(b"shop:p@ss").decode()


def post(url: str) -> None:
    line = WebhookConnection(Webhook(url), 45)
    line.post("event", b"{}")
    line.post("another", b"{}")
    line.close()


def told(receiver: Receiver, header: str) -> list[str | None]:
    return [post.headers.get(header) for post in receiver.posts]


def test_a_receiver_is_told_them(receiver: Receiver) -> None:
    post(receiver.url.replace("//", f"//{WRITTEN}"))
    post(receiver.url)
    assert told(receiver, "authorization") == [MEANT, MEANT, None, None]
    assert {post.headers["host"] for post in receiver.posts} == {f"127.0.0.1:{receiver.port}"}


def test_they_are_in_no_word_of_ours(receiver: Receiver) -> None:
    receiver.answer = lambda post, connection: status(500)
    with pytest.raises(NotTaken) as refused:
        post(receiver.url.replace("//", f"//{WRITTEN}"))
    assert "shop" not in str(refused.value)


def test_a_proxy_is_told_its_own(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", receiver.url.replace("//", f"//{WRITTEN}"))
    post("http://hooks.shop.example/decisions")
    assert told(receiver, "proxy-authorization") == [MEANT, MEANT]
    assert told(receiver, "authorization") == [None, None]


def test_a_proxy_is_told_its_own_alone_before_a_safe_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = b""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            nonlocal asked
            connection, _ = listener.accept()
            with connection:
                while not asked.endswith(b"\r\n\r\n"):
                    asked += connection.recv(10_000)
                connection.sendall(b"HTTP/1.1 407 No\r\n\r\n")

        proxy = threading.Thread(target=refuse)
        proxy.start()
        monkeypatch.setenv("https_proxy", f"http://{WRITTEN}127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(NotTaken):
            post("https://other:one@hooks.shop.example/")
        proxy.join()
    assert f"Proxy-Authorization: {MEANT}\r\n".encode() in asked
    assert asked.count(b"uthorization") == 1
