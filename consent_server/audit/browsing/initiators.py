"""Who asked for what: a script, a worker, or else the document in which it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..hosts import host_of, path_of, without_login
from ..observed import UNMARKABLE, Sighting
from ..ours import OUR_SCRIPT
from .netlog import Sent

if TYPE_CHECKING:
    from playwright.async_api import CDPSession

_ADDRESS = re.compile(r"(?<!blob:)https?://[^\s)\"']+?(?=:\d+:\d+|[\s)\"']|$)")

MOST_AT_ONCE = 1000
"""Requests that wait for their headers to be seen; of some these come first, and none after."""

_ATTRIBUTES = {
    **dict.fromkeys(("Document", "Image", "Media"), "src"),
    "TextTrack": UNMARKABLE,
    **dict.fromkeys(("Stylesheet", "Manifest", "Prefetch"), "href"),
}
"""By what an element asks for each sort of thing, as the browser calls them."""


class Initiators:
    """What the witnesses tell of who asked, by the address that was asked for."""

    def __init__(self) -> None:
        self._by_url: dict[str, str] = {}
        self._opened: dict[str, str] = {}
        """Who opened a window, by its address without the query, which a form fills in."""
        self._workers: dict[str, list[str]] = {}
        """Scripts of workers by the page that started them."""
        self._serving: list[str] = []
        """Scripts of service workers."""
        self._elements: dict[str, str] = {}
        """What elements have asked for, by the request's id, until its headers are seen."""
        self._unmarkable: set[str] = set()
        """Ids and addresses of requests of elements that no mark holds."""

    def __contains__(self, url: str) -> bool:
        return url in self._by_url

    def asked(self, url: str, initiator: str) -> None:
        """Take who asked for an address; who is told first counts."""
        self._by_url.setdefault(url, initiator)

    def opened(self, url: str, initiator: str) -> None:
        """Take who opened a window, or sent a form, to an address."""
        self._opened.setdefault(path_of(url), initiator)

    def started(self, script: str, page: str) -> None:
        """Take a worker that a page has started."""
        self._workers.setdefault(page, []).append(script)

    def serves(self, script: str) -> None:
        """Take a service worker."""
        self._serving.append(path_of(script))

    def follow(self, session: CDPSession) -> None:
        """Follow what the elements of a tab ask for."""
        session.on("Network.requestWillBeSent", self.element_asked)
        session.on("Network.requestWillBeSentExtraInfo", self.headed)

    def element_asked(self, event: dict[str, Any]) -> None:
        """Take a request that may be an element's."""
        if event["type"] not in ("Document", "Image"):
            return
        id_, url = event["requestId"], without_login(event["request"]["url"])
        if id_ in self._unmarkable:
            self._unmarkable.add(url)
            return
        if len(self._elements) >= MOST_AT_ONCE:
            self._elements.clear()
        self._elements[id_] = url

    def headed(self, event: dict[str, Any]) -> None:
        """Take the headers of a request, which may come before the request itself and tell what the element is."""
        url = self._elements.pop(event["requestId"], "")
        headers = {name.lower(): value for name, value in event["headers"].items()}  # HTTP/2 has them in small letters
        if headers.get("sec-fetch-dest") in ("object", "embed"):
            self._unmarkable |= {event["requestId"], url} - {""}

    def marked_by(self, seen: Sighting) -> Sighting:
        """Return a sighting by the attribute that is known now that all headers were seen.

        The browser asks for what an ``object`` has when it draws it, and names whatever script runs meanwhile.
        """
        is_pages = bool(seen.attribute) or seen.initiator == path_of(seen.page)
        return replace(seen, attribute=UNMARKABLE) if is_pages and seen.url in self._unmarkable else seen

    def opener(self, url: str) -> str:
        """Return who opened a window of this address, empty where nobody is known."""
        return self._opened.get(path_of(url), "")

    def of_sent(self, sent: Sent, page: str) -> str:
        """Return who asked for what the network log has, by who else saw it; empty where that is the page."""
        known = self._by_url.get(sent.url) or self.opener(sent.url) or _first_of(self._workers.get(page, ()), sent)
        if not known and sent.url.startswith(("ws:", "wss:")):  # those of pages and of other workers are known
            known = _first_of(sorted(self._serving, key=lambda script: _nearness(script, page), reverse=True), sent)
        is_other = sent.initiator.startswith("http") and host_of(sent.initiator) != host_of(page)
        return known or (sent.initiator if is_other else "")


def _nearness(script: str, page: str) -> int:
    """Return how much of a page's address is the folder of a service worker, for whose pages that is."""
    folder = script.rpartition("/")[0]
    return len(folder) if page.startswith(folder) else 0


def _first_of(scripts: Iterable[str], sent: Sent) -> str:
    """Return the first script of the origin that asked."""
    return next((script for script in scripts if sent.initiator and script.startswith(sent.initiator)), "")


def initiator_in(found: dict[str, Any], document: str, asked: str) -> str:
    """Return who made a request by its event: the script nearest to it, or the page in whose HTML it stands.

    Args:
        found: the event's ``initiator``.
        document: the page.
        asked: the address that was asked for, which is not what asked.
    """
    for script in _scripts(found):
        return script
    url = found.get("url", "")
    is_whose = url.startswith("http") and url != asked and not OUR_SCRIPT.search(url)
    return path_of(url if is_whose else document)


def how_asked(event: dict[str, Any], document: str) -> dict[str, str]:
    """Return by which attribute of the page's HTML something is asked for, and who is behind the page's own code."""
    by = event["initiator"]
    attribute = _ATTRIBUTES.get(event["type"], "") if by["type"] == "parser" else ""
    return {"attribute": attribute, "behind": behind_in(by, document)}


def behind_in(found: dict[str, Any], document: str) -> str:
    """Return the script behind what stands in a page itself; empty where there is none.

    Our tag may stand there: what it wraps is then asked for by the page, whoever wanted it.
    """
    first, *others = [*_scripts(found)] or [""]
    page = path_of(document)
    return next((script for script in others if script != page), "") if first == page else ""


def _scripts(found: dict[str, Any]) -> Iterator[str]:
    """Yield the addresses of the scripts on the way to a request, the nearest to it first, without ours."""
    stack = found.get("stack")
    while stack:
        for frame in stack.get("callFrames", ()):
            if frame["url"].startswith("http") and not OUR_SCRIPT.search(frame["url"]):
                yield path_of(frame["url"])
        stack = stack.get("parent")


def initiator_on(stack: str, document: str) -> str:
    """Return who made a call by its stack, as the browser writes it: the script nearest to it, or the document."""
    return path_of(next((url for url in _ADDRESS.findall(stack) if not OUR_SCRIPT.search(url)), document))
