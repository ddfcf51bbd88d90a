"""The states of consent, each on a fresh profile: what the shopper answered, and what every page does then."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from . import answers
from .browser import Error, fresh_browser
from .watch import Sighting, Watch, unique

if TYPE_CHECKING:
    from playwright.sync_api import Page, Response

STATES = ("before", "refused", "accepted", "withdrawn", "gpc")

SECONDS_TO_OPEN = 15
SECONDS_TO_LOAD = 10


class Stopped(Exception):
    """The audit was told to end."""


@dataclass
class Observed:
    """What one state showed. ``since``: when the answer was given, seconds since 1970."""

    state: str
    sightings: list[Sighting] = field(default_factory=list)
    consent_calls: list[tuple[float, str, list[Any]]] = field(default_factory=list)
    tags: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of each page, how our tag stands in it."""
    notes: list[str] = field(default_factory=list)
    since: float = 0
    answered: bool = True


@dataclass(frozen=True, slots=True)
class Visit:
    """How pages are looked at. ``wait``: seconds on each; ``step`` is called after each; ``stop`` ends the audit."""

    wait: float
    step: Callable[[], None]
    stop: Event
    har: Path | None = None


def observe(state: str, pages: Sequence[str], visit: Visit) -> Observed:
    """Bring a fresh browser into ``state`` and look at all pages in it.

    Raises:
        NoBrowser: there is none.
        Stopped: the audit was told to end.
    """
    seen = Observed(state)
    har = visit.har / f"{state}.har" if visit.har else None
    with fresh_browser(gpc=state == "gpc", har=har) as browser:
        watch = Watch(browser.context)
        page = browser.context.pages[0]
        spans: list[tuple[float, str]] = []
        tour = list(pages)
        if state in ("refused", "accepted", "withdrawn"):
            page = _open(page, pages[0], watch, seen, spans)
            seen.answered = answers.give(page, "refuse" if state == "refused" else "accept", visit.wait)
            if seen.answered and state == "withdrawn":
                _use(page, watch, visit)
                page = _open(page, pages[0], watch, seen, spans)
                _use(page, watch, visit)
                seen.answered = answers.take_back(page)
                tour.append(pages[0])  # and once more
            if not seen.answered:
                return seen
            seen.since = time.time()
            _use(page, watch, visit)
        for url in tour:
            page = _open(page, url, watch, seen, spans)
            _use(page, watch, visit)
            visit.step()
        with suppress(Error):
            page.goto("about:blank")  # what leaves while a page unloads
            page.wait_for_timeout(500)
    for sent in browser.sent:
        watch.page = next((url for at, url in reversed(spans) if at <= sent.at), pages[0])
        watch.add_request(sent.url, watch.initiators.get(sent.url, sent.initiator), at=sent.at)
    seen.sightings = list(unique([s for s in watch.sightings if s.at >= seen.since], watch.initiators))
    seen.consent_calls = watch.consent_calls
    return seen


def _open(page: Page, url: str, watch: Watch, seen: Observed, spans: list[tuple[float, str]]) -> Page:
    """Go to a page; whatever it does instead of showing itself is a note, and the audit goes on."""
    watch.page = url
    spans.append((time.time(), url))
    if page.is_closed():
        page = watch.context.new_page()
    crashed: list[Any] = []
    page.once("crash", lambda page: crashed.append(page))
    response: Response | None = None
    try:
        response = page.goto(url, wait_until="commit", timeout=SECONDS_TO_OPEN * 1000)
    except Error as error:
        seen.notes.append(f"{url} was not shown ({seen.state}): {str(error).splitlines()[0]}.")
    with suppress(Error):
        page.wait_for_load_state("load", timeout=SECONDS_TO_LOAD * 1000)
    if crashed:
        seen.notes.append(f"{url} crashed its tab ({seen.state}).")
        with suppress(Error):
            page.close()
        page = watch.context.new_page()
    elif response is not None:
        kind = response.headers.get("content-type", "")
        if response.status in (401, 403):
            seen.notes.append(f"{url} wants a login ({seen.state}: status {response.status}).")
        elif response.status >= 400:
            seen.notes.append(f"{url} answered {response.status} ({seen.state}).")
        elif kind and "html" not in kind:
            seen.notes.append(f"{url} is no page but {kind.partition(';')[0]} ({seen.state}).")
        elif page.url.partition("#")[0] != url.partition("#")[0]:
            seen.notes.append(f"{url} leads on to {page.url} ({seen.state}).")
        with suppress(Error):
            seen.tags[url] = page.evaluate(answers.TAG)
    return page


def _use(page: Page, watch: Watch, visit: Visit) -> None:
    """Do what a shopper does on a page: scroll, move the pointer, wait."""
    until = time.monotonic() + visit.wait
    with suppress(Error):
        page.mouse.move(200, 200)
        page.evaluate("scrollTo({top: document.documentElement.scrollHeight})")
        page.mouse.move(300, 350, steps=4)
    while time.monotonic() < until:
        if visit.stop.is_set():
            raise Stopped
        with suppress(Error):
            page.wait_for_timeout(min(250, 1000 * max(0.0, until - time.monotonic())))
        if page.is_closed():
            break
    if not page.is_closed():
        with suppress(Error):
            page.evaluate("scrollTo({top: 0})")
        watch.look(page)
