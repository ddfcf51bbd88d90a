"""What Bootstrap and Tailwind do to a whole page, they do not do to the banner and the preferences."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .conftest import Shop, banner, cookie, press

SNIPPET = Path(__file__).parents[2] / "snippet"

TAILWIND = """
import { readFileSync } from 'node:fs';
import { compile } from 'tailwindcss';
const loadStylesheet = async (id, base) => ({
  path: id, base, content: readFileSync('node_modules/tailwindcss/' + (id == 'tailwindcss' ? 'index.css' : id), 'utf8'),
});
const { build } = await compile('@import "tailwindcss";', { base: '.', loadStylesheet });
process.stdout.write(build(['box', 'buttons', 'hidden', 'text-4xl', 'leading-10']));
"""
"""Tailwind's reset and theme, and a few of its classes, as its compiler makes them."""

LOOK = """() => [...document.querySelectorAll('[data-ask] *')].flatMap((part) =>
  (part.localName == 'input' ? [null, '::before'] : [null]).map((pseudo) => {
    const { x, y, width, height } = part.getBoundingClientRect();
    const style = getComputedStyle(part, pseudo);
    const names = [...style].filter((name) => name.slice(0, 2) != '--');
    return [part.outerHTML.slice(0, 80), `at ${x} ${y}, ${width} by ${height}`,
      ...names.map((name) => `${name}: ${style.getPropertyValue(name)}`)].join('\\n');
  }))"""
"""Where each part of ours is, and every property of it that the browser draws by."""


@pytest.fixture(scope="module")
def sheets() -> dict[str, str]:
    """The style sheets as the npm registry has them."""
    node = ["node", "--input-type=module", "--eval", TAILWIND]
    tailwind = subprocess.run(node, cwd=SNIPPET, check=True, capture_output=True, text=True).stdout
    bootstrap = (SNIPPET / "node_modules/bootstrap/dist/css/bootstrap.css").read_text("utf-8")
    assert "@layer base" in tailwind
    assert "--bs-body-font-size" in bootstrap
    return {"Bootstrap": bootstrap, "Tailwind": tailwind}


def looks(page: Page, url: str) -> list[str]:
    """Return how the banner and the preferences are drawn on a page."""
    page.goto(url)
    expect(banner(page)).to_be_visible()
    asked = page.evaluate(LOOK)
    press(page, "choose")
    page.get_by_role("switch", name="Marketing").check()
    return [*asked, *page.evaluate(LOOK)]


@pytest.mark.parametrize("layout", ["bar", "box", "centre"])
def test_resets_and_classes_of_frameworks_leave_the_banner_and_the_preferences_as_they_are(
    shop: Shop, page: Page, sheets: dict[str, str], layout: str
) -> None:
    # With a font of its own, as otherwise the banner is to be in the page's.
    shop.serve(theme={"layout": layout, "font": "sans-serif"}, cookies={"analytics": (cookie("_ga"),)})
    goods = "<h2>Goods</h2><button class='text-4xl'>Buy</button>"
    alone = looks(page, shop.page(goods))
    outside = page.evaluate("getComputedStyle(document.querySelector('main button')).fontSize")
    for name, sheet in sheets.items():
        page.goto(shop.page(goods, head=f"<style>{sheet}</style>{shop.tag}"))
        assert page.evaluate("getComputedStyle(document.querySelector('main button')).fontSize") != outside, name
        for ours, drawn in zip(alone, looks(page, shop.url("/")), strict=True):
            changed = set(drawn.split("\n")) - set(ours.split("\n"))
            assert not changed, f"{name} reaches {ours[:80]}: {changed}"
