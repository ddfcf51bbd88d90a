"""Several proxies in front: whose headers are believed, as `docs/embedding.md` has nginx write them."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from beside import nginx, running, up
from conftest import SECRET, free_port
from examples import example

from consent_server import create_app
from consent_server.settings.environment import Settings

__all__ = ["running"]


class Quiet(WSGIRequestHandler):
    """Says nothing of each request."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(("trusted", "seen"), [(1, "203.0.113.7 shop.example"), (2, "127.0.0.1 consent")])
def test_behind_a_cdn_too_nginx_alone_is_believed_and_takes_the_address_from_it(
    running: Callable[..., subprocess.Popen[bytes]], tmp_path: Path, trusted: int, seen: str
) -> None:
    def echo(environ: dict[str, str], start_response: Callable[..., object]) -> list[bytes]:
        start_response("200 OK", [])
        return [f"{environ['REMOTE_ADDR']} {environ['HTTP_HOST']}".encode()]

    settings = Settings(secret=(SECRET,), redis_url="unix://nowhere", trusted_proxies=trusted)
    app: Any = create_app(settings, {}).wsgi_app
    app.app = echo
    port = free_port()
    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        lines = example("nginx").replace("127.0.0.1:8000", f"127.0.0.1:{server.server_port}")
        if trusted == 2:
            lines = lines.replace("proxy_set_header Host $http_host", "proxy_set_header Host consent")
        cdn = example("nginx behind a cdn").replace("192.0.2.0/24", "127.0.0.1")
        running(*nginx(tmp_path, f"server {{ listen 127.0.0.1:{port}; {cdn}\n{lines} }}"))
        address = f"http://127.0.0.1:{port}/consent/"
        up(address)
        headers = {"CF-Connecting-IP": "203.0.113.7", "X-Forwarded-For": "198.51.100.9", "Host": "shop.example"}
        with urlopen(Request(address, headers=headers), timeout=45) as answer:
            assert answer.read().decode() == seen
        server.shutdown()
