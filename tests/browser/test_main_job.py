"""From the shopper's click to the marketer's page, in a real browser against the real server."""

from __future__ import annotations

import json
import re
import threading
import urllib.request
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from click.testing import CliRunner
from conftest import RESULTS, ROOT, SECRET, Live, free_port
from flask import Flask
from playwright.sync_api import BrowserContext, Page, Request, expect
from werkzeug.serving import WSGIRequestHandler, make_server

from consent_server.cli import main
from consent_server.demo import storefront
from consent_server.settings.shops import snippet_words

from .conftest import until

WORDS = snippet_words()

STAND_INS = {"functional", "analytics", "marketing", "video"}
LEFT_BY = {
    "functional": {"_sm_settings"},
    "analytics": {"_sm_analytics", "_sm_analytics_pages"},
    "marketing": {"_sm_ads", "_sm_ads_interests", "_sm_video"},
}
"""What each kind leaves on a device, on a product's page with the film."""

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


def device(page: Page) -> set[str]:
    """Return the names of all that the shop has left in the browser: cookies of any kind, and both storages."""
    stored = page.evaluate("[...Object.keys(localStorage), ...Object.keys(sessionStorage)]")
    databases = page.evaluate("indexedDB.databases().then((all) => all.map(({ name }) => name))")
    return {cookie["name"] for cookie in page.context.cookies()} | set(stored) | set(databases)


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


def hits_from(requests: list[Request]) -> list[str]:
    """Return what the stand-ins sent, in order."""
    return [str(request.post_data) for request in requests if request.url.endswith("/demo/hits")]


def counted(server: Live) -> dict[str, int]:
    """Return what SmartMarket's shoppers have done so far, as the operator's command prints it."""
    asked = ["rates", "smartmarket", "--format", "json", "--data", str(server.folder / "data")]
    environment = {"CONSENT_CONFIG": str(ROOT / "consent.toml"), **server.environment}
    printed = CliRunner(env=environment).invoke(main, asked, catch_exceptions=False)
    assert printed.exit_code == 0, printed.output
    return json.loads(printed.stdout)["total"]["counts"]


# ---- Before a choice ----


@pytest.mark.parametrize("path", ["/demo/", FILM, "/demo/privacy", "/demo/basket"])
def test_nothing_runs_and_nothing_is_stored_before_a_choice(
    demo: Live, page: Page, requests: list[Request], path: str
) -> None:
    before = demo.get("/demo/hits")
    page.goto(demo.url + path)
    expect(banner(page)).to_be_visible()
    settled(page)
    assert device(page) == set()
    assert ran(page) == []
    assert not any("/tags/" in request.url or "/video" in request.url for request in requests)
    assert demo.get("/demo/hits") == before
    assert page.evaluate("consent.choice") is None
    assert page.evaluate("['functional', 'analytics', 'marketing'].some(consent.allows)") is False


@pytest.mark.parametrize("lang", ["az", "ru", "en", "tr"])
def test_the_banner_speaks_the_language_of_the_page(demo: Live, page: Page, lang: str) -> None:
    page.goto(f"{demo.url}/demo/{'' if lang == 'az' else lang + '/'}")
    expect(banner(page, lang)).to_be_visible()
    for word in ("accept", "refuse", "choose"):
        expect(page.get_by_role("button", name=WORDS[lang][word], exact=True)).to_be_visible()


def test_putting_off_the_answer_decides_nothing(demo: Live, page: Page, requests: list[Request]) -> None:
    page.goto(demo.url + FILM)
    expect(banner(page)).to_be_visible()
    banner(page).press("Escape")
    expect(banner(page)).to_be_hidden()
    settled(page)
    assert (device(page), ran(page), decisions(requests)) == (set(), [], [])
    page.goto(demo.url + "/demo/")
    expect(banner(page)).to_be_visible()


# ---- Refuse ----


def test_refusing_all_runs_nothing_names_nobody_and_is_not_asked_again(
    demo: Live, page: Page, requests: list[Request]
) -> None:
    before = demo.get("/demo/hits")
    page.goto(demo.url + FILM)
    press(page, "refuse")
    expect(banner(page)).to_be_hidden()
    said = delivered(page)
    assert said["allow"] == []
    assert not {"sub", "jti"} & said.keys()
    assert said["at"] % 3600 == 0, "the hour is all that a refusal tells"

    page.goto(demo.url + "/demo/")
    settled(page)
    expect(banner(page)).to_be_hidden()
    assert ran(page) == []
    assert device(page) == {"consent"}
    assert demo.get("/demo/hits") == before
    assert len(decisions(requests)) == 1


# ---- Choose ----


def test_choosing_analytics_runs_exactly_that_tag_at_once(demo: Live, page: Page, requests: list[Request]) -> None:
    page.goto(demo.url + FILM)
    page.evaluate("window.thisVeryPage = true")
    press(page, "choose")
    switches = page.get_by_role("switch")
    expect(switches).to_have_count(3)
    for switch in switches.all():
        expect(switch).not_to_be_checked()
    page.get_by_role("switch", name=WORDS["az"]["analytics"]).check()
    press(page, "save")
    until(page, "performance.getEntriesByName('smartmarket').length")
    said = delivered(page)
    settled(page)
    assert page.evaluate("window.thisVeryPage"), "no reload"
    assert ran(page) == ["analytics"]
    assert hits_from(requests) == ["analytics"]
    assert device(page) == {"consent"} | LEFT_BY["analytics"]
    assert said["allow"] == ["analytics"]
    assert {"sub", "jti"} <= said.keys()

    page.goto(demo.url + "/demo/")
    settled(page)
    expect(banner(page)).to_be_hidden()
    assert ran(page) == ["analytics"]


def test_accepting_all_runs_each_once_in_page_order(demo: Live, page: Page, requests: list[Request]) -> None:
    page.goto(demo.url + FILM)
    press(page, "accept")
    until(page, "performance.getEntriesByName('smartmarket').length == 4")
    delivered(page)
    settled(page)
    assert sorted(hits_from(requests)) == sorted(STAND_INS)
    assert [name for name in ran(page) if name != "video"] == ["functional", "analytics", "marketing"]
    assert device(page) == {"consent"}.union(*LEFT_BY.values())
    expect(page.frame_locator("iframe").get_by_role("img")).to_be_visible()


def test_withdrawing_removes_what_was_left_and_nothing_runs_again(
    demo: Live, page: Page, requests: list[Request]
) -> None:
    page.goto(demo.url + FILM)
    press(page, "accept")
    until(page, "performance.getEntriesByName('smartmarket').length == 4")
    delivered(page)
    settled(page)
    assert device(page) > LEFT_BY["marketing"]
    sent = len(hits_from(requests))
    before = counted(demo)

    page.locator("footer [data-consent-open]").click()
    switches = page.get_by_role("switch")
    expect(switches).to_have_count(3)
    for switch in switches.all():
        expect(switch).to_be_checked()
    with page.expect_navigation():  # what ran cannot be unloaded
        press(page, "refuse")
    settled(page)
    said = delivered(page)
    assert said["allow"] == []
    assert device(page) == {"consent", "ask-withdrawn"}  # the latter until the tab is closed
    assert ran(page) == []

    for path in ("/demo/", FILM):
        page.goto(demo.url + path)
        settled(page)
        expect(banner(page)).to_be_hidden()
        assert ran(page) == []
        assert device(page) == {"consent", "ask-withdrawn"}
    assert len(hits_from(requests)) == sent
    # Seen at the server: of a request made in the moment of the reload a browser may tell nobody.
    after = counted(demo)
    assert [after[what] - before[what] for what in ("answered", "changes", "withdrawals")] == [0, 1, 1]


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


@pytest.mark.troubles("Failed to load resource")
def test_the_operator_sees_that_an_answer_came_late(demo: Live, page: Page) -> None:
    def late() -> float:
        with urllib.request.urlopen(f"{demo.url}/metrics", timeout=45) as answer:
            found = re.search(r'decisions_total\{outcome="late",site="smartmarket"\} (\S+)', answer.read().decode())
        return float(found[1]) if found else 0

    page.route("**/decisions", lambda route: route.abort())
    page.goto(demo.url + FILM)
    press(page, "accept")
    settled(page)
    (kept,) = [cookie for cookie in page.context.cookies() if cookie["name"] == "consent"]
    waiting = json.loads(unquote(kept["value"][1:]))
    waiting[0]["at"] -= 3600
    page.context.add_cookies([{**kept, "value": "~" + quote(json.dumps(waiting))}])
    before = late()
    page.unroute("**/decisions")
    page.reload()
    delivered(page)
    assert late() == before + 1


# ---- To look at ----


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(320, 640), (360, 740), (1280, 800)])
def test_it_fits_the_screen_and_can_be_looked_at(
    demo: Live, new_context: Callable[..., BrowserContext], width: int, height: int, scheme: str
) -> None:
    page = new_context(viewport={"width": width, "height": height}, color_scheme=scheme, locale="az-AZ").new_page()
    RESULTS.mkdir(exist_ok=True)

    def look(name: str) -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.screenshot(path=RESULTS / f"{name}-{width}-{scheme}.png")

    page.goto(demo.url + "/demo/")
    expect(banner(page)).to_be_visible()
    settled(page)
    look("1-banner")
    buttons = [page.get_by_role("button", name=WORDS["az"][word], exact=True) for word in ("accept", "refuse")]
    boxes = [button.bounding_box() for button in buttons]
    assert boxes[0]
    assert boxes[1]
    assert (boxes[0]["width"], boxes[0]["height"]) == (boxes[1]["width"], boxes[1]["height"])
    for box in boxes:
        assert box["height"] >= 44
        assert box["y"] + box["height"] <= height
    press(page, "choose")
    expect(page.get_by_role("switch")).to_have_count(3)
    look("2-preferences")
    press(page, "accept")
    until(page, "performance.getEntriesByName('smartmarket').length == 4")
    delivered(page)
    page.locator("[data-panel] summary").click()
    look("3-panel")
    page.locator("[data-panel] summary").click()
    page.locator(".film").scroll_into_view_if_needed()
    page.frame_locator("iframe").get_by_role("img").wait_for()
    look("4-film")
    page.goto(demo.url + FILM)
    settled(page)
    page.locator("[data-add]").first.click()
    look("5-product")
    page.goto(demo.url + "/demo/basket")
    expect(page.locator("[data-row='kulek-r1']")).to_be_visible()
    look("6-basket")
    page.goto(demo.url + "/demo/privacy")
    look("7-privacy")
