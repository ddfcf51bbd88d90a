"""A receiver that redirects, sends without end or byte by byte has no more time for that."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

import pytest
from receiver import Post, Receiver, status
from webhook_line import _line, line

from consent_server.events.webhook import NotTaken, WebhookConnection
from consent_server.site import Site

__all__ = ["line"]


def test_a_redirect_is_not_followed(receiver: Receiver, line: WebhookConnection) -> None:
    elsewhere = Receiver()
    for code in (301, 302, 303, 307, 308):
        receiver.answer = lambda post, connection, code=code: status(code, f"Location: {elsewhere.url}")  # type: ignore[misc]
        with pytest.raises(NotTaken, match=rf"redirects to another address \({code}\), which is not followed"):
            line.post("event", b"{}")
    assert elsewhere.seen == 0
    elsewhere.stop()


def test_of_ten_megabytes_nothing_is_read(receiver: Receiver, line: WebhookConnection) -> None:
    cut_off = threading.Event()

    def answer(post: Post, connection: socket.socket) -> bytes:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n")
        try:
            while True:
                connection.sendall(b"x" * 1_000_000)
        except OSError:
            cut_off.set()
            raise

    receiver.answer = answer
    line.post("event", b"{}")  # it said that it took it
    assert cut_off.wait(45)


@pytest.mark.parametrize(
    ("start", "outcome"),
    [
        (b"", "it takes too long"),
        (b"HTTP/1.1 2", "it takes too long"),
        (b"HTTP/1.1 204 No Content\r\nX-Slow: ", "it takes too long"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n", ""),
    ],
)
def test_a_receiver_that_sends_byte_by_byte_has_no_more_time_for_that(
    receiver: Receiver, site: Site, start: bytes, outcome: str
) -> None:
    ended = threading.Event()

    def answer(post: Post, connection: socket.socket) -> bytes:
        connection.sendall(start)
        try:
            while True:
                connection.sendall(b"0" if start else b"")
                time.sleep(0.02)
                if not start and ended.is_set():
                    break
        finally:
            ended.set()
        return b""

    receiver.answer = answer
    line = _line(receiver.url, site, seconds=0.3)
    if outcome:
        with pytest.raises(NotTaken, match=outcome):
            line.post("event", b"{}")
    else:
        line.post("event", b"{}")
    if not start:
        ended.set()
    assert ended.wait(45)


@pytest.mark.parametrize(
    ("way", "start"), [("proxy", b"HTTP/1.1 200 Connected\r\nX-Slow: "), ("tls", b"\x16\x03\x03\x3f\xff\x02")]
)
def test_who_agrees_on_a_connection_byte_by_byte_has_no_more_time_for_that_either(
    site: Site, monkeypatch: pytest.MonkeyPatch, way: str, start: bytes
) -> None:
    left = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.sendall(start)
                while True:
                    connection.sendall(b"\0")
                    time.sleep(0.02)
            left.set()

        threading.Thread(target=answer, daemon=True).start()
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        monkeypatch.setenv("https_proxy", f"http://{address}" if way == "proxy" else "")
        line = _line(f"https://{address if way == 'tls' else 'hooks.shop.example'}/", site, seconds=0.3)
        with pytest.raises(NotTaken, match="it takes too long"):
            line.post("event", b"{}")
        assert left.wait(45)
