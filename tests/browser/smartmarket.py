"""SmartMarket in a window: what its page runs, leaves on the device and sends, and what is counted of it."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner
from conftest import ROOT, Live
from playwright.sync_api import BrowserContext, Page, Request

from consent_server.cli import main
from consent_server.settings.shops import snippet_words

from .conftest import until

WORDS = snippet_words()

STAND_INS = {"functional", "analytics", "marketing", "video"}

FILM = "/demo/products/kulek-r1"


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Page:
    """A window of an Azerbaijani shopper."""
    return new_context(locale="az-AZ", viewport={"width": 1280, "height": 800}).new_page()


# ---- What can be seen from outside ----


def press(page: Page, word: str, lang: str = "az") -> None:
    """Press the button of that word: the preferences' where they are open, else the banner's."""
    page.get_by_role("button", name=WORDS[lang][word], exact=True).locator("visible=true").last.click()


def banner(page: Page, lang: str = "az") -> Any:
    """Return the first layer."""
    return page.get_by_role("dialog", name=WORDS[lang]["title"])


def ran(page: Page) -> list[str]:
    """Return which stand-ins have run on this page."""
    return page.evaluate("performance.getEntriesByName('smartmarket').map(({ detail }) => detail.ran)")


def payload(token: str) -> dict[str, Any]:
    part = token.split(".")[0]
    return json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def delivered(page: Page) -> dict[str, Any]:
    """Wait until the page has its token, and return what it says."""
    until(page, "window.consent?.token")
    return payload(page.evaluate("consent.token"))


def settled(page: Page) -> None:
    """Wait until the page has fetched what it fetches by itself."""
    until(page, "window.consent")
    page.wait_for_load_state("networkidle")


def decisions(requests: list[Request]) -> list[Request]:
    return [request for request in requests if request.url.endswith("/decisions")]


def counted(server: Live) -> dict[str, int]:
    """Return what SmartMarket's shoppers have done so far, as the operator's command prints it."""
    asked = ["rates", "smartmarket", "--format", "json", "--data", str(server.folder / "data")]
    environment = {"CONSENT_CONFIG": str(ROOT / "consent.toml"), **server.environment}
    printed = CliRunner(env=environment).invoke(main, asked, catch_exceptions=False)
    assert printed.exit_code == 0, printed.output
    return json.loads(printed.stdout)["total"]["counts"]
