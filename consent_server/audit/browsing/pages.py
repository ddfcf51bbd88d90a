"""Which pages are looked at: the shop's sitemap, fetched through the browser, else the links of its pages."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from contextlib import suppress
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from ..hosts import parts_of
from .browser import Error, go_to

if TYPE_CHECKING:
    from playwright.async_api import Page

_LOCATION = re.compile(r"<loc>\s*([^<\s]+)\s*</loc>", re.IGNORECASE)
_NO_PAGE = re.compile(
    r"\.(?:pdf|zip|jpe?g|png|gif|webp|svg|mp[34]|xml|txt|json|csv|docx?|xlsx?)$|/log-?out", re.IGNORECASE
)
MOST_SITEMAPS = 5
SECONDS_TO_OPEN = 15


async def find_pages(page: Page, url: str, most: int, known: Iterable[str] = ()) -> list[str]:
    """Return up to ``most`` addresses of the origin of ``url``, itself first.

    Args:
        page: a tab.
        url: of the first page, as a browser spells it.
        most: how many.
        known: other addresses of the same page, to which the first one leads.
    """
    found = [url]
    also = {*known} - {url}
    _take(found, [each for each in await _sitemap(page, url) if each not in also], url, most)
    queue = list(found) if len(found) == 1 else []
    while queue and len(found) < most:
        at = queue.pop(0)
        with suppress(Error, TimeoutError):
            await go_to(page, at, SECONDS_TO_OPEN)
            await page.wait_for_load_state("domcontentloaded", timeout=SECONDS_TO_OPEN * 1000)
            async with asyncio.timeout(SECONDS_TO_OPEN):
                links = await page.evaluate("[...document.links].map((it) => it.href)")
            queue += _take(found, [each for each in links if each.partition("#")[0] not in also], url, most)
    return found[:most]


def _take(found: list[str], candidates: Iterable[str], url: str, most: int) -> list[str]:
    """Add what is a page of the same origin and not there yet, and return what was added."""
    origin = parts_of(url)[:2]
    added = []
    for candidate in candidates:
        address = candidate.partition("#")[0]
        fits = address.isprintable() and parts_of(address)[:2] == origin and not _NO_PAGE.search(parts_of(address).path)
        if fits and address not in found and len(found) < most:
            found.append(address)
            added.append(address)
    return added


async def _sitemap(page: Page, url: str) -> list[str]:
    """Return the addresses in the sitemap that robots.txt names, or in the usual place; sitemaps of sitemaps too."""
    queue = re.findall(r"(?im)^sitemap:\s*(\S+)", await _text(page, urljoin(url, "/robots.txt"))) or [
        urljoin(url, "/sitemap.xml")
    ]
    found: list[str] = []
    for _ in range(MOST_SITEMAPS):
        if not queue:
            break
        text = await _text(page, queue.pop(0))
        locations = [unescape(location) for location in _LOCATION.findall(text)]
        if "<sitemapindex" in text:
            queue += locations
        else:
            found += locations
    return found


async def _text(page: Page, url: str) -> str:
    """Return a file of the shop's as the browser gets it: where that can go, and with its cookies."""
    with suppress(Error, TimeoutError):
        async with asyncio.timeout(SECONDS_TO_OPEN):
            response = await go_to(page, url, SECONDS_TO_OPEN)
            if response and response.ok and "html" not in response.headers.get("content-type", ""):
                return await response.text()
    return ""
