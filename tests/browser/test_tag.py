"""The pages of docs/tag.md and of the README, as they stand: what waits, what is released, what scripts can ask."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Callable

import pytest
from conftest import Live
from examples import example
from playwright.sync_api import BrowserContext, Page, Request, Route

from consent_server.settings.shops import snippet_words

from .conftest import settle, when

WORDS = snippet_words()["en"]
ELSEWHERE = re.compile(r"\.example/")


@pytest.fixture
def open_page(demo: Live, new_context: Callable[..., BrowserContext]) -> Callable[[str], Page]:
    """Open a page of the demo's host with this HTML in it; other hosts are answered within the browser."""

    def elsewhere(route: Route) -> None:
        kind = {"script": "text/javascript", "stylesheet": "text/css"}.get(route.request.resource_type, "text/html")
        route.fulfill(body="/* from elsewhere */", content_type=kind)

    def open_it(html: str) -> Page:
        page = new_context(locale="en-GB").new_page()
        page.route(ELSEWHERE, elsewhere)
        text = re.sub(r"https://consent\.shop\.example/v1/\w+/", f"{demo.url}/v1/smartmarket/", html)
        document = f'<!doctype html><html lang="en"><title>Shop</title><link rel="icon" href="data:,">{text}'
        page.route(f"{demo.url}/page", lambda route: route.fulfill(body=document, content_type="text/html"))
        page.goto(f"{demo.url}/page")
        return page

    return open_it


def asked(requests: list[Request]) -> list[str]:
    return [made.url for made in requests if ELSEWHERE.search(made.url)]


def press(page: Page, word: str) -> None:
    page.get_by_role("button", name=WORDS[word], exact=True).first.click()


def test_the_markup_waits_and_is_released_once(open_page: Callable[[str], Page], requests: list[Request]) -> None:
    page = open_page(example("tag") + example("markup"))
    page.get_by_role("button", name=WORDS["accept"], exact=True).first.wait_for()
    assert asked(requests) == []
    assert page.evaluate("[window.marketed, window.both]") == [None, None]
    press(page, "accept")
    page.wait_for_function("window.marketed && window.both")
    expected = [
        "https://films.example/film",
        "https://fonts.example/font.css",
        "https://tags.example/analytics.js",
        "https://tags.example/pixel.gif",
    ]
    when(page, lambda: len(asked(requests)) >= len(expected))
    settle(page)
    assert sorted(asked(requests)) == expected


def test_a_page_without_the_server_stays_inert(open_page: Callable[[str], Page], requests: list[Request]) -> None:
    page = open_page(example("markup"))
    settle(page)
    assert asked(requests) == []
    assert page.evaluate("[window.marketed, window.both]") == [None, None]


@pytest.mark.parametrize("where", ["named", "the shop's own host"])
def test_the_tag_inlined_finds_the_server(demo: Live, open_page: Callable[[str], Page], where: str) -> None:
    with urllib.request.urlopen(f"{demo.url}/v1/smartmarket/consent.js") as answer:
        tag = example("tag inlined").replace("…", answer.read().decode())
    page = open_page((tag if where == "named" else re.sub(r' data-base="[^"]*"', "", tag)) + example("markup"))
    press(page, "accept")
    page.wait_for_function("consent.token && window.both")


@pytest.mark.parametrize("queue", ["before", "after"])
def test_scripts_ask_before_and_after_the_gate_has_arrived(open_page: Callable[[str], Page], queue: str) -> None:
    script = f"<script>{example('api')}</script>"
    page = open_page(script + example("tag") if queue == "before" else example("tag").replace("async ", "") + script)
    page.wait_for_function("window.analyticsNow === false")
    press(page, "accept")
    page.wait_for_function("window.mayMarket")
    assert page.evaluate("window.answer") == {"functional": True, "analytics": True, "marketing": True}


def test_the_page_of_the_readme(open_page: Callable[[str], Page], requests: list[Request]) -> None:
    page = open_page(f"<script>window.loadThePixel = () => (window.pixel = true);</script>{example('readme page')}")
    page.wait_for_function("window.consent")
    page.evaluate(example("readme script").replace("console.log(", "window.heard = (detail) && ("))
    assert page.evaluate("window.pixel") is None
    press(page, "accept")
    page.wait_for_function("window.pixel && window.heard")
    expected = ["https://films.example/film", "https://tags.example/tag.js"]
    when(page, lambda: len(asked(requests)) >= len(expected))
    settle(page)
    assert sorted(asked(requests)) == expected
    page.get_by_role("button", name="Cookie settings").click()
    page.get_by_role("switch").first.wait_for()
