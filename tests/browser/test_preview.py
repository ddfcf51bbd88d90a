"""The preview of a consent.toml: each layer as a shopper would see it, anew when the file is saved, and nothing kept."""

from __future__ import annotations

import html
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from werkzeug.serving import make_server

from consent_server.web.preview import LAYERS, create_preview

from .conftest import Quiet, until, when

SHOP = """[sites.shop]
name = "Shop"
origins = ["https://shop.example"]
policy_url = "/privacy"
policy_updated = 2025-12-20
languages = ["en", "tr"]
contact = "privacy@shop.example"

[[sites.shop.variants]]
name = "plain"

[[sites.shop.variants]]
name = "short"
layout = "box"
words.en.title = "Biscuits?"

[[sites.shop.cookies.marketing]]
name = "_ad"
provider = "Ads"
purpose = { en = "Ads.", tr = "Reklam." }
life = { en = "1 day", tr = "1 gün" }
"""
ONE = "iframe[title$='en, phone, light']"
SEEN = {
    "first": "Cookies",
    "preferences": "Save my choices",
    "mine": "You have not answered yet.",
    "list": "_ad",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "consent.toml"
    path.write_text(SHOP, "utf-8")
    return path


@pytest.fixture
def preview(file: Path) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, create_preview(file), threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("layer", LAYERS)
def test_each_layer_is_shown_in_every_language_device_and_light(preview: str, page: Page, layer: str) -> None:
    page.goto(f"{preview}/?layer={layer}")
    expect(page.locator("iframe")).to_have_count(2 * 2 * 2)
    expect(page.frame_locator(ONE).get_by_text(SEEN[layer]).locator("visible=true").first).to_be_visible()
    turkish = page.frame_locator("iframe[title$='tr, phone, dark']")
    expect(turkish.locator("html")).to_have_attribute("lang", "tr")


def test_the_dark_ones_are_dark_whatever_this_browser_prefers(preview: str, page: Page) -> None:
    page.goto(preview)
    colours = []
    for light in ("light", "dark"):
        banner = page.frame_locator(f"iframe[title$='en, phone, {light}']").get_by_role("dialog")
        expect(banner).to_be_visible()
        colours.append(banner.evaluate("(it) => getComputedStyle(it).backgroundColor"))
    assert colours == ["rgb(255, 255, 255)", "rgb(27, 31, 36)"]


def test_what_is_saved_is_shown_and_a_fault_leaves_the_last_sound_one(preview: str, page: Page, file: Path) -> None:
    page.goto(f"{preview}/?variant=short")
    expect(page.frame_locator(ONE).get_by_role("heading", name="Biscuits?")).to_be_visible()
    file.write_text(SHOP.replace("Biscuits?", "Crumbs?"), "utf-8")
    expect(page.frame_locator(ONE).get_by_role("heading", name="Crumbs?")).to_be_visible()
    file.write_text(SHOP.replace("policy_url", "polcy_url"), "utf-8")
    expect(page.get_by_role("alert")).to_contain_text("polcy_url is not known, did you mean 'policy_url'?")
    expect(page.frame_locator(ONE).get_by_role("heading", name="Crumbs?")).to_be_visible()
    file.unlink()
    expect(page.get_by_role("alert")).to_contain_text("cannot be read")


def test_an_answer_given_there_is_nobody_s(preview: str, page: Page) -> None:
    page.goto(preview)
    page.frame_locator(ONE).get_by_role("button", name="Accept all").evaluate("(button) => button.click()")
    expect(page.frame_locator(ONE).get_by_role("dialog")).to_have_count(0)
    assert page.context.cookies() == []
    page.reload()
    expect(page.frame_locator(ONE).get_by_role("dialog")).to_be_visible()


def test_what_opens_in_a_frame_does_not_move_the_page(preview: str, page: Page) -> None:
    page.goto(f"{preview}/?layer=preferences")
    expect(page.frame_locator(ONE).get_by_role("dialog", name="Cookie settings")).to_be_visible()
    expect(page.locator("body")).to_be_focused()
    until(page, "scrollY == 0")

    def scrolled() -> bool:
        page.mouse.wheel(0, 300)  # a turn is lost on a page that has not been drawn yet
        return bool(page.evaluate("scrollY > 0"))

    when(page, scrolled)


def test_only_this_machine_may_look_and_what_is_not_there_is_not_found(file: Path) -> None:
    client = create_preview(file).test_client()
    assert client.get("/", headers={"Host": "shop.example:8090"}).status_code == 403
    assert client.get("/", headers={"Host": "127.0.0.1:8090"}).status_code == 200
    base = {"base_url": "http://localhost:8090"}
    for path in (
        "/frames/other/light/first/en/",
        "/frames/shop/grey/first/en/?variant=plain",
        "/frames/shop/light/sixth/en/?variant=plain",
        "/frames/shop/light/first/de/?variant=plain",
        "/frames/shop/light/first/en/?variant=long",
        "/files/shop/light/0/nothing.en.0.js",
        "/files/shop/light/9/details.en.0.js",
        "/files/other/light/0/details.en.0.js",
    ):
        assert client.get(path, **base).status_code == 404, path
    assert client.post("/files/shop/light/0/decisions", **base).status_code == 204


@pytest.mark.parametrize("name", ["A&B", "50%", "a+b", "a#1", "a/b", "-x", "-", "qısa ad"])
def test_a_variant_of_any_name_is_shown(file: Path, name: str) -> None:
    file.write_text(SHOP.replace('"short"', json.dumps(name)), "utf-8")
    client, base = create_preview(file).test_client(), {"base_url": "http://localhost:8090"}
    page = client.get("/", query_string={"variant": name}, **base).text
    frames = [html.unescape(each) for each in re.findall(r'src="(frames/[^"]+)"', page)]
    shown = client.get("/" + frames[0], **base).text
    assert "Biscuits?" in shown
    scripts = re.findall(r"/files/shop/light/\d+/", shown)
    assert scripts
    assert client.get(f"{scripts[0]}details.en.0.js", **base).status_code == 200
