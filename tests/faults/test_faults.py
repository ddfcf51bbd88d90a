"""Nothing acknowledged is lost and nothing is counted twice, whatever breaks while shoppers decide.

FAULTS and SEED in the environment choose how many things break and which: `make faults` breaks a hundred.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from conftest import SECRET

from consent_server.proof import log as proof
from consent_server.rates import read
from consent_server.rates.period import Period
from consent_server.store import Store
from consent_server.tokens import Keys
from consent_server.verify import verify
from faults.shoppers import Shoppers
from faults.worlds import WORLDS

FAULTS = int(os.environ.get("FAULTS", "8"))
SEED = int(os.environ.get("SEED", "2026"))
SHARES = {"embedded": 0.3, "single": 0.5, "cluster": 0.12, "sentinel": 0.08}
"""Which part of the faults happens in which world."""


@pytest.mark.parametrize("kind", WORLDS)
def test_nothing_acknowledged_is_lost_and_nothing_is_counted_twice(kind, short_folder, site):
    chance = random.Random(f"{SEED} {kind}")
    world = WORLDS[kind](short_folder)
    try:
        known = world.faults()
        many = max(2 if kind != "sentinel" else 1, round(FAULTS * SHARES[kind]))
        names = [*known] * (many // len(known)) + chance.sample([*known], many % len(known))
        chance.shuffle(names)
        notice = world.live.get("/v1/smartmarket/notice?lang=az")["notice"]
        shoppers = Shoppers(world.live.port, notice, SEED).start()
        for name in names:
            time.sleep(chance.uniform(0.1, 0.4))
            known[name](chance)
            before = shoppers.delivered()
            until = time.monotonic() + 120
            while shoppers.delivered() < before + 10:
                world.revive()
                assert not shoppers.wrong, f"after {name!r} (seed {SEED}): {shoppers.wrong[0]}"
                assert time.monotonic() < until, f"nothing is taken any more after {name!r} (seed {SEED})"
                time.sleep(0.02)
        shoppers.stop()
        _all_is_there_once(world.url, site, shoppers)
        print(f"{kind}: {dict(Counter(names))}; {shoppers.delivered()} decisions; answers {dict(shoppers.statuses)}")
    except BaseException:
        print(world.live.words())
        raise
    finally:
        world.stop()


def _all_is_there_once(url, site, shoppers):
    store = Store(url, 5)
    keys = Keys([SECRET])
    now = datetime.now(UTC)
    first, last = (now - timedelta(days=1)).date(), (now + timedelta(days=1)).date()
    entries = [entry for n in range(3) for entry in store.log.day(site, first + timedelta(days=n))]
    times = Counter(entry.id for entry in entries)
    assert {name for name in shoppers.acknowledged if not times[name]} == set(), "acknowledged and lost"
    assert {name: n for name, n in times.items() if n > 1} == {}, "kept twice"
    assert set(times) <= set(shoppers.decided), "nobody decided that"
    assert {entry.id: sorted(entry.allowed()) for entry in entries} == shoppers.decided
    assert read.recount(store, site, Period(first, last)).differences == []
    for name, said in shoppers.acknowledged.items():
        consent = keys.read(said["token"], site.id)
        assert consent.allow == shoppers.decided[name]
    # A day from now every day of the log is over, and can be sealed; then all of it proves itself.
    later = now + timedelta(days=2)
    assert proof.seal(store, site, keys, later)
    verify(proof.export(store, site, keys, None, last, later), keys.jwks())
    store.close()


@pytest.mark.parametrize("how", ["frozen", "gone"])
def test_while_redis_is_away_everything_else_is_served_and_afterwards_all_is_well(how, short_folder):
    world = WORLDS["embedded"](short_folder)
    try:
        notice = world.live.get("/v1/smartmarket/notice?lang=az")["notice"]
        shoppers = Shoppers(world.live.port, notice, SEED, many=24).start()
        while shoppers.delivered() < 50:
            time.sleep(0.02)
        valkey = world._valkey()
        valkey.suspend()
        if how == "gone":
            # Its socket stays and takes connections while its parent waits: nobody is there to answer.
            valkey.kill()
        until = time.monotonic() + 120
        looks = 0
        while looks < 20 or (how == "frozen" and shoppers.statuses[503] < 100):
            world.live.get("/v1/keys.json")
            world.live.get("/healthz")
            looks += 1
            assert time.monotonic() < until, "it did not say that Redis is away"
        if how == "frozen":
            valkey.resume()
        before = shoppers.delivered()
        until = time.monotonic() + 120
        while shoppers.delivered() < before + 50:
            assert time.monotonic() < until, "it did not come back by itself"
            time.sleep(0.02)
        shoppers.stop()
    finally:
        world.stop()
