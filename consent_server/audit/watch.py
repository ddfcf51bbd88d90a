"""What a page does, seen from beside it: requests, cookies, storage, databases, caches, workers, consent mode.

Three witnesses: a script before any of the page's notes calls and who made them; the DevTools session of each tab sees
headers and storage events, however short-lived an entry is; the browser is asked what it holds at the end of a page.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .browser import Error
from .hosts import host_of, path_of

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page, Request

_NOTE = "consentAuditNote"
_ADDRESS = re.compile(r"https?://[^\s)\"']+?(?=:\d+:\d+|[\s)\"']|$)")
_GONE = re.compile(r"max-age\s*=\s*-?0*(?:\D|$)|max-age\s*=\s*-|expires\s*=[^;]*\b19[67]\d\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sighting:
    """Something that was there. ``at``: seconds since 1970; ``url``: the whole address of a request."""

    kind: str
    name: str
    host: str
    page: str
    initiator: str
    at: float
    url: str = ""


@dataclass
class Watch:
    """Notes what happens in a browser. ``page`` is the address of the page that is looked at now."""

    context: BrowserContext
    page: str = ""
    sightings: list[Sighting] = field(default_factory=list)
    consent_calls: list[tuple[float, str, list[Any]]] = field(default_factory=list)
    """When, on which page, what was pushed to Google's data layer about consent, or to start a tag."""
    initiators: dict[str, str] = field(default_factory=dict)
    """Who asked for an address first."""

    def __post_init__(self) -> None:
        self.context.expose_binding(_NOTE, self._noted)
        self.context.add_init_script(files(__package__).joinpath("witness.js").read_text("utf-8"))
        self.context.on("request", self._asked_for)
        self.context.on("page", self._opened)
        for page in self.context.pages:
            self._opened(page)

    def add(self, kind: str, name: str, host: str, initiator: str, *, url: str = "", at: float | None = None) -> None:
        """Note one thing that is there now, or was ``at``."""
        self.sightings.append(Sighting(kind, name, host, self.page, initiator, at or time.time(), url))

    def _opened(self, page: Page) -> None:
        page.on("dialog", lambda dialog: dialog.dismiss())
        page.on("websocket", lambda socket: self.add_request(socket.url, ""))
        with suppress(Error):
            session = self.context.new_cdp_session(page)
            urls: dict[str, str] = {}
            session.on("Network.requestWillBeSent", lambda event: self._sent(event, urls))
            session.on("Network.responseReceivedExtraInfo", lambda event: self._answered(event, urls))
            session.on("DOMStorage.domStorageItemAdded", self._stored)
            session.on("DOMStorage.domStorageItemUpdated", self._stored)
            session.send("Network.enable")
            session.send("DOMStorage.enable")

    def add_request(self, url: str, initiator: str, *, at: float | None = None) -> None:
        """Note a request; what never leaves the browser (``blob:``, ``data:``) is none."""
        if url.startswith(("http:", "https:", "ws:", "wss:")):
            if initiator:
                self.initiators.setdefault(url, initiator)
            self.add("request", path_of(url), host_of(url), initiator, url=url, at=at)

    def _asked_for(self, request: Request) -> None:
        worker = request.service_worker
        self.add_request(request.url, worker.url if worker else "")

    def _sent(self, event: dict[str, Any], urls: dict[str, str]) -> None:
        url = event["request"]["url"]
        urls[event["requestId"]] = url
        initiator = _initiator(event["initiator"], event.get("documentURL", ""))
        if event["type"] != "Document" or event.get("documentURL") != url:
            self.add_request(url, initiator)

    def _answered(self, event: dict[str, Any], urls: dict[str, str]) -> None:
        url = urls.get(event["requestId"], "")
        headers = {name.lower(): value for name, value in event["headers"].items()}
        lines = headers.get("set-cookie", "").splitlines()
        # One that the browser refused to keep was an attempt all the same.
        lines += [blocked["cookieLine"] for blocked in event.get("blockedCookies", ())]
        for line in dict.fromkeys(lines):
            self._cookie(line, host_of(url), path_of(url) or self.page)

    def _cookie(self, line: str, host: str, initiator: str) -> None:
        name = line.partition(";")[0].partition("=")[0].strip()
        domain = re.search(r";\s*domain\s*=\s*\.?([^;\s]+)", line, re.IGNORECASE)
        if name and not _GONE.search(line.partition(";")[2]):
            self.add("cookie", name, domain[1].lower() if domain else host, initiator)

    def _stored(self, event: dict[str, Any]) -> None:
        where = event["storageId"]
        origin = where.get("storageKey") or where.get("securityOrigin") or ""
        kind = "local-storage" if where["isLocalStorage"] else "session-storage"
        self.add(kind, event["key"], host_of(origin), "")

    def _noted(self, source: dict[str, Any], kind: str, name: str, stack: str) -> None:
        frame = source["frame"].url
        initiator = next((url for url in _ADDRESS.findall(stack)), path_of(frame))
        if kind == "cookie":
            self._cookie(name, urlsplit(frame).hostname or "", path_of(initiator))
        elif kind == "preconnect":
            self.add("request", path_of(name), host_of(name), path_of(frame), url=name)
        else:
            host = host_of(name) if kind == "service-worker" else host_of(frame)
            self.add(kind, path_of(name) if kind == "service-worker" else name, host, path_of(initiator))

    def consent_call(self, values: list[Any]) -> None:
        """Note a push to Google's data layer."""
        self.consent_calls.append((time.time(), self.page, values))

    def look(self, page: Page) -> None:
        """Ask the browser what it holds now, whoever put it there."""
        with suppress(Error):
            for cookie in self.context.cookies():
                self.add("cookie", cookie["name"], cookie["domain"].lstrip("."), "")
        for frame in page.frames:
            with suppress(Error):
                for kind, name in frame.evaluate(_HELD):
                    host = host_of(name) if kind == "service-worker" else host_of(frame.url)
                    self.add(kind, path_of(name) if kind == "service-worker" else name, host, "")
        with suppress(Error):
            for values in page.evaluate(_DATA_LAYER):
                if [values] not in [[known] for _, where, known in self.consent_calls if where == self.page]:
                    self.consent_call(values)


def _initiator(found: dict[str, Any], document: str) -> str:
    """Return who made a request: the script nearest to it, or the page in whose HTML it stands."""
    stack = found.get("stack")
    while stack:
        for frame in stack.get("callFrames", ()):
            if frame["url"].startswith("http"):
                return path_of(frame["url"])
        stack = stack.get("parent")
    return path_of(found.get("url") or document)


def unique(sightings: list[Sighting], initiators: dict[str, str]) -> Iterator[Sighting]:
    """Yield each thing once, the first time it was seen on a page, with the best initiator that any witness gave."""
    best: dict[tuple[str, str, str, str], Sighting] = {}
    for seen in sightings:
        key = (seen.kind, seen.name, seen.host, seen.page)
        held = best.get(key)
        initiator = seen.initiator or initiators.get(seen.url, "")
        if held is None or (not held.initiator and initiator):
            best[key] = Sighting(
                seen.kind, seen.name, seen.host, seen.page, initiator, held.at if held else seen.at, seen.url
            )
    yield from best.values()


_HELD = """async () => {
  const held = [];
  for (const [kind, names] of [
    ['local-storage', () => Object.keys(localStorage)],
    ['session-storage', () => Object.keys(sessionStorage)],
    ['indexed-db', async () => (await indexedDB.databases()).map(({ name }) => name)],
    ['cache-storage', () => caches.keys()],
    ['service-worker', async () => (await navigator.serviceWorker.getRegistrations()).map(
      (it) => (it.active || it.waiting || it.installing)?.scriptURL ?? it.scope)],
  ]) {
    try { for (const name of await names()) held.push([kind, name]); } catch {}
  }
  return held;
}"""

_DATA_LAYER = """() => (window.dataLayer || []).filter((it) => it && it.length && /^(consent|config|event|js)$/.test(it[0]))
  .map((it) => JSON.parse(JSON.stringify([...it])))"""
