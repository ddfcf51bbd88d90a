"""Days are cut by one clock, Redis' own: who is off it neither records nor seals, and says so in one sentence."""

import os
import secrets
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from conftest import CONSENT_SERVER, ROOT, SECRET, EndsAtRest, Shopper, closing

from consent_server import create_app
from consent_server.check import store as check_store
from consent_server.chores.housekeeping import SteadyClock, close_days, keep, work_on
from consent_server.cli.log import log as log_command
from consent_server.cli.serving.workers import _sound
from consent_server.decision import COLUMNS, Decision
from consent_server.events import following
from consent_server.proof import log as proof
from consent_server.proof.archive import archive
from consent_server.proof.entries import Unproven
from consent_server.proof.seals import require_newest_key
from consent_server.settings.environment import Settings
from consent_server.settings.shops import make_site
from consent_server.site import Notice
from consent_server.store import ClocksApart, Store
from consent_server.store.connection import clock as store_clock
from consent_server.store.keys import DAY, buckets, midnight, single
from consent_server.tokens import Keys
from consent_server.verify import Failed, verify
from consent_server.web import shopper as shopper_views

KEYS = Keys([SECRET])
YEAR = 365 * DAY
OFF = [61_000, -61_000, 3_600_000, -3_600_000, YEAR, -YEAR]


@pytest.fixture(autouse=True)
def one_clock(monkeypatch):
    monkeypatch.setattr(store_clock, "LEEWAY", 60_000)


def now():
    return time.time_ns() // 1_000_000


@pytest.fixture
def shop(store):
    name = f"shop-{secrets.token_hex(6)}"
    site = make_site(name, "Shop", ("https://shop.example",), "/p", date(2025, 12, 20), languages=("az",), buckets=2)
    notice = Notice.of({"site": name, "revision": 1, "keep": 10_000_000, "lang": "az", "variant": ""})
    store.notices.serve(site, [notice])
    return site, notice


def decide(store, shop, at):
    site, notice = shop
    decision = Decision(secrets.token_urlsafe(16), 2, notice, "save", None)
    return store.decisions.record(site, decision, now=at, sign=KEYS.sign)


def made_up(store, shop, at):
    """Have a decision of another day in the log."""
    with closing(Store(store.url, 5, any_clock=True)) as other:
        decide(other, shop, at)


def days(store, site):
    client = store.connection.client
    places = [place for bucket in buckets(site) for place, _ in client.xrange(bucket.log)]
    return {datetime.fromtimestamp(int(place.split(b"-")[0]) / 1000, UTC).date() for place in places}


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


YEAR_9000 = 221_845_392_000_000
AHEAD = [90_000, DAY, YEAR, YEAR_9000, 2**63]


def moved(store, site, to):
    """Move a site's log ahead, as whoever writes to Redis can do without leaving an entry."""
    for bucket in buckets(site):
        store.connection.client.xadd(bucket.log, {"e": "x"}, id=f"{to}-0")
        store.connection.client.xdel(bucket.log, f"{to}-0")


@pytest.mark.parametrize("digits", [15, 16, 310, 5_000])
def test_a_number_that_is_the_end_of_no_day_is_none_that_was_sealed(store, shop, digits):
    site, _ = shop
    moved(store, site, YEAR_9000)
    for bucket in buckets(site):
        store.connection.client.set(bucket.sealed, "9" * digits)
    assert [each.sealed for each in store.clock.logs_ahead(site)] == [0, 0]
    with pytest.raises(ClocksApart, match=f"type: consent-server log seal {site.id}"):
        store.clock.must_be_past_log(site)
    store.log.compact(site)
    assert store.clock.logs_ahead(site) == []


@pytest.mark.parametrize("to", AHEAD)
def test_who_writes_to_redis_has_no_answer_dated_ahead_by_a_log_that_they_moved(store, shop, to):
    site, _ = shop
    decide(store, shop, now())
    moved(store, site, now() + to)
    for _ in range(5):  # of both buckets
        with pytest.raises(ClocksApart, match="is ahead of the store's clock: it ends at") as refused:
            decide(store, shop, now())
    with pytest.raises(ClocksApart, match="is ahead of the store's clock") as unread:
        store.feed.until_now(site, now())
    assert {str(each.value).rpartition("; ")[2] for each in (refused, unread)} == {
        "what to do, consent-server check says."
    }, "for which advice holds depends on what is sealed, and that was not looked at"
    proof.seal(store, site, KEYS, datetime.now(UTC))  # days that are over are sealed all the same
    assert days(store, site) == {datetime.now(UTC).date()}
    with pytest.raises(ClocksApart, match=f"type: consent-server log seal {site.id}"):
        store.clock.must_be_past_log(site)
    assert store.log.compact(site) is False  # nobody was erased
    store.clock.must_be_past_log(site)
    assert all(abs(decide(store, shop, now()).consent.at - time.time()) < 60 for _ in range(5))
    assert sum(1 for _ in store.log.day(site, datetime.now(UTC).date())) == 6
    assert refused.value.problem == "clocks-apart"


def test_a_log_that_was_moved_ahead_comes_back_no_further_than_what_stands_in_it_or_was_sealed(store, shop):
    """As after a Redis whose clock was wrong: whether to take that out is for no command to say."""
    site, _ = shop
    made_up(store, shop, now() + 3 * DAY)
    with closing(Store(store.url, 5, any_clock=True)) as other:
        other.log.freeze(site, datetime.now(UTC).date() + timedelta(1), datetime.now(UTC))
    moved(store, site, YEAR_9000)
    with pytest.raises(ClocksApart, match="has no seal: if somebody else wrote that, take the key out, and type"):
        store.clock.must_be_past_log(site)
    store.log.compact(site)
    ends = sorted(each.last for each in store.clock.logs_ahead(site))
    assert ends[0] == midnight(datetime.now(UTC).date() + timedelta(2))
    assert abs(ends[1] - now() - 3 * DAY) < 60_000
    assert sum(1 for day in days(store, site) for _ in store.log.day(site, day)) == 1


def test_what_stands_ahead_is_not_written_anew_again_and_again(store, shop):
    site, _ = shop
    made_up(store, shop, now() + 3 * DAY)
    client = store.connection.client
    (log,) = (each.log for each in store.clock.logs_ahead(site))
    last = client.xinfo_stream(log)["last-generated-id"]
    client.execute_command("XSETID", log, last, "ENTRIESADDED", 77, "MAXDELETEDID", "0-0")  # a new one would say 1
    assert store.log.compact(site) is False
    assert client.xinfo_stream(log)["entries-added"] == 77


def test_once_a_log_is_set_back_a_webhook_is_told_what_comes(store, shop):
    site, _ = shop
    store.feed.untold(site, begins=True)
    moved(store, site, YEAR_9000)
    for bucket in buckets(site):  # an entry that stood there was told
        store.connection.client.hset(bucket.told, "position", f"{YEAR_9000}-0")
    store.log.compact(site)
    for _ in range(5):
        time.sleep(0.002)
        decide(store, shop, now())
    assert store.feed.untold(site)


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


@pytest.mark.parametrize("off", OFF)
def test_who_is_off_reads_nothing_on_and_moves_no_log_ahead(store, shop, monkeypatch, off):
    """Or a Redis whose clock is a year ahead would have its log there for good, by a look at it."""
    site, _ = shop
    decided = now()
    decide(store, shop, decided)
    monkeypatch.setattr(following, "time", SimpleNamespace(time_ns=lambda: (now() + off) * 1_000_000))
    with pytest.raises(ClocksApart, match="until they agree"):
        [*following.follow(store, site, "start")]
    logs = [bucket.log for bucket in buckets(site) if store.connection.client.exists(bucket.log)]
    assert len(logs) == 1, "no log was begun"
    assert store.connection.client.xinfo_stream(logs[0])["entries-added"] == 1, "nor was anything added to one"
    monkeypatch.undo()
    while now() <= decided + 1:
        time.sleep(0.001)  # what is decided in the millisecond of the question is told by the next one
    assert len([*following.follow(store, site, "start")]) == 1


def test_a_seal_of_today_that_somebody_else_wrote_is_called_that_and_not_one_of_a_clock_that_was_ahead(store, shop):
    site, _ = shop
    today = datetime.now(UTC).date()
    store.connection.client.hset(single.seals(site), f"{today}", "x.y")
    with pytest.raises(Unproven, match=f"the seal of {today} of {site.id} is none that this server made"):
        require_newest_key(store, site, KEYS, today)


def test_days_to_come_that_a_genuine_key_has_sealed_are_told_in_a_sentence_and_nothing_follows_them(store, shop):
    """As on one machine with its own Redis whose clock was ahead: both agreed."""
    site, _ = shop
    made_up(store, shop, now() - 2 * DAY)
    today = datetime.now(UTC).date()
    with closing(Store(store.url, 5, any_clock=True)) as other:
        proof.seal(other, site, KEYS, datetime.now(UTC) + timedelta(20))
        to_come, until_now = (
            [*proof.export(other, site, KEYS, None, day, datetime.now(UTC))] for day in (today + timedelta(3), today)
        )
    sealed = f"up to {max(store.log.seals(site))} are sealed"

    def seal():
        return proof.seal(store, site, KEYS, datetime.now(UTC))

    for work in (
        seal,
        lambda: require_newest_key(store, site, KEYS, today),
        lambda: store.clock.must_be_past_log(site),
    ):
        with pytest.raises(ClocksApart, match="put back the backup from before") as refused:
            work()
        assert (sealed if work is seal else "are sealed") in str(refused.value)
    require_newest_key(store, site, KEYS, today - timedelta(1))  # what was sealed in its time can be exported
    store.counters.shown(site, now=now(), language="az", variant="", device="phone", country="")
    counted = store.counters.counts(site, today - timedelta(3), today + timedelta(30), "day").values()
    assert sum(row[COLUMNS.index("shown")] for row in counted) == 0, "or a day would no longer be what was sealed"
    settings = Settings(secret=(SECRET,), redis_url=store.url)
    assert any(sealed in str(found) for found in check_store._of(store, site, settings))
    with pytest.raises(Failed, match=f"the seal of {today + timedelta(3)} is of a day to come at {today}"):
        verify(to_come, KEYS.jwks())
    assert f"{today} is sealed, and was not over when this was made" in str(verify(until_now, KEYS.jwks()))
