"""Sightings are counted by day and state, and whoever invents names fills a bounded place and nothing else."""

from __future__ import annotations

import math
from datetime import date, timedelta

import pytest

from consent_server.rates.happened.leaks import ENOUGH, leaks
from consent_server.site import Site
from consent_server.store import Store
from consent_server.store.keys import single
from consent_server.store.leaks import DAYS, MOST, OFTEN, SAFE, Seen

DAY = date(2026, 11, 20)
LEAK: Seen = ("refused", "cookie", "_xyz")


def invented(start: int, many: int) -> list[Seen]:
    return [("before", "local-storage", f"made-up-{n}") for n in range(start, start + many)]


def test_what_was_seen_is_counted_by_day_state_and_name(store: Store, site: Site, other_site: Site) -> None:
    store.leaks.add(site, DAY - timedelta(1), [LEAK])
    for _ in range(3):
        store.leaks.add(site, DAY, [LEAK, ("before", "request", "tracker.example:8443")])
    store.leaks.add(site, DAY - timedelta(DAYS), [LEAK])
    store.leaks.add(site, DAY, [])
    assert store.leaks.counts(site, DAY) == {
        DAY - timedelta(1): {LEAK: 1},
        DAY: {LEAK: 3, ("before", "request", "tracker.example:8443"): 3},
    }
    assert store.leaks.counts(other_site, DAY) == {}


def test_a_flood_of_made_up_names_takes_bounded_memory_and_pushes_out_nothing_that_was_seen_often(
    store: Store, site: Site
) -> None:
    for _ in range(OFTEN):
        store.leaks.add(site, DAY, [LEAK])
    for start in range(0, 10_000, 30):
        store.leaks.add(site, DAY, [(state, kind, name.ljust(64, "x")) for state, kind, name in invented(start, 30)])
    (counts,) = store.leaks.counts(site, DAY).values()
    assert len(counts) == MOST
    assert counts[LEAK] == OFTEN
    # In the middle of it what is really seen, once in a hundred made-up names, gets through.
    late: Seen = ("accepted", "cookie", "_aaa")
    for n in range(100):
        store.leaks.add(site, DAY, [late])
        store.leaks.add(site, DAY, invented(20_000 + n * 100, 100))
    (counts,) = store.leaks.counts(site, DAY).values()
    assert counts[late] >= OFTEN
    assert max(count for seen, count in counts.items() if seen not in (LEAK, late)) < OFTEN
    client = store.connection.client
    assert client.memory_usage(single.leaks(site, DAY)) < 150_000
    assert 0 < client.ttl(single.leaks(site, DAY)) <= DAYS * 86400


def test_names_that_are_repeated_until_all_are_frequent_leave_room_to_what_is_new(store: Store, site: Site) -> None:
    for start in range(0, MOST, 50):
        for _ in range(OFTEN + (start < SAFE)):
            store.leaks.add(site, DAY, invented(start, 50))
    (before,) = store.leaks.counts(site, DAY).values()
    assert len(before) == MOST
    for _ in range(OFTEN):
        store.leaks.add(site, DAY, [LEAK])
    (counts,) = store.leaks.counts(site, DAY).values()
    assert len(counts) == MOST
    assert counts[LEAK] == OFTEN
    safe = {seen for seen, count in before.items() if count > OFTEN}
    assert len(safe) == SAFE
    assert safe <= {*counts}


def test_what_somebody_else_wrote_there_is_left_out(store: Store, site: Site) -> None:
    store.leaks.add(site, DAY, [LEAK])
    junk: dict[bytes | str, float] = dict.fromkeys(
        [b"\xff", "two words", "four words of them", "refused cookie \x1b[2J"], 20
    )
    junk["refused cookie _inf"] = math.inf
    store.connection.client.zadd(single.leaks(site, DAY), junk)
    store.connection.client.zadd(single.leaks(site, DAY - timedelta(1)), junk)
    assert store.leaks.counts(site, DAY) == {DAY: {LEAK: 1}}
    for _ in range(ENOUGH):
        store.leaks.add(site, DAY, [LEAK, ("made-up", "cookie", "_a"), ("refused", "made-up", "_b")])
    assert [leak.name for leak in leaks(store, site, DAY)] == [LEAK[2]]


@pytest.mark.parametrize("many", [1, 500])
def test_a_day_that_is_over_stays_for_as_long_as_it_is_read(store: Store, site: Site, many: int) -> None:
    store.leaks.add(site, DAY, invented(0, many))
    assert len(store.leaks.counts(site, DAY + timedelta(DAYS - 1))[DAY]) == many
    assert store.leaks.counts(site, DAY + timedelta(DAYS)) == {}
