"""A shop's log of some days with erasures, its export, and the keys that it was signed with."""

import json
import secrets
from datetime import UTC, date, datetime, timedelta

import pytest

from consent_server.decision import Decision
from consent_server.proof import log as proof
from consent_server.proof.erasure import erase
from consent_server.settings.shops import make_site
from consent_server.site import Notice
from consent_server.store import Store
from consent_server.tokens import Keys
from consent_server.verify import verify

FIRST = date(2026, 11, 20)
START = 1_795_132_800_000  # its midnight (UTC), in ms
NOW = datetime(2026, 11, 22, 18, tzinfo=UTC)
SIGNED_WITH = "the secret that the log is signed with"
KEYS = Keys([SIGNED_WITH])
FORGER = Keys(["a secret of somebody else altogether"])


@pytest.fixture(scope="module")
def shop():
    return make_site(
        "shop", "Mağaza", ("https://shop.example",), "/p", date(2025, 12, 20), languages=("az",), buckets=3
    )


def fill(store, shop, entries=40, keys=KEYS):
    """Three days of decisions by a few shoppers, who also change and withdraw; returns the consents."""
    notice = Notice.of(
        {"site": "shop", "revision": 1, "keep": 15_811_200, "lang": "az", "variant": "", "words": {"title": "Kukilər"}}
    )
    store.notices.serve(shop, [notice])
    consents = []
    for n in range(entries):
        now = START + n * (3 * proof_day() - 3_600_000) // entries
        previous = consents[-1] if n % 4 == 3 and consents[-1].sub else None
        decision = Decision(secrets.token_urlsafe(16), (n * 5) % 8, notice, "save", previous)
        kept = store.decisions.record(shop, decision, now=now, sign=keys.sign, device="phone", country="AZ")
        consents.append(kept.consent)
        store.counters.shown(shop, now=now, language="az", variant="", device="phone", country="AZ")
    return consents


def proof_day():
    return 86_400_000


@pytest.fixture(scope="module", params=["with tokens", "by hash"])
def exported(shop, valkey, request):
    """The lines of an export in which two shoppers were erased."""
    with valkey.client() as client:
        client.flushall()
    store = Store(valkey.url, 5)
    consents = fill(store, shop)
    assert proof.seal(store, shop, KEYS, NOW) == [FIRST, FIRST + timedelta(1)]
    for consent in [c for c in consents if c.sub][:2]:
        assert erase(store, shop, KEYS, consent.sub, 5)
    with_tokens = request.param == "with tokens"
    lines = list(proof.export(store, shop, KEYS, None, NOW.date(), NOW, with_tokens=with_tokens))
    store.close()
    return lines


def numbers(lines, kind):
    return [n for n, line in enumerate(lines) if json.loads(line)["type"] == kind]


def check(lines):
    return verify(lines, KEYS.jwks())


def rewritten(lines, number, **changes):
    content = {**json.loads(lines[number]), **changes}
    return [*lines[:number], json.dumps(content).encode(), *lines[number + 1 :]]
