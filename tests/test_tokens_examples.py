"""The examples for back ends, each in its own framework, against a running server and its real tokens."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import threading
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from beside import described, nginx, running, up
from conftest import ROOT, SECRET, Live, free_port
from examples import example

from consent_server import __version__

__all__ = ["running"]

ORIGIN = "https://shop.example"


@pytest.fixture
def server(run_live: Callable[..., Live], redis_url: str, tmp_path: Path) -> Live:
    config = described(tmp_path, ORIGIN)
    return run_live("serve", CONSENT_SECRET=SECRET, CONSENT_CONFIG=str(config), REDIS_URL=redis_url)


def token(server: Live, *allow: str) -> str:
    """Return the token of a shopper who allows this."""
    notice = server.get("/v1/shop/notice")["notice"]
    body = {"id": secrets.token_urlsafe(16), "allow": [*allow], "notice": notice, "how": "save"}
    request = urllib.request.Request(
        f"{server.url}/v1/shop/decisions",
        json.dumps(body).encode(),
        {"Origin": ORIGIN, "Content-Type": "text/plain"},
    )
    with urllib.request.urlopen(request, timeout=45) as answer:
        return str(json.load(answer)["token"])


def cookies(server: Live) -> list[tuple[str, bool]]:
    """Return what a cookie may hold, and whether it allows analytics."""
    good = token(server, "analytics")
    changed = good[:10] + ("A" if good[10] != "A" else "B") + good[11:]
    return [
        (good, True),
        (token(server, "marketing"), False),
        (token(server), False),
        (changed, False),
        (f"{good}; consent=~%5B%7B%22allow%22%3A%5B%5D%2C%22site%22%3A%22shop%22%7D%5D", False),
        ("~W10", False),
        ("", False),
    ]


ALONE = """
import importlib.abc, sys

class Without(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in sys.argv[1:]:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Without())
from consent_server.tokens import Verifier
from consent_server.decision import Consent
"""


def test_a_back_end_needs_no_more_than_is_said_to_be_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    all_ = {re.split(r"[^\w-]", each)[0] for each in project["dependencies"]}
    named = {*example("tokens install").splitlines()[0].split()} - {"pip", "install"}
    assert named < all_
    assert f"consent_server-{__version__}-py3-none-any.whl" in example("tokens install")
    others = [each.replace("-", "_") for each in all_ - named]
    done = subprocess.run([sys.executable, "-c", ALONE, *others], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["flask token", "django token", "fastapi token", "frontends worker"])
def test_each_example_tells_the_revision_so_that_an_older_answer_does_not_count(name: str) -> None:
    assert re.search(r"\brevision(=|: )1\b", example(name))


PROJECT = """
import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import path

settings.configure(
    SECRET_KEY="of-the-shop", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"],
    MIDDLEWARE=["middleware.ConsentMiddleware"],
)

def home(request):
    return JsonResponse({"analytics": request.consent is not None and request.consent.allows("analytics")})

urlpatterns = [path("", home)]
application = get_wsgi_application()
"""


@pytest.mark.parametrize("framework", ["flask", "django", "fastapi"])
def test_each_framework_knows_what_the_shopper_allows(
    framework: str, server: Live, running: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    gunicorn = [Path(sys.executable).with_name("gunicorn"), "--bind", url.removeprefix("http://")]
    if framework == "django":
        (tmp_path / "middleware.py").write_text(example("django token"))
        (tmp_path / "back.py").write_text(PROJECT)
        command = [*gunicorn, "back:application"]
    else:
        (tmp_path / "back.py").write_text(example(f"{framework} token"))
        command = [*gunicorn, "back:app"]
        if framework == "fastapi":
            command = [
                sys.executable,
                "-m",
                "granian",
                "--interface",
                "asgi",
                "--port",
                url.rpartition(":")[2],
                "back:app",
            ]
    running(*command, cwd=tmp_path, env={**os.environ, "CONSENT_SERVER": server.url})
    up(url)
    for text, allowed in cookies(server):
        request = urllib.request.Request(url, headers={"Cookie": f"consent={text}"})
        with urllib.request.urlopen(request, timeout=45) as answer:
            assert json.load(answer) == {"analytics": allowed}, text


@pytest.fixture
def recommendations() -> Iterator[int]:
    """A back end that answers everybody; gives its port."""

    class Back(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"recommended")

        def log_message(self, *_: object) -> None:
            pass

    back = ThreadingHTTPServer(("127.0.0.1", 0), Back)
    threading.Thread(target=back.serve_forever, daemon=True).start()
    yield back.server_port
    back.shutdown()
    back.server_close()


def test_nginx_lets_through_only_what_the_shopper_allows(
    server: Live, running: Callable[..., subprocess.Popen[bytes]], recommendations: int, tmp_path: Path
) -> None:
    port = free_port()
    locations = (
        example("auth_request")
        .replace("127.0.0.1:8000", f"127.0.0.1:{server.port}")
        .replace("127.0.0.1:9000", f"127.0.0.1:{recommendations}")
    )
    folder = tmp_path / "nginx"
    folder.mkdir()
    running(*nginx(folder, f"server {{ listen 127.0.0.1:{port}; {locations} location / {{ return 204; }} }}"))
    url = f"http://127.0.0.1:{port}"
    up(url)
    for text, allowed in ((token(server, "functional"), True), (token(server, "analytics"), False), ("", False)):
        headers = {"Cookie": f"consent={text}", "Authorization": "Bearer of the shop's own"}
        request = urllib.request.Request(f"{url}/recommendations/", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=45) as answer:
                status = answer.status
        except urllib.error.HTTPError as error:
            status = error.code
        assert status == (200 if allowed else 403), text
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{url}/_allows/functional", timeout=45)


@pytest.mark.parametrize("wrong", ["away", "path"])
def test_nginx_lets_nothing_through_where_nobody_says_what_is_allowed(
    server: Live, running: Callable[..., subprocess.Popen[bytes]], recommendations: int, tmp_path: Path, wrong: str
) -> None:
    port = free_port()
    asked = f"127.0.0.1:{free_port()}" if wrong == "away" else f"127.0.0.1:{server.port}/nowhere"
    locations = example("auth_request").replace("127.0.0.1:8000", asked).replace(
        "127.0.0.1:9000", f"127.0.0.1:{recommendations}")  # fmt: skip
    folder = tmp_path / "nginx"
    folder.mkdir()
    running(*nginx(folder, f"server {{ listen 127.0.0.1:{port}; {locations} location / {{ return 204; }} }}"))
    url = f"http://127.0.0.1:{port}"
    up(url)
    allowed = {"Cookie": f"consent={token(server, 'functional')}"}
    with pytest.raises(urllib.error.HTTPError, match="500"):
        urllib.request.urlopen(urllib.request.Request(f"{url}/recommendations/", headers=allowed), timeout=45)
