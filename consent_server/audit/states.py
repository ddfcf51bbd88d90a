"""The states of consent, each on a fresh profile: what the shopper answered, and what every page does then."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .browsing.answers import answer, take_back
from .browsing.browser import Error, fresh_browser, in_a_line
from .browsing.visit import Visit
from .browsing.watch import Watch
from .consent_mode import SECONDS_TO_HEED
from .observed import Observed, behind_our_tag, unique

if TYPE_CHECKING:
    from playwright.async_api import Playwright

STATES = ("before", "refused", "accepted", "withdrawn", "gpc")

ANSWERED = ("refused", "accepted", "withdrawn")
"""What counts in these, counts from the click."""

SECONDS_WITH_CONSENT = 40.0
"""On all pages before the withdrawal, as what begins there may go on: on a few as long as on any, on twenty 2 each."""

LEAST_SECONDS_WITH_CONSENT = 1.0

CLOCKS_DIFFER = 0.005
"""Seconds by which the browser's two clocks may differ."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How pages are looked at. ``wait``: seconds on each; ``step`` is called after each; ``har``: a folder."""

    pages: Sequence[str]
    wait: float
    step: Callable[[], None]
    har: Path | None = None


async def observe(playwright: Playwright, state: str, plan: Plan) -> Observed:
    """Bring a fresh browser into ``state`` and look at all pages in it.

    Raises:
        NoBrowser: there is none.
    """
    seen = Observed(state)
    har = plan.har / f"{state}.har" if plan.har else None
    async with fresh_browser(playwright, gpc=state == "gpc", har=har) as browser:
        watch = Watch(browser.context)
        try:
            visit = Visit(watch, await watch.begin(), seen, plan.wait)
            if state in ANSWERED:
                await _answer(visit, state, plan)
            if seen.answered:
                await _tour(visit, plan)
        except Error as error:
            seen.cut_short = True
            seen.notes.append(f"The browser ended before all pages were looked at: {in_a_line(error)}")
    watch.add_sent(browser.sent)
    if not seen.answered:  # it is not in that state
        watch.kept.sightings.clear()
        watch.consent_calls.clear()
    told = map(watch.initiators.marked_by, watch.kept.sightings)
    own = [each for each in told if not watch.documents.is_elsewhere(each)]
    seen.sightings = [*unique(behind_our_tag(own, seen.tags), seen.since)]
    seen.consent_calls = watch.consent_calls
    values = watch.values
    seen.cookies, seen.stored, seen.in_session = values.cookies, values.stored, values.in_session
    seen.scripted = values.by_script - values.by_answer
    if har and not _is_whole(har):
        seen.notes.append(f"{har} could not be written whole: see that its disk has room.")
    if watch.kept.flooded:
        seen.notes.append("There was more than can be kept: of the same thing the newest alone, and not all things.")
    seen.notes = [f"{state}: {note}" for note in seen.notes]
    return seen


async def _answer(visit: Visit, state: str, plan: Plan) -> None:
    seen, watch, url = visit.seen, visit.watch, plan.pages[0]
    await visit.open(url)
    began = time.time()
    seen.answered = bool(await visit.run(lambda page: answer(page, state != "refused", visit.note)))
    if seen.answered and state == "withdrawn":
        await visit.use()
        for page in [*plan.pages[1:], url]:  # what starts on any of them may go on
            await visit.open(page)
            await visit.use(seconds_with_consent(plan))
        began = time.time()
        offered = any(tag.get("offers") for tag in seen.tags.values())
        seen.answered = bool(await visit.run(lambda page: take_back(page, visit.note, elsewhere=offered)))
    if seen.answered:
        seen.since = (watch.clicked if watch.clicked >= began - 1 else began) - CLOCKS_DIFFER
        await visit.use()
        until = seen.since + SECONDS_TO_HEED
        if time.time() > until and not watch.documents.is_replaced(seen.since, until):
            seen.stayed = watch.page


def seconds_with_consent(plan: Plan) -> float:
    """Return how long each page is used before the withdrawal."""
    return min(plan.wait, max(LEAST_SECONDS_WITH_CONSENT, SECONDS_WITH_CONSENT / len(plan.pages)))


async def _tour(visit: Visit, plan: Plan) -> None:
    for url in plan.pages:
        await visit.open(url)
        await visit.use()
        plan.step()
    if visit.seen.state == "withdrawn":  # and comes back once more
        await visit.open(plan.pages[0])
        await visit.use()
    await visit.leave()


def _is_whole(har: Path) -> bool:
    """Return whether a HAR file has its end, which is written last."""
    try:
        with har.open("rb") as file:
            file.seek(-min(file.seek(0, 2), 64), 2)
            return file.read().rstrip().endswith(b"}")
    except OSError:
        return False
