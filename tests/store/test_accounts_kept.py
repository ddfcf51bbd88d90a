"""What is kept of accounts: one token each, swapped only for what was read, on each kind of Redis."""

from __future__ import annotations

from dataclasses import replace

import pytest

from consent_server.site import Site
from consent_server.store import Store
from consent_server.store.keys.single import account

NAMES = ["of the new secret", "of the old one"]


@pytest.fixture
def shop(site: Site) -> Site:
    return replace(site, accounts=True)


def test_a_token_is_kept_in_place_of_what_was_read_and_of_nothing_else(store: Store, shop: Site) -> None:
    kept, name = store.accounts, NAMES[0]
    assert kept.find(shop, NAMES) == {}
    assert kept.swap(shop, name, "", "first", 100)
    assert not kept.swap(shop, name, "", "second", 100)
    assert not kept.swap(shop, name, "another", "second", 100)
    assert kept.find(shop, NAMES) == {name: "first"}
    assert kept.swap(shop, name, "first", "second", 100)
    assert kept.find(shop, NAMES) == {name: "second"}
    assert 0 < store.connection.client.ttl(account(shop, name)) <= 100
    assert kept.swap(shop, name, "second", "", 0)
    assert kept.find(shop, NAMES) == {}


def test_what_an_older_secret_names_is_found_and_all_of_an_account_is_forgotten(store: Store, shop: Site) -> None:
    kept = store.accounts
    kept.swap(shop, NAMES[1], "", "old", 100)
    assert kept.find(shop, NAMES) == {NAMES[1]: "old"}
    kept.swap(shop, NAMES[0], "", "new", 100)
    assert kept.find(shop, NAMES) == {NAMES[0]: "new", NAMES[1]: "old"}
    assert kept.remove(shop, NAMES)
    assert not kept.remove(shop, NAMES)
    assert kept.find(shop, NAMES) == {}
    assert kept.find(replace(shop, id="kitab"), NAMES) == {}
