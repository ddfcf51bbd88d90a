"""Shoppers who decide and deliver as the snippet does: whatever was not acknowledged is sent again, unchanged."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

ORIGIN = "https://smartmarket.az"
OPTIONAL = ("functional", "analytics", "marketing")
AGAIN = 0.1
"""Seconds until the next page, on which an unsent decision is delivered."""


@dataclass
class Shoppers:
    """Some shoppers at once, who decide until they are told to stop.

    ``acknowledged`` holds what each delivered decision was answered with, by id.
    """

    port: int
    notice: str
    seed: int
    many: int = 6
    acknowledged: dict[str, dict[str, Any]] = field(default_factory=dict)
    decided: dict[str, list[str]] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> Shoppers:
        """Let them come."""
        for number in range(self.many):
            thread = threading.Thread(target=self._visit, args=(random.Random(f"{self.seed}.{number}"),), daemon=True)
            self._threads.append(thread)
            thread.start()
        return self

    def stop(self) -> None:
        """Let nobody decide any more, and wait until all that was decided is delivered."""
        self._over.set()
        until = time.monotonic() + 120
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        stuck = set(self.decided) - set(self.acknowledged)
        assert not stuck, f"{len(stuck)} decisions could not be delivered within two minutes: {dict(self.statuses)}"
        assert not self.wrong, self.wrong[:5]

    def delivered(self) -> int:
        """Return how many decisions have been acknowledged so far."""
        return len(self.acknowledged)

    def _visit(self, chance: random.Random) -> None:
        connection: http.client.HTTPConnection | None = None
        token = None
        while not self._over.is_set():
            name = "".join(chance.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", k=22))
            if chance.random() < 0.6:  # somebody new
                token = None
            allow = sorted(category for category in OPTIONAL if chance.random() < 0.5)
            body = {"id": name, "allow": allow, "notice": self.notice, "how": "save" if allow else "refuse"}
            if token:
                body["previous"] = token
            self.decided[name] = allow
            text = json.dumps(body)
            while True:
                try:
                    connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
                    headers = {"Origin": ORIGIN, "Content-Type": "text/plain"}
                    connection.request("POST", "/v1/smartmarket/decisions", text, headers)
                    answer = connection.getresponse()
                    status, content = answer.status, answer.read()
                except (OSError, http.client.HTTPException):
                    if connection:
                        connection.close()
                    connection, status, content = None, 0, b""
                self.statuses[status] += 1
                if status in (200, 201):
                    said = json.loads(content)
                    self.acknowledged[name] = said
                    token = said["token"] if said["allow"] else None
                    break
                if status not in (0, 429, 500, 502, 503, 504):
                    self.wrong.append(f"{status} {content.decode()}")
                    return
                if status == 500:
                    self.wrong.append(content.decode())
                time.sleep(AGAIN)
            time.sleep(chance.uniform(0, 0.02))
        if connection:
            connection.close()
