"""A real browser: its windows, and what their pages asked for and complained of."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright

expect.set_options(timeout=45_000)

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIETLY = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Chromium heeds the last such list alone: Playwright's, and the two pages of the address bar that nobody sees here
    # and that are half of what a window costs.
    "--disable-features=AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,HttpsUpgrades,"
    "HttpsFirstBalancedModeAutoEnable,LensOverlay,MediaRouter,PaintHolding,ThirdPartyStoragePartitioning,"
    "AvoidCorsURLLoaderRestartOnRedirect,OptimizationHints,NetworkTimeServiceQuerying,PreconnectToSearch,"
    # A process kept ready for the next page of a profile, which the next test's fresh profile cannot use.
    "SpareRendererForSitePerProcess,"
    "WebUIOmniboxPopup,WebUIOmniboxAimPopup",
)


def chromium_path() -> str:
    """Return where the machine's Chromium or Chrome is."""
    found = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    assert found, "there is no Chromium or Chrome; `make test` installs one"
    return found


@pytest.fixture(scope="session")
def browser(pytestconfig: pytest.Config) -> Iterator[Browser]:
    """The machine's Chromium or Chrome, without a window.

    With ``--few`` it is Chromium's own shell for pages without windows, where there is one: the same engine, and a
    quarter of a test's work less. Whatever a shopper's browser has around it comes with all cases, in ``make pages``.
    """
    shell = shutil.which("chromium-headless-shell") if pytestconfig.getoption("--few") else None
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shell or chromium_path(), args=[*QUIETLY])
        yield chromium
        chromium.close()


@pytest.fixture
def requests() -> list[Request]:
    """Every request that the pages of this test made, in order; the browser's cache answers without one."""
    return []


@pytest.fixture
def new_context(
    browser: Browser, request: pytest.FixtureRequest, requests: list[Request]
) -> Iterator[Callable[..., BrowserContext]]:
    """Open a fresh profile with Playwright's context options: another shopper, another device.

    The test fails if one of its pages throws or logs an error, unless marked ``troubles(pattern)``.
    """
    contexts: list[BrowserContext] = []
    troubles: list[str] = []
    expected = [re.compile(mark.args[0]) for mark in request.node.iter_markers("troubles")]

    def note(text: str) -> None:
        if not any(pattern.search(text) for pattern in expected):
            troubles.append(text)

    def open_context(**options: Any) -> BrowserContext:
        context = browser.new_context(**options)
        contexts.append(context)
        context.on("request", lambda made: requests.append(made))
        context.on("weberror", lambda error: note(f"uncaught: {error.error}"))
        context.on("console", lambda said: note(f"console: {said.text}") if said.type in ("error", "warning") else None)
        return context

    yield open_context
    for context in contexts:
        context.close()
    assert not troubles, "\n".join(troubles)


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Page:
    """A window of the shopper's browser: Azerbaijani, 1280 by 800."""
    return new_context(locale="az-AZ", viewport={"width": 1280, "height": 800}).new_page()
