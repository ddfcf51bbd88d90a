"""Days are cut by one clock, Redis' own: who is off it neither records nor seals, and says so in one sentence."""

import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from conftest import CONSENT_SERVER, ROOT, SECRET, EndsAtRest, Shopper, closing
from one_clock import KEYS, OFF, YEAR, days, decide, made_up, now, one_clock, shop

from consent_server import create_app
from consent_server.chores.housekeeping import SteadyClock, close_days, keep, work_on
from consent_server.cli.log import log as log_command
from consent_server.cli.serving.workers import _sound
from consent_server.decision import COLUMNS, Decision
from consent_server.proof import log as proof
from consent_server.proof.archive import archive
from consent_server.settings.environment import Settings
from consent_server.site import Notice
from consent_server.store import ClocksApart, Store
from consent_server.store.keys import DAY, buckets, midnight
from consent_server.web import shopper as shopper_views

__all__ = ["one_clock", "shop"]


@pytest.mark.parametrize("off", OFF)
def test_who_is_off_records_nothing(store, shop, off):
    with pytest.raises(ClocksApart, match="nothing is recorded or sealed until they agree"):
        decide(store, shop, now() + off)
    assert days(store, shop[0]) == set()
    assert store.log.first_day(shop[0]) is None


@pytest.mark.parametrize("off", [50_000, -50_000, 0])
def test_who_is_within_a_minute_records_on_the_day_of_redis(store, shop, off):
    decide(store, shop, now() + off)
    assert days(store, shop[0]) == {datetime.now(UTC).date()}


@pytest.mark.parametrize("off", OFF)
def test_who_is_off_seals_nothing_and_moves_no_clock(store, shop, off):
    site, _ = shop
    made_up(store, shop, now() - 3 * DAY)
    there = datetime.fromtimestamp((now() + off) / 1000, UTC)
    if off > 0 or off < -DAY:
        for day in (datetime.now(UTC).date() - timedelta(2), there.date()):
            with pytest.raises(ClocksApart):
                store.log.freeze(site, day, there)
    if off > 0:
        with pytest.raises(ClocksApart):
            proof.seal(store, site, KEYS, there)
        with pytest.raises(ClocksApart):
            archive(store, site, KEYS, Path(), there)
    assert store.log.seals(site) == {}
    decide(store, shop, now())
    assert days(store, site) == {datetime.now(UTC).date(), datetime.now(UTC).date() - timedelta(3)}


def test_a_backlog_that_takes_longer_than_a_clock_may_be_off_is_sealed_all_the_same(store, shop, monkeypatch):
    site, _ = shop
    for back in (4, 3, 2):
        made_up(store, shop, now() - back * DAY)
    passed = 0.0

    def takes_50_seconds(*arguments):
        nonlocal passed
        passed += 50
        return entries(*arguments)

    monkeypatch.setattr(proof, "GRACE", timedelta(0))  # in the first hour of a day too
    entries, by_redis = store.log.day, store.connection.time
    monkeypatch.setattr(store.log, "day", takes_50_seconds)
    monkeypatch.setattr(store.connection, "time", lambda key: by_redis(key) + int(passed * 1000))
    monkeypatch.setattr(proof, "time", SimpleNamespace(monotonic=lambda: passed))
    assert len(proof.seal(store, site, KEYS, datetime.now(UTC))) == 4


def test_a_day_that_is_not_over_by_the_clock_of_redis_is_not_frozen_by_anybody(store, shop):
    site, _ = shop
    today = datetime.now(UTC).date()
    with pytest.raises(ClocksApart):
        store.log.freeze(site, today, datetime.now(UTC))
    store.log.freeze(site, today - timedelta(1), datetime.now(UTC))
    assert decide(store, shop, now()).consent.at >= midnight(today) // 1000


def test_a_banner_is_counted_on_the_day_of_redis(store, shop):
    site, _ = shop
    today = datetime.now(UTC).date()
    for off in (-YEAR, 0, YEAR):
        store.counters.shown(site, now=now() + off, language="az", variant="", device="phone", country="")
    rows = store.counters.counts(site, today - timedelta(400), today + timedelta(400), "day")
    assert {day: row[COLUMNS.index("shown")] for day, row in rows.items() if any(row)} == {today.isoformat(): 3}


@pytest.mark.parametrize("sealed", ["1" + "0" * 18, "no number", ""])
def test_a_banner_is_counted_whatever_somebody_wrote_as_the_end_of_the_last_sealed_day(store, shop, sealed):
    site, _ = shop
    today = datetime.now(UTC).date()
    for bucket in buckets(site):
        store.connection.client.set(bucket.sealed, sealed)
    store.counters.shown(site, now=now(), language="az", variant="", device="phone", country="")
    rows = store.counters.counts(site, today, today + timedelta(1), "day")
    assert sum(row[COLUMNS.index("shown")] for row in rows.values()) == 1


def test_a_millisecond_takes_as_many_decisions_as_come(store, shop):
    """The place of an entry has 16 bits for its number within a millisecond."""
    site, notice = shop
    ahead = now() + 20_000
    for bucket in buckets(site):
        last = f"{ahead}-65532"
        store.connection.client.xadd(bucket.log, {"e": b""}, id=last)
        store.connection.client.xdel(bucket.log, last)
    with ThreadPoolExecutor(8) as threads:
        kept = list(threads.map(lambda _: decide(store, shop, now()), range(60)))
    at_once = [decide(store, shop, ahead) for _ in range(20)]
    entries = [*store.log.day(site, datetime.fromtimestamp(ahead / 1000, UTC).date())]
    assert len(entries) == 80
    assert max(entry.seq for entry in entries) <= 65_535
    for each in (*kept, *at_once):
        (found,) = store.history.of(site, each.consent.sub)
        assert found.id == each.consent.jti
        assert store.history.erase(site, each.consent.sub, lambda entry: b"") == 1
    assert {entry.id for entry in store.log.day(site, datetime.now(UTC).date())} == {""}
    assert notice


def test_a_shopper_is_answered_503_in_one_sentence_and_kept_by_the_next_server(redis_url, site, settings, monkeypatch):
    app = create_app(settings, {site.id: site})
    with closing(app.extensions["consent"].store):
        shopper = Shopper(app.test_client(use_cookies=False), site)
        wrong = SimpleNamespace(time=time.time, time_ns=lambda: time.time_ns() + 90 * 10**9)
        with monkeypatch.context() as patch:
            patch.setattr(shopper_views, "time", wrong)
            refused = shopper.decide("analytics", id="x" * 22)
        assert refused.status_code == 503
        assert refused.headers["Retry-After"]
        said = refused.get_json()
        assert said["type"] == "/problems/clocks-apart"
        assert said["detail"].startswith("This machine's clock says ")
        assert shopper.decide("analytics", id="x" * 22).status_code == 201


@pytest.mark.parametrize("behind", [0, 3_600, 365 * 86_400])
def test_a_machine_whose_clock_is_behind_gives_no_token_for_an_answer_of_long_ago(
    redis_url, site, settings, monkeypatch, behind
):
    """The attack: who knows the id of an answer sends it again to the one machine that takes it for a new one."""
    app = create_app(settings, {site.id: site})
    with closing(app.extensions["consent"].store), closing(Store(redis_url, 5, any_clock=True)) as store:
        shopper = Shopper(app.test_client(use_cookies=False), site)
        notice = store.notices.find(site, shopper.client.get(f"/v1/{site.id}/notice?lang=az").get_json()["notice"])
        decision = Decision("known-to-a-stranger-too", 2, notice, "save", None)
        ago = now() - 11 * 60_000
        store.decisions.record(site, decision, now=ago, sign=app.extensions["consent"].keys.sign)
        there = SimpleNamespace(time=lambda: time.time() - behind, time_ns=lambda: time.time_ns() - behind * 10**9)
        monkeypatch.setattr(shopper_views, "time", there)
        said = shopper.decide(*decision.consent(0).allow, id=decision.id)
        assert said.status_code == 200
        assert "token" not in said.get_json()


def test_the_command_exits_with_2_and_the_daily_thread_goes_on(redis_url, site, tmp_path, caplog):
    """A whole machine that is a year ahead: the CLI as a process of its own, with its clock stepped."""
    with closing(Store(redis_url, 5, any_clock=True)) as store:
        notice = Notice.of({"site": site.id, "revision": 1, "keep": 10_000_000, "lang": "az", "variant": ""})
        store.notices.serve(site, [notice])
        decide(store, (site, notice), now() - 2 * DAY)
    environment = {
        "REDIS_URL": redis_url,
        "CONSENT_SECRET": SECRET,
        "CONSENT_CONFIG": str(ROOT / "consent.toml"),
    }
    shim = tmp_path / "sitecustomize.py"
    shim.write_text(
        "import datetime\n"
        "class Later(datetime.datetime):\n"
        "    @classmethod\n"
        "    def now(cls, tz=None):\n"
        "        return super().now(tz) + datetime.timedelta(365)\n"
        "datetime.datetime = Later\n"
    )
    done = subprocess.run(
        [CONSENT_SERVER, "log", "seal", site.id],
        env={**os.environ, **environment, "PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stderr
    assert "the store's" in done.stderr
    assert "Traceback" not in done.stderr
    with closing(Store(redis_url, 5)) as store:
        assert store.log.seals(site) == {}
        work_on(store, site, KEYS, None, datetime.now(UTC) + timedelta(365))
        assert f"{site.id} is not sealed: This machine's clock says" in caplog.text
        assert store.log.seals(site) == {}
    right = CliRunner().invoke(log_command, ["seal", site.id], env=environment)
    assert right.exit_code == 0, right.output
    assert "2 days sealed" in right.output or "1 days sealed" in right.output


def test_a_running_server_seals_nothing_after_its_clock_was_put_forward_with_that_of_redis(store, shop):
    """On one machine both are one, and agree."""
    site, _ = shop
    made_up(store, shop, now() - 2 * DAY)
    here = datetime.now(UTC)
    steady = SteadyClock(here)
    with closing(Store(store.url, 5, any_clock=True)) as agrees:
        sealed, faults = close_days(agrees, site, KEYS, here + timedelta(days=365), steady)
        assert sealed == []
        assert f"{site.id} is not sealed: This machine's clock was put forward by 8760 h, to" in faults[0]
        assert store.log.seals(site) == {}
        assert close_days(agrees, site, KEYS, here + timedelta(hours=1), steady)[0]


def test_a_reload_watches_the_clock_from_where_the_process_began(redis_url, site, caplog):
    """Or one after a leap would have days to come sealed."""
    settings = Settings(secret=(SECRET,), redis_url=redis_url, config=ROOT / "consent.toml")
    begun = SteadyClock(datetime.now(UTC) - timedelta(hours=2))  # as if the clock had been put forward since
    _, chores = _sound(lambda: settings, settings, begun)
    with closing(chores._store):
        assert chores._threads[0]._target.keywords["steady"] is begun
        keep(chores._store, {site.id: site}, KEYS, {}, ending=EndsAtRest(), steady=begun)
    assert "This machine's clock was put forward by 2 h" in caplog.text
