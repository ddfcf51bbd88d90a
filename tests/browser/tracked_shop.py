"""A shop whose tracker is held by a pattern, also under a strict policy."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from .conftest import Shop, press, settle, until

PATTERNS = (("*.tracker.localhost", "analytics"),)


@pytest.fixture
def tracked(shop: Shop) -> Shop:
    """The shop, which names its tracker in consent.toml."""
    return shop.serve(trackers=PATTERNS)


def allow(page: Page) -> None:
    press(page, "accept")
    until(page, "consent.token")
    settle(page)
