"""A visit of pages as a shopper makes it; whatever a page does instead of showing itself is a note."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urljoin

from ..hosts import host_of, is_third_party, path_of, without_login
from ..observed import Observed
from ..tag import LOOK, seen_again
from .browser import Error, go_to, in_a_line
from .pages import is_download
from .settling.quiet import SECONDS_TO_SETTLE, Quiet
from .watch import MOST_POPUPS, Watch

if TYPE_CHECKING:
    from playwright.async_api import Dialog, Download, Page, Response

T = TypeVar("T")

SECONDS_TO_OPEN = 15
SECONDS_TO_LOAD = 10
SECONDS_TO_USE = 15
"""Besides the time that is waited on a page."""

SCREENS = 60
"""So many are scrolled through one by one; of what is longer the end is seen too."""

SCROLLERS = 10
SECONDS_TO_SCROLL = 8
"""At most."""

SECONDS_TO_REPLACE = 60
"""Another tab, on whatever machine this is; more than that has only a browser that hangs."""

SECONDS_TO_GO = 0.5
"""What a page sends when it is left has this long."""


class Visit:
    """One tab that goes from page to page. ``wait``: seconds on each."""

    def __init__(self, watch: Watch, page: Page, seen: Observed, wait: float) -> None:
        self.watch, self.seen, self.wait = watch, seen, wait
        self.page = page
        self.quiet = Quiet(watch.context, watch.workers)
        self._listen(page)
        watch.context.on("response", self._placed)

    def note(self, sentence: str) -> None:
        """Add a sentence to the report: of this state, once."""
        if sentence not in self.seen.notes:
            self.seen.notes.append(sentence)

    async def open(self, url: str) -> None:
        """Go to a page; with the name and password in its address, if there are any, that nothing else is told of."""
        self.watch.going = without_login(url)
        self.watch.documents.begin_visit()
        await self.quiet.begin()
        await self._in_time(
            lambda: self._open(url, self.watch.going), SECONDS_TO_OPEN + SECONDS_TO_LOAD + SECONDS_TO_USE
        )

    async def use(self, seconds: float | None = None) -> None:
        """Do what a shopper does on a page: scroll, move the pointer, wait (so long); then see what is there."""
        wait = self.wait if seconds is None else seconds
        await self._in_time(lambda: self._use(wait), wait + SECONDS_TO_SETTLE + SECONDS_TO_USE)
        if len(self.watch.popups) >= MOST_POPUPS:
            self.note(f"{self.watch.going} opens window after window; its tab was closed.")
            await self._replace()  # or it opens them faster than they are closed
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS_TO_USE):
                for popup in [*self.watch.popups]:
                    with suppress(Error):
                        await popup.close()
        self.watch.popups.clear()

    async def leave(self) -> None:
        """Go away, so that what pages send at their end is sent."""
        with suppress(Error, TimeoutError):
            async with asyncio.timeout(SECONDS_TO_OPEN):
                self.watch.documents.begin_visit()
                await self.page.goto("about:blank")
                await asyncio.sleep(SECONDS_TO_GO)
                # What a page keeps at its end is seen from a page of its origin that does nothing.
                empty = urljoin(self.watch.going, "/consent-audit-looks")
                await self._bypass_service_workers()
                await self.page.route(empty, lambda route: route.fulfill(content_type="text/html", body=""))
                await self.page.goto(empty)
                await self.watch.look(self.page)

    async def _bypass_service_workers(self) -> None:
        """Have no service worker of the shop answer for the tab."""
        session = await self.watch.context.new_cdp_session(self.page)
        await session.send("Network.enable")
        await session.send("Network.setBypassServiceWorker", {"bypass": True})

    async def run(self, act: Callable[[Page], Awaitable[T]]) -> T | None:
        """Do something in the tab; None where the page does not let it be done in time."""
        done: list[T] = []

        async def collect() -> None:
            done.append(await act(self.page))

        await self._in_time(collect, SECONDS_TO_USE + SECONDS_TO_LOAD)
        return done[0] if done else None

    async def _open(self, address: str, url: str) -> None:
        response = None
        try:
            response = await go_to(self.page, address, SECONDS_TO_OPEN)
        except Error as error:
            if "ERR_INVALID_AUTH_CREDENTIALS" in str(error):
                self.note(f"{url} wants a login (a name and a password, that the browser asks for).")
            elif not is_download(error) and not self._crashed:
                self.note(f"{url} was not shown: {in_a_line(error)}")
        try:
            await self.page.wait_for_load_state("load", timeout=SECONDS_TO_LOAD * 1000)
        except Error as error:
            if "Timeout" in str(error):
                self.note(f"{url} did not finish loading in {SECONDS_TO_LOAD} seconds; what it did counts.")
        if response is not None and not self._crashed:
            self._note_answer(url, response)
            if is_page(response.status, response.headers.get("content-type", ""), self.page.url, url):
                self.seen.looked_at.add(url)
                with suppress(Error):
                    self.seen.tags[url] = await self.page.evaluate(LOOK)

    def _note_answer(self, url: str, response: Response) -> None:
        kind = response.headers.get("content-type", "").partition(";")[0]
        at = without_login(self.page.url.partition("#")[0])
        if response.status in (401, 403):
            self.note(f"{url} wants a login (status {response.status}).")
        elif response.status >= 400:
            self.note(f"{url} answered with status {response.status}.")
        elif kind and "html" not in kind:
            self.note(f"{url} is no page but {kind}.")
        elif at != url.partition("#")[0]:
            self._note_elsewhere(url, at)

    def _note_elsewhere(self, url: str, at: str) -> None:
        if at.startswith("http") and path_of(at) != path_of(url):
            self.note(f"{url} leads on to {path_of(at)}.")
            if is_third_party(host_of(at), host_of(url)):
                self.seen.looked_at.discard(url)
                self.seen.tags.pop(url, None)

    async def _use(self, seconds: float) -> None:
        page, url = self.page, self.watch.going
        with suppress(Error):
            await page.mouse.move(200, 200)
            await page.mouse.move(320, 340, steps=5)
            await page.mouse.wheel(0, 300)
            await page.keyboard.press("Shift")  # what waits for any key
            await page.evaluate(_SCROLL, {"screens": SCREENS, "inner": SCROLLERS, "ms": SECONDS_TO_SCROLL * 1000})
        await self._wait(page, seconds)
        if not page.is_closed():
            if self.watch.page == url:  # what is a download, or nothing, leaves the tab where it was
                self._note_elsewhere(url, without_login(page.url.partition("#")[0]))
            await self.watch.look(page)
            await self._look_for_the_tag(url)
            with suppress(Error):
                await page.evaluate("scrollTo({top: 0, behavior: 'instant'})")

    async def _look_for_the_tag(self, url: str) -> None:
        """Look again where something was not there at first: a tag may come late, and a banner wait for its place."""
        tag = self.seen.tags.get(url)
        if tag and not (tag["ours"] and tag["works"] and tag["banner"]):
            with suppress(Error):
                self.seen.tags[url] = seen_again(tag, await self.page.evaluate(LOOK))

    async def _wait(self, page: Page, seconds: float) -> None:
        waits = [asyncio.create_task(each) for each in (self._crash.wait(), self.quiet.wait(page, seconds))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()

    async def _in_time(self, act: Callable[[], Awaitable[None]], seconds: float) -> None:
        """Do something with the tab; one that crashes, hangs or is closed gives way to another."""
        if self.page.is_closed():
            await self._replace()
        try:
            async with asyncio.timeout(seconds):
                await act()
        except TimeoutError:
            self.note(f"{self.watch.going} did not answer for {seconds:.0f} seconds; its tab was closed.")
            await self._replace()
        except Error as error:
            if not self._crashed and not self.page.is_closed():
                self.note(f"{self.watch.going} was not looked at whole: {in_a_line(error)}")
        if self._crashed:
            self.note(f"{self.watch.going} crashed its tab.")
            await self._replace()

    async def _replace(self) -> None:
        old = self.page
        try:
            async with asyncio.timeout(SECONDS_TO_REPLACE):
                self.page = await self.watch.new_page()
        except TimeoutError:
            raise Error(f"{self.watch.going} keeps the whole browser busy") from None
        self._listen(self.page)
        with suppress(Error, TimeoutError):
            async with asyncio.timeout(SECONDS_TO_USE):
                await old.close()

    @property
    def _crashed(self) -> bool:
        return self._crash.is_set()

    def _listen(self, page: Page) -> None:
        self._crash = asyncio.Event()
        page.on("crash", lambda _: self._crash.set())
        page.on("dialog", self._dismiss)
        page.on("download", self._refuse)

    async def _placed(self, response: Response) -> None:
        """Take which rule counts here, as the consent server tells the page."""
        if re.search(r"/v1/[^/]+/place$", path_of(response.url)):
            with suppress(Error, ValueError):
                said = await response.json()
                if isinstance(said, dict) and isinstance(said.get("rule"), str):
                    self.seen.rule = said["rule"]

    async def _dismiss(self, dialog: Dialog) -> None:
        with suppress(Error):
            if dialog.type == "beforeunload":  # to dismiss it would be to stay
                await dialog.accept()
            else:
                self.note(f"{self.watch.going} opens a dialog ({dialog.type}); it was dismissed.")
                await dialog.dismiss()

    async def _refuse(self, download: Download) -> None:
        self.note(f"{self.watch.going} starts a download ({download.suggested_filename}); it was refused.")
        with suppress(Error):
            await download.cancel()


def is_page(status: int, kind: str, at: str, url: str) -> bool:
    """Return whether what was shown is a page of the shop: not a feed, an error, or another's.

    Args:
        status: of the answer.
        kind: its ``Content-Type``; of an answer without one the browser makes a page.
        at: the address where the browser is now.
        url: the one that it was sent to.
    """
    sort = kind.partition(";")[0].strip().lower()
    return status < 400 and (not sort or "html" in sort) and not is_third_party(host_of(at), host_of(url))


_SCROLL = """async ({ screens, inner, ms }) => {
  const until = performance.now() + ms;
  // What is told that it is in view is told after a frame, of which a busy machine draws few and a hidden tab none.
  const frame = () => new Promise(requestAnimationFrame);
  const after = (ms) => new Promise((done) => setTimeout(done, ms));
  const pause = () => Promise.race([frame().then(frame).then(() => after(30)), after(400)]);
  const through = async (area, step, most) => {
    await pause();
    for (let n = 0; n < most && performance.now() < until; n++) {
      const before = area.scrollTop;
      area.scrollBy({ top: step(), behavior: 'instant' });
      await pause();
      if (area.scrollTop <= before) return;
    }
    area.scrollTo({ top: area.scrollHeight, behavior: 'instant' });
    await pause();
  };
  await through(document.scrollingElement ?? document.documentElement, () => innerHeight, screens);
  const areas = [...document.querySelectorAll('body *')].filter((it) => it.scrollHeight > it.clientHeight + 9
    && it.clientHeight > 99 && /auto|scroll/.test(getComputedStyle(it).overflowY));
  for (const area of areas.slice(0, inner)) {
    if (performance.now() > until) break;
    area.scrollIntoView({ block: 'center', behavior: 'instant' });
    await through(area, () => area.clientHeight, screens);
  }
}"""
"""A screen at a time, for what waits until it is in view; then what scrolls within the page."""
