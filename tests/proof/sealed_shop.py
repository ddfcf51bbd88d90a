"""A shop that was answered for some days, all of which are sealed."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime, timedelta

import pytest

from consent_server.decision import Decision
from consent_server.proof import log as proof
from consent_server.tokens import token

DAY = 86_400_000


@pytest.fixture(autouse=True)
def yesterday_is_sealed(monkeypatch):
    """In the first hour of a day too."""
    monkeypatch.setattr(proof, "GRACE", timedelta(0))


@pytest.fixture
def sealed(app, site):
    """A shop that was answered for five days up to yesterday, all sealed; says how many decisions there are a day."""
    services = app.extensions["consent"]
    notice = services.scripts[site.id].notices["az"][0]
    today = int(time.time() * 1000) // DAY * DAY
    followed = None
    for ago in range(5, 0, -1):
        for n in range(ago * 3):
            decision = Decision(secrets.token_urlsafe(16), 3, notice, "save", followed if n == 0 else None)
            kept = services.store.decisions.record(
                site, decision, now=today - ago * DAY + n * 1000 + 1, sign=services.keys.sign
            )
            followed = kept.consent if n == 0 else followed
    proof.seal(services.store, site, services.keys, datetime.now(UTC))
    assert len(services.store.log.seals(site)) >= 4
    return token(followed, services.keys.sign(followed))


def get(client, path, **headers):
    return client.get(f"/v1/smartmarket/{path}", headers=headers)
