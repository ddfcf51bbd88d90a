"""What tests of hard pages share: an English shopper who accepts, comes back, and withdraws."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page

from .conftest import until

ALLOW = "consent.decide({ functional: true, analytics: true, marketing: true })"
WITHDRAW = "consent.decide({ functional: false, analytics: false, marketing: false })"
PATTERN = (("*.tracker.localhost", "analytics"),)


@pytest.fixture(name="page")
def english(new_context: Callable[..., BrowserContext]) -> Page:
    """A window of an English shopper."""
    return new_context(locale="en-GB").new_page()


def accepted(page: Page, url: str) -> None:
    """Come to a page as who has accepted."""
    page.goto(url)
    page.evaluate(ALLOW)
    until(page, "consent.token")
    page.goto(url)


def withdraw(page: Page) -> None:
    """Withdraw in a page whose scripts have run, and wait for the page that takes its place."""
    page.evaluate(f"window.here = 1; {WITHDRAW}")
    until(page, "!window.here && window.consent?.choice")
