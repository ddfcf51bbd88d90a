"""A second look at a page tells of a tag that came late, and of nothing else that the tab shows by then."""

from __future__ import annotations

from typing import Any

import pytest

from consent_server.audit.tag import seen_again

TAG = {"src": "https://shop.example/v1/shop/consent.js"}


def looked(at: str, began: float = 1.0, *, works: bool, banner: bool = False) -> dict[str, Any]:
    return {"at": at, "began": began, "ours": [TAG] if works else [], "works": works, "banner": banner}


@pytest.mark.parametrize(
    ("again", "works", "banner"),
    [
        (looked("/a", works=True), True, False),
        (looked("/a", 2.0, works=True, banner=True), True, True),
        (looked("/renamed", works=True), True, False),
        (looked("/b", 2.0, works=True, banner=True), False, False),
    ],
)
def test_a_tag_that_comes_late_counts_in_the_page_that_was_looked_at(
    again: dict[str, Any], works: bool, banner: bool
) -> None:
    found = seen_again(looked("/a", works=False), again)
    assert (found["works"], found["banner"]) == (works, banner)


@pytest.mark.parametrize("at", ["/b", "nullblank", "/a"])
@pytest.mark.parametrize("banner", [True, False])
def test_a_tag_that_was_there_stays_whatever_the_tab_shows_by_then(at: str, banner: bool) -> None:
    found = seen_again(looked("/a", works=True), looked(at, 2.0, works=False, banner=banner))
    assert (found["ours"], found["works"], found["banner"]) == ([TAG], True, banner)
