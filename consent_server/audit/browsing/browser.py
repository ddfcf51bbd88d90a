"""A browser with a fresh profile, by Playwright and with the system's Chromium or Chrome."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ...site import ConsentError
from .netlog import Sent, read_netlog

if TYPE_CHECKING or find_spec("playwright"):
    from playwright.async_api import BrowserContext, Page, Playwright, Response, async_playwright
    from playwright.async_api import Error as Error
else:  # an extra of the package
    Error = RuntimeError

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

FLAGS = (
    "--no-first-run",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Frames of other sites stay in the page's process, so that one session sees what all of them do.
    "--disable-site-isolation-trials",
    # A page that unloads stays in that session to the end, so that its last requests have an initiator. What else is
    # here is a browser's own traffic, and the address bar's two pages, which are half of what a window costs.
    # Playwright's list is replaced: partitioned storage and the like stay as shoppers have them.
    "--disable-features=RenderDocument,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,MediaRouter,OptimizationHints,"
    "NetworkTimeServiceQuerying,PreconnectToSearch,DestroyProfileOnBrowserClose,WebUIOmniboxPopup,WebUIOmniboxAimPopup",
    "--net-log-capture-mode=IncludeSensitive",
    # Trackers send nothing where they are told that nobody looks: `navigator.webdriver` is as shoppers have it.
    "--disable-blink-features=AutomationControlled",
)

GPC = "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true, configurable: true})"

UNCOUNTED = ["*/v1/*/shown", "*/v1/*/decisions", "*/v1/*/seen", "*/v1/*/reports"]
"""Neither the banner nor the answer is counted in the shop's rates, nor what is seen, or its policy reports, in its
leaks: those do not leave the browser."""

SECONDS_TO_START = 120
"""Several browsers start at once, on whatever machine this is."""

SECONDS_TO_END = 60
"""With the HAR file of all traffic, if there is to be one."""

ATTEMPTS = 5
SECONDS_BETWEEN = 0.2


class NoBrowser(ConsentError):
    """There is nothing to look at pages with."""

    problem = "no-browser"


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser that runs; ``sent`` is what left it, known once it has ended."""

    context: BrowserContext
    sent: list[Sent] = field(default_factory=list)


def find_chromium() -> str | None:
    """Return the path of an installed Chromium or Chrome; None where it is no command, as on macOS: ``_program`` looks.

    Raises:
        NoBrowser: Playwright is missing; says what to type.
    """
    if not find_spec("playwright"):
        raise NoBrowser("A page is looked at by Playwright; type: pip install playwright duckduckgo-autoconsent-py")
    return next((found for name in CHROMIUM if (found := shutil.which(name))), None)


@asynccontextmanager
async def running_playwright() -> AsyncIterator[Playwright]:
    """Give what starts browsers; all of them have ended afterwards."""
    async with async_playwright() as playwright:
        yield playwright


@asynccontextmanager
async def fresh_browser(
    playwright: Playwright, *, gpc: bool = False, har: Path | None = None
) -> AsyncIterator[Browser]:
    """Give a browser that knows nothing yet; it ends, and its profile goes, afterwards.

    Args:
        playwright: from ``running_playwright``.
        gpc: whether it sends Global Privacy Control, as a header and as a property.
        har: where to write all traffic as a HAR file, if anywhere.

    Raises:
        NoBrowser: a Chromium is missing, or does not start.
    """
    path = find_chromium()
    with TemporaryDirectory(prefix="consent-audit-", ignore_cleanup_errors=True) as folder:
        netlog = Path(folder) / "netlog.json"
        try:
            program, agent = await _program(playwright, path)
            context = await playwright.chromium.launch_persistent_context(
                Path(folder) / "profile",
                executable_path=program,
                channel=None if program else "chrome",
                chromium_sandbox=os.geteuid() != 0,
                args=[*FLAGS, f"--log-net-log={netlog}", f"--user-agent={agent}"],
                # With it a page that changes its address without end keeps the whole browser.
                ignore_default_args=["--disable-ipc-flooding-protection"],
                timeout=SECONDS_TO_START * 1000,
                # Ctrl-C is ours to answer: what was started ends in order.
                handle_sigint=False,
                handle_sigterm=False,
                accept_downloads=False,
                record_har_path=har,
                extra_http_headers={"Sec-GPC": "1"} if gpc else None,
            )
        except Error as error:
            if path is None:
                raise NoBrowser(
                    "There is no Chromium or Chrome here to look at the page with; "
                    "type: python -m playwright install chrome (or on Debian and Ubuntu: apt-get install chromium)"
                ) from None
            raise NoBrowser(f"{path} does not start: {in_a_line(error)}") from None
        browser = Browser(context)
        try:
            if gpc:
                await context.add_init_script(GPC)
            yield browser
        finally:
            with suppress(Error, TimeoutError):  # it may have ended by itself, or hang; Playwright ends it then
                async with asyncio.timeout(SECONDS_TO_END):
                    await context.close()
            browser.sent.extend(await asyncio.to_thread(read_netlog, netlog))  # the other states go on


_programs: dict[str | None, tuple[str | None, str]] = {}
"""What was found to start, and how it calls itself, by the command that there is."""


async def _program(playwright: Playwright, path: str | None) -> tuple[str | None, str]:
    """Return the browser to start, and how it calls itself before shoppers, workers of theirs too.

    That is the command; else, as None, Chrome where it is on this system; else the Chromium that Playwright installs.

    Raises:
        Error: there is none, or it does not start.
    """
    if path not in _programs:
        own = playwright.chromium.executable_path
        try:
            _programs[path] = path, await _user_agent(playwright, path)
        except Error:
            if path or not Path(own).exists():
                raise
            _programs[path] = own, await _user_agent(playwright, own)
    return _programs[path]


async def _user_agent(playwright: Playwright, path: str | None) -> str:
    """Return how a browser calls itself before shoppers: not ``HeadlessChrome``."""
    browser = await playwright.chromium.launch(
        executable_path=path,
        channel=None if path else "chrome",
        chromium_sandbox=os.geteuid() != 0,
        timeout=SECONDS_TO_START * 1000,
        handle_sigint=False,
        handle_sigterm=False,
    )
    version = await (await browser.new_browser_cdp_session()).send("Browser.getVersion")
    await browser.close()
    return str(version["userAgent"]).replace("Headless", "")


def in_a_line(error: Error) -> str:
    """Return what Playwright says without its log of calls."""
    said = str(error).splitlines()[0].removeprefix("Page.goto: ")
    return re.sub(r" at https?://\S+$", "", said).rstrip(".") + "."


async def go_to(page: Page, url: str, seconds: float) -> Response | None:
    """Go to an address, and return its answer as soon as there is one.

    Raises:
        Error: there is none, or not within this time.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return await page.goto(url, wait_until="commit", timeout=seconds * 1000)
        except Error as error:
            if "interrupted by another navigation" not in str(error):
                raise
            # The browser's own page for the error of the address before comes late.
            await asyncio.sleep(SECONDS_BETWEEN)
    return await page.goto(url, wait_until="commit", timeout=seconds * 1000)
