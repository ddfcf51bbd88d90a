"""A shop whose days are sealed, and an authority that stamps the seals."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import pytest
from authority import Authority as Running
from authority import running
from conftest import closing

from consent_server.decision import Decision
from consent_server.proof import log as proof
from consent_server.proof.attested.stamps import Authority
from consent_server.site import Notice
from consent_server.store import Store
from consent_server.tokens import Keys
from consent_server.verify import read_certificates, verify

SECRET = "the secret that the stamped log is signed with"
KEYS = Keys([SECRET])
DAY = 86_400_000
FIRST = datetime.now(UTC).date() - timedelta(4)
NOW = datetime.combine(FIRST + timedelta(3), time(2), UTC)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("authority") / "one") as found:
        yield found


@pytest.fixture
def tsa(authority: Running) -> Iterator[Authority]:
    authority.way = "well"
    yield Authority(authority.url, read_certificates(authority.root))
    authority.way = "well"


def answer(store, shop, day: date, many: int = 3, keys: Keys = KEYS) -> None:
    notice = Notice.of({"site": shop.id, "revision": 1, "keep": 15_811_200, "lang": "az", "variant": "", "words": {}})
    store.notices.serve(shop, [notice])
    midnight = (day - date(1970, 1, 1)).days * DAY
    for n in range(many):
        decision = Decision(secrets.token_urlsafe(16), 2, notice, "accept", None)
        store.decisions.record(shop, decision, now=midnight + n, sign=keys.sign, device="phone", country="AZ")


@pytest.fixture
def store(valkey, shop) -> Iterator[Store]:
    """Three days of answers, none of them sealed."""
    with valkey.client() as client:
        client.flushall()
    with closing(Store(valkey.url, 5)) as opened:
        for n in range(3):
            answer(opened, shop, FIRST + timedelta(n))
        yield opened


@pytest.fixture
def sealed(store, shop) -> Store:
    assert len(proof.seal(store, shop, KEYS, NOW)) == 3
    return store


def export(store, shop) -> list[bytes]:
    return list(proof.export(store, shop, KEYS, None, FIRST + timedelta(2), NOW))


def check(lines, tsa, **options):
    return verify(lines, KEYS.jwks(), authority=tsa.certificates, **options)


class PanicException(BaseException):
    """What a library in Rust raises where it panics."""
