"""Tables of docs/tag.md of which each row is a test."""

from __future__ import annotations

import re
from collections.abc import Callable

from conftest import ROOT
from playwright.sync_api import Page

from .conftest import Shop

Row = Callable[[Shop, Page], None]

COUNT = "<script>window.order = []; window.ran = (name) => order.push(name)</script>"
HELD = 'type="text/plain" data-consent="analytics"'


class Rows(dict[str, Row]):
    """The tests of one table, by what stands first in its rows."""

    def __init__(self, heading: str) -> None:
        """``heading``: the table's, in docs/tag.md."""
        super().__init__()
        text = (ROOT / "docs/tag.md").read_text("utf-8")
        part = re.split(r"^#+ ", text.partition(f"### {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
        self.written = [line.split(" | ")[0].removeprefix("| ") for line in part.splitlines() if line.startswith("| ")]

    def row(self, name: str) -> Callable[[Row], Row]:
        """Have a function be the test of the row that starts with ``name``."""

        def keep(test: Row) -> Row:
            assert name not in self, name
            self[name] = test
            return test

        return keep


def tracker(shop: Shop, path: str = "") -> str:
    """Return an address at the tracker's host."""
    return shop.url("/" + path, "tracker")


def hits(shop: Shop) -> list[str]:
    """Return the paths that the tracker was asked for, in order."""
    return [hit.removeprefix("tracker/") for hit in shop.hits if hit.startswith("tracker/")]
