"""Each value has a row of counters of its own, whatever number somebody wrote there and who took it out."""

import secrets
import shlex
from dataclasses import replace

import pytest
from conftest import ROOT, SECRET, Shopper, closing

from consent_server import create_app
from consent_server.check.cures import to_set_aside
from consent_server.check.store import alarms
from consent_server.settings.environment import Settings
from consent_server.store.keys import buckets


@pytest.fixture
def site(site):
    return replace(site, buckets=1)


@pytest.fixture
def settings(valkey):
    return Settings(secret=(SECRET,), redis_url=valkey.url, config=ROOT / "consent.toml")


@pytest.fixture
def one(valkey, settings, site):
    with valkey.client() as client:
        client.flushall()
        app = create_app(settings, {site.id: site})
        with closing(app.extensions["consent"].store):
            yield client, Shopper(app.test_client(use_cookies=False), site)


def numbers(client, site):
    return {name.decode(): int(number) for name, number in client.hgetall(buckets(site)[0].values).items()}


def answer(shopper, **how):
    shopper.token = None
    return shopper.decide("analytics", id=secrets.token_urlsafe(16), **how).status_code


def test_who_takes_a_value_out_has_it_counted_in_a_row_of_its_own(one, site):
    client, shopper = one
    assert answer(shopper, how="save") == 201
    (bucket,) = buckets(site)
    before = numbers(client, site)
    first = min(before, key=before.__getitem__)
    client.hset(bucket.values, first, 4_000_000_000)
    assert answer(shopper, how="save") == 503
    client.hdel(bucket.values, first)
    assert answer(shopper, how="save") == 201
    after = numbers(client, site)
    assert after[first] == max(before.values()) + 1
    assert sorted(after.values()) == sorted({*after.values()})


def test_a_number_that_is_none_of_ours_is_not_counted_on_from(one, site):
    client, shopper = one
    (bucket,) = buckets(site)
    client.hset(bucket.values, "mine", 4_000_000_000)
    assert answer(shopper, how="save") == 201
    assert max(number for name, number in numbers(client, site).items() if name != "mine") < 10


def test_check_names_the_value_and_the_number_that_it_had(one, site, settings):
    client, shopper = one
    assert answer(shopper, how="save") == 201
    (bucket,) = buckets(site)
    before = numbers(client, site)
    wrong = f"In {bucket.values} stands what this server did not write."
    client.hset(bucket.values, "how=save", "4000000000")
    (cure,) = [each.cure for each in alarms(settings, [site]) if each.fault == wrong]
    client.execute_command(*shlex.split(cure.partition("redis-cli ")[2]))
    assert numbers(client, site) == before
    assert wrong not in {each.fault for each in alarms(settings, [site])}
    assert answer(shopper, how="save") == 201
    client.hset(bucket.values, mapping={"how=save": "x", "two\x1b'": "y"})
    (cure,) = [each.cure for each in alarms(settings, [site]) if each.fault == wrong]
    assert r"the fields 'how=save', 'two\x1b\x27'," in cure


@pytest.mark.parametrize(
    ("key", "aside", "then"),
    [
        ("consent:{a}:seals", "consent:{a}:seals:aside", "it would seal all days anew"),
        ("consent:{a.1}:values", "consent:{a.1}:values:aside", "put the keys of that name with `count`"),
        ("consent:{a}:leaks", "consent:{a}:leaks:aside", "is in the last backup"),
        ("consent:layout", "{consent:layout}:aside", "is in the last backup"),
        ("One of consent:{a}:log, consent:{a}:seen", "KEY:aside", "is in the last backup"),
    ],
)
def test_what_is_put_aside_is_so_in_its_own_slot_and_with_what_it_takes_along(key, aside, then):
    cure = to_set_aside(key)
    assert f"'{aside}'" in cure
    assert then in cure
