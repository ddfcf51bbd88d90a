"""An audit: all pages in all states, several browsers at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

from ..decision import ConsentError, Site
from .browser import Error, fresh_browser
from .findings import Judge, all_seen
from .hosts import host_of
from .pages import find_pages
from .report import Report
from .states import STATES, Observed, Visit, observe

BROWSERS_AT_ONCE = 5


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
        har: folder for a HAR file a state, if any.
        progress: called with how many page views are done, of how many.

    Raises:
        NoBrowser: Playwright or a Chromium is missing.
        NotReached: the first page does not answer.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NotReached(f"{url} is no web address; type one such as https://shop.example/.")
    stop = Event()
    if har:
        har.mkdir(parents=True, exist_ok=True)
    with fresh_browser() as browser:
        page = browser.context.pages[0]
        try:
            page.goto(url, wait_until="commit", timeout=30_000)
        except Error as error:
            raise NotReached(f"{url} cannot be opened in a browser: {str(error).splitlines()[0]}.") from None
        found = find_pages(page, url, pages)
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        progress(done, len(found) * len(states))

    visit = Visit(wait, step, stop, har)
    with ThreadPoolExecutor(BROWSERS_AT_ONCE) as workers:
        try:
            observed = list(workers.map(lambda state: observe(state, found, visit), states))
        except BaseException:
            stop.set()
            raise
    return _report(url, site, found, observed)


def _report(url: str, site: Site | None, pages: Sequence[str], observed: Sequence[Observed]) -> Report:
    servers = frozenset(
        tag["src"].partition("/v1/")[0] + "/v1/"
        for each in observed
        for page in each.tags.values()
        for tag in page["ours"]
        if tag["src"]
    )
    judge = Judge(host_of(url), site, servers)
    return Report(
        url=url,
        site=site.id if site else None,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        pages=pages,
        states=[each.state for each in observed],
        findings=[finding for each in observed for finding in judge.findings(each)],
        seen=all_seen(observed, judge),
        notes=list(dict.fromkeys(note for each in observed for note in each.notes)),
    )
