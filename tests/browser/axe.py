"""What axe-core finds wrong in a page, and the layouts and themes that it is asked about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Frame, Page

AXE = Path(__file__).parents[2] / "snippet/node_modules/axe-core/axe.min.js"
LAYOUTS = ("bar", "box", "centre")
THEMES: dict[str, dict[str, Any]] = {
    "ours": {},
    "a shop's": {"background": "#fff8e7", "text": "#3b0764", "accept": {"background": "#7c1d1d", "text": "#ffffff"}},
}


def violations(page: Page | Frame, *tags: str) -> list[str]:
    page.evaluate(AXE.read_text())
    only = f"runOnly: {[*tags]}," if tags else ""
    found = page.evaluate(f"axe.run(document, {{ {only} resultTypes: ['violations'] }})")["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html'][:120]} {each['nodes'][0]['failureSummary']}" for each in found]
