"""Whatever a shopper is answered 503 for, `check` says it, and what to type; nothing that destroys."""

import json
import re
import secrets
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from conftest import ROOT, SECRET, Shopper, closing

from consent_server import create_app
from consent_server.check.store import alarms, storage
from consent_server.proof import log as proof
from consent_server.settings.environment import Settings
from consent_server.store.connection import clock
from consent_server.store.keys import buckets, single

YEAR_9000 = 221_845_392_000_000
DESTROYS = re.compile(r"\b(del|unlink|flush\w*|rename|trim|xtrim|hdel|put the last backup back)\b", re.IGNORECASE)


@pytest.fixture(autouse=True)
def one_clock(monkeypatch):
    monkeypatch.setattr(clock, "LEEWAY", 60_000)


@pytest.fixture
def site(site):
    return replace(site, buckets=2)


@pytest.fixture
def settings(valkey):
    return Settings(secret=(SECRET,), redis_url=valkey.url, config=ROOT / "consent.toml")


@contextmanager
def configured(client, name, value):
    before = client.config_get(name)[name]
    client.config_set(name, value)
    try:
        yield
    finally:
        client.config_set(name, before)


@contextmanager
def a_replica(client):
    client.execute_command("REPLICAOF", "127.0.0.1", "1")
    try:
        yield
    finally:
        client.execute_command("REPLICAOF", "NO", "ONE")


@contextmanager
def moved(client, site, and_then=lambda: None):
    """A log ahead of its clock."""
    for bucket in buckets(site):
        client.xadd(bucket.log, {"e": "x"}, id=f"{YEAR_9000}-0")
        client.xdel(bucket.log, f"{YEAR_9000}-0")
    and_then()
    yield


@contextmanager
def written(write):
    write()
    yield


def junk_in_zones(client, site):
    return written(lambda: client.rpush(single.zones(site), "{"))


def moved_with_a_junk_seal(client, site):
    return moved(client, site, lambda: client.hset(single.seals(site), "x", "x.y"))


def moved_with_seals_of_another_kind(client, site):
    return moved(client, site, lambda: (client.delete(single.seals(site)), client.set(single.seals(site), "x")))


WHY = [
    ("it is full", lambda client, site: configured(client, "maxmemory", 1)),
    ("it is a replica", lambda client, site: a_replica(client)),
    ("too few replicas follow it", lambda client, site: configured(client, "min-replicas-to-write", 1)),
    ("is ahead of the store's clock", moved),
    ("In consent:{smartmarket}:zones stands", junk_in_zones),
    ("is ahead of the store's clock", moved_with_a_junk_seal),
    ("is ahead of the store's clock", moved_with_seals_of_another_kind),
]


@pytest.mark.parametrize(("why", "happens"), WHY)
def test_check_says_why_an_answer_is_refused(valkey, site, settings, why, happens):
    with valkey.client() as client:
        client.flushall()
        app = create_app(settings, {site.id: site})
        with closing(app.extensions["consent"].store) as store:
            shopper = Shopper(app.test_client(use_cookies=False), site)
            assert shopper.decide("analytics").status_code == 201
            store.zones._known.clear()
            with happens(client, site):
                shopper.token = None
                assert shopper.decide("analytics", id=secrets.token_urlsafe(16)).status_code == 503
                found = [*storage(settings), *alarms(settings, [site])]
                (said,) = [each for each in found if why in each.fault]
                assert said.grave
                assert not DESTROYS.search(said.cure)


def test_check_says_that_too_few_replicas_have_what_is_answered(valkey, site, settings):
    wants = replace(settings, redis_replicas=1)
    with valkey.client() as client:
        client.flushall()
        app = create_app(wants, {site.id: site})
        with closing(app.extensions["consent"].store):
            assert Shopper(app.test_client(use_cookies=False), site).decide("analytics").status_code == 503
    assert "Redis has 0 replicas, and 1 are to have each decision: it takes none." in {
        each.fault for each in storage(wants)
    }


RIGHTS = {
    **dict.fromkeys(["hget", "xadd", "bitfield", "eval", "xinfo|stream", "hmget"], ("so decisions are refused", True)),
    **dict.fromkeys(["zadd", "zrem"], ("so nobody can be erased and nothing be archived", True)),
    "getrange": ("so no rates can be read", False),
    **dict.fromkeys(["xtrim", "zcard", "smembers", "expire"], ("so not all is done that is due", False)),
    "type": ("so it is not seen where somebody else wrote another kind of value", False),
}


@pytest.mark.parametrize("right", RIGHTS)
def test_check_says_what_redis_user_may_not_do_and_which_of_it_stops_answers(valkey, site, settings, right):
    with valkey.client() as client:
        client.flushall()
        client.script_flush()
        client.execute_command("ACL", "SETUSER", "small", "reset", "on", ">word", "~*", "+@all", f"-{right}")
        small = replace(settings, redis_url=valkey.url.replace("unix://", "unix://small:word@"))
        (said,) = [each for each in storage(small) if "may not" in each.fault]
        assert f"type in redis-cli: ACL SETUSER NAME +{right}, and" in said.cure
        assert (said.fault.partition(", ")[2], said.grave) == (f"{RIGHTS[right][0]}.", RIGHTS[right][1])
        client.acl_deluser("small")
    assert not [each for each in storage(settings) if "may not" in each.fault]


def test_check_names_words_that_are_none_of_ours_and_seals_that_do_not_follow_each_other(
    valkey, site, settings, monkeypatch
):
    monkeypatch.setattr(proof, "GRACE", timedelta(0))
    with valkey.client() as client:
        client.flushall()
        app = create_app(settings, {site.id: site})
        behind = app.extensions["consent"]
        with closing(behind.store) as store:
            shopper = Shopper(app.test_client(use_cookies=False), site)
            assert shopper.decide("analytics").status_code == 201
            (name, *_) = store.notices.all(site)
            client.hset(single.notices(site), name, json.dumps({"site": site.id, "words": "mine"}))
            said = cures(settings, site)
            wrong = f"The notice {name} of {site.id} was changed in the store: its words have another hash."
            assert f"hset '{single.notices(site)}' HASH CONTENT" in said[wrong]
            assert "restart the server" in said[wrong]
            assert not DESTROYS.search(said[wrong])
            with closing(create_app(settings, {site.id: site}).extensions["consent"].store):
                assert wrong not in cures(settings, site), "a restart writes anew what is served"
            store.notices.put_back(site)
            client.delete(single.notices(site))
            store.notices.put_back(site)
            later = datetime.now(UTC) + timedelta(days=4)
            monkeypatch.setattr(store.clock, "leeway", 10**15)
            monkeypatch.setattr(proof, "first_day", lambda *_: None)
            assert len(proof.seal(store, site, behind.keys, later)) == 4
            days = [*store.log.seals(site)]
            kept = client.hget(single.seals(site), f"{days[1]}")  # as each export has it
            client.hdel(single.seals(site), f"{days[1]}")
            assert shopper.client.get(f"/v1/{site.id}/seals").status_code == 503
            said = cures(settings, site)
            wrong = f"The seal of {days[2]} of {site.id} does not follow the one before, of {days[0]}."
            assert f"hset '{single.seals(site)}' DAY TOKEN" in said[wrong]
            assert not DESTROYS.search(said[wrong])
            client.hset(single.seals(site), f"{days[1]}", kept)
            assert wrong not in cures(settings, site)


def cures(settings, site):
    return {each.fault: each.cure for each in alarms(settings, [site])}
