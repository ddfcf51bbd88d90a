"""A log of a few answers, its export line by line, and what its notices are."""

import pytest
from conftest import closing
from filled_log import KEYS, NOW, fill

from consent_server.proof import log as proof
from consent_server.site import Notice
from consent_server.store import Store


@pytest.fixture
def store(valkey, shop):
    """A log with a notice that nobody answered, whose first two days are sealed."""
    with valkey.client() as client, closing(Store(valkey.url, 5)) as store:
        client.flushall()
        fill(store, shop, 8)
        store.notices.serve(shop, [Notice.of({**notice(store, shop).content, "variant": "b"})])
        proof.seal(store, shop, KEYS, NOW)
        yield store


def notice(store, shop):
    return next(iter(store.notices.all(shop).values()))


def export(store, shop, keys=KEYS):
    return list(proof.export(store, shop, keys, None, NOW.date(), NOW))


@pytest.fixture
def lines(store, shop):
    return export(store, shop)
