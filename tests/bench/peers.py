"""What our snippet and its peers do with one page: ``python -m tests.bench.peers`` prints a row for each.

The peers come from the npm registry (``npm ci`` in ``snippet/``), each embedded as its own documentation says, and run
in the machine's Chromium. tarteaucitron has no markup for held elements: a service's own function loads its script.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from playwright.sync_api import Browser, Error, Page, sync_playwright

from tests.bench.consent_scripts import MODULES, Peer, peers

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
AXE = MODULES / "axe-core/axe.min.js"

STRICT = (
    "default-src 'self'; script-src 'nonce-n1' 'strict-dynamic'; style-src 'self' 'nonce-n1'; "
    "require-trusted-types-for 'script'"
)

COUNT = """<script nonce="n1">
var ran = [], reports = [], errors = [];
addEventListener('error', (event) => errors.push(event.message));
addEventListener('unhandledrejection', (event) => errors.push(String(event.reason)));
document.addEventListener('securitypolicyviolation', (event) => reports.push(event.violatedDirective));
</script>"""

LEAVE = """ran.push('left'); document.cookie = '_t_host=1;path=/'; document.cookie = '_t_deep=1;path=/a/b';
document.cookie = '_t_parent=1;path=/;domain=shop.localhost'; localStorage._t_local = 1"""


@dataclass
class World:
    """A server for every host: the page's files, and a note of what was asked of the tracker."""

    port: int
    files: dict[str, bytes]
    policy: str | None = None

    def __post_init__(self) -> None:
        self.hits: list[str] = []

    def url(self, path: str = "/a/b", host: str = "www.shop") -> str:
        """Return an address of this server."""
        return f"http://{host}.localhost:{self.port}{path}"


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[World]:
    """Serve files on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            body = world.files.get(path)
            if self.headers["Host"].startswith("tracker"):
                world.hits.append(path)
                time.sleep(0.3 if path == "/slow.js" else 0)
                body = f"ran.push('{path}')".encode() if path.endswith(".js") else b""
            self.send_response(200 if body is not None else 404)
            kind = {"css": "text/css", "js": "text/javascript"}.get(path.rpartition(".")[2], "text/html")
            self.send_header("Content-Type", kind)
            self.send_header("Access-Control-Allow-Origin", "*")
            if world.policy and kind == "text/html":
                self.send_header("Content-Security-Policy", world.policy)
            self.end_headers()
            self.wfile.write(body or b"")

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    world = World(server.server_port, files)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield world
    server.shutdown()
    server.server_close()


class Visit:
    """A fresh visitor's page with one peer on it."""

    def __init__(self, browser: Browser, world: World, peer: Peer, body: str, head: str = "", init: str = "") -> None:
        self.peer = peer
        html = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title>{COUNT}{head}{peer.head}'
        world.files["/a/b"] = f"{html}</head><body><main><h1>Shop</h1>{body}</main></body></html>".encode()
        world.hits.clear()
        self.context = browser.new_context(locale="en-GB")
        self.page = self.context.new_page()
        if init:
            self.page.add_init_script(init)
        self.page.goto(world.url(), wait_until="load")
        self.page.wait_for_timeout(900)

    def __enter__(self) -> Page:
        return self.page

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def tell(self, what: str) -> bool:
        """Accept or withdraw by the peer's own call, and let it work; return whether there was somebody to tell."""
        try:
            self.page.evaluate(f"() => {{ {what} }}")
        except Error:
            return False
        self.page.wait_for_timeout(900)
        return True


def findings(browser: Browser, peer: Peer) -> Iterator[tuple[str, object]]:
    """Yield what one does, finding by finding."""
    with serving(dict(peer.files)) as world:
        t = f"http://tracker.localhost:{world.port}"

        held = peer.script(f"{t}/slow.js", "") + peer.script("", "ran.push('inline')") + peer.script(f"{t}/fast.js", "")
        visit = Visit(browser, world, peer, held)
        with visit as page:
            other = visit.context.new_page()
            other.goto(world.url())
            other.wait_for_timeout(600)
            before = page.evaluate("ran.length") + len(world.hits)
            page.bring_to_front()  # as where somebody answers
            visit.tell(peer.accept)
            yield "nothing before a yes", before == 0
            yield "page order", page.evaluate("ran.join()") == "/slow.js,inline,/fast.js"
            yield "other tab at once", other.evaluate("ran.length") == 3

        parts = {
            "iframe": f'<iframe src="{t}/iframe" title="F"></iframe>',
            "img": f'<img alt="" src="{t}/img">',
            "video": f'<video src="{t}/video" preload="auto"></video>',
            "audio": f'<audio src="{t}/audio" preload="auto"></audio>',
            "link": f'<link rel="stylesheet" href="{t}/link">',
        }
        if peer.element:
            visit = Visit(browser, world, peer, "".join(map(peer.element, parts.values())))
            with visit:
                early = {*world.hits}
                visit.tell(peer.accept)
                visit.page.wait_for_timeout(2000)
                yield "holds", [name for name in parts if f"/{name}" in {*world.hits} - early]
        else:
            yield "holds", []

        visit = Visit(browser, world, peer, "")
        with visit as page:
            visit.tell(peer.accept)
            page.evaluate(
                "(html) => { const part = document.createElement('section'); part.innerHTML = html;"
                " document.body.append(part) }",
                peer.script("", "ran.push('later')"),
            )
            page.wait_for_timeout(400)
            yield "added later", page.evaluate("ran.length") == 1

        calls = f"""<script nonce="n1">
          const s = document.createElement('script'); s.src = '{t}/script.js'; document.head.append(s);
          new Image().src = '{t}/image'; fetch('{t}/fetch').catch(() => {{}});
          navigator.sendBeacon('{t}/beacon');</script>"""
        with Visit(browser, world, peer, calls):
            yield (
                "unmarked, stopped",
                [name for name in ("script.js", "image", "fetch", "beacon") if f"/{name}" not in world.hits],
            )

        visit = Visit(browser, world, peer, peer.script("", LEAVE))
        with visit as page:
            visit.tell(peer.accept)
            there = page.evaluate("document.cookie.match(/_t_/g)?.length")
            visit.tell(peer.withdraw)
            page.wait_for_load_state()
            left = {cookie["name"] for cookie in visit.context.cookies()} | {
                *page.evaluate("Object.keys(localStorage)")
            }
            yield (
                "left after withdrawal",
                sorted(name for name in left if name.startswith("_t_")) if there == 3 else None,
            )

        world.policy = STRICT
        visit = Visit(browser, world, peer, peer.script("", "ran.push('inline')"))
        with visit as page:
            shown = page.locator(peer.banner).first.is_visible()
            yield "strict policy", "no banner" if not shown else sorted({*page.evaluate("reports")}) or "no report"
        world.policy = "script-src 'nonce-n1'"
        visit = Visit(browser, world, peer, peer.script("", "ran.push('inline')") + peer.script(f"{t}/fast.js", ""))
        with visit as page:
            yield "nonce kept", visit.tell(peer.accept) and page.evaluate("ran.length") == 2
        world.policy = None

        with Visit(browser, world, peer, "") as page:
            alone = page.locator(peer.banner).first.bounding_box()
            page.evaluate(AXE.read_text())
            found = page.evaluate(f"axe.run(document, {{ runOnly: {WCAG} }})")["violations"]
            yield "axe, first layer", sorted(each["id"] for each in found)
        with Visit(browser, world, peer, "", "<style>* { all: unset !important }</style>") as page:
            button = page.locator(peer.banner).first
            drawn = button.bounding_box() if button.is_visible() else None
            yield "button as before under a hostile sheet", drawn is not None and drawn == alone

        init = (
            "for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name,"
            " { get() { throw new DOMException('x', 'SecurityError') } });"
            "Object.defineProperty(document, 'cookie', { get: () => '', set() {} })"
        )
        visit = Visit(browser, world, peer, peer.script("", "ran.push('inline')"), init=init)
        with visit as page:
            before = page.evaluate("ran.length")
            told = visit.tell(peer.accept)
            after, errors = page.evaluate("[ran.length, errors.join()]")
            yield (
                "blocked storage",
                f"{before} run before a yes, {after} after" if told else f"does not start: {errors}",
            )


def main() -> None:
    """Print what each does."""
    chromium = next(path for name in ("chromium", "google-chrome") if (path := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for peer in peers():
            print(f"\n{peer.name}", flush=True)
            for name, finding in findings(browser, peer):
                shown = {True: "yes", False: "no"}.get(finding, finding) if isinstance(finding, bool) else finding
                print(f"  {name:40} {shown if shown != [] else 'nothing'}", flush=True)
        browser.close()


if __name__ == "__main__":
    main()
