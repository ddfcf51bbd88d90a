"""A store that is too old, or of another version, is refused in one sentence and left alone, or taken over."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import redis
from conftest import SECRET, RedisServer
from flask.testing import FlaskClient
from one_sentence import Run, assert_one_sentence, run, shop

__all__ = ["run", "shop"]


@contextmanager
def posing_as(server: RedisServer, version: bytes) -> Iterator[int]:
    """Give a port behind which the server is reached, and on which it says that it is Redis of this version."""
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while part := source.recv(1 << 16):
                target.sendall(re.sub(rb"redis_version:\d\.\d", b"redis_version:" + version, part))
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                behind = socket.socket(socket.AF_UNIX)
                behind.connect(str(server.folder / "redis.sock"))
                for pair in ((client, behind), (behind, client)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def test_a_redis_that_is_too_old_is_told(run: Run, shop: Path, redis7: RedisServer) -> None:
    with posing_as(redis7, b"6.2") as port:
        url = f"redis://127.0.0.1:{port}"
        assert_one_sentence(run("serve", CONSENT_SECRET=SECRET, REDIS_URL=url), "Redis 6.2", "7.0 or newer is needed")
        checked = run("check", "--offline", CONSENT_SECRET=SECRET, REDIS_URL=url)
        assert checked.returncode == 1
        assert "Redis 6.2" in checked.stdout


def test_a_store_of_a_newer_version_is_refused_and_left_alone(run: Run, shop: Path, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.set("consent:layout", "99")
        done = run("serve", CONSENT_SECRET=SECRET, REDIS_URL=redis_url)
        assert_one_sentence(done, "layout 99", "run the version that wrote it, or a newer one")
        assert client.keys("*decisions*") == []
        assert client.get("consent:layout") == b"99"


@pytest.mark.parametrize(
    "command",
    [("log", "seal"), ("log", "archive", "shop", "--to", "."), ("erase", "shop", "A" * 22), ("rates", "shop")],
)
def test_a_command_neither_reads_nor_changes_the_store_of_a_newer_version(
    run: Run, shop: Path, redis_url: str, command: tuple[str, ...]
) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.set("consent:layout", "99")
        done = run(*command, CONSENT_SECRET=SECRET, REDIS_URL=redis_url)
        assert_one_sentence(done, "layout 99", "run the version that wrote it, or a newer one")
        assert client.keys("*") == [b"consent:layout"]


def test_a_store_of_the_layout_before_is_taken_over(client: FlaskClient, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as store:
        store.set("consent:layout", "1")
        assert client.get("/readyz").status_code == 200
        assert store.get("consent:layout") == b"2", "the version before would not read what is written from now on"


def test_a_server_whose_store_a_newer_version_took_over_is_not_ready_and_says_why(
    client: FlaskClient, redis_url: str
) -> None:
    assert client.get("/readyz").status_code == 200
    with redis.Redis.from_url(redis_url) as store:
        assert store.get("consent:layout") is not None
        store.set("consent:layout", "99")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["type"] == "/problems/wrong-layout"
    assert "layout 99" in answer.get_json()["detail"]


def test_a_store_that_is_away_is_told_by_commands_that_read_it(run: Run, shop: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, and not listening
        url = f"redis://127.0.0.1:{nobody.getsockname()[1]}"
        assert_one_sentence(run("rates", "shop", REDIS_URL=url), "Connection refused", "correct REDIS_URL")
        assert_one_sentence(run("marketers", "list", REDIS_URL=url), "Connection refused", "correct REDIS_URL")
