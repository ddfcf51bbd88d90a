"""Which documents a tab has shown, when, and which of them something belongs to."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from ..hosts import host_of, is_third_party, path_of
from ..observed import Sighting
from .netlog import Sent


@dataclass(slots=True)
class _Answer:
    """A document that the tab was sent to. ``asked``, ``at``: seconds since 1970; ``clock``: the browser's then."""

    page: str
    visit: int
    asked: float
    clock: float
    at: float = 0
    urls: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Commit:
    """A document that the tab has shown, since when (seconds since 1970), and whose it was in the end.

    ``visit``: how many the audit had begun; ``urls`` are those that led to it, its own too.
    """

    at: float
    page: str
    visit: int
    host: str
    urls: tuple[str, ...] = ()

    @property
    def is_anothers(self) -> bool:
        return is_third_party(self.host, host_of(self.page))


@dataclass
class Documents:
    """What the DevTools session of a tab tells of its documents and frames; a page is the address that was gone to."""

    _commits: list[_Commit] = field(default_factory=list)
    _answers: dict[str, _Answer] = field(default_factory=dict)
    """By the loader, which is the number of the request for the document."""
    _frames: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Address and parent of each frame."""
    _visits: int = 0

    def begin_visit(self) -> None:
        """Take that the audit itself goes somewhere: whatever comes before the next time, the page has led to."""
        self._visits += 1

    def asked(self, event: dict[str, Any], page: str) -> None:
        """Take a request for the tab's own document."""
        if event["loaderId"] == event["requestId"]:
            answer = _Answer(page, self._visits, event["wallTime"], event["timestamp"])
            self._answers.setdefault(event["loaderId"], answer).urls.append(event["request"]["url"])

    def answered(self, event: dict[str, Any]) -> None:
        """Take the moment of an answer."""
        if answer := self._answers.get(event["requestId"]):
            answer.at = answer.asked + event["timestamp"] - answer.clock

    def framed(self, frame: dict[str, Any]) -> None:
        """Take what a frame shows now."""
        self._frames[frame["id"]] = (frame["url"], frame.get("parentId", ""))

    def committed(self, frame: dict[str, Any], going: str) -> str:
        """Take what the tab shows now, and return its page; ``going`` where the session did not see the request."""
        answer = self._answers.get(frame["loaderId"])
        # This is told late on a busy machine; what the network log has is held against the moment of the answer.
        at = answer.at if answer and answer.at else time.time()
        page, visit = (answer.page, answer.visit) if answer else (going, self._visits)
        urls = tuple(answer.urls) if answer else ()
        self._commits.append(_Commit(at, page, visit, host_of(frame["url"]), urls))
        return page

    def is_elsewhere(self, seen: Sighting) -> bool:
        """Return whether something belongs to another's document to which a page of the shop has led on, and stayed.

        That is what was asked for to get there, and what was seen under that page from then on; what the page itself
        did before is its own, also with that host. So is what it did by way of another's page that has led back.
        """
        then = [commit for commit in self._commits if commit.page == seen.page]
        back = {commit.visit: number for number, commit in enumerate(then) if not commit.is_anothers}
        stays = [each for number, each in enumerate(then) if number > back.get(each.visit, -1)]
        ways = {*map(path_of, (seen.url, seen.initiator if seen.kind == "cookie" else ""))} - {""}
        if any(ways.intersection(map(path_of, commit.urls)) for commit in stays):
            return True
        last = next((commit for commit in reversed(then) if commit.at <= seen.at), None)
        return last in stays

    def is_replaced(self, since: float, until: float) -> bool:
        """Return whether the tab showed another document in a time."""
        return any(since < commit.at < until for commit in self._commits)

    def page_of(self, loader: str) -> str:
        """Return the page of a document, empty where it is none of the tab's own."""
        return self._answers[loader].page if loader in self._answers else ""

    def page_when(self, sent: Sent) -> str:
        """Return the page that a request belongs to, by when it left and who asked; empty where there was none yet."""
        before = [commit for commit in self._commits if commit.at <= sent.at][-2:]
        # A page's icon and its workers' requests may come when the next page is there.
        own = [commit for commit in before if commit.host == host_of(sent.initiator)] or before
        return own[-1].page if own else ""

    def asking(self, event: dict[str, Any], main: str) -> str:
        """Return the document that asks; of one without an address of its own, such as ``srcdoc``, that around it.

        It is empty where that is the tab's own.
        """
        frame, document = event.get("frameId", main), str(event["documentURL"])
        if event["type"] == "Document":  # that is what is asked for
            now = "" if frame == main else self._frames.get(frame, ("", ""))[0]
            document = "" if now == document else now  # an object's may be asked for twice
        while frame != main and not document.startswith("http"):
            frame = self._frames.get(frame, ("", main))[1]
            document = self._frames.get(frame, ("", ""))[0]
        return document if document.startswith("http") else ""
