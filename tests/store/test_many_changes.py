"""Who changes the answer again and again is stopped before the others have to wait for it; a withdrawal is kept."""

from __future__ import annotations

import secrets
import time

import pytest
from decided import KEYS, NOTICE, SHOP
from msgspec.structs import replace

from consent_server.decision import Consent, Decision
from consent_server.store import Store, keys
from consent_server.store.decisions import Recorded, TooManyChanges

LATEST, MOST = 64, 2000


def answered(store: Store, allow: int, previous: Consent | None) -> Recorded:
    decision = Decision(secrets.token_urlsafe(16), allow, NOTICE, "save", previous)
    return store.decisions.record(SHOP, decision, now=time.time_ns() // 1_000_000, sign=KEYS.sign)


def test_a_subject_has_so_many_changes_and_then_a_withdrawal_alone(store: Store) -> None:
    store.notices.serve(SHOP, [NOTICE])
    latest = answered(store, 1, None).consent
    older = keys.place(SHOP, str(latest.sub)).older
    client = store.connection.client
    client.hset(older, mapping={f"of before {n}": "8 bytes." for n in range(MOST - 1)})
    latest = answered(store, 2, latest).consent
    client.hset(older, "one more", "8 bytes.")
    repeated = Decision(secrets.token_urlsafe(16), 1, NOTICE, "save", latest)
    with pytest.raises(TooManyChanges, match="over 2,000 times; a refusal is taken"):
        store.decisions.record(SHOP, repeated, now=time.time_ns() // 1_000_000, sign=KEYS.sign)
    assert answered(store, 2, None).consent.allow, "others are taken"
    again = Decision(str(latest.jti), 2, NOTICE, "save", replace(latest, jti=None))
    assert store.decisions.record(SHOP, again, now=time.time_ns() // 1_000_000, sign=KEYS.sign).repeat
    gone = answered(store, 0, latest)
    assert gone.consent.sub is None
    answered(store, 1, gone.consent)
