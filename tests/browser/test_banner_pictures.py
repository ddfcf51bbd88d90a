"""Pictures of the banner for the documentation, when they are asked for: CONSENT_PICTURES=docs pytest tests/browser/…"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from consent_server.settings.theme import LOOKS

from .conftest import WORDS, Shop, banner, cookie, press, until

pytestmark = pytest.mark.skipif(
    not os.environ.get("CONSENT_PICTURES"), reason="CONSENT_PICTURES names no folder to put them in"
)

LANGUAGES = ("az", "en", "ru", "tr")
THEMES = {look: {"look": look} for look in LOOKS} | {"accent": {"accent": "#a5123a"}}
GOODS = (
    "<style>:root { color-scheme: light dark; font: 16px/1.5 system-ui } main { max-width: 60rem; margin: auto;"
    " padding: 1rem } i { display: inline-block; width: 9rem; height: 9rem; margin: .5rem; border-radius: 1rem;"
    " background: linear-gradient(135deg, #e6b8a2, #84a59d) }</style>" + "<i></i>" * 24
)
LISTED = {
    "necessary": (cookie("consent"),),
    "functional": (cookie("_seen"),),
    "analytics": (cookie("_ga"), cookie("_ga_*")),
    "marketing": (cookie("_fbp"),),
}

TO_WEBP = """async (png) => {
  const picture = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  canvas.getContext('2d').drawImage(picture, 0, 0);
  const blob = await canvas.convertToBlob({ type: 'image/webp', quality: 0.8 });
  return await new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.split(',')[1]);
    reader.readAsDataURL(blob);
  });
}"""


def sheet(browser: Browser, name: str, columns: int, width: int, pictures: Iterable[bytes]) -> None:
    """Put pictures side by side into one, each so many pixels wide."""
    page = browser.new_page(viewport={"width": columns * (width + 8) + 8, "height": 400})
    images = "".join(f'<img src="data:image/png;base64,{base64.b64encode(each).decode()}">' for each in pictures)
    page.set_content(
        f"<style>body {{ margin: 0; padding: 8px; display: grid; gap: 8px; background: #9a9a9a; align-items: start;"
        f" grid-template-columns: repeat({columns}, {width}px) }} img {{ width: 100% }}</style>{images}"
    )
    png = base64.b64encode(page.screenshot(full_page=True)).decode()
    folder = Path(os.environ["CONSENT_PICTURES"])
    (folder / f"{name}.webp").write_bytes(base64.b64decode(page.evaluate(TO_WEBP, png)))
    page.close()


def opened(shop: Shop, page: Page, lang: str, width: int, height: int, scheme: str) -> Page:
    """Have a page of the shop with the banner on it; the browser may keep a script that was another theme's."""
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme)
    look = "".join(c for c in str(shop.site.theme) if c.isalnum())
    page.goto(shop.page(GOODS, lang=lang, head=shop.tag.replace(".js", f".js?{look}")))
    expect(banner(page, lang)).to_be_focused()
    return page


@pytest.mark.parametrize(
    ("device", "width", "height", "drawn"), [("phone", 360, 740, 240), ("desktop", 1280, 800, 420)]
)
def test_the_first_layer_in_each_language_and_theme_light_and_dark(
    shop: Shop, page: Page, browser: Browser, device: str, width: int, height: int, drawn: int
) -> None:
    pictures = []
    for theme in THEMES.values():
        shop.serve(theme=theme, cookies=LISTED)
        for scheme in ("light", "dark"):
            for lang in LANGUAGES:
                opened(shop, page, lang, width, height, scheme)
                part = {"x": 0, "y": height / 2, "width": width, "height": height / 2}
                pictures.append(page.screenshot(clip=part))
    sheet(browser, f"banner-{device}", len(LANGUAGES), drawn, pictures)


def test_the_preferences(shop: Shop, page: Page, browser: Browser) -> None:
    shop.serve(theme=THEMES["accent"], cookies=LISTED)
    pictures = []
    for lang, width, height, scheme in (
        *(("az", 360, 740, "light"), ("ru", 360, 740, "dark"), ("tr", 320, 640, "light")),
        *(("en", 640, 400, "light"), ("en", 1280, 800, "light"), ("az", 1280, 800, "dark")),
    ):
        opened(shop, page, lang, width, height, scheme)
        press(page, "choose", lang)
        page.get_by_role("switch").nth(1).check()
        page.locator("[data-ask] summary").nth(1).click()
        pictures.append(page.screenshot())
    sheet(browser, "preferences", 3, 420, pictures)


def test_my_choices(shop: Shop, new_context: Callable[..., BrowserContext], browser: Browser) -> None:
    film = (
        '<iframe width=340 height=220 data-consent="marketing" data-src="https://www.youtube.com/embed/x" title="Film">'
    )
    shop.serve(
        theme=THEMES["accent"],
        cookies=LISTED,
        services=("youtube",),
        contact="privacy@shop.example",
        authority={"name": "The Authority", "url": "https://authority.example"},
    )
    pictures = []
    for lang, scheme in (("az", "light"), ("en", "dark")):
        page = new_context(locale=lang, viewport={"width": 360, "height": 740}, color_scheme=scheme).new_page()
        page.goto(shop.page(f"{film}</iframe>{GOODS}", lang=lang))
        expect(page.locator("iframe").content_frame.locator("button")).to_have_count(2)
        press(page, "refuse", lang)
        expect(page.get_by_role("status")).to_be_visible()
        pictures.append(page.screenshot())
        page.evaluate("consent.decide({ analytics: true })")
        until(page, "consent.token && consent.allows('analytics')")
        page.evaluate("consent.open()")
        page.get_by_role("tab", name=WORDS[lang]["mine"]).click()
        expect(page.get_by_role("dialog").get_by_role("listitem")).to_have_count(1)
        pictures.append(page.screenshot())
        with page.expect_popup() as receipt:
            press(page, "receipt", lang)
        expect(receipt.value.get_by_role("heading", level=1)).to_be_visible()
        receipt.value.set_viewport_size({"width": 360, "height": 740})
        pictures.append(receipt.value.screenshot())
        receipt.value.close()
        press(page, "withdraw", lang)
        pictures.append(page.screenshot())
        page.context.close()
    sheet(browser, "my-choices", 4, 300, pictures)
