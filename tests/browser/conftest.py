"""A shop of the test's own making, its trackers on hosts of their own, and the real consent server behind it."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from types import SimpleNamespace
from typing import Any

import brotli
import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Error, Locator, Page
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from consent_server import create_app
from consent_server.banner import scripts
from consent_server.settings.environment import Settings
from consent_server.settings.shops import SITE, make_site, snippet_words
from consent_server.site import Cookie, Site

from .filled_demo import enter, filled, sessions

__all__ = ["enter", "filled", "sessions"]

WORDS = snippet_words()


def cookie(name: str, kind: str | None = None) -> Cookie:
    """Return a line of the cookie list."""
    lang = ("az", "en", "ru", "tr")
    return Cookie(name, "Tracker", dict.fromkeys(lang, "What for"), dict.fromkeys(lang, "13 months"), kind=kind)


EVERY_WAY = """
<script>window.ran = (path) => { document.cookie = `_t${path.replace(/\\W/g, '_')}=1;path=/` }</script>
<script type="text/plain" data-consent="analytics" src="{t}/marked-script.js"></script>
<script type="text/plain" data-consent="analytics">
  ran('/inline'); fetch('{t}/marked-inline', { mode: 'no-cors' });
</script>
<iframe data-consent="analytics" data-src="{t}/marked-frame" title="F"></iframe>
<img alt="" data-consent="analytics" data-src="{t}/marked-pixel">
<script>
  const add = (part, src) => document.body.append(Object.assign(part, { src }));
  add(document.createElement('script'), '{t}/matched-script.js');
  add(document.createElement('iframe'), '{t}/matched-frame');
  new Image().src = '{t}/matched-pixel';
  fetch('{t}/matched-fetch', { mode: 'no-cors' });
  const request = new XMLHttpRequest();
  request.open('POST', '{t}/matched-xhr');
  request.send();
  navigator.sendBeacon('{t}/matched-beacon', '');
</script>
<button data-consent-open>Cookie settings</button>"""
"""A page that calls a tracker in every way there is: marked, and matched by a pattern."""

EVERY_HIT = sorted(
    f"tracker/{path}"
    for path in (
        *("marked-script.js", "marked-inline", "marked-frame", "marked-pixel", "matched-script.js", "matched-frame"),
        *("matched-pixel", "matched-fetch", "matched-xhr", "matched-beacon"),
    )
)
EVERY_COOKIE = {"_t_inline", "_t_marked_script_js", "_t_matched_script_js"}

REFUSAL_TOOL = """(() => {
  const plain = new RegExp([
    '^(hamısını )?(rədd et|imtina et)(mək)?$', '^(reject|refuse|decline|deny)( all)?( cookies)?$',
    '^(отклонить|отказаться|запретить)( вс[её]| от всех)?$', '^(tümünü |hepsini )?reddet$'].join('|'), 'i');
  const seen = (button) => {
    const { x, y, width, height } = button.getBoundingClientRect();
    return width > 1 && document.elementFromPoint(x + width / 2, y + height / 2) == button;
  };
  const buttons = [...document.querySelectorAll('button, [role=button], a, input[type=button]')];
  const found = buttons.filter((button) => plain.test((button.innerText || button.value).trim()) && seen(button));
  found[0]?.click();
  return found.length;
})()"""
"""What a tool does that refuses on the shopper's behalf and knows nothing of us: it looks for a plain refusal."""


class Quiet(WSGIRequestHandler):
    """Serves without a line for each request."""

    def log(self, *_: Any) -> None:
        return


@dataclass
class Shop:
    """Any host name that ends in .localhost leads here; ``hits`` are what came in on hosts other than the shop's, ``visits`` on it."""

    port: int
    settings: Settings
    pages: dict[str, tuple[str, str, dict[str, str]]] = field(default_factory=dict)
    hits: list[str] = field(default_factory=list)
    visits: list[str] = field(default_factory=list)
    posts: list[tuple[str, bytes]] = field(default_factory=list)
    served: Flask | None = None
    of: Site | None = None
    lock: Any = field(default_factory=threading.RLock)

    @property
    def app(self) -> Flask:
        """The consent server as a test asked for it, else a plain one, made when it is needed."""
        with self.lock:  # a page asks for several things at a time
            if not self.served:
                self.serve()
        assert self.served
        return self.served

    @property
    def site(self) -> Site:
        """The site that it serves."""
        assert self.app
        assert self.of
        return self.of

    def url(self, path: str = "/", host: str = "shop") -> str:
        return f"http://{host}.localhost:{self.port}{path}"

    @property
    def tag(self) -> str:
        """The shop's one tag, synchronous, so that what follows cannot be faster."""
        return f'<script src="{self.url("/v1/shop/consent.js")}"></script>'

    def page(self, body: str, path: str = "/", head: str | None = None, lang: str = "en", **headers: str) -> str:
        """Serve a page with this body; return its address."""
        html = (
            f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>Shop</title>'
            f"{self.tag if head is None else head}</head><body><main><h1>Shop</h1>{body}</main></body></html>"
        )
        self.pages[path] = ("text/html; charset=utf-8", html, {k.replace("_", "-"): v for k, v in headers.items()})
        return self.url(path)

    def consent_js(self) -> str:
        """Return the text of the shop's script, for pages that inline it."""
        return self.app.test_client().get("/v1/shop/consent.js").get_data(as_text=True)

    def serve(self, **changes: Any) -> Shop:
        """Build the consent server of a site with these ``changes``, in place of the one before."""
        origins = tuple(self.url("", host).rstrip("/") for host in ("shop", "www.shop", "m.shop"))
        plain = make_site(
            "shop",
            "Shop",
            origins,
            self.url("/privacy"),
            date(2025, 12, 20),
            languages=("en", "az", "ru", "tr"),
        )
        read = {row.name: row.read for row in SITE if row.name in ("theme", "vendors")}  # those may be written in part
        changes = {name: read.get(name, lambda given: given)(value) for name, value in changes.items()}
        self.of = replace(plain, **{"gpc": False, **changes})
        self.served = create_app(self.settings, {"shop": self.of})
        return self

    def every_way(self) -> str:
        """Serve the page that calls a tracker in every way; return its address."""
        self.serve(cookies={"analytics": (cookie("_t*"),)}, trackers=(("*.tracker.localhost", "analytics"),))
        return self.page(EVERY_WAY.replace("{t}", self.url("", "tracker")))

    def _answer(self, asked: Request) -> Response:
        host = asked.host.split(":")[0].removesuffix(".localhost")
        if not (host == "shop" or host.endswith(".shop")):
            self.hits.append(f"{host}{asked.path}")
            script = asked.path.endswith(".js")
            headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}
            kind = "text/javascript" if script else "text/html"
            return Response(f"ran('{asked.path}')" if script else "", 200, headers, mimetype=kind)
        self.visits.append(f"{asked.method} {asked.path}")
        kind, text, headers = self.pages.get(asked.path, ("text/plain", "", {}))
        status = 200 if asked.path in self.pages else 204 if asked.path == "/favicon.ico" else 404
        return Response(text, status, headers, content_type=kind)

    def wsgi(self, environ: Any, start_response: Any) -> Any:
        """Answer as the consent server below /v1/ and /.well-known/, elsewhere as the shop and its trackers."""
        if not environ["PATH_INFO"].startswith(("/v1/", "/.well-known/")):
            return self._answer(Request(environ))(environ, start_response)
        if environ["REQUEST_METHOD"] == "POST":
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(body)
            self.posts.append((environ["PATH_INFO"].rsplit("/", 1)[1], body))
        return self.app(environ, start_response)


class Slow:
    """The server's answers to posts to a path: it has taken them, and the first few are long on their way."""

    def __init__(self, shop: Shop, path: str, first: int = 1) -> None:
        self.path = path
        self.left = first
        self.taken = 0
        self.arrive = threading.Event()
        self.inner = shop.app.wsgi_app
        shop.app.wsgi_app = self  # type: ignore[method-assign]

    def __call__(self, environ: Any, start_response: Any) -> Any:
        said = self.inner(environ, start_response)
        if environ["PATH_INFO"].endswith(self.path) and environ["REQUEST_METHOD"] == "POST":
            self.taken += 1
            if self.left > 0:
                self.left -= 1
                self.arrive.wait(120)
        return said


@contextmanager
def slow(shop: Shop, path: str = "/decisions", first: int = 1) -> Iterator[Slow]:
    held = Slow(shop, path, first)
    try:
        yield held
    finally:
        held.arrive.set()


@pytest.fixture(scope="session", autouse=True)
def scripts_packed_at_once() -> Iterator[None]:
    """Pack scripts in a hurry: browsers unpack them alike, and brotli's best is a quarter of a second for each shop."""
    quickly = SimpleNamespace(
        MODE_TEXT=brotli.MODE_TEXT, MODE_FONT=brotli.MODE_FONT, compress=partial(brotli.compress, quality=1)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scripts, "brotli", quickly)
        yield


@pytest.fixture
def shop(settings: Settings) -> Iterator[Shop]:
    """The shop, its server running, without vendors or trackers until the test says so."""
    server = make_server("127.0.0.1", 0, lambda *asked: made.wsgi(*asked), threaded=True, request_handler=Quiet)
    made = Shop(server.server_port, settings)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()
    if made.served:
        made.served.extensions["consent"].store.close()


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Page:
    """A window of an English shopper."""
    return new_context(locale="en-GB").new_page()


def until(page: Page, expression: str, seconds: float = 45) -> None:
    """Wait until a JavaScript expression is true; Playwright's own way would need `eval` in the page."""
    when(page, lambda: page.evaluate(expression), seconds, f"this never came true: {expression}")


def when(page: Page, happened: Callable[[], object], seconds: float = 45, fault: str = "this never happened") -> None:
    """Wait until something is true, of the server or of a page that may give way to the next one meanwhile."""
    end = time.monotonic() + seconds
    while True:
        try:
            if happened():
                return
        except Error as error:
            if "Execution context was destroyed" not in str(error):
                raise
        assert time.monotonic() < end, fault
        page.wait_for_timeout(20)


def posted(shop: Shop, path: str) -> list[dict[str, Any]]:
    """Return what was posted to a path."""
    return [json.loads(body) for to, body in shop.posts if to == path]


def decided(shop: Shop, page: Page, times: int) -> dict[str, Any]:
    """Wait for the decision of that number, and return it."""
    when(page, lambda: len(posted(shop, "decisions")) >= times)
    return posted(shop, "decisions")[times - 1]


def press(page: Page, word: str, lang: str = "en") -> None:
    """Press a button by its word: the preferences' where they are open, else the banner's."""
    page.get_by_role("button", name=WORDS[lang][word], exact=True).locator("visible=true").last.click()


def banner(page: Page, lang: str = "en") -> Locator:
    """Return the first layer."""
    return page.get_by_role("dialog", name=WORDS[lang]["title"], exact=True)


def settle(page: Page) -> None:
    """Give whatever might still happen the time to happen."""
    page.wait_for_timeout(400)


def released(page: Page) -> None:
    """Wait for what lets run what was held, and give it the time to: before it has come, nothing could have run."""
    until(page, "performance.getEntriesByType('resource').some(({ name }) => name.includes('/release.'))")
    settle(page)
