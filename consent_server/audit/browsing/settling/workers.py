"""Workers of a page: DevTools sessions of their own, which tell what they ask for and when they have run.

Playwright has none for shared workers, and tells of the others' requests without their initiator.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..browser import Error

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, CDPSession


class Workers:
    """Follows workers.

    Args:
        sent: called with each ``Network.requestWillBeSent`` of a worker.
    """

    def __init__(self, sent: Callable[[dict[str, Any]], None]) -> None:
        self._sent = sent
        self.on_shared: Callable[[str], None] = lambda _: None
        """Called with the address of each shared worker: no tab is told when its script has come."""
        self._number = itertools.count(1)
        self._sessions: dict[str, CDPSession] = {}
        self._asked: dict[tuple[str, int], asyncio.Future[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def follow_shared(self, context: BrowserContext) -> None:
        """Follow the shared workers of a browser; an older Playwright cannot."""
        if context.browser:
            session = await context.browser.new_browser_cdp_session()
            session.on("Target.targetCreated", lambda event: self._begin(self._attach(session, event["targetInfo"])))
            self._listen(session)
            only = [{"type": "shared_worker"}, {"exclude": True}]
            await session.send("Target.setDiscoverTargets", {"discover": True, "filter": only})

    async def follow(self, session: CDPSession) -> None:
        """Follow the workers of a tab."""
        session.on("Target.attachedToTarget", lambda event: self._attached(session, event))
        self._listen(session)
        await session.send(
            "Target.setAutoAttach",
            {
                "autoAttach": True,
                "waitForDebuggerOnStart": True,  # or what it asks for first is not seen
                "flatten": False,  # sessions within Playwright's own would not reach us
                "filter": [{"type": "worker"}, {"exclude": True}],
            },
        )

    async def begin(self) -> None:
        """Let go of what an earlier page has started: who is followed does not end with its page."""
        gone, self._sessions = self._sessions, {}
        for id_, session in gone.items():
            with suppress(Error):  # it has ended
                await session.send("Target.detachFromTarget", {"sessionId": id_})

    async def ran(self) -> None:
        """Return once each worker has run what it was about to run.

        None is asked for a promise: a shared worker that ends with its page before the answer takes the tab with it.
        """
        waiting = [self._answer(id_) for id_ in [*self._sessions]]
        await asyncio.gather(*waiting)

    @property
    def known(self) -> frozenset[str]:
        """The sessions there are now."""
        return frozenset(self._sessions)

    def _listen(self, session: CDPSession) -> None:
        session.on("Target.receivedMessageFromTarget", self._said)
        session.on("Target.detachedFromTarget", self._gone)

    async def _attach(self, session: CDPSession, target: dict[str, Any]) -> None:
        self.on_shared(target["url"])
        attached = await session.send("Target.attachToTarget", {"targetId": target["targetId"], "flatten": False})
        self._sessions[attached["sessionId"]] = session
        await self._send(attached["sessionId"], "Network.enable")

    def _attached(self, session: CDPSession, event: dict[str, Any]) -> None:
        self._sessions[event["sessionId"]] = session
        self._begin(self._let_run(event["sessionId"]))

    async def _let_run(self, id_: str) -> None:
        await self._send(id_, "Network.enable")
        await self._send(id_, "Runtime.runIfWaitingForDebugger")

    def _said(self, event: dict[str, Any]) -> None:
        message = json.loads(event["message"])
        if message.get("method") == "Network.requestWillBeSent":
            self._sent(message["params"])
        answer = self._asked.pop((event["sessionId"], message.get("id", 0)), None)
        if answer and not answer.done():
            answer.set_result(None)

    def _gone(self, event: dict[str, Any]) -> None:
        self._sessions.pop(event["sessionId"], None)
        for key, answer in [*self._asked.items()]:
            if key[0] == event["sessionId"] and not answer.done():
                answer.set_result(None)

    async def _answer(self, id_: str) -> None:
        number = next(self._number)
        answer = self._asked[id_, number] = asyncio.get_running_loop().create_future()
        try:
            await self._send(id_, "Runtime.evaluate", number, expression="0")
            await answer
        finally:
            self._asked.pop((id_, number), None)

    async def _send(self, id_: str, method: str, number: int = 0, **params: Any) -> None:
        message = json.dumps({"id": number or next(self._number), "method": method, "params": params})
        try:
            await self._sessions[id_].send("Target.sendMessageToTarget", {"sessionId": id_, "message": message})
        except (Error, KeyError):  # it has ended
            self._gone({"sessionId": id_})

    def _begin(self, act: Awaitable[None]) -> None:
        async def alone() -> None:
            with suppress(Error):  # a worker may end at once
                await act

        task = asyncio.ensure_future(alone())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
