"""What tests of hard pages share: a shopper who accepts, comes back, and withdraws."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from .conftest import WORDS, until

ALLOW = "consent.decide({ functional: true, analytics: true, marketing: true })"
WITHDRAW = "consent.decide({ functional: false, analytics: false, marketing: false })"
PATTERN = (("*.tracker.localhost", "analytics"),)


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


def says(page: Page, *words: str, names: str = "") -> None:
    """See that the shopper is told this, in this order, and nothing else."""
    told = " ".join(WORDS["en"][word].replace("{names}", names) for word in words)
    expect(page.get_by_role("status").locator("span")).to_have_text(told)
