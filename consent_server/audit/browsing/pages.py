"""Which pages are looked at: the shop's sitemap, fetched through the browser, else the links of its pages."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from contextlib import suppress
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin

from ..hosts import document_of, parts_of
from .browser import UNCOUNTED, Error, go_to

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Page

_LOCATION = re.compile(
    r"<(?:\w+:)?loc\s*>\s*(?:<!\[CDATA\[\s*([^\]\s]+)\s*\]\]>|([^<\s]+))\s*</(?:\w+:)?loc\s*>", re.IGNORECASE
)
_INDEX = re.compile(r"<(?:\w+:)?sitemapindex\b", re.IGNORECASE)
_SITEMAP = re.compile(r"<(?:\w+:)?(?:urlset|sitemapindex)\b", re.IGNORECASE)
_NO_PAGE = re.compile(
    r"\.(?:pdf|zip|gz|tgz|7z|rar|jpe?g|png|gif|webp|avif|svg|ico|mp[34]|m4[av]|webm|mov|ogg|wav|xml|txt|json|csv|ics|vcf"
    r"|docx?|xlsx?|pptx?|od[tsp]|epub|mobi|apk|exe|dmg|msi)$",
    re.IGNORECASE,
)
_OUT = (
    *("cixis", "çıxış", "çixiş", "hesabdan-cixis", "cikis", "çıkış", "cikis-yap", "oturumu-kapat", "oturum-kapat"),
    *("vyhod", "vykhod", "vyiti", "выход", "выйти", "vyhid", "вихід", "вийти", "abmelden", "ausloggen", "deconnexion"),
    *("déconnexion", "se-deconnecter", "cerrar-sesion", "cerrar-sesión", "desconectar", "terminar-sessao", "sair"),
    *("disconnetti", "esci", "uitloggen", "afmelden", "logga-ut", "log-ud", "logg-ut", "kirjaudu-ulos", "wyloguj"),
    *("odhlasit", "odhlásit", "odhlasenie", "kijelentkezes", "kijelentkezés", "deconectare", "odjava", "αποσύνδεση"),
)
_LOGOUT = re.compile(
    rf"^[^?]*/(?:(?:log|sign)[-_]?o(?:ut|ff)(?:[/.?_-]|$)|(?:{'|'.join(_OUT)})(?:\.\w{{2,5}})?/?(?:$|\?))"
    r"|[?&](?!(?:next|return|redirect|back|continue)\w*=)[^#&]*?\b(?:log|sign)[-_]?out(?:[&=]|$)",
    re.IGNORECASE,
)
"""An address that ends a login: by its path, or as ``?action=logout``, but not one that a page only leads on to."""

_ACTS = re.compile(
    r"[?&](?:(?:add|remove)[-_]?(?:to|from)[-_]?(?:cart|basket|wishlist|compare)|remove_item|undo_item|empty[-_]cart"
    r"|add-to-cart-multiple)(?:=|&|$)|^[^?]*/(?:unsubscribe|opt-?out|(?:cart|basket|wishlist|compare)/(?:add|remove|delete))"
    r"(?:[/.?]|$)",
    re.IGNORECASE,
)
"""An address that does something to whoever opens it: puts goods into a basket, ends a subscription."""

MOST_SITEMAPS = 20
LONGEST_SITEMAP = 20_000_000
"""Characters that are read of one that is packed."""

SECONDS_TO_OPEN = 15

SECONDS_TO_REPLACE = 60
"""Another tab, on whatever machine this is."""


class Tab:
    """A tab that gives way to another once it crashes or hangs."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self._context, self.page = context, page
        self.crashed = False

    @classmethod
    async def of(cls, context: BrowserContext) -> Tab:
        """Return the browser's first tab."""
        tab = cls(context, context.pages[0])
        await tab._prepare()
        return tab

    def _crash(self, page: Page) -> None:
        self.crashed = self.crashed or page == self.page

    async def renew(self) -> None:
        """Go on in another tab.

        Raises:
            Error: the browser has ended, or hangs.
        """
        old = self.page
        try:
            async with asyncio.timeout(SECONDS_TO_REPLACE):
                self.page = await self._context.new_page()
                await self._prepare()
        except TimeoutError:
            raise Error("the browser opens no other tab") from None
        with suppress(Error, TimeoutError):
            async with asyncio.timeout(SECONDS_TO_OPEN):
                await old.close()

    async def _prepare(self) -> None:
        self.crashed = False
        self.page.on("crash", self._crash)
        session = await self._context.new_cdp_session(self.page)
        await session.send("Network.enable")
        # A page that gives way at once sends past this what it has to send, so it gets no banner that could be counted.
        await session.send("Network.setBlockedURLs", {"urls": [*UNCOUNTED, "*/v1/*/consent.js*"]})


async def find_pages(
    tab: Tab,
    url: str,
    most: int,
    known: Iterable[str] = (),
    *,
    left_out: list[str] | None = None,
    unread: list[str] | None = None,
) -> list[str]:
    """Return up to ``most`` addresses of the origin of ``url``, itself first.

    Args:
        tab: where to look.
        url: of the first page, as a browser spells it.
        most: how many.
        known: other addresses of the same page, to which the first one leads.
        left_out: takes the addresses that are none of a page by their names.
        unread: takes those of pages whose links could not be read.
    """
    found, left_out = [url], [] if left_out is None else left_out
    also = {*known} - {url}
    _take(found, [each for each in await _sitemap(tab, url, most) if each not in also], url, most, left_out)
    queue = list(found) if len(found) == 1 else []
    while queue and len(found) < most:
        at = queue.pop(0)
        if tab.crashed:
            await tab.renew()  # after its links were read
        try:
            links = await _links(tab.page, at)
        except (Error, TimeoutError) as error:
            if not tab.crashed and (is_download(error) or "net::" in str(error)):
                continue  # what did not open is noted in each state
            if unread is not None:
                unread.append(at)
            await tab.renew()
            continue
        queue += _take(found, [each for each in links if document_of(each) not in also], url, most, left_out)
    return found[:most]


def is_download(error: Exception) -> bool:
    """Return whether an address was none of a page but of a file, which leaves the tab as it was."""
    return "Download is starting" in str(error)


async def _links(page: Page, url: str) -> list[str]:
    async with asyncio.timeout(3 * SECONDS_TO_OPEN):
        await go_to(page, url, SECONDS_TO_OPEN)
        with suppress(Error):  # it may never end; the links are there that have come by then
            await page.wait_for_load_state("domcontentloaded", timeout=SECONDS_TO_OPEN * 1000)
    async with asyncio.timeout(SECONDS_TO_OPEN):
        return [str(each) for each in await page.evaluate("[...document.links].map((it) => it.href)")]


def _take(found: list[str], candidates: Iterable[str], url: str, most: int, left_out: list[str]) -> list[str]:
    """Add what is a page of the same origin and not there yet, and return what was added; note what is no page."""
    origin = parts_of(url)[:2]
    added = []
    for candidate in candidates:
        address = document_of(candidate)
        if not candidate.isprintable() or parts_of(address)[:2] != origin:
            continue
        within = unquote(_within(address))
        if _NO_PAGE.search(parts_of(address).path) or _LOGOUT.search(within) or _ACTS.search(within):
            left_out += [] if address in left_out else [address]
        elif address not in found and len(found) < most:
            found.append(address)
            added.append(address)
    return added


def _within(address: str) -> str:
    """Return path and query of an address."""
    parts = parts_of(address)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


async def _sitemap(tab: Tab, url: str, most: int) -> list[str]:
    """Return addresses of the shop's sitemaps: of those that robots.txt names, else in the usual place, and theirs."""
    origin = parts_of(url)[:2]
    queue = re.findall(r"(?im)^sitemap:\s*(\S+)", await _text(tab, urljoin(url, "/robots.txt")))
    queue = queue or [urljoin(url, "/sitemap.xml")]
    found: list[str] = []
    for _ in range(MOST_SITEMAPS):
        if not queue or len(found) >= most:
            break
        pages, sitemaps = read_sitemap(await _text(tab, queue.pop(0)))
        queue += sitemaps
        found += [address for address in await _spelled(tab.page, pages) if parts_of(address)[:2] == origin]
    return found


def read_sitemap(text: str) -> tuple[list[str], list[str]]:
    """Return the addresses of pages, and those of further sitemaps, in a sitemap; of what is none, none."""
    locations = [unescape(entity or plain).strip() for entity, plain in _LOCATION.findall(text)]
    if not (is_index := bool(_INDEX.search(text))) and not _SITEMAP.search(text):
        return [], []
    return ([], locations) if is_index else (locations, [])


async def _spelled(page: Page, addresses: Iterable[str]) -> list[str]:
    """Return addresses as the browser spells them, so that none is looked at twice, without those it cannot read."""
    fit = [address for address in addresses if address.isprintable()]
    try:
        async with asyncio.timeout(SECONDS_TO_OPEN):
            return [str(each) for each in await page.evaluate(_SPELL, fit)]
    except (Error, TimeoutError):
        return fit


async def _text(tab: Tab, url: str) -> str:
    """Return a file of the shop's as the browser gets it: where that can go, and with its cookies."""
    try:
        async with asyncio.timeout(2 * SECONDS_TO_OPEN):
            return await _fetched(tab.page, url)
    except Error:
        if tab.crashed:
            await tab.renew()
    except TimeoutError:
        await tab.renew()
    return ""


async def _fetched(page: Page, url: str) -> str:
    if parts_of(url).path.endswith(".gz"):  # to go there would be a download
        if parts_of(page.url)[:2] != parts_of(url)[:2]:
            await go_to(page, urljoin(url, "/robots.txt"), SECONDS_TO_OPEN)
        return str(await page.evaluate(_UNPACK, [url, LONGEST_SITEMAP]))
    response = await go_to(page, url, SECONDS_TO_OPEN)
    if not response or not response.ok:
        return ""
    text = await response.text()
    is_page = "html" in response.headers.get("content-type", "") and not _SITEMAP.search(text[:500])
    return "" if is_page else text


_SPELL = """(addresses) => addresses.flatMap((each) => { try { return [new URL(each).href]; } catch { return []; } })"""

_UNPACK = """async ([url, longest]) => {
  const { body } = await fetch(url);
  const [head, rest] = body.tee();
  const { value } = await head.getReader().read();
  const packed = value[0] == 0x1f && value[1] == 0x8b;
  const reader = (packed ? rest.pipeThrough(new DecompressionStream('gzip')) : rest).getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (let each = await reader.read(); !each.done && text.length < longest; each = await reader.read()) {
    text += decoder.decode(each.value, { stream: true });
  }
  return text;
}"""
"""Some servers unpack it on its way."""
