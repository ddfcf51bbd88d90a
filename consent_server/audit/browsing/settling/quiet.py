"""When a page has done what it was about to do: by its own clock, what it loads and its workers, not by ours."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from ..browser import Error
from .workers import Workers

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Page, Request

LEADS_ON = frozenset({"document", "script", "stylesheet"})
"""What asks for more once it is there."""

SECONDS_TO_SETTLE = 8
"""The most that is waited, besides the time on the page, for what is on its way; some things never end."""


class Quiet:
    """Waits for a browser's tab."""

    def __init__(self, context: BrowserContext, workers: Workers) -> None:
        self._workers = workers
        self._context = context
        self._loading: set[Request] = set()
        self._done = asyncio.Event()
        self._shared: set[str] = set()
        workers.on_shared = self._is_shared
        context.on("request", self._began)
        context.on("requestfinished", self._ended)
        context.on("requestfailed", self._ended)

    async def begin(self) -> None:
        """Wait no longer for what an earlier page has begun."""
        await self._workers.begin()
        self._loading.clear()
        self._done.set()

    async def wait(self, page: Page, seconds: float) -> None:
        """Wait so long on a page, and until what it has begun by then has led on to whatever it leads on to."""
        ours = asyncio.create_task(asyncio.sleep(seconds))
        with suppress(Error, TimeoutError):  # a page may go on to another, or hang
            async with asyncio.timeout(seconds + SECONDS_TO_SETTLE):
                await page.evaluate(_TIMER, seconds * 1000)
        await ours
        with suppress(Error, TimeoutError):
            async with asyncio.timeout(SECONDS_TO_SETTLE):
                await self._settle(page)

    async def _settle(self, page: Page) -> None:
        known = None
        while self._loading or known != (known := self._workers.known):
            if self._loading:
                self._done.clear()
                await self._done.wait()
            await page.evaluate(_INSTALLED)
            await self._workers.ran()
            await asyncio.gather(*(worker.evaluate("0") for worker in self._context.service_workers))

    def _began(self, request: Request) -> None:
        if request.resource_type in LEADS_ON and request.url not in self._shared:
            self._loading.add(request)

    def _ended(self, request: Request) -> None:
        self._loading.discard(request)
        if not self._loading:
            self._done.set()

    def _is_shared(self, url: str) -> None:
        self._shared.add(url)
        for request in [each for each in self._loading if each.url == url]:
            self._ended(request)


_TIMER = "(ms) => new Promise((done) => setTimeout(done, ms))"
"""What else the page wanted to do by then is done, however slow the machine is."""

_INSTALLED = """async () => {
  for (const { installing } of await navigator.serviceWorker?.getRegistrations() ?? []) {
    await (installing && new Promise((done) => {
      const look = () => /activ|redundant/.test(installing.state) && done();
      installing.addEventListener('statechange', look);
      look();
    }));
  }
}"""
