"""A demo with days behind it, and a marketer's window on its rates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import ROOT, Live
from playwright.sync_api import BrowserContext, Page, expect

from consent_server.demo.sample import sample
from consent_server.settings.shops import read_sites
from consent_server.store import Store
from consent_server.tokens import Keys
from consent_server.web.marketer.words import Words

SIZES = {"desktop": (1280, 900), "phone": (360, 780), "narrow": (320, 640)}
EN = Words.of("en")

OTHERS = ("/keys?site=smartmarket", "/links?site=smartmarket&device=phone&goal=answer", "/sites", "/password")
"""The pages beside the rates."""


@pytest.fixture(scope="session")
def filled(short_folder: Callable[[], Path]) -> Iterator[Live]:
    """A demo with 64 made-up days behind it."""
    live = Live(short_folder()).start()
    store = Store(f"unix://{live.folder / 'data' / 'valkey.sock'}", 5)
    store.connection.client.config_set("appendfsync", "no")  # nothing of it has to last
    keys = Keys(((live.folder / "data" / "secret").read_text(),))
    site = read_sites(ROOT / "consent.toml")["smartmarket"]
    assert len([*sample(store, site, datetime.now(UTC).date(), sign=keys.sign, days=64, shoppers=90)]) == 64
    for _ in range(20):
        store.leaks.add(
            site, datetime.now(UTC).date(), [("refused", "cookie", "_xyz"), ("before", "request", "a.example")]
        )
    store.connection.client.close()
    yield live
    live.stop()


@pytest.fixture(scope="session")
def sessions() -> dict[str, Any]:
    """The browser state of who has logged in to which demo: one login each, for many are slowed down."""
    return {}


@pytest.fixture
def enter(new_context: Callable[..., BrowserContext], sessions: dict[str, Any]) -> Callable[..., Page]:
    """Open the page of a demo as its marketer, logged in."""

    def go(live: Live, size: str = "desktop", **options: Any) -> Page:
        if live.url not in sessions:
            context = new_context()
            page = context.new_page()
            page.goto(f"{live.url}/")
            page.locator("[name=name]").fill("demo")
            page.locator("[name=password]").fill((live.folder / "data" / "password").read_text())
            page.locator("main button").click()
            expect(page.locator("form.asked")).to_be_visible()
            sessions[live.url] = context.storage_state()
        width, height = SIZES[size]
        page = new_context(
            viewport={"width": width, "height": height},
            storage_state=sessions[live.url],
            **{"locale": "en-GB", **options},
        ).new_page()
        page.goto(f"{live.url}/")
        expect(page.locator("form.asked")).to_be_visible()
        return page

    return go


def violations(page: Page) -> list[str]:
    """Return what axe-core finds wrong with a page, with the elements."""
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {[node['target'] for node in each['nodes']]}" for each in found]
