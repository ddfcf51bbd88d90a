"""A back end of a shop behind the enforcement, and what it sets."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from werkzeug.serving import make_server

from consent_server.decision import consent_of
from consent_server.enforce import Enforcement
from consent_server.site import Notice, mask_of
from consent_server.tokens import Keys, Verifier, token

LISTED = {
    "necessary": ["consent", "basket"],
    "functional": ["_seen"],
    "analytics": ["_ga", "_ga_*", "*_visits"],
    "marketing": ["_fbp", "_seen"],
}
KEYS, STRANGER = Keys(["a secret of this server " * 2]), Keys(["a secret of somebody else " * 2])
WAITS = "~%5B%7B%22allow%22%3A%5B%5D%2C%22site%22%3A%22shop%22%7D%5D"
SHOP = """
[sites.shop]
name = "Shop"
origins = ["https://shop.example"]
policy_url = "/p"
policy_updated = 2025-12-20
revision = 2
[[sites.shop.cookies.marketing]]
name = "_c*"
provider = "S"
life = "1 day"
purpose.en = "Ads."
"""
NOW = 1_800_000_000


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run it in a thread of its own: where a browser of the tests is open, this one has a loop already."""
    with ThreadPoolExecutor(1) as threads:
        threads.submit(asyncio.run, coroutine).result()


def answered(
    *allow: str, site: str = "shop", keys: Keys = KEYS, at: int = NOW, keep: int = 10**9, revision: int = 1
) -> str:
    notice = Notice.of({"site": site, "revision": revision, "keep": keep, "lang": "az", "variant": ""})
    consent = consent_of(notice, mask_of(allow), at, "s" * 22, "d" * 22)
    return token(consent, keys.sign(consent))


@dataclass
class Back:
    """A back end behind the middleware, called by its interface without a server."""

    interface: str
    enforcement: Enforcement

    def get(self, *set_cookies: str, sent: str = "", path: str = "/", host: str = "shop.example", **more: str) -> Any:
        """Return the ``Set-Cookie`` lines that reach the browser, of what the back end tried to set."""
        headers = [("Content-Type", "text/plain"), *(("Set-Cookie", line) for line in set_cookies), *more.items()]
        answer = (self._wsgi if self.interface == "wsgi" else self._asgi)(headers, sent, path, host)
        assert ("content-type", "text/plain") in {(name.lower(), value) for name, value in answer}
        return [value for name, value in answer if name.lower() == "set-cookie"]

    def _wsgi(self, headers: list[tuple[str, str]], sent: str, path: str, host: str) -> list[tuple[str, str]]:
        body, answered = [b"streamed"], []

        def app(environ: Any, start_response: Any) -> list[bytes]:
            start_response("200 OK", headers)
            return body

        def start_response(status: str, headers: Any, *_: Any) -> Any:
            answered.extend(headers)

        environ = {"HTTP_COOKIE": sent, "PATH_INFO": path, "HTTP_HOST": host, "SCRIPT_NAME": ""}
        assert self.enforcement.wsgi(app)(environ, start_response) is body  # whatever streams goes on to
        return answered

    def _asgi(self, headers: list[tuple[str, str]], sent: str, path: str, host: str) -> list[tuple[str, str]]:
        messages: list[Any] = []
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
        bodies = [{"type": "http.response.body", "body": b"1", "more_body": True}, {"type": "http.response.body"}]

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": iter(raw)})
            for body in bodies:
                await send(body)

        async def send(message: Any) -> None:
            messages.append(message)

        cookies = [(b"cookie", each.encode("latin-1")) for each in sent.split("; ")]  # as HTTP/2 may have them
        scope = {"type": "http", "path": path, "headers": [(b"host", host.encode()), *cookies]}
        run(self.enforcement.asgi(app)(scope, None, send))
        assert messages[1:] == bodies
        return [(name.decode(), value.decode("latin-1")) for name, value in messages[0]["headers"]]


@pytest.fixture
def enforcement() -> Enforcement:
    return Enforcement(Verifier(KEYS.jwks(), "shop"), LISTED)


@pytest.fixture(params=["wsgi", "asgi"])
def back(request: pytest.FixtureRequest, enforcement: Enforcement) -> Back:
    return Back(request.param, enforcement)


@pytest.fixture
def shop(enforcement: Enforcement) -> Iterator[str]:
    """A page of a back end behind the middleware, for browsers; gives its address."""

    def app(environ: Any, start_response: Callable[..., Any]) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/html"), ("Set-Cookie", "_fbp=again; HttpOnly; Path=/")])
        return [b'<!doctype html><title>Shop</title><link rel="icon" href="data:,">']

    server = make_server("127.0.0.1", 0, enforcement.wsgi(app), threaded=True)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    yield f"http://www.shop.localhost:{server.server_port}/az/mal"
    server.shutdown()
    serving.join()
    server.server_close()
