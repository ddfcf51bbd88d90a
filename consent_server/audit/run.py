"""An audit: all pages in all states, a browser a state, at once."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..site import ConsentError, Site
from .browsing.browser import UNCOUNTED, Error, find_chromium, fresh_browser, in_a_line, running_playwright
from .browsing.pages import find_pages
from .browsing.visit import SECONDS_TO_OPEN
from .findings import Judge
from .hosts import host_of, parts_of
from .report import Report
from .states import STATES, Plan, observe

if TYPE_CHECKING:
    from playwright.async_api import Playwright


class NotReached(ConsentError):
    """The address cannot be audited."""

    problem = "not-reached"


def audit(
    url: str,
    site: Site | None,
    *,
    pages: int = 20,
    wait: float = 3.0,
    states: Sequence[str] = STATES,
    har: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, all_: None,
) -> Report:
    """Look at a shop in every state of consent, and say what is there that may not be.

    Args:
        url: of the first page.
        site: what the shop says of itself, or None: then nothing is listed.
        pages: at most so many, found by the sitemap or by links.
        wait: seconds on each page and state.
        states: of STATES, in their order.
        har: an existing folder for a HAR file a state, if any.
        progress: called with how many page views are done, of how many.

    Raises:
        NoBrowser: Playwright or a Chromium is missing.
        NotReached: the first page does not answer.
    """
    parts = parts_of(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NotReached(f"{url} is no web address; type one such as https://shop.example/.")
    find_chromium()

    async def look() -> Report:
        async with running_playwright() as playwright:
            found = await _pages(playwright, url, pages)
            plan = Plan(found, wait, _counter(progress, len(found) * len(states)), har)
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(observe(playwright, state, plan)) for state in states]
            judge = Judge(host_of(url), site, [task.result() for task in tasks])
            return _report(url, found, judge)

    try:
        return asyncio.run(look())
    except ExceptionGroup as errors:  # of the states, which end together
        raise errors.exceptions[0] from None


def _counter(progress: Callable[[int, int], None], all_: int) -> Callable[[], None]:
    counted = itertools.count(1)
    return lambda: progress(next(counted), all_)


async def _pages(playwright: Playwright, url: str, most: int) -> list[str]:
    async with fresh_browser(playwright) as browser:
        page = browser.context.pages[0]
        session = await browser.context.new_cdp_session(page)
        await session.send("Network.enable")
        # A page that gives way at once sends past this what it has to send, so it gets no banner that could be counted.
        await session.send("Network.setBlockedURLs", {"urls": [*UNCOUNTED, "*/v1/*/consent.js*"]})
        try:
            await page.goto(url, wait_until="commit", timeout=SECONDS_TO_OPEN * 1000)
        except Error as error:
            if "Download is starting" in str(error):
                raise NotReached(f"{url} is no page but a download.") from None
            raise NotReached(f"{url} cannot be opened in a browser: {in_a_line(error)}") from None
        return await find_pages(page, url, most)


def _report(url: str, pages: Sequence[str], judge: Judge) -> Report:
    notes = [note for each in judge.observed for note in each.notes]
    return Report(
        url=url,
        site=judge.site.id if judge.site else None,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        pages=pages,
        states=[each.state for each in judge.observed],
        findings=judge.findings(),
        seen=judge.all_seen(),
        notes=[*notes, *judge.notes()],
    )
