"""Fills a store with decisions, as quickly as it takes them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import redis

from consent_server.decision import Decision
from consent_server.site import Notice, Site
from consent_server.store import Store
from consent_server.tokens import Keys
from tests.bench.servers import SECRET, written_anew

STEP = 1000


def fill(
    url: str, shop: Site, asked: Notice, start: int, allow: int, many: int, *, days: int = 30, signed: bool = False
) -> None:
    """Keep ``many`` first decisions, spread over some days from ``start`` (ms), then write them to disk at once.

    ``signed``: with signatures that hold, which sealing a day checks; else with as many bytes that do not.
    """
    keys = Keys([SECRET])
    # A signature does not compress, so that any 64 bytes will do, and the tokens of refusals share theirs.
    sign: Callable[[Any], bytes] = keys.sign if signed or not allow else (lambda consent: os.urandom(64))
    with redis.Redis.from_url(url, socket_timeout=600) as client, written_anew(client):
        opened = Store(url, 60, any_clock=True)
        opened.notices.serve(shop, [asked])

        def decide(n: int) -> None:
            decision = Decision(secrets.token_urlsafe(16), allow, asked, "accept" if allow else "refuse", None)
            now = start + n // STEP * STEP * days * 86_400_000 // many  # a log's time does not run back
            opened.decisions.record(shop, decision, now=now, sign=sign, device="phone")

        with ThreadPoolExecutor(32) as threads:
            for first in range(0, many, STEP):
                list(threads.map(decide, range(first, min(first + STEP, many))))
        opened.close()
