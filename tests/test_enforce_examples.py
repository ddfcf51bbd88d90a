"""The examples of docs/enforcing.md, each in its own framework, against a running server and its real tokens."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from beside import described, running, up
from conftest import SECRET, Live, free_port
from examples import example
from test_tokens_examples import ORIGIN, token
from websockets.sync.client import connect

__all__ = ["running"]

CAMPAIGN = """
[[sites.shop.cookies.marketing]]
name = "_campaign*"
provider = "Shop"
life = "30 days"
purpose.en = "Knows which advertisement you came by."
"""

DJANGO = """
import django
from django.conf import settings
from django.http import HttpResponse
from django.urls import path

settings.configure(SECRET_KEY="of-the-shop", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"])

def home(request):
    response = HttpResponse("Welcome")
    response.set_cookie("basket", "b1", httponly=True)
    response.set_cookie("_campaign", "c1", httponly=True)
    return response

urlpatterns = [path("", home)]
"""

FASTAPI = """
from contextlib import asynccontextmanager
from fastapi import WebSocket

@asynccontextmanager
async def lifespan(app):
    app.state.started = True
    yield

app.router.lifespan_context = lifespan

@app.get("/started")
def started() -> bool:
    return app.state.started

@app.websocket("/talk")
async def talk(socket: WebSocket) -> None:
    await socket.accept(headers=[(b"set-cookie", b"_campaign=c1"), (b"set-cookie", b"basket=b1")])
    await socket.send_text((await socket.receive_text()).upper())
    await socket.close()
"""

PROGRAMS = {
    "flask": (example("flask enforce"), "gunicorn", "back:app"),
    "django": (DJANGO + example("django enforce"), "gunicorn", "back:application"),
    "django asgi": (DJANGO + example("django asgi enforce"), "granian", "back:application"),
    "fastapi": (example("fastapi enforce") + FASTAPI, "uvicorn", "back:app"),
}


@pytest.fixture
def server(run_live: Callable[..., Live], redis_url: str, tmp_path: Path) -> Live:
    config = described(tmp_path, ORIGIN)
    config.write_text(config.read_text() + CAMPAIGN)
    return run_live("serve", CONSENT_SECRET=SECRET, CONSENT_CONFIG=str(config), REDIS_URL=redis_url)


@pytest.fixture
def start(server: Live, running: Callable[..., subprocess.Popen[bytes]], tmp_path: Path) -> Callable[[str], str]:
    """Start the back end of the example for a framework; returns its address."""

    def start(framework: str) -> str:
        program, runs, app = PROGRAMS[framework]
        (tmp_path / "back.py").write_text(program)
        port = free_port()
        command = [Path(sys.executable).with_name("gunicorn"), "--bind", f"127.0.0.1:{port}", app]
        if runs == "granian":
            command = [sys.executable, "-m", "granian", "--interface", "asgi", "--port", port, app]
        elif runs == "uvicorn":  # Granian leaves the headers of a handshake out
            command = [sys.executable, "-m", "uvicorn", "--port", port, app]
        running(*command, cwd=tmp_path, env={**os.environ, "CONSENT_SERVER": server.url})
        up(f"http://127.0.0.1:{port}/")
        return f"http://127.0.0.1:{port}"

    return start


def set_by(url: str, cookies: str) -> dict[str, str]:
    """Return the ``Set-Cookie`` lines that are on the wire, by the cookie's name."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=45)
    connection.request("GET", "/", headers={"Cookie": cookies})
    with connection.getresponse() as answer:
        assert answer.status == 200
        assert b"Welcome" in answer.read()
        lines = answer.headers.get_all("Set-Cookie") or []
    connection.close()
    return {line.partition("=")[0]: line for line in lines}


@pytest.mark.parametrize("framework", PROGRAMS)
def test_a_marketing_cookie_of_the_back_end_is_never_on_the_wire_for_who_refused(
    framework: str, server: Live, start: Callable[[str], str]
) -> None:
    url = start(framework)
    for allow in ((), ("analytics", "functional")):
        refused = token(server, *allow)
        assert {*set_by(url, f"consent={refused}")} == {"basket"}
        assert {*set_by(url, f"consent={refused[:9]}")} == {"basket"}
        left = set_by(url, f"consent={refused}; _campaign_left=1; unheard-of=1")
        assert {*left} == {"basket", "_campaign_left"}
        assert "Max-Age=0" in left["_campaign_left"]
    assert {*set_by(url, "")} == {"basket"}
    allowed = f"consent={token(server, 'marketing')}"
    assert "HttpOnly" in set_by(url, f"{allowed}; _campaign_left=1")["_campaign"]
    assert {*set_by(url, f"{allowed}; _campaign_left=1")} == {"basket", "_campaign"}


def test_websockets_and_lifespan_go_on_and_a_handshake_sets_no_more_than_a_page(
    server: Live, start: Callable[[str], str]
) -> None:
    url = start("fastapi")
    with urllib.request.urlopen(f"{url}/started", timeout=45) as answer:
        assert json.load(answer) is True
    for cookies, names in (("", ["basket"]), (f"consent={token(server, 'marketing')}", ["_campaign", "basket"])):
        with connect(f"ws{url[4:]}/talk", additional_headers={"Cookie": cookies}) as socket:
            socket.send("salam")
            assert socket.recv() == "SALAM"
            lines = socket.response.headers.get_all("Set-Cookie")  # type: ignore[union-attr]
        assert [line.partition("=")[0] for line in lines] == names
    with urllib.request.urlopen(f"{url}/enforced", timeout=45) as answer:
        assert json.load(answer) == {"dropped": {"_campaign*": 2}, "expired": {}}
