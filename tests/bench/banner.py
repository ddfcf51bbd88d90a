"""The banner against two that shops would otherwise embed, on the same page, interleaved, in the machine's Chromium.

``python -m tests.bench.banner [samples]`` prints a table. Slow: CPU 4 times slower, 150 ms, 1.6 Mbps, nothing cached.
vanilla-cookieconsent and Orejime come from the npm registry (``npm ci`` in ``snippet/``).

*Script* is what a profile of a load of its own says the banner's files took, with what the browser did for them, and
*longest* the longest of it at a stretch: from 50 ms it is a long task.
"""

from __future__ import annotations

import gzip
import re
import shutil
import statistics
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import brotli
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, sync_playwright

from consent_server.banner.scripts import build_scripts
from consent_server.settings.shops import read_sites

ROOT = Path(__file__).parents[2]
MODULES = ROOT / "snippet/node_modules"

_LAYER = re.compile(r"/v1/s/\w+\.\w+\.\w+\.js$")
"""A script that is fetched when it is wanted."""

TAG = "performance.mark('gated')"
HERO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 400"><rect width="800" height="400" fill="#945"/>'
    + "".join(
        f'<circle cx="{n * 37 % 800}" cy="{n * 53 % 400}" r="{n % 9}" fill="#{n % 4096:03x}"/>' for n in range(1500)
    )
    + "</svg>"
)

WATCH = """
window.seen = { shift: 0, click: 0 };
new PerformanceObserver((list) => { for (const e of list.getEntries()) seen.paint = e.startTime })
  .observe({ type: 'largest-contentful-paint', buffered: true });
new PerformanceObserver((list) => { for (const e of list.getEntries()) seen.shift += e.value })
  .observe({ type: 'layout-shift', buffered: true });
new PerformanceObserver((list) => {
  for (const e of list.getEntries()) {
    if (e.name == 'click') seen.at = e.startTime, seen.click = Math.max(seen.click, e.duration);
  }
}).observe({ type: 'event', durationThreshold: 16, buffered: true });
const frame = () => {
  const button = document.querySelector(SELECTOR);
  if (button && button.getBoundingClientRect().height) requestAnimationFrame(() => { seen.banner = performance.now() });
  else requestAnimationFrame(frame);
};
requestAnimationFrame(frame);
"""


@dataclass(frozen=True)
class Contender:
    """A banner as its own documentation embeds it: its head, how a tag waits, and its button that accepts."""

    name: str
    head: str
    held: str
    accept: str | None
    files: tuple[tuple[str, bytes], ...] = ()


def contenders() -> list[Contender]:
    """Return the bare page, ours in two ways, and the peers."""
    scripts = build_scripts(read_sites(ROOT / "consent.toml")["smartmarket"])
    held = '<script type="text/plain" data-consent="analytics" src="/tag.js"></script>'
    gate = scripts.consent.plain
    ours = (
        ("/v1/s/consent.js", gate),
        *(
            (f"/v1/s/{layer}.{lang}.{script.hash}.js", script.plain)
            for layer, by_lang in scripts.layers.items()
            for lang, script in by_lang.items()
        ),
    )
    accept = "[data-ask] .buttons button"
    vanilla, orejime = MODULES / "vanilla-cookieconsent/dist", MODULES / "orejime/dist"
    words = """{ consentModal: { title: 'Cookies', description: 'We use cookies.', acceptAllBtn: 'Accept all',
      acceptNecessaryBtn: 'Reject all', showPreferencesBtn: 'Manage preferences' },
      preferencesModal: { sections: [] } }"""
    return [
        Contender("page alone", "", '<script src="/tag.js"></script>', None),
        Contender("ours, inlined", f'<script data-base="/v1/s/">{gate.decode()}</script>', held, accept, ours),
        Contender("ours, linked", '<script async src="/v1/s/consent.js"></script>', held, accept, ours),
        Contender(
            "Orejime 3.2",
            '<link rel="stylesheet" href="/orejime.css"><script>window.orejimeConfig = { privacyPolicyUrl: "/p",'
            ' purposes: [{ id: "analytics", title: "Analytics", cookies: ["_ga"] }] }</script>'
            '<script defer src="/orejime.js"></script>',
            '<template data-purpose="analytics"><script src="/tag.js"></script></template>',
            ".orejime-Banner-saveButton, .orejime-Banner [class*=accept], .orejime-Banner button",
            (
                ("/orejime.css", (orejime / "orejime-standard.css").read_bytes()),
                ("/orejime.js", (orejime / "orejime-standard-en.js").read_bytes()),
            ),
        ),
        Contender(
            "vanilla-cookieconsent 3.1",
            '<link rel="stylesheet" href="/vanilla.css"><script defer src="/vanilla.js"></script>'
            "<script>addEventListener('DOMContentLoaded', () => CookieConsent.run({ hideFromBots: false,"
            " categories: { necessary: { readOnly: true }, analytics: {} },"
            " language: { default: 'en', translations: { en: " + words + " } } }))</script>",
            '<script type="text/plain" data-category="analytics" src="/tag.js"></script>',
            "#cc-main [data-role=all]",
            (
                ("/vanilla.css", (vanilla / "cookieconsent.css").read_bytes()),
                ("/vanilla.js", (vanilla / "cookieconsent.umd.js").read_bytes()),
            ),
        ),
    ]


@contextmanager
def served(contender: Contender) -> Iterator[str]:
    """Serve a page with this banner on a free port; yield its address."""
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title>'
        f'{contender.head}</head><body><h1>Shop</h1><img src="/hero.svg" width="800" height="400" alt="">'
        f"{'<p>Goods of all kinds, every day.</p>' * 60}{contender.held}</body></html>"
    )
    files = {"/": page.encode(), "/hero.svg": HERO.encode(), "/tag.js": TAG.encode(), **dict(contender.files)}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            text = files.get(self.path)
            body = gzip.compress(text, 9) if text is not None else b""
            kind = {"svg": "image/svg+xml", "css": "text/css", "js": "text/javascript"}
            self.send_response(200 if text is not None else 404)
            self.send_header("Content-Type", kind.get(self.path.rpartition(".")[2], "text/html"))
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))  # else it would be taken for the next request
            self.send_response(503)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def slowly(context: BrowserContext) -> tuple[Page, CDPSession]:
    """Return a page on a slow device and network, with nothing cached."""
    page = context.new_page()
    cdp = context.new_cdp_session(page)
    cdp.send("Network.enable")
    cdp.send("Network.setCacheDisabled", {"cacheDisabled": True})
    cdp.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 94_000},
    )
    cdp.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    return page, cdp


def profiled(context: BrowserContext, url: str, contender: Contender) -> dict[str, float]:
    """Return the milliseconds that the banner's own scripts took until it stood, all in all and at a stretch."""
    page, cdp = slowly(context)
    cdp.send("Profiler.enable")
    cdp.send("Profiler.setSamplingInterval", {"interval": 200})
    cdp.send("Profiler.start")
    page.goto(url, wait_until="load")
    page.wait_for_timeout(900)
    profile = cdp.send("Profiler.stop")["profile"]
    page.close()
    nodes = {node["id"]: node for node in profile["nodes"]}
    parents = {child: node["id"] for node in profile["nodes"] for child in node.get("children", ())}
    paths = {url, *(url + path[1:] for path, _ in contender.files)}

    def ours(name: int | None) -> bool:
        """Whether the nearest script up the stack is the banner's; what the browser does for it has no address."""
        while name is not None and not nodes[name]["callFrame"]["url"]:
            name = parents.get(name)
        return name is not None and nodes[name]["callFrame"]["url"] in paths

    whole = longest = stretch = 0.0
    for name, micros in zip(profile["samples"], [*profile["timeDeltas"][1:], 0], strict=True):
        stretch = stretch + micros / 1000 if ours(name) else 0.0
        whole += micros / 1000 if ours(name) else 0.0
        longest = max(longest, stretch)
    return {"script": whole, "longest": longest}


def load(context: BrowserContext, url: str, contender: Contender, accept: bool) -> dict[str, float]:
    """Load the page slowly, and accept if told to; return milliseconds, and counts."""
    page, _ = slowly(context)
    page.add_init_script(WATCH.replace("SELECTOR", repr(contender.accept or "nothing")))
    page.goto(url, wait_until="load")
    page.wait_for_timeout(900)
    if accept and contender.accept:
        # By the mouse itself: what Playwright's own click adds to the page costs as much as a banner's handler.
        box = page.locator(contender.accept).first.bounding_box()
        assert box
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.wait_for_timeout(900)
    seen = page.evaluate("seen")
    seen["gated"] = page.evaluate("performance.getEntriesByName('gated')[0]?.startTime")
    seen["first"] = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
    page.close()
    if accept and "at" in seen and seen["gated"]:
        seen["yes"] = seen["gated"] - seen["at"]
    return {name: value for name, value in seen.items() if value is not None}


def measure(browser: Browser, samples: int) -> list[dict[str, float]]:
    """Return the medians of each contender, its first and its returning visit."""
    all_of = contenders()
    taken: list[list[tuple[dict[str, float], dict[str, float]]]] = [[] for _ in all_of]
    for _ in range(samples):
        for contender, own in zip(all_of, taken, strict=True):
            with served(contender) as url:
                context = browser.new_context(locale="en-GB", viewport={"width": 400, "height": 800})
                first = load(context, url, contender, accept=True)
                own.append((first, load(context, url, contender, accept=False)))
                context.close()
                context = browser.new_context(locale="en-GB", viewport={"width": 400, "height": 800})
                first |= profiled(context, url, contender)
                context.close()
    rows = []
    for contender, own in zip(all_of, taken, strict=True):
        median = {key: statistics.median(f[key] for f, _ in own if key in f) for key in own[0][0]}
        again = [r["gated"] for _, r in own if "gated" in r]
        size = sum(len(brotli.compress(text)) for path, text in contender.files if not _LAYER.search(path))
        rows.append({"bytes": size, **median, "again": statistics.median(again) if again else float("nan")})
    return rows


COLUMNS = {
    "bytes": "brotli B",
    "first": "first paint",
    "banner": "banner",
    "paint": "largest paint",
    "script": "script",
    "longest": "longest",
    "shift": "shift",
    "click": "click to frame",
    "yes": "click to tag runs",
    "again": "returning: tag runs",
}


def main(samples: int = 5) -> None:
    """Measure, and print the table."""
    chromium = next(path for name in ("chromium", "google-chrome") if (path := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        rows = measure(browser, samples)
        browser.close()
    print(f"slow, medians of {samples}, milliseconds")
    print(f"{'':26}" + "".join(f"{title:>20}" for title in COLUMNS.values()))
    for contender, row in zip(contenders(), rows, strict=True):
        cells = (f"{row[key]:20.0f}" if row.get(key) is not None else f"{'–':>20}" for key in COLUMNS)
        print(f"{contender.name:26}" + "".join(cells))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
