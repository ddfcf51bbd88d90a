"""An audit: all pages in all states, a browser a state, at once."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..site import ConsentError, Site
from .browsing.browser import Error, find_chromium, fresh_browser, in_a_line, running_playwright
from .browsing.pages import Tab, find_pages, is_download
from .browsing.visit import SECONDS_TO_LOAD, SECONDS_TO_OPEN
from .findings import NO_PAGE, Judge, first_of
from .hosts import document_of, host_of, is_third_party, parts_of, path_of, without_login
from .report import Report
from .states import STATES, Plan, observe

if TYPE_CHECKING:
    from playwright.async_api import Playwright, Response


PAGES, WAIT = 20, 3.0
"""How many pages are looked at, and for how many seconds each, where nobody says otherwise."""


class NotReached(ConsentError):
    """The address cannot be audited."""

    problem = "not-reached"


def audit(
    url: str,
    site: Site | None,
    *,
    sites: Collection[Site] = (),
    pages: int = PAGES,
    wait: float = WAIT,
    states: Sequence[str] = STATES,
    har: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, all_: None,
) -> Report:
    """Look at a shop in every state of consent, and say what is there that may not be.

    Args:
        url: of the first page.
        site: what the shop says of itself, or None: then it is one of ``sites``, or nothing is listed.
        sites: shops of which the one is meant that has the origin where the address leads.
        pages: at most so many, found by the sitemap or by links.
        wait: seconds on each page and state.
        states: of STATES, in their order.
        har: an existing folder for a HAR file a state, if any.
        progress: called with how many page views are done, of how many.

    Raises:
        NoBrowser: Playwright or a Chromium is missing.
        NotReached: the first page does not answer, or is somebody else's; or no page could be looked at.
    """
    parts = parts_of(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NotReached(f"{without_login(url)} is no web address; type one such as https://shop.example/.")
    find_chromium()

    async def look() -> Report:
        async with running_playwright() as playwright:
            left_out, unread = [], []  # type: list[str], list[str]
            found, led = await _pages(playwright, url, pages, left_out, unread)
            shop = site or _site_at(led, sites)
            plan = Plan(found, wait, _counter(progress, len(found) * len(states)), har)
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(observe(playwright, state, plan)) for state in states]
            judge = Judge(host_of(found[0]), shop, [task.result() for task in tasks], [each.id for each in sites])
            alone = len(found) == 1 < pages
            return _report(without_login(url), [*map(without_login, found)], judge, left_out, unread, alone=alone)

    try:
        return asyncio.run(look())
    except ExceptionGroup as errors:  # of the states, which end together
        error = errors.exceptions[0]
    except Error as failed:
        error = failed
    raise (
        NotReached(f"{without_login(url)} could not be audited: {in_a_line(error)}")
        if isinstance(error, Error)
        else error
    )


def _site_at(urls: Iterable[str], sites: Collection[Site]) -> Site | None:
    origins = ["/".join(url.split("/")[:3]) for url in urls]
    return next((site for origin in origins for site in sites if origin in site.all_origins), None)


def _counter(progress: Callable[[int, int], None], all_: int) -> Callable[[], None]:
    counted = itertools.count(1)
    return lambda: progress(next(counted), all_)


async def _pages(
    playwright: Playwright, url: str, most: int, left_out: list[str], unread: list[str]
) -> tuple[list[str], tuple[str, ...]]:
    """Return the addresses to look at, as the browser spells them, and the shop's own that led there.

    The first is what was typed; where that leads to another origin of the shop, such as ``www.``, the page there.
    ``left_out`` takes those that are no pages by their names, ``unread`` those of which nobody knows where they lead.
    """
    async with fresh_browser(playwright) as browser:
        tab = await Tab.of(browser.context)
        page, said = tab.page, without_login(url)
        try:
            response = await page.goto(url, wait_until="commit", timeout=SECONDS_TO_OPEN * 1000)
        except Error as error:
            if is_download(error):
                raise NotReached(f"{said} is no page but a download.") from None
            raise NotReached(f"{said} cannot be opened in a browser: {in_a_line(error)}") from None
        with suppress(Error):  # it may never end
            await page.wait_for_load_state("domcontentloaded", timeout=SECONDS_TO_LOAD * 1000)
        typed, at = _first_of(response, url), document_of(page.url)
        at = at if at.startswith("http") else typed
        if is_third_party(host_of(at), host_of(typed)):
            raise NotReached(f"{said} leads on to another's {path_of(at)}; if it is yours too, audit that address.")
        if parts_of(typed)[:2] != parts_of(at)[:2]:
            return await find_pages(tab, at, most, left_out=left_out, unread=unread), (at, typed)
        first, *others = await find_pages(tab, typed, most, known={at}, left_out=left_out, unread=unread)
        return [_with_login_of(url, first), *others], (at, typed)


def _first_of(response: Response | None, url: str) -> str:
    """Return what was typed as the browser spells it, before it was led anywhere else."""
    if response is None:
        return document_of(url)
    request = response.request
    while request.redirected_from:
        request = request.redirected_from
    return document_of(request.url)


def _with_login_of(url: str, first: str) -> str:
    """Return an address with the name and password that were typed, if any: each browser has to be told them once."""
    login = parts_of(url).netloc.rpartition("@")[0]
    return first.replace("://", f"://{login}@", 1) if login else first


def _report(
    url: str, pages: Sequence[str], judge: Judge, left_out: Sequence[str], unread: Sequence[str], *, alone: bool = False
) -> Report:
    notes = [note for each in judge.observed for note in each.notes]
    if left_out:
        notes.append(f"Not opened, as by the name no page, or one that does something: {first_of(left_out)}.")
    if unread:
        notes.append(f"The links of {first_of(unread)} could not be read.")
    elif alone:
        but = " but those" if left_out else ""
        notes.append(f"This one page was looked at and no other: neither a sitemap nor a link of it led to any{but}.")
    unaudited = judge.unaudited()
    if judge.observed and not any(each.looked_at for each in judge.observed):
        raise NotReached(f"{url} could not be audited, for {NO_PAGE}. {notes[0] if notes else ''}".rstrip())
    findings, seen = judge.findings(), judge.all_seen()
    met = {each.state for each in findings}.union(*(each["states"] for each in seen))
    return Report(
        url=url,
        site=judge.site.id if judge.site else None,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        pages=pages,
        states=[each.state for each in judge.observed if each.state not in unaudited or each.state in met],
        findings=findings,
        seen=seen,
        notes=[*notes, *judge.notes()],
        unaudited=unaudited,
    )
