"""A small shop with leaks planted in it, or none: the real consent server behind it, trackers on hosts of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from conftest import free_port
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from consent_server import create_app
from consent_server.audit.report import Report
from consent_server.audit.run import audit
from consent_server.audit.states import STATES
from consent_server.settings.environment import Settings
from consent_server.settings.shops import make_site
from consent_server.site import Cookie, Site

Answer = Callable[[Request], Response]


def cookie(name: str) -> Cookie:
    return Cookie(name, "Shop", {"en": "What for"}, {"en": "1 year"})


class Quiet(WSGIRequestHandler):
    """Serves without a line for each request, and keeps connections, as shops do."""

    protocol_version = "HTTP/1.1"

    def log(self, *_: Any) -> None:
        return


@dataclass
class Farm:
    """Every host name that ends in .localhost leads here: ``shop`` is the shop, all others are somebody else's."""

    settings: Settings
    port: int = field(default_factory=free_port)
    pages: dict[str, str] = field(default_factory=dict)
    """HTML below the tag, by path."""
    files: dict[str, Answer] = field(default_factory=dict)
    """Other answers, by path, on whatever host."""
    hits: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Host, path and Sec-GPC of what came in."""
    country: str = ""
    """Where a proxy in front of the consent server says that the shopper is."""
    app: Flask | None = None
    site: Site | None = None

    def url(self, path: str = "/", host: str = "shop", scheme: str = "http") -> str:
        return f"{scheme}://{host}.localhost:{self.port}{path}"

    def host(self, host: str) -> str:
        return f"{host}.localhost:{self.port}"

    def serve(self, **changes: Any) -> Farm:
        """Set up the consent server of a site with these ``changes``."""
        listed = {"analytics": (cookie("_t*"),), "necessary": (cookie("basket"),)}
        trackers = (("good.localhost", "analytics"),)
        plain = make_site("shop", "Shop", (self.url(""),), "https://shop.example/privacy", date(2025, 12, 20))
        self.site = replace(plain, **{"gpc": False, "cookies": listed, "trackers": trackers, **changes})
        self.app = create_app(self.settings, {"shop": self.site, "other": replace(self.site, id="other")})
        return self

    def start(self) -> None:
        self._server = make_server("127.0.0.1", self.port, self.wsgi, threaded=True, request_handler=Quiet)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.socket.close()

    @property
    def tag(self) -> str:
        return f'<script src="{self.url("/v1/shop/consent.js")}"></script>'

    def page(self, body: str, path: str = "/", head: str | None = None) -> str:
        """Serve a page; ``{t}`` in its text is the tracker's origin, ``{shop}`` the shop's."""
        html = (
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Shop</title><link rel="icon" href="data:,">'
            f"{self.tag if head is None else head}<body><h1>Shop</h1>{body}<button data-consent-open>Cookies</button>"
        )
        self.pages[path] = self.fill(html)
        return self.url(path)

    def script(self, path: str, text: str, **headers: str) -> None:
        """Serve a script, on every host."""
        headers["Access-Control-Allow-Origin"] = "*"
        self.files[path] = lambda _: Response(self.fill(text), 200, headers, content_type="text/javascript")

    def fill(self, text: str) -> str:
        return text.replace("{t}", self.url("", "t")).replace("{shop}", self.url(""))

    def audit(self, states: Sequence[str] = STATES, pages: int = 30, wait: float = 0.7, **options: Any) -> Report:
        """Audit the shop, in a thread of its own: other tests of this process have a loop in theirs."""
        with ThreadPoolExecutor(1) as alone:
            options = {"site": self.site, "url": self.url(), **options}
            return alone.submit(audit, options.pop("url"), states=states, pages=pages, wait=wait, **options).result()

    def _answer(self, asked: Request) -> Response:
        host = asked.host.split(":")[0].removesuffix(".localhost")
        self.hits.append((host, asked.path, asked.headers.get("Sec-GPC")))
        if asked.path in self.files:
            return self.files[asked.path](asked)
        if host == "shop":
            if asked.path in self.pages:
                return Response(self.pages[asked.path], 200, content_type="text/html; charset=utf-8")
            return Response("", 404)
        kind = "text/javascript" if asked.path.endswith(".js") else "text/html"
        return Response("", 200, {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}, content_type=kind)

    def wsgi(self, environ: Any, start_response: Any) -> Any:
        assert self.app
        if environ["PATH_INFO"].startswith("/v1/") and environ["HTTP_HOST"].startswith(("shop.", "consent.")):
            return self.app(environ | {"HTTP_X_COUNTRY": self.country}, start_response)
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        return self._answer(Request(environ))(environ, start_response)
