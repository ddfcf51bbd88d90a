"""What counts as a leak, and how it is said: from twenty sightings on, by state, since when, how many a day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from consent_server.rates.happened.leaks import ENOUGH, MOST, leaks
from consent_server.site import Site
from consent_server.store import Store
from consent_server.store.leaks import DAYS

TODAY = date(2026, 11, 20)


def see(store: Store, site: Site, state: str, name: str, times: int, ago: int = 0, kind: str = "cookie") -> None:
    for _ in range(times):
        store.leaks.add(site, TODAY - timedelta(ago), [(state, kind, name)])


def test_a_name_is_shown_from_twenty_sightings_on(kept: Store, site: Site) -> None:
    see(kept, site, "refused", "_xyz", ENOUGH - 1)
    see(kept, site, "refused", "ext_once", 1)
    assert leaks(kept, site, TODAY) == []
    see(kept, site, "before", "_xyz", 1)
    (leak,) = leaks(kept, site, TODAY)
    assert (leak.name, leak.seen, leak.states) == ("_xyz", 20, ("before", "refused"))


def test_it_says_since_when_in_which_states_and_how_many_a_day(kept: Store, site: Site) -> None:
    for ago in range(18):
        see(kept, site, "refused", "_xyz", 30, ago)
        see(kept, site, "accepted", "_xyz", 10, ago)
    (leak,) = leaks(kept, site, TODAY)
    assert str(leak) == "`_xyz` (cookie) since 3 November, on refusals too, about 40 a day"
    assert leak.as_json() == {
        "kind": "cookie",
        "name": "_xyz",
        "states": ["refused", "accepted"],
        "since": "2026-11-03",
        "until": "2026-11-20",
        "seen": 720,
        "per_day": 40.0,
    }


@pytest.mark.parametrize(
    ("states", "said"),
    [
        (["refused"], "on refusals,"),
        (["refused", "gpc"], "on refusals too,"),
        (["before"], "before an answer,"),
        (["gpc", "some", "accepted"], "with a privacy signal and where a part is allowed and where all is allowed,"),
        (["unknown"], "by browsers' policy reports,"),
    ],
)
def test_the_states_are_said_in_words(kept: Store, site: Site, states: list[str], said: str) -> None:
    for state in states:
        see(kept, site, state, "t.example", 20, kind="request")
    assert said in str(leaks(kept, site, TODAY)[0])


def test_what_is_over_is_shown_for_a_week_and_said_to_be_over(kept: Store, site: Site) -> None:
    see(kept, site, "refused", "gone", 40, 8)
    see(kept, site, "refused", "fixed", 40, 7)
    see(kept, site, "refused", "yesterday", 40, 1)
    said = {leak.name: str(leak) for leak in leaks(kept, site, TODAY)}
    assert {*said} == {"fixed", "yesterday"}
    assert said["fixed"].endswith("about 40 a day, last on 13 November")
    assert "last on" not in said["yesterday"]


def test_rare_sightings_of_long_ago_do_not_add_up(kept: Store, site: Site) -> None:
    for ago in range(60):
        see(kept, site, "refused", "now-and-then", ago % 2, ago)
    assert leaks(kept, site, TODAY) == []


def test_what_is_older_than_what_is_kept_says_so(kept: Store, site: Site) -> None:
    see(kept, site, "refused", "_old", 1, DAYS - 1)
    see(kept, site, "refused", "_old", 40)
    (leak,) = leaks(kept, site, TODAY)
    assert str(leak).startswith("`_old` (cookie) since before 23 August, ")
    assert leak.about == 1  # of the last thirty days


def test_who_makes_many_names_frequent_gets_so_many_shown(kept: Store, site: Site) -> None:
    for _ in range(ENOUGH):
        kept.leaks.add(site, TODAY, [("refused", "cookie", f"made-up-{chr(97 + n // 26)}{n % 26}") for n in range(120)])
    assert len(leaks(kept, site, TODAY)) == MOST
