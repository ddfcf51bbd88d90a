"""A shop whose consent server is on another host, and away at times."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, SECRET, Live, free_port
from flask import Flask
from playwright.sync_api import BrowserContext, Page, Request, expect
from werkzeug.serving import WSGIRequestHandler, make_server

from consent_server.demo import storefront

from .conftest import until
from .smartmarket import FILM, STAND_INS, banner, counted, decisions, delivered, page, press, ran, settled

__all__ = ["page"]


# ---- The shop on another origin than the server ----


@dataclass
class Shop:
    """SmartMarket's pages on an origin of their own, and the consent server that they use."""

    url: str
    server: Live


class Quietly(WSGIRequestHandler):
    def log(self, *_: object) -> None:  # type: ignore[override]
        pass


@pytest.fixture(scope="module")
def both(short_folder: Callable[[], Path]) -> Iterator[Shop]:
    """A shop at localhost, whose consent server is at 127.0.0.1: two hosts, so that every call crosses origins."""
    port = free_port()
    lines = (ROOT / "consent.toml").read_text("utf-8").splitlines()
    assert sum(line.startswith(("origins =", "cookie_domain =")) for line in lines) == 2
    config = short_folder() / "consent.toml"
    config.write_text(
        "\n".join(
            f'origins = ["http://localhost:{port}"]' if line.startswith("origins =") else line
            for line in lines
            if not line.startswith("cookie_domain =")
        ),
        "utf-8",
    )
    environment = {"CONSENT_CONFIG": str(config), "CONSENT_SECRET": SECRET, "CONSENT_DATA": "data"}
    server = Live(short_folder(), ("serve",), environment).start()
    app = Flask("shop")
    app.config["CONSENT_SERVER"] = server.url
    app.register_blueprint(storefront.blueprint)
    pages = make_server("127.0.0.1", port, app, threaded=True, request_handler=Quietly)
    thread = threading.Thread(target=pages.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield Shop(f"http://localhost:{port}", server)
    pages.shutdown()
    thread.join()
    pages.server_close()
    server.stop()


@pytest.fixture
def shop(both: Shop, request: pytest.FixtureRequest) -> Iterator[Shop]:
    """That shop, its consent server running again if the test before ended or froze it."""
    assert both.server.process
    if both.server.process.poll() is not None:
        both.server.start()
    yield both
    if both.server.process.poll() is None:
        both.server.thaw()
    if request.node.failed:
        print(f"consent-server on port {both.server.port} said:\n{both.server.words()}")


class Wire:
    """What a page's browser really sent to the consent server: preflights too, and nothing that its cache answered."""

    def __init__(self, page: Page, server: str) -> None:
        self._sent: dict[str, tuple[str, str]] = {}
        self._cached: set[str] = set()
        session = page.context.new_cdp_session(page)
        session.on("Network.requestWillBeSent", lambda event: self._note(event, server))
        session.on("Network.requestServedFromCache", lambda event: self._cached.add(event["requestId"]))
        session.on(
            "Network.responseReceived",
            lambda event: event["response"].get("fromDiskCache") and self._cached.add(event["requestId"]),
        )
        session.send("Network.enable")

    def _note(self, event: dict[str, Any], server: str) -> None:
        request = event["request"]
        if request["url"].startswith(server + "/v1/"):
            # A preflight has an id of its own.
            self._sent[event["requestId"]] = (request["method"], request["url"].rsplit("/", 1)[1])

    @property
    def sent(self) -> list[tuple[str, str]]:
        return [what for name, what in self._sent.items() if name not in self._cached]


@pytest.mark.troubles("CORS|Failed to load resource")
def test_a_decision_is_one_request_without_preflight(shop: Shop, page: Page) -> None:
    wire = Wire(page, shop.server.url)
    page.goto(shop.url + FILM)
    settled(page)
    before = wire.sent
    press(page, "accept")
    delivered(page)
    settled(page)
    posted = [(method, path) for method, path in wire.sent[len(before) :] if not path.endswith(".js")]
    assert posted == [("POST", "decisions")]
    assert not [method for method, _ in before if method == "OPTIONS"]

    # The wire does see a preflight when there is one.
    unusual = "(url) => fetch(url, { headers: { 'X-Unusual': '1' } }).catch(() => {})"
    page.evaluate(unusual, f"{shop.server.url}/v1/smartmarket/me")
    assert "OPTIONS" in [method for method, _ in wire.sent]


def test_a_returning_shopper_asks_the_server_nothing(shop: Shop, new_context: Callable[..., BrowserContext]) -> None:
    came_back: dict[str, tuple[Page, Wire]] = {}
    for answer in ("accept", "refuse"):
        page = new_context(locale="az-AZ").new_page()
        page.goto(shop.url + FILM)
        settled(page)
        press(page, answer)
        delivered(page)
        came_back[answer] = page, Wire(page, shop.server.url)
        page.goto(shop.url + "/demo/")
        settled(page)
        assert came_back[answer][1].sent == [], answer

    shop.server.stop()
    for answer, (page, wire) in came_back.items():
        page.goto(shop.url + FILM)
        settled(page)
        expect(banner(page)).to_be_hidden()
        assert set(ran(page)) <= STAND_INS
        assert bool(ran(page)) == (answer == "accept"), answer
        assert wire.sent == [], answer


@pytest.mark.troubles("Failed to load resource|ERR_|consent:")
@pytest.mark.parametrize("gone", ["killed", "frozen"])
def test_a_choice_made_while_the_server_is_away_holds_and_is_delivered_once(
    shop: Shop, page: Page, requests: list[Request], gone: str
) -> None:
    before = counted(shop.server)["answered"]
    page.goto(shop.url + FILM)
    settled(page)
    if gone == "killed":
        shop.server.kill()
    else:
        shop.server.freeze()
    press(page, "accept")
    expect(banner(page)).to_be_hidden()
    until(page, "performance.getEntriesByName('smartmarket').length == 4")
    assert page.evaluate("[consent.allows('marketing'), consent.token]") == [True, None]

    page.goto(shop.url + "/demo/basket")  # the choice holds on the next page too, still undelivered
    until(page, "window.consent?.allows('analytics')")
    expect(banner(page)).to_be_hidden()
    assert page.evaluate("consent.token") is None

    if gone == "killed":
        shop.server.start()
    else:
        shop.server.thaw()
    page.goto(shop.url + "/demo/privacy")
    said = delivered(page)
    settled(page)
    assert said["allow"] == ["analytics", "functional", "marketing"]
    assert len({json.loads(str(request.post_data))["id"] for request in decisions(requests)}) == 1
    assert counted(shop.server)["answered"] == before + 1

    sent = len(decisions(requests))
    page.goto(shop.url + "/demo/")
    settled(page)
    assert len(decisions(requests)) == sent, "what is delivered is not sent again"
