"""The recipes of docs/recipes.md as pages: nothing of a vendor before a yes or after a no, its script once after it.

The vendors' hosts are answered within the browser; nothing leaves this machine.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from conftest import SECRET, Live
from examples import blocks, example
from playwright.sync_api import BrowserContext, Page, Request, Route, expect

from consent_server.check import faults
from consent_server.settings.shops import read_sites, snippet_words

RECIPES = {
    "google": "www.googletagmanager.com",
    "meta": "connect.facebook.net",
    "matomo": "matomo.shop.example",
    "yandex": "mc.yandex.ru",
    "hotjar": "static.hotjar.com",
    "youtube": "www.youtube-nocookie.com",
    "unmarked": "widget.tracker.example",
}
"""Each recipe and the host that must not be asked before a yes."""

WORDS = snippet_words()["en"]
SHOP = '[sites.{id}]\nname = "Shop"\norigins = ["{origin}"]\npolicy_url = "/privacy"\npolicy_updated = 2025-12-20\n'


@pytest.fixture(scope="module")
def pages() -> Iterator[dict[str, str]]:
    """What the shops' web server shows, by path; put pages in. ``""`` is its origin."""
    shown: dict[str, str] = {}

    class Shop(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path in shown else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(shown.get(self.path, "").encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    shown[""] = f"http://127.0.0.1:{server.server_port}"
    yield shown
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def config(pages: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One shop for each recipe, named for it."""
    path = tmp_path_factory.mktemp("recipes") / "consent.toml"
    path.write_text(
        "\n".join(
            SHOP.format(id=name, origin=pages[""]) + example(f"config {name}").replace("sites.shop.", f"sites.{name}.")
            for name in RECIPES
        ),
        "utf-8",
    )
    return path


@pytest.fixture(scope="module")
def live(short_folder: Callable[[], Path], config: Path) -> Iterator[Live]:
    """A server with all the shops."""
    server = Live(short_folder(), ("serve",), {"CONSENT_SECRET": SECRET, "CONSENT_CONFIG": str(config)}).start()
    yield server
    server.stop()


@pytest.fixture
def open_shop(
    live: Live, new_context: Callable[..., BrowserContext], config: Path, pages: dict[str, str]
) -> Callable[[str], Page]:
    """Open the page of a recipe in a fresh profile; vendors' scripts note on ``window.ran`` that they ran."""
    site = read_sites(config)

    def answer(route: Route) -> None:
        host = urlsplit(route.request.url).netloc
        if f"http://{host}" in (live.url, pages[""]):
            route.continue_()
        elif route.request.resource_type == "script":
            route.fulfill(body="(window.ran ||= []).push(document.currentScript.src)", content_type="text/javascript")
        else:
            route.fulfill(body="<!doctype html><title>Vendor</title>", content_type="text/html")

    def open_page(name: str) -> Page:
        page = new_context(locale="en-GB").new_page()
        page.route("**", answer)
        pages[f"/{name}"] = (
            f'<!doctype html><html lang="en"><head><title>Shop</title><link rel="icon" href="data:,">'
            f"{faults.tag(site[name], live.url)}</head><body>{example(f'page {name}')}</body></html>"
        )
        page.goto(f"{pages['']}/{name}")
        return page

    return open_page


def press(page: Page, word: str) -> None:
    page.get_by_role("button", name=WORDS[word], exact=True).first.click()


def test_every_recipe_is_tested() -> None:
    written = {block.name for block in blocks() if block.page.name == "recipes.md" and block.name}
    assert written == {f"{part} {name}" for name in RECIPES for part in ("page", "config")}


@pytest.mark.parametrize("name", RECIPES)
def test_nothing_of_the_vendor_before_a_yes_and_its_script_once_after(
    name: str, open_shop: Callable[[str], Page], requests: list[Request]
) -> None:
    def asked() -> list[str]:
        return [made.url for made in requests if urlsplit(made.url).hostname == RECIPES[name]]

    page = open_shop(name)
    expect(page.get_by_role("button", name=WORDS["refuse"], exact=True).first).to_be_visible()
    assert asked() == []
    press(page, "refuse")
    page.wait_for_function("window.consent.choice && !window.consent.choice.marketing")
    page.reload()
    page.wait_for_function("window.consent && window.consent.choice")
    page.wait_for_timeout(300)
    assert asked() == []

    page = open_shop(name)
    with page.expect_request(lambda made: urlsplit(made.url).hostname == RECIPES[name]):
        press(page, "accept")
    page.wait_for_timeout(500)
    assert len(asked()) == 1


def test_google_finds_the_denied_default_and_the_answer_before_its_container(open_shop: Callable[[str], Page]) -> None:
    page = open_shop("google")
    with page.expect_request(re.compile("gtm.js")):
        press(page, "accept")
    page.wait_for_function("window.ran")
    layer = page.evaluate("dataLayer.map(entry => entry.length ? [...entry].slice(0, 3) : entry)")
    default, update, *rest = layer
    assert default[:2] == ["consent", "default"]
    assert default[2]["analytics_storage"] == default[2]["ad_storage"] == "denied"
    assert update[:2] == ["consent", "update"]
    assert update[2]["analytics_storage"] == update[2]["ad_user_data"] == "granted"
    assert [entry.get("event") for entry in rest] == ["consentchange", "gtm.js"]
