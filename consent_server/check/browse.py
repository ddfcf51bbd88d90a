"""A look at a page in the machine's Chromium or Chrome: what it sets on a device before an answer and after a yes.

Playwright drives the browser; it comes with the extra ``consent-server[browser]``.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..site import OPTIONAL, ConsentError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
SECONDS_TO_ANSWER = 30
SECONDS_TO_SETTLE = 3.0
"""How long tags have to set what they set, after the page has loaded and again after the yes."""

STORED = "() => { try { return [...Object.keys(localStorage), ...Object.keys(sessionStorage)] } catch { return [] } }"
YES = f"(window.consentQueue ||= []).push(consent => consent.decide({json.dumps(dict.fromkeys(OPTIONAL, True))}))"


class CannotBrowse(ConsentError):
    """The page cannot be looked at in a browser."""

    problem = "cannot-browse"


@dataclass(frozen=True, slots=True)
class Observed:
    """Names of cookies and storage entries on the device: before any answer, and after everything was allowed."""

    before: frozenset[str]
    after: frozenset[str]


def browse(url: str) -> Observed:
    """Open ``url`` in a fresh profile, then allow everything, and return what was set at each time.

    Neither the banner nor the answer is counted: those two requests do not leave the browser.

    Raises:
        CannotBrowse: there is no Playwright or no browser, or it does not show the page; says why, or what to type.
    """
    try:
        playwright = importlib.import_module("playwright.sync_api")  # late: few commands need it, and it takes its time
    except ImportError:
        raise CannotBrowse("A page is looked at by Playwright; type: pip install 'consent-server[browser]'") from None
    try:
        with playwright.sync_playwright() as driver, _launched(driver, playwright.Error) as browser:
            context = browser.new_context()
            context.route(re.compile(r"/v1/[^/]+/(decisions|shown)$"), lambda route: route.abort())
            page = context.new_page()
            page.goto(url, wait_until="commit")
            before = _settled(page, playwright.TimeoutError)
            page.evaluate(YES)
            return Observed(before, _settled(page, playwright.TimeoutError))
    except playwright.Error as error:
        reason = re.search(r"net::\w+", error.message)
        why = reason[0] if reason else error.message.splitlines()[0].rstrip(".")
        raise CannotBrowse(f"{url} cannot be opened in a browser: {why}.") from None


def _launched(driver: Playwright, failure: type[Exception]) -> Browser:
    """Start the machine's browser."""
    path = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    sandbox = os.geteuid() != 0
    if path:
        return driver.chromium.launch(executable_path=path, chromium_sandbox=sandbox)
    try:  # where Chrome is no command, as on macOS, Playwright knows its place
        return driver.chromium.launch(channel="chrome", chromium_sandbox=sandbox)
    except failure:
        raise CannotBrowse(
            "There is no Chromium or Chrome here to look at the page with; type: python -m playwright install chrome"
        ) from None


def _settled(page: Page, too_long: type[Exception]) -> frozenset[str]:
    """Wait until the page has loaded and its tags have run, and return the names of what is on the device."""
    with suppress(too_long):
        page.wait_for_load_state(timeout=SECONDS_TO_ANSWER * 1000)
    page.wait_for_timeout(SECONDS_TO_SETTLE * 1000)
    return frozenset([*(cookie["name"] for cookie in page.context.cookies()), *page.evaluate(STORED)])
