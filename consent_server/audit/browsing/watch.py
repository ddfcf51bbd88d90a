"""What a page does, seen from beside it: requests, cookies, storage, databases, caches, workers, consent mode.

A script that runs before any of the page's notes calls and who made them; the DevTools session of each tab sees
requests with their initiators, and storage, however short-lived; the browser is asked what it holds at the end of a
page; and once it has ended, its network log tells what nobody else could see.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ...net.set_cookie import parse_set_cookie
from ..hosts import host_of, is_of_shop, is_third_party, path_of, without_login, without_port
from ..observed import ConsentCall, Sighting
from .browser import UNCOUNTED, Error
from .documents import Documents
from .initiators import Initiators, behind_in, how_asked, initiator_in, initiator_on
from .kept import Kept, Values
from .netlog import Sent
from .settling.workers import Workers

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Page, Request

_NOTE = "consentAuditNote"

MOST_CALLS = 10_000
"""Of Google's about consent, in a state."""

MOST_POPUPS = 10
"""How many windows that a page opens are looked at."""

LETTERS_OF_A_BODY = 2000
"""Of what a request carries: enough to know a tracker by."""

LETTERS_OF_A_VALUE = 2000
"""What is longer in a storage is no tracker's number, nor has it one."""

CALLS_BACK = 8
"""So many timers, promises and events are gone back from a request to the script that wanted it."""

SECONDS_BETWEEN_WITNESSES = 5
"""The same address at about the same time is the same request, although queues are long on a busy machine."""


@dataclass
class Watch:
    """Notes what happens in a browser. ``going``: the address that the audit goes to; ``page``: the one it is at."""

    context: BrowserContext
    going: str = ""
    page: str = ""
    clicked: float = 0
    """When the shopper last clicked, seconds since 1970."""
    kept: Kept = field(default_factory=Kept)
    consent_calls: list[ConsentCall] = field(default_factory=list)
    values: Values = field(default_factory=Values)
    popups: list[Page] = field(default_factory=list)
    documents: Documents = field(default_factory=Documents)
    _opening: bool = False
    """Whether the audit opens a tab of its own just now."""
    initiators: Initiators = field(default_factory=Initiators)

    def __post_init__(self) -> None:
        self.workers = Workers(self._worker_sent)

    async def begin(self) -> Page:
        """Begin to watch, and return the tab to go on with."""
        await self.context.expose_binding(_NOTE, self._noted)
        await self.context.add_init_script(files(__package__).joinpath("witness.js").read_text("utf-8"))
        self.context.on("request", self._asked)
        self.context.on("page", self._popped_up)
        self.context.on("serviceworker", lambda worker: self.initiators.serves(worker.url))
        page = self.context.pages[0]
        await self.workers.follow_shared(self.context)
        await self._follow(page)
        return page

    async def new_page(self) -> Page:
        """Return another tab."""
        self._opening = True
        try:
            page = await self.context.new_page()
        finally:
            self._opening = False
        await self._follow(page)
        return page

    async def _popped_up(self, page: Page) -> None:
        with suppress(Error):  # it may be closed already
            if self._opening and not await page.opener():
                return  # ours; one of the page's that has no opener either is told by when it comes
            if len(self.popups) >= MOST_POPUPS:
                return await page.close()
            self.popups.append(page)
            await self._follow(page, popup=True)

    async def _follow(self, page: Page, *, popup: bool = False) -> None:
        session = await self.context.new_cdp_session(page)
        tree = await session.send("Page.getFrameTree")
        main = tree["frameTree"]["frame"]["id"]
        session.on("Network.requestWillBeSent", lambda event: self._sent(event, main))
        self.initiators.follow(session)
        session.on("Network.responseReceived", self.documents.answered)
        session.on("Network.webSocketCreated", self._connected)
        session.on("DOMStorage.domStorageItemAdded", self._stored)
        session.on("DOMStorage.domStorageItemUpdated", self._stored)
        if not popup:
            session.on("Page.frameNavigated", lambda event: self._navigated(event["frame"]))
        for domain in ("Network", "DOMStorage", "Page", "Runtime"):
            await session.send(f"{domain}.enable")
        # An image or object that a script puts into the page is asked for after the script has ended.
        await session.send("Runtime.setAsyncCallStackDepth", {"maxDepth": CALLS_BACK})
        await self.workers.follow(session)
        await session.send("Network.setBlockedURLs", {"urls": UNCOUNTED})

    def _add(self, kind: str, name: str, host: str, initiator: str, *, at: float, page: str = "", **more: Any) -> None:
        name = path_of(name) if kind == "service-worker" else name
        name = name.encode("utf-8", "replace").decode()  # JavaScript's texts may have halves of characters
        if host:  # what has none stays within the browser
            self.kept.add(Sighting(kind, name, host, page or self.page or self.going, initiator, at, **more))

    def _request(self, url: str, initiator: str, *, at: float, page: str = "", **more: Any) -> None:
        """Note a request; what never leaves the browser (``blob:``, ``data:``) is none."""
        if url.startswith(("http:", "https:", "ws:", "wss:", "stun:", "turn:", "turns:")):
            url, initiator = without_login(url), without_login(initiator)
            if initiator:
                self.initiators.asked(url, initiator)
            self._add("request", path_of(url), host_of(url), initiator, at=at, page=page, url=url, **more)

    def _asked(self, request: Request) -> None:
        if worker := request.service_worker:  # no tab's session sees what it asks for
            self._request(request.url, path_of(worker.url), at=time.time())

    def _navigated(self, frame: dict[str, Any]) -> None:
        self.documents.framed(frame)
        if "parentId" not in frame and frame["url"].startswith("http"):
            self.page = self.documents.committed(frame, self.going)

    def _sent(self, event: dict[str, Any], main: str) -> None:
        url, loader = event["request"]["url"], event["loaderId"]
        if event["initiator"]["type"] == "preflight" or (event["type"] == "Other" and _shows(event, self.going)):
            return  # it asks whether that may be sent which has its own event, or shows a window that has its own
        opener = ""
        if event["type"] == "Document" and event["frameId"] == main:
            self.documents.asked(event, self.going)
            opener = self.initiators.opener(url)
        if not loader and event["documentURL"] == url and event["type"] == "Script":
            script = path_of(event["initiator"].get("url", "")) if url.startswith("blob:") else path_of(url)
            self.initiators.started(script, self.page)
        before = event.get("redirectResponse", {}).get("url")
        document = self.documents.asking(event, main)
        document = self.page or self.going if document in ("", url) else document
        initiator = path_of(before) if before else opener or initiator_in(event["initiator"], document, url)
        body = event["request"].get("postData", "")[:LETTERS_OF_A_BODY]
        page, is_script = self.documents.page_of(loader), event["type"] == "Script"
        how = {} if before or opener else how_asked(event, document)
        self._request(url, initiator, at=event["wallTime"], page=page, body=body, script=is_script, **how)

    def _worker_sent(self, event: dict[str, Any]) -> None:
        script, url = event["documentURL"], event["request"]["url"]
        if url != script and script.startswith("http"):
            self._request(url, initiator_in(event["initiator"], script, url), at=event["wallTime"])

    def _connected(self, event: dict[str, Any]) -> None:
        by = event.get("initiator", {})
        behind = behind_in(by, self.page)
        self._request(event["url"], initiator_in(by, self.page, event["url"]), at=time.time(), behind=behind)

    def _stored(self, event: dict[str, Any]) -> None:
        where = event["storageId"]
        origin = where.get("storageKey") or where.get("securityOrigin") or ""
        kind = "local-storage" if where["isLocalStorage"] else "session-storage"
        self._add(kind, event["key"], host_of(origin), "", at=time.time())

    def _noted(self, _: dict[str, Any], note: Any) -> None:
        """Take a note of the script that runs first; a page may call what that calls, and with anything."""
        try:
            kind, name, stack = str(note["kind"]), str(note["name"]), str(note["stack"])
            frame, host, at = path_of(str(note["frame"])), host_of(str(note["origin"])), float(note["at"])
        except (LookupError, TypeError, ValueError):
            return
        at = at if 0 < at <= (now := time.time()) else now
        frame = frame if frame.startswith("http") else ""  # without an address of its own it belongs to the page
        initiator = initiator_on(stack, frame)
        if kind == "click":
            self.clicked = at
        elif kind == "consent-call":
            with suppress(ValueError):
                if isinstance(values := json.loads(name), list) and len(self.consent_calls) < MOST_CALLS:
                    self.consent_calls.append(ConsentCall(at, self.page, values))
        elif kind == "cookie":
            self._cookie(name, host, initiator, at=at)
        elif kind == "preconnect":
            self._request(name, frame, at=at, attribute="href")
        elif kind == "request":
            self._request(name, initiator, at=at)
        elif kind == "opens":
            self.initiators.opened(name, initiator)
        elif kind == "service-worker":
            self._add(kind, name, host_of(name), initiator, at=at)
        else:
            self._add(kind, name, host, initiator, at=at)

    def _cookie(self, line: str, host: str, initiator: str, **more: Any) -> None:
        cookie = parse_set_cookie(line)
        if cookie and not cookie.removes:
            where = cookie.domain or without_port(host)
            if is_of_shop(where, host_of(self.going)):
                (self.values.by_answer if more.get("by_response") else self.values.by_script).add(cookie.name)
            self._add("cookie", cookie.name, where, initiator, life=cookie.life, **more)

    async def look(self, page: Page) -> None:
        """Ask the browser what it holds now, whoever put it there."""
        now = time.time()
        for cookie in await self.context.cookies():
            domain, life = cookie["domain"].lstrip("."), max(0, cookie["expires"] - now)
            # What others have there was seen when it was set, under the page that did it, and no page of the shop can
            # take it away.
            if is_of_shop(domain, host_of(self.going)):
                self.values.cookies[cookie["name"]] = cookie["value"]
                by_response = bool(cookie["httpOnly"])  # no script sets such a one
                self._add("cookie", cookie["name"], domain, "", at=now, life=life, by_response=by_response)
        for frame in page.frames:
            with suppress(Error):  # a frame may go while it is asked
                others = is_third_party(host_of(frame.url), host_of(self.going)) and frame.url.startswith("http")
                within = path_of(frame.url) if others else ""
                for kind, name, where, value in await frame.evaluate(_HELD, LETTERS_OF_A_VALUE):
                    if not others and kind in ("local-storage", "session-storage"):
                        (self.values.stored if kind == "local-storage" else self.values.in_session)[name] = value
                    self._add(kind, name, host_of(where), "", at=now, frame=within)

    def add_sent(self, requests: Iterable[Sent]) -> None:
        """Add what the browser's network log tells, once the browser has ended."""
        by_url: dict[str, list[Sighting]] = {}
        for each in self.kept.sightings:
            by_url.setdefault(each.url, []).append(each)
        for sent in requests:
            if not sent.initiator and sent.url not in self.initiators:
                continue  # the browser's own
            page = _page_of(sent, by_url.get(sent.url, ())) or self.documents.page_when(sent) or self.going
            if sent.initiator and not _is_icon(sent, page, sent.url in self.initiators):
                self._request(sent.url, self.initiators.of_sent(sent, page), at=sent.at, page=page)
            for line in sent.cookies:
                self._cookie(line, host_of(sent.url), path_of(sent.url), at=sent.at, page=page, by_response=True)
            for address in sent.preconnects:
                self._request(address, path_of(sent.url), at=sent.at, page=page)


def _page_of(sent: Sent, seen: Iterable[Sighting]) -> str:
    """Return the page that a request belongs to, of who else saw it at that time; empty where nobody did."""
    near = [each for each in seen if abs(each.at - sent.at) < SECONDS_BETWEEN_WITNESSES]
    return min(near, key=lambda each: abs(each.at - sent.at)).page if near else ""


def _shows(event: dict[str, Any], page: str) -> bool:
    """Return whether a request is for the icon of a window of another's, by the window's own session."""
    origin = "/".join(event["documentURL"].split("/")[:3])
    return event["request"]["url"] == f"{origin}/favicon.ico" and is_third_party(host_of(origin), host_of(page))


def _is_icon(sent: Sent, page: str, is_known: bool) -> bool:
    """Return whether the browser looks for the icon of a window of another's: that was asked for itself.

    It is asked for by that window, or for the page that has opened it; what a page asks for has another witness too.
    """
    origin, _, path = sent.url.rpartition("/")
    by_browser = origin == sent.initiator or not is_known
    return (
        path == "favicon.ico"
        and origin.count("/") == 2
        and by_browser
        and is_third_party(host_of(origin), host_of(page))
    )


_HELD = """async (most) => {
  const held = [];
  const valueIn = { 'local-storage': (name) => localStorage[name], 'session-storage': (name) => sessionStorage[name] };
  for (const [kind, names] of [
    ['local-storage', () => Object.keys(localStorage)],
    ['session-storage', () => Object.keys(sessionStorage)],
    ['indexed-db', async () => (await indexedDB.databases()).map(({ name }) => name)],
    ['cache-storage', () => caches.keys()],
    ['service-worker', async () => (await navigator.serviceWorker.getRegistrations()).map(
      (it) => (it.active || it.waiting || it.installing)?.scriptURL ?? it.scope)],
  ]) {
    try {
      for (const name of await names()) {
        const value = valueIn[kind]?.(name) ?? '';
        held.push([kind, name, kind == 'service-worker' ? name : self.origin, value?.length <= most ? value : '']);
      }
    } catch {}
  }
  return held;
}"""
