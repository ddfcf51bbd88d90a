"""A shop's back end keeps up with the keys that the server publishes, and starts and serves without the server."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from conftest import free_port
from dripping import dripping

from consent_server.decision import consent_of
from consent_server.site import Notice
from consent_server.tokens import BadToken, ForgedToken, Keys, NoKeys, Verifier, token
from consent_server.tokens import verifier as published

NOTICE = Notice.of({"site": "shop", "revision": 1, "keep": 1000, "lang": "az", "variant": ""})
CONSENT = consent_of(NOTICE, 2, 5000, "s" * 22, "d" * 22)
OLD, NEW, STRANGER = Keys(["old secret " * 4]), Keys(["new secret " * 4, "old secret " * 4]), Keys(["another " * 5])


def of(keys):
    return token(CONSENT, keys.sign(CONSENT))


class Publisher:
    """A server of keys that does what it is told: ``body`` and ``status``, or to wait for ``go``."""

    def __init__(self, port=0):
        self.body, self.status = json.dumps(OLD.jwks()).encode(), 200
        self.asked = 0
        self.go = threading.Event()
        self.go.set()
        self.drips = False
        publisher = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                publisher.asked += 1
                if not publisher.drips:
                    publisher.go.wait()
                self.send_response(publisher.status)
                if publisher.status == 302:
                    self.send_header("Location", "file:///etc/hostname")
                self.end_headers()
                while not publisher.go.wait(0.02):
                    self.wfile.write(b" ")
                self.wfile.write(publisher.body)

            def handle(self):
                with suppress(ConnectionError):  # whoever asked has given up
                    super().handle()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/keys.json"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self.go.set()
        self._server.shutdown()
        self._server.server_close()


class Clock:
    """The clock of the module, which a test puts forward."""

    time = staticmethod(time.time)
    ahead = 0.0

    def monotonic(self):
        return time.monotonic() + self.ahead


@pytest.fixture
def clock(monkeypatch):
    it = Clock()
    monkeypatch.setattr(published, "time", it)
    yield it
    settle()


@pytest.fixture
def publisher():
    with closing(Publisher()) as it:
        yield it


def settle():
    """Wait until nobody is fetching keys any more."""
    for thread in threading.enumerate():
        if thread.name == "consent keys":
            thread.join()


def test_nothing_is_fetched_before_there_is_a_token_and_then_once(publisher, clock):
    verifier = Verifier.from_url(publisher.url, "shop")
    none = ("", "~W10", None, ["a"], "a" * 3000, "ə." + "a" * 86, of(OLD)[:-1])
    for text in none:
        with pytest.raises(ForgedToken):
            verifier.verify(text)
    assert publisher.asked == 0
    for _ in range(3):
        assert verifier.verify(of(OLD), now=5001) == CONSENT
    for text in none:
        with pytest.raises(ForgedToken):
            verifier.verify(text)
    assert publisher.asked == 1


def test_a_shop_starts_and_serves_while_the_server_is_away_and_sees_it_come(clock, caplog):
    port = free_port()
    verifier = Verifier.from_url(f"http://127.0.0.1:{port}/v1/keys.json", "shop")
    for _ in range(3):
        with pytest.raises(NoKeys):
            verifier.verify(of(OLD), now=5001)
    assert caplog.text.count("the public keys for shop cannot be fetched") == 1
    with closing(Publisher(port)):
        with pytest.raises(NoKeys):  # it was tried a moment ago
            verifier.verify(of(OLD), now=5001)
        clock.ahead += published.SECONDS_BETWEEN
        assert verifier.verify(of(OLD), now=5001) == CONSENT


OTHER_KINDS = (
    {"kty": "RSA", "n": "AA", "e": "AQAB"},
    {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
    {"kty": "OKP", "crv": "X25519", "x": OLD.jwks()["keys"][0]["x"]},
    {"kty": "OKP", "crv": "Ed25519"},
)


def test_keys_of_another_kind_are_passed_over_and_alone_are_none():
    ours = OLD.jwks()["keys"]
    for keys in ({"keys": [*OTHER_KINDS, *ours]}, [*ours, *OTHER_KINDS], {"x": ours[0]["x"]}):
        assert Verifier(keys, "shop").verify(of(OLD), now=5001) == CONSENT
    for keys in ({"keys": [*OTHER_KINDS]}, OTHER_KINDS, OTHER_KINDS[0], {}, {"keys": []}):
        with pytest.raises(BadToken):
            Verifier(keys, "shop")


NONSENSE = {
    "nothing": (200, b""),
    "half of it": (200, json.dumps(OLD.jwks()).encode()[:-9]),
    "a page": (200, b"<!doctype html><p>Under construction"),
    "a list": (200, b"[]"),
    "a number": (200, b"7"),
    "no keys": (200, b'{"keys": []}'),
    "keys of another kind": (200, b'{"keys": [{"kty": "RSA", "n": "AA"}]}'),
    "a key too short": (200, b'{"keys": [{"x": "AA"}]}'),
    "keys that are numbers": (200, b'{"keys": 7}'),
    "too much": (200, b" " * 70_000 + json.dumps(OLD.jwks()).encode()),
    "an error": (500, json.dumps(OLD.jwks()).encode()),
    "a redirection to a file": (302, b""),
}


@pytest.mark.parametrize(("status", "body"), NONSENSE.values(), ids=NONSENSE)
def test_nonsense_changes_nothing(publisher, clock, status, body):
    good = publisher.body
    publisher.status, publisher.body = status, body
    verifier = Verifier.from_url(publisher.url, "shop", refresh=60)
    with pytest.raises(NoKeys):
        verifier.verify(of(OLD), now=5001)
    publisher.status, publisher.body = 200, good
    clock.ahead += published.SECONDS_BETWEEN
    assert verifier.verify(of(OLD), now=5001) == CONSENT
    publisher.status, publisher.body = status, body
    for _ in range(3):
        clock.ahead += 61
        assert verifier.verify(of(OLD), now=5001) == CONSENT
        settle()
    assert publisher.asked == 5


@pytest.mark.parametrize("drips", [False, True], ids=["silent", "a byte at a time"])
def test_nobody_waits_for_a_server_that_does_not_come_to_an_end(publisher, clock, drips):
    publisher.go.clear()
    publisher.drips = drips
    verifier = Verifier.from_url(publisher.url, "shop", timeout=0.1)
    for _ in range(3):
        with pytest.raises(NoKeys):
            verifier.verify(of(OLD), now=5001)  # returns, while the server still has not answered
    publisher.go.set()
    settle()
    patient = Verifier.from_url(publisher.url, "shop", timeout=600, refresh=60)
    assert patient.verify(of(OLD), now=5001) == CONSENT
    publisher.go.clear()
    clock.ahead += 61
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(patient.verify, of(OLD), 5001)
        try:
            assert answer.result(timeout=120) == CONSENT  # from the keys that it has, which are good for it
        finally:
            publisher.go.set()


@pytest.mark.parametrize("start", [b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_server_that_answers_byte_by_byte_is_left_in_time_and_asked_again(start):
    with dripping(b"", start) as server:
        verifier = Verifier.from_url(f"http://127.0.0.1:{server.port}/v1/keys.json", "shop", timeout=0.1)
        with pytest.raises(NoKeys):
            verifier.verify(of(OLD), now=5001)
        assert server.left.wait(45)
        settle()


def test_a_new_key_is_known_with_the_first_token_that_it_signed(publisher, clock):
    verifier = Verifier.from_url(publisher.url, "shop")
    assert verifier.verify(of(OLD), now=5001) == CONSENT
    publisher.body = json.dumps(NEW.jwks()).encode()
    assert verifier.verify(of(NEW), now=5001) == CONSENT
    assert verifier.verify(of(OLD), now=5001) == CONSENT
    assert publisher.asked == 2


def test_a_key_that_is_published_no_more_is_forgotten_in_the_background(publisher, clock):
    verifier = Verifier.from_url(publisher.url, "shop", refresh=60)
    assert verifier.verify(of(OLD), now=5001) == CONSENT
    publisher.body = json.dumps(STRANGER.jwks()).encode()
    publisher.go.clear()
    clock.ahead += 61
    assert verifier.verify(of(OLD), now=5001) == CONSENT
    publisher.go.set()
    settle()
    with pytest.raises(ForgedToken):
        verifier.verify(of(OLD), now=5001)


def test_forged_tokens_do_not_have_the_server_asked_over_and_over(publisher, clock):
    verifier = Verifier.from_url(publisher.url, "shop")
    for _ in range(50):
        with pytest.raises(ForgedToken):
            verifier.verify(of(STRANGER), now=5001)
    assert publisher.asked == 2
    clock.ahead += published.SECONDS_BETWEEN
    with pytest.raises(ForgedToken):
        verifier.verify(of(STRANGER), now=5001)
    assert publisher.asked == 3


def test_all_who_come_at_the_start_wait_for_the_keys(publisher, clock):
    publisher.go.clear()
    verifier = Verifier.from_url(publisher.url, "shop", timeout=120)
    with ThreadPoolExecutor(8) as threads:
        each = [threads.submit(verifier.verify, of(OLD), 5001) for _ in range(8)]
        publisher.go.set()
        assert [one.result() for one in each] == [CONSENT] * 8


@pytest.mark.parametrize("url", ["file:///etc/hostname", "consent.example/v1/keys.json", ""])
def test_an_address_that_is_none_of_http_is_refused(url):
    with pytest.raises(ValueError, match="https://"):
        Verifier.from_url(url, "shop")


def test_no_keys_is_a_bad_token():
    assert issubclass(NoKeys, BadToken)
