"""Several threads ask one server in one write, and each gets its own answer, or what went wrong with its own call."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest
import redis
from conftest import Cluster, RedisServer, binary_of, free_port

from consent_server.store.connection import Connection, StoreAway
from consent_server.store.connection import sender as sender_module
from consent_server.store.connection.sender import Sender

MANY = 12
PATIENCE = 120.0


@pytest.fixture(params=["valkey", "redis7"], scope="module")
def server(request: pytest.FixtureRequest, short_folder: Callable[[], Path]) -> Iterator[RedisServer]:
    """A server of this module's own, which may be stopped where it stands."""
    server = RedisServer(binary_of(request.param), short_folder()).start()
    yield server
    server.stop()


@pytest.fixture
def stopped(server: RedisServer) -> Iterator[Callable[[signal.Signals], None]]:
    """Sends the server a signal; it goes on at the end."""
    assert server.process
    number = server.process.pid
    with server.client() as client:
        client.flushall()
    yield lambda what: os.kill(number, what)
    with suppress(ProcessLookupError):
        os.kill(number, signal.SIGCONT)


def sender(connection: Connection, key: str = "") -> Sender:
    return connection._sender(key)


def together(connection: Connection, threads: ThreadPoolExecutor, calls: list[tuple[str, ...]]) -> list[Future[object]]:
    """Make calls of which the first waits for a stopped server, and return when the others wait for the first."""
    made = []
    for n, (key, command, *args) in enumerate(calls):
        made.append(threads.submit(connection.write, key, command, *args))
        until = time.monotonic() + PATIENCE
        while not sender(connection)._busy or len(sender(connection)._waiting) < n:
            assert time.monotonic() < until, "it does not wait"
            time.sleep(0.005)
    return made


def test_calls_that_wait_are_made_in_one_write_and_each_gets_its_own_answer(server, stopped):
    with closing(Connection(server.url, PATIENCE)) as connection, ThreadPoolExecutor(MANY) as threads:
        connection.write("k", "SET", "text")
        with server.client() as client:
            before = client.info("stats")["total_reads_processed"]
            stopped(signal.SIGSTOP)
            calls = [("k", "INCR") if n == 5 else (f"k{n}", "INCRBY", str(n)) for n in range(MANY)]
            made = together(connection, threads, calls)
            stopped(signal.SIGCONT)
            for n, call in enumerate(made):
                if n == 5:
                    with pytest.raises(StoreAway) as refused:
                        call.result()
                    assert "not an integer" in str(refused.value.__cause__)
                else:
                    assert call.result() == n
            # the first call, the others together, and twice who counts
            assert client.info("stats")["total_reads_processed"] - before <= 4


def test_scripts_that_the_server_does_not_know_are_sent_whole(server, stopped):
    with closing(Connection(server.url, PATIENCE)) as connection, ThreadPoolExecutor(MANY) as threads:
        settle = connection.script("settle")
        with server.client() as client:
            client.script_flush()
            client.mset({f"k{n}": "due" for n in range(MANY)})
            stopped(signal.SIGSTOP)
            made = [threads.submit(settle, [f"k{n}"], ["due"]) for n in range(MANY)]
            stopped(signal.SIGCONT)
            for call in made:
                call.result()
            assert client.exists(*(f"k{n}" for n in range(MANY))) == 0


def test_nobody_waits_longer_than_the_time_out_and_no_late_answer_is_anothers(server, stopped):
    with closing(Connection(server.url, 0.5)) as connection, ThreadPoolExecutor(MANY) as threads:
        connection.write("k", "SET", "before")
        stopped(signal.SIGSTOP)
        made = [threads.submit(connection.write, f"k{n}", "INCRBY", n) for n in range(MANY)]
        for call in made:
            with pytest.raises(StoreAway):
                call.result(PATIENCE)
        assert not sender(connection)._busy
        assert not sender(connection)._waiting
        stopped(signal.SIGCONT)
        until = time.monotonic() + PATIENCE
        while True:
            try:
                assert connection.write("after", "APPEND", "12345") % 5 == 0  # a write that timed out may be made
                break
            except StoreAway:
                assert time.monotonic() < until
                time.sleep(0.05)
        assert connection.write("last", "APPEND", "1234567") == 7


def test_a_connection_that_breaks_is_opened_anew_for_all_who_wait(server, stopped):
    with closing(Connection(server.url, PATIENCE)) as connection, ThreadPoolExecutor(MANY) as threads:
        connection.write("k", "SET", "before")
        with server.client() as client:
            client.client_kill_filter(_type="normal", skipme=True)
            made = [threads.submit(connection.write, f"k{n}", "SET", n) for n in range(MANY)]
            assert [call.result() for call in made] == [b"OK"] * MANY


def test_without_the_replicas_that_are_wanted_none_of_the_calls_counts(server, stopped):
    with closing(Connection(server.url, 3, replicas=1)) as connection, ThreadPoolExecutor(MANY) as threads:
        made = [threads.submit(connection.write, f"k{n}", "SET", n) for n in range(MANY)]
        for call in made:
            with pytest.raises(StoreAway) as few:
                call.result()
            assert "under 1 replicas have it" in str(few.value.__cause__)


def test_each_primary_of_a_cluster_has_a_sender_of_its_own(cluster: Cluster):
    cluster.flush()
    with closing(Connection(cluster.url, PATIENCE)) as connection, ThreadPoolExecutor(MANY) as threads:
        made = list(threads.map(lambda n: connection.write(f"k{n}", "INCRBY", n), range(60)))
        assert made == list(range(60))
        assert len({name for _, name in connection._senders}) == len(cluster.nodes)


def test_an_interrupt_of_the_thread_that_sends_leaves_nobody_waiting(server):
    def interrupted() -> redis.Connection:
        raise KeyboardInterrupt

    broken = Sender(interrupted, PATIENCE, 0)
    with pytest.raises(KeyboardInterrupt):
        broken.ask("PING")
    assert not broken._busy


def test_whoever_waits_while_another_connects_in_vain_is_told_in_time():
    """Three sentinels take connections and answer nothing: all of them take three time-outs, and again three."""
    with closing(socket.socket()) as one, closing(socket.socket()) as two, closing(socket.socket()) as three:
        for each in (one, two, three):
            each.bind(("127.0.0.1", 0))
            each.listen(64)
        hosts = ",".join(f"127.0.0.1:{each.getsockname()[1]}" for each in (one, two, three))
        with closing(Connection(f"redis+sentinel://{hosts}/mymaster", 1)) as connection:

            def connect_in_vain() -> None:
                with suppress(StoreAway):
                    connection.write("k", "SET", "text")

            first = threading.Thread(target=connect_in_vain)
            first.start()
            until = time.monotonic() + PATIENCE
            while not sender(connection)._busy:
                assert time.monotonic() < until
                time.sleep(0.005)
            with pytest.raises(StoreAway) as told:
                connection.write("k", "SET", "text")
            assert "whoever sends for all is not answered" in str(told.value.__cause__)
            assert first.is_alive()  # it has asked the second of three
            first.join(PATIENCE)
            assert not sender(connection)._busy
            assert not sender(connection)._waiting


def test_a_connection_that_was_closed_while_idle_costs_nothing(server, monkeypatch):
    """What may not be sent twice, as a count, could not be sent again."""
    monkeypatch.setattr(sender_module, "SECONDS_TO_LOOK", 0)
    with closing(Connection(server.url, PATIENCE)) as connection:
        once = connection.script("settle", repeatable=False)
        for _ in range(3):
            once(["k"], ["due"])
            with server.client() as client:
                client.client_kill_filter(_type="normal", skipme=True)


def test_a_connection_that_was_idle_for_long_is_opened_anew(server, monkeypatch):
    """A firewall that has dropped it tells nobody."""
    monkeypatch.setattr(sender_module, "SECONDS_TO_OPEN_ANEW", 0)
    monkeypatch.setattr(sender_module, "SECONDS_TO_LOOK", 0)
    with closing(Connection(server.url, PATIENCE)) as connection:
        connection.write("k", "SET", "text")
        first = sender(connection)._connection
        connection.write("k", "SET", "text")
        assert sender(connection)._connection is not first


def test_a_primary_that_falls_silent_is_replaced_by_the_one_that_took_over(short_folder):
    """Nothing comes back from it: no error, and no word of who holds its slots by now."""

    def node() -> RedisServer:
        options = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
        return RedisServer(binary_of("valkey"), short_folder(), free_port(), options).start()

    def until(done: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not done():
            assert time.monotonic() < end
            time.sleep(0.05)

    old, new = node(), node()
    assert old.process
    try:
        with old.client() as one, new.client() as two:
            one.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
            two.execute_command("CLUSTER MEET", "127.0.0.1", old.port, old.options[3])
            name = one.execute_command("CLUSTER MYID").decode()
            until(lambda: name in str(two.execute_command("CLUSTER NODES")))
            two.execute_command("CLUSTER REPLICATE", name)
            until(lambda: two.info("replication").get("master_link_status") == "up")
            until(lambda: one.cluster("info")["cluster_state"] == "ok")
            one.set("first", 1)  # a replica that has nothing yet is not among those that clients are told of
            until(lambda: str(new.port) in str(one.execute_command("CLUSTER SLOTS")))
            with closing(Connection(f"redis+cluster://127.0.0.1:{old.port}", 1)) as connection:

                def is_kept() -> bool:
                    with suppress(StoreAway):
                        return connection.write("k", "SET", "kept") == b"OK"
                    return False

                until(is_kept)
                os.kill(old.process.pid, signal.SIGSTOP)
                two.execute_command("CLUSTER FAILOVER", "TAKEOVER")
                until(lambda: two.execute_command("ROLE")[0] in (b"master", "master"))
                with pytest.raises(StoreAway):
                    connection.write("k", "SET", "lost")
                until(is_kept)
    finally:
        os.kill(old.process.pid, signal.SIGCONT)
        old.stop()
        new.stop()
