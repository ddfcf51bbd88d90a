"""Decisions in a log, many at once, and a program that tells them to a webhook until it is killed.

As a program it takes the address of the store and that of the receiver.
"""

from __future__ import annotations

import secrets
import sys
import time
from collections import defaultdict
from datetime import date
from typing import cast

from consent_server.decision import Decision, Entry
from consent_server.events import telling
from consent_server.events.telling import Teller, keep_telling
from consent_server.events.webhook import Webhook
from consent_server.settings.shops import make_site
from consent_server.site import Notice
from consent_server.store import Store
from consent_server.store.keys import buckets, place
from consent_server.store.packing import pack
from consent_server.tokens import Keys

SHOP = make_site("shop", "Shop", ("https://shop.example",), "/p", date(2025, 12, 20))
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
KEYS = Keys(["the secret that these tests sign with"])
NOTICE = Notice.of({"site": SHOP.id, "revision": 1, "keep": 10_000_000, "lang": "az", "variant": ""})


def decide(store: Store, *allow: int, now: int | None = None) -> list[str]:
    """Record the decisions of one shopper, one upon the other, and return their ids."""
    store.notices.serve(SHOP, [NOTICE])
    previous, made = None, []
    for mask in allow:
        decision = Decision(secrets.token_urlsafe(16), mask, NOTICE, "save", previous)
        at = time.time_ns() // 1_000_000 if now is None else now
        previous = store.decisions.record(SHOP, decision, now=at, sign=KEYS.sign).consent
        made.append(decision.id)
    return made


def lay_down(store: Store, shoppers: int, each: int) -> dict[str, list[str]]:
    """Have so many shoppers decide so often, as ``record.lua`` would log it; return their decisions by shopper."""
    numbered = {bucket.number: bucket for bucket in buckets(SHOP)}
    calls = {number: store.connection.client.pipeline(transaction=False) for number in numbered}
    people = [[secrets.token_urlsafe(16) for _ in range(each)] for _ in range(shoppers)]
    for turn in range(each):
        for ids in people:
            bucket = place(SHOP, ids[0]).bucket
            kind, allow = ("change" if turn else "first"), 1 + turn % 7
            before = turn and 1 + (turn - 1) % 7
            head = {"kind": kind, "allow": allow, "before": before, "how": "save", "device": "phone", "country": ""}
            entry = Entry(bucket.number, 0, 0, notice=NOTICE.hash, id=ids[turn], subject=ids[0], **head)  # type: ignore[arg-type]
            calls[bucket.number].xadd(bucket.log, {"e": pack(entry) + bytes(64)})
    for each_bucket in calls.values():
        each_bucket.execute()
    return {ids[0]: ids for ids in people}


def by_shopper(events: list[dict[str, object]]) -> dict[str, list[str]]:
    """Return the decisions by shopper in the order in which each came first."""
    found: dict[str, list[str]] = defaultdict(list)
    seen = set()
    for event in events:
        if event["jti"] not in seen:
            seen.add(event["jti"])
            found[cast(str, event["sub"])].append(cast(str, event["jti"]))
    return dict(found)


if __name__ == "__main__":
    telling.SHORTEST_PAUSE, telling.LONGEST_PAUSE = 0.05, 0.2  # type: ignore[assignment]
    webhook = Webhook.of(SHOP, sys.argv[2], (SECRET,))
    assert webhook
    keep_telling(Teller(Store(sys.argv[1], 10), SHOP, webhook, lease=1.2, seconds=0.5), every=0.02)
