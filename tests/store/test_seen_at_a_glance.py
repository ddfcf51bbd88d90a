"""What anybody may ask as often as they like costs Redis a look a minute; a user without +type is refused it once."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from conftest import ROOT, SECRET, Shopper, closing
from one_clock import KEYS, made_up, now, one_clock, shop
from test_said_to_be_sealed import TODAY, YEAR_9000, mark

from consent_server import create_app
from consent_server.check.store import alarms, storage
from consent_server.chores.housekeeping import close_days
from consent_server.proof import log as proof
from consent_server.proof.attested import ends
from consent_server.settings.environment import Settings
from consent_server.store import Store
from consent_server.store.connection.misfits import misfits
from consent_server.store.keys import DAY, buckets, midnight, single
from consent_server.tokens import Keys

assert shop
assert one_clock


def asked(client, command="type"):
    return client.info("commandstats").get(f"cmdstat_{command}", {"calls": 0, "rejected_calls": 0})


@contextmanager
def served(url, site):
    settings = Settings(secret=(SECRET,), redis_url=url, config=ROOT / "consent.toml")
    app = create_app(settings, {site.id: site})
    with closing(app.extensions["consent"].store) as store:
        yield store, Shopper(app.test_client(use_cookies=False), site), settings


def warned(shopper):
    return shopper.client.get("/readyz").get_json()["warnings"]


def test_readyz_looks_once_a_minute_whoever_asks(valkey, site):
    with valkey.client() as client:
        client.flushall()
        with served(valkey.url, site) as (store, shopper, _):
            mark(store, site, YEAR_9000 - YEAR_9000 % DAY)
            before = asked(client)["calls"]
            said = warned(shopper)
            assert "no seal says so" in said[-1]
            looked = asked(client)["calls"]
            assert looked > before
            assert [warned(shopper) for _ in range(3)] == [said] * 3
            assert asked(client)["calls"] == looked
            store.glance._kept = (0.0, store.glance._kept[1])
            warned(shopper)
            assert asked(client)["calls"] > looked, "a minute later"


def test_a_user_without_type_is_refused_it_once_and_has_all_else(valkey, site):
    with valkey.client() as client:
        client.flushall()
        client.execute_command("ACL", "SETUSER", "small", "reset", "on", ">word", "~*", "+@all", "-type")
        with served(valkey.url.replace("unix://", "unix://small:word@"), site) as (_, shopper, settings):
            client.set(single.restored(site), "of another kind")
            before = asked(client)["rejected_calls"]
            assert warned(shopper) == []
            assert asked(client)["rejected_calls"] == before + 1
            assert shopper.decide("analytics").status_code == 201
            assert "may not TYPE" in "".join(each.fault for each in storage(settings) if not each.grave)
            (said,) = [each for each in alarms(settings, [site]) if "another kind" in each.fault]
            assert said.fault.startswith(single.restored(site))
            for each in buckets(site):
                client.delete(each.log)
                client.set(each.log, "of another kind")
            shopper.token = None
            refused = shopper.decide("marketing")
            assert refused.status_code == 503
            assert "One of consent:{" in refused.get_json()["detail"]
        client.acl_deluser("small")


def test_no_key_is_passed_over_between_two_pieces(valkey, monkeypatch):
    monkeypatch.setattr("consent_server.store.connection.misfits.PIECE", 2)
    with valkey.client() as client:
        client.flushall()
        names = [f"consent:{{a}}:seals:{n}" for n in range(6)]
        for name in names:
            client.set(name, "x")
        assert [*misfits(client, iter(names))] == names


def test_an_end_is_judged_once_however_many_say_it(store, shop, monkeypatch):
    site, _ = shop
    many = replace(site, buckets=24)
    mark(store, many, YEAR_9000 - YEAR_9000 % DAY)
    read, seals = [], store.log.seals
    monkeypatch.setattr(store.log, "seals", lambda site: read.append(site) or seals(site))
    assert len(ends.unbacked(store, many, KEYS)) == 24
    assert len(read) == 1


def stolen(store, site):
    """A server whose secret is another one, and that has nothing that leads to the one before."""
    store.connection.client.delete(single.ENDORSEMENTS)
    return Keys(["another secret that nobody has used before, of 32 characters"])


def unreadable(store, site):
    store.connection.client.hset(single.seals(site), "x", "x.y")
    return KEYS


@pytest.mark.parametrize("happens", [stolen, unreadable])
def test_what_todays_keys_cannot_tell_of_is_left_as_it_is_and_said(store, shop, happens):
    """A day that was sealed ahead, by a clock that was."""
    site, _ = shop
    made_up(store, shop, now() - 2 * DAY)
    with closing(Store(store.url, 5, any_clock=True)) as other:
        proof.seal(other, site, KEYS, datetime.now(UTC) + timedelta(20))
    end = midnight(max(store.log.seals(site))) + DAY
    keys = happens(store, site)
    close_days(store, site, keys, datetime.now(UTC))
    assert {int(store.connection.client.get(bucket.sealed)) for bucket in buckets(site)} == {end}
    assert ends.unbacked(store, site, keys) == {}
    assert "is left as it is" in next(iter(ends.untold(store, site, keys).values()))
    assert any("is left as it is" in said for said in ends.not_ours(store, [site], keys))
    # A day that no seal is of is somebody else's word all the same, where the seals can be read.
    mark(store, site, midnight(TODAY + timedelta(365)))
    assert bool(ends.unbacked(store, site, keys)) == (happens is stolen)
