"""From what happened to a number: through the real script, and by every way that shows one."""

import csv
import io
import json
import re
import secrets
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import redis
from click.testing import CliRunner
from conftest import ROOT, RedisServer
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec import structs

from consent_server.banner.scripts import build_scripts
from consent_server.cli import main
from consent_server.decision import COLUMNS, DEVICES, DIMENSIONS, HOW, SIGNAL, Consent, Decision
from consent_server.rates import read
from consent_server.rates.counts import LINES, Counts, Rate
from consent_server.rates.experiment import Pace
from consent_server.rates.filters import Filters
from consent_server.rates.period import Period
from consent_server.settings.shops import read_sites
from consent_server.site import OPTIONAL, Site, Variant
from consent_server.site.rules import Rule
from consent_server.store import PLACED, SEPARATOR, OtherContent, Store, Unreadable
from consent_server.store.evidence.banner_version import BannerVersion
from consent_server.store.keys import buckets
from consent_server.store.keys.single import notes as notes_key
from consent_server.store.keys.single import notices as notices_key
from consent_server.tokens import Keys
from consent_server.web.marketer.rates import advice_of, segments_of

SIGN = Keys(("the-secret-of-the-tests-is-long-enough",)).sign

# Through the real script
WHO = st.integers(0, 5)
RULE = st.sampled_from(["", "uk"])
EVENTS = st.lists(
    st.one_of(
        st.tuples(
            st.just("shown"), st.sampled_from(["az", "ru"]), st.sampled_from("ab"), st.sampled_from(DEVICES), RULE
        ),
        st.tuples(st.just("answer"), WHO, st.integers(0, 7), st.sampled_from(HOW)),
        st.tuples(st.just("retry"), WHO),
        st.tuples(st.just("duplicate"), WHO, st.integers(0, 7)),
        st.tuples(st.just("days pass"), st.sampled_from([0, 1, 40, 200])),
    ),
    max_size=40,
)


@pytest.fixture(scope="module")
def real(valkey: RedisServer) -> Iterator[tuple[Store, Site]]:
    """The store of a shop that asks in two ways, on a real Valkey."""
    shop = replace(
        read_sites(ROOT / "consent.toml")["smartmarket"],
        variants=(Variant("a", 1, None, {}), Variant("b", 1, None, {})),
        rules=(Rule("uk", ("GB",), {"analytics": "objection"}),),
        buckets=3,
    )
    opened = Store(valkey.url, 5)
    yield opened, shop
    opened.close()


@hypothesis_settings(max_examples=12, deadline=None)
@given(EVENTS)
def test_rates_equal_a_naive_count_of_whatever_happened_and_so_does_the_log(real, valkey, events):
    store, site = real
    with valkey.client() as client:
        client.flushall()
    store.notices.serve(site, [notice for notices in build_scripts(site).notices.values() for notice in notices])
    notices = [notice for notices in build_scripts(site).notices.values() for notice in notices]
    start = datetime(2025, 1, 30, 23, 59, tzinfo=UTC)
    now = start
    last: dict[int, tuple[Decision, Consent, str]] = {}
    naive = {by: defaultdict(list) for by in DIMENSIONS}
    cells = defaultdict(list)

    def note(event, language, variant, device, country, how, rule) -> None:
        for by, value in zip(
            DIMENSIONS, (now.date().isoformat(), language, variant, device, country, how, rule), strict=True
        ):
            naive[by][value].append(event)
        if how is None or what == "answer":
            cells[language, variant, device, rule].append((now.date(), event))

    for n, (what, *how_so) in enumerate(events):
        ms = int(now.timestamp() * 1000)
        if what == "days pass":
            now += timedelta(days=how_so[0], minutes=1)
        elif what == "shown":
            language, variant, device, rule = how_so
            where = {"language": language, "variant": variant, "device": device, "country": "AZ", "rule": rule}
            store.counters.shown(site, now=ms, **where)
            note("shown", language, variant, device, "AZ", None, rule)
        elif what == "answer":
            who, allow, how = how_so
            before = last[who][1] if who in last else None
            device, notice = DEVICES[who % 3], notices[(who + allow) % len(notices)]
            decision = Decision(f"decision-number-{n:05}", allow, notice, how, before)
            kept = store.decisions.record(site, decision, now=ms, sign=SIGN, device=device, country="TR")
            last[who] = decision, kept.consent, device
            kind = "first" if before is None else "renewal" if before.exp <= ms // 1000 else "change"
            was = sum(1 << OPTIONAL.index(category) for category in before.allow) if before else 0
            note((kind, allow, was), notice.lang, notice.variant, device, "TR", how, notice.rule)
        elif how_so[0] in last:
            decision, consent, device = last[how_so[0]]
            if what == "retry":
                again = store.decisions.record(site, decision, now=ms, sign=SIGN, device=device, country="TR")
                assert again.repeat
                assert again.consent == consent
            elif how_so[1] != decision.allow:
                with pytest.raises(OtherContent):
                    store.decisions.record(site, structs.replace(decision, allow=how_so[1]), now=ms, sign=SIGN)

    for by in DIMENSIONS:
        counted = {
            value: Counts(row)
            for value, row in store.counters.counts(site, start.date(), now.date(), by).items()
            if any(row)
        }
        happened = {value: list_of for value, list_of in naive[by].items() if value is not None}
        assert counted.keys() == happened.keys()
        for value, list_of in happened.items():
            answers = [event[1] for event in list_of if event[0] == "first"]
            lost = [was & ~allow for kind, allow, was in (e for e in list_of if e != "shown") if kind == "change"]
            shown = list_of.count("shown")
            given = [allow for kind, allow, _ in (e for e in list_of if e != "shown") if kind != "change"]
            rates = counted[value].rates()
            assert rates["answer"] == Rate(len(answers), shown)
            assert rates["all"] == Rate(answers.count(7), len(answers))
            assert rates["none"] == Rate(answers.count(0), len(answers))
            assert rates["withdrawal"] == Rate(sum(map(bool, lost)), sum(map(bool, given)))
            for bit, category in enumerate(OPTIONAL):
                assert rates[f"grant_{category}"] == Rate(sum(a >> bit & 1 for a in answers), len(answers))
                assert rates[f"reach_{category}"] == Rate(sum(a >> bit & 1 for a in answers), shown)
                gave = sum(a >> bit & 1 for a in given)
                assert rates[f"withdrawal_{category}"] == Rate(sum(mask >> bit & 1 for mask in lost), gave)
    period = Period(start.date(), now.date())
    assert read.recount(store, site, period).differences == []
    for cell in [*cells][:2]:
        for names in ((1,), (0, 2), *([(3,), (2, 3)] if cell[3] else [])):
            only = Filters({PLACED[i]: cell[i] for i in names})
            inside = [it for other in cells for it in cells[other] if all(other[i] == cell[i] for i in names)]
            by_day = read.report(store, site, period, "day", only)
            assert by_day.total.shown == sum(event == "shown" for _, event in inside)
            for day, counts in by_day.rows.items():
                on_it = [event for when, event in inside if when.isoformat() == day and event != "shown"]
                assert counts.answered == sum(kind == "first" for kind, _, _ in on_it)
                assert counts.all == sum((kind, allow) == ("first", 7) for kind, allow, _ in on_it)
            for by in {*only.crossed, "rule"} - {*only}:
                rows = read.report(store, site, period, by, only).rows
                assert {value: counts.shown + counts.answered for value, counts in rows.items()} == {
                    value: sum(
                        event == "shown" or event[0] == "first"
                        for other in cells
                        if all(other[i] == cell[i] for i in names) and other[PLACED.index(by)] == value
                        for _, event in cells[other]
                    )
                    for value in rows
                }


# By every way that shows one


@pytest.fixture
def cli(redis_url, monkeypatch):
    """Run `consent-server rates smartmarket` with these options, and return its exit status and what it says."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("CONSENT_CONFIG", str(ROOT / "consent.toml"))

    def run(*options):
        done = CliRunner().invoke(main, ["rates", "smartmarket", *options])
        return done.exit_code, done.stdout

    return run


@pytest.fixture
def busy(app, site, shopper):
    """A shop that asked and was answered in several ways, today and in the thirty days before."""
    store = app.extensions["consent"].store
    notices = [*store.notices.all(site).values()]
    for ago in (32, 31, 1, 0):
        ms = int((datetime.now(UTC) - timedelta(days=ago)).timestamp() * 1000)
        for n in range(60):
            device, language = DEVICES[n % 3], ("az", "ru")[n % 2]
            store.counters.shown(site, now=ms, language=language, variant="", device=device, country="AZ")
            if n % (2 if ago < 30 else 3) == 0:
                decision = Decision(secrets.token_urlsafe(16), n % 8, notices[n % len(notices)], HOW[n % 4], None)
                store.decisions.record(site, decision, now=ms, sign=SIGN, device=device, country="TR")
    return store


@pytest.mark.parametrize("by", DIMENSIONS)
def test_the_command_line_says_what_http_says(by, busy, cli, marketer):
    http = marketer.get(f"/v1/smartmarket/rates?by={by}").get_json()
    assert http["total"]["counts"]["shown"] == 120
    status, said = cli("--by", by, "--format", "json")
    assert (status, json.loads(said)) == (0, http)
    status, said = cli("--by", by, "--format", "csv")
    assert (status, said.splitlines()) == (0, marketer.get(f"/v1/smartmarket/rates.csv?by={by}").text.splitlines())
    status, said = cli("--by", by)
    assert status == 0
    assert said.splitlines()[-1].split()[:3] == ["total", "120", "60"]


def test_the_command_line_says_how_it_moved_where_it_is_asked_to_compare(busy, cli):
    assert "Against" not in cli()[1]
    _, second = cli("--against", "before")[1].splitlines()[:2]
    assert second.startswith("Against ")
    assert "answer rate +16.7 points [" in second
    answer = json.loads(cli("--format", "json")[1])["change"]["answer"]
    assert answer["difference"] == pytest.approx(60 / 120 - 40 / 120)
    assert answer["clear"] is True


def test_a_signal_is_no_answer_and_the_banners_shown_with_it_are_a_row_of_their_own(app, site, cli, marketer):
    store = app.extensions["consent"].store
    notices = [*store.notices.all(site).values()]
    ms = int(datetime.now(UTC).timestamp() * 1000)
    for n in range(30):
        where = {"device": DEVICES[0], "country": "AZ"}
        store.counters.shown(site, now=ms, language="az", variant="", signalled=n < 7, **where)
        # What an older version wrote for a browser's signal, among real answers.
        how = SIGNAL if n < 5 else "accept"
        decision = Decision(secrets.token_urlsafe(16), 0 if how == SIGNAL else 7, notices[0], how, None)
        store.decisions.record(site, decision, now=ms, sign=SIGN, **where)
    for by in ("day", "how"):
        report = marketer.get(f"/v1/smartmarket/rates?by={by}").get_json()
        total = report["total"]["counts"]
        assert (total["shown"], total["answered"], total["none"]) == (30, 25, 0)
        rows = {row[by]: row for row in report["rows"]}
        if by == "day":
            assert rows[datetime.now(UTC).date().isoformat()]["counts"] == total
    assert {name: n for name, n in rows[SIGNAL]["counts"].items() if n} == {"shown": 7}
    assert {rate["value"] for rate in rows[SIGNAL]["rates"].values()} == {None}
    assert rows["accept"]["counts"]["answered"] == 25
    said = cli("--by", "how")[1]
    assert next(line.split() for line in said.splitlines() if line.startswith(SIGNAL))[:4] == [SIGNAL, "7", "0", "-"]
    # What is kept is what was written.
    assert read.recount(store, site, Period(read.today(), read.today())).differences == []
    assert "with a privacy signal" in marketer.get("/?site=smartmarket").text


def test_a_part_is_looked_at_by_itself_by_every_way_that_shows_rates(busy, cli, marketer):
    query = "device=phone&language=ru"
    http = marketer.get(f"/v1/smartmarket/rates?{query}").get_json()
    assert http["only"] == {"device": "phone", "language": "ru"}
    assert http["total"]["counts"]["shown"] == 20
    assert json.loads(cli("--device", "phone", "--language", "ru", "--format", "json")[1]) == http
    by_language = marketer.get("/v1/smartmarket/rates?device=phone&by=language").get_json()
    assert {row["language"]: row["counts"]["shown"] for row in by_language["rows"]}["ru"] == 20
    assert len(marketer.get(f"/v1/smartmarket/rates.csv?{query}").text.splitlines()) == 31
    page = marketer.get(f"/?{query}&lang=en").text
    assert "<b>20</b> visits" in page
    assert "Show more than Phone" in page
    alone = marketer.get("/?country=AZ&lang=en").text
    assert "<b>120</b> visits" in alone


def test_a_rule_is_looked_at_by_itself_and_together_by_every_way_that_shows_rates(busy, cli, marketer, site):
    ms = int(datetime.now(UTC).timestamp() * 1000)
    for n in range(9):
        where = {"language": "en", "variant": "", "device": DEVICES[n % 3], "country": "GB"}
        busy.counters.shown(site, now=ms, rule=("uk", "")[n > 5], **where)
    for query, options, shown in (
        ("rule=uk", ["--rule", "uk"], 6),
        ("rule=uk&device=phone", ["--rule", "uk", "--device", "phone"], 2),
        ("rule=uk&by=device", ["--rule", "uk", "--by", "device"], 6),
        ("device=phone&by=rule", ["--device", "phone", "--by", "rule"], 43),
    ):
        http = marketer.get(f"/v1/smartmarket/rates?{query}").get_json()
        assert http["total"]["counts"]["shown"] == shown
        assert json.loads(cli(*options, "--format", "json")[1]) == http
        csv_of = marketer.get(f"/v1/smartmarket/rates.csv?{query}").text.splitlines()
        assert cli(*options, "--format", "csv")[1].splitlines() == csv_of
    assert {row["rule"]: row["counts"]["shown"] for row in http["rows"]} == {"": 1, "uk": 2}
    assert "<b>6</b> visits" in marketer.get("/?rule=uk&lang=en").text
    assert "leave" in marketer.get("/v1/smartmarket/rates?rule=uk&country=GB").get_json()["detail"]


@pytest.mark.parametrize(
    ("by", "value", "visits"), [("country", "AZ", 120), ("country", "FR", 0), ("device", "phone", None)]
)
def test_a_part_by_what_it_is_of_is_one_row(by, value, visits, busy, cli, marketer):
    found = marketer.get(f"/v1/smartmarket/rates?by={by}&{by}={value}").get_json()
    visits = found["total"]["counts"]["shown"] if visits is None else visits
    assert [(row[by], row["counts"]["shown"]) for row in found["rows"]] == [(value, visits)]
    assert json.loads(cli("--by", by, f"--{by}", value, "--format", "json")[1]) == found


@pytest.mark.parametrize(
    "query", ["country=AZ&device=phone", "country=AZ&by=device", "device=phone&by=country", "device=phone&by=how"]
)
def test_what_is_not_counted_together_is_refused_in_one_sentence(query, busy, cli, marketer):
    problem = marketer.get(f"/v1/smartmarket/rates?{query}").get_json()
    assert problem["type"] == "/problems/bad-question"
    assert "leave" in problem["detail"]
    if "by=" not in query:
        page = marketer.get(f"/?{query}&lang=en")
        assert page.status_code == 400
        assert "A country is counted by itself alone" in page.text


def test_days_of_an_older_version_are_said_to_be_missing_from_what_is_counted_together(busy, marketer, redis_url):
    with redis.Redis.from_url(redis_url) as client:
        for key in client.keys("consent:*:values"):
            for name in client.hkeys(key):
                if name.startswith(b"parts="):
                    client.hset(key, name + b"-of-nobody", client.hget(key, name))
                    client.hdel(key, name)
    page = marketer.get("/?device=phone&lang=en").text
    assert "Parts are counted together since" in page
    both = "device=phone&by=language"
    assert marketer.get(f"/v1/smartmarket/rates?{both}").get_json()["parts_since"]
    for alone in ("device=phone", "device=phone&by=device"):  # counted by itself too
        assert "parts_since" not in marketer.get(f"/v1/smartmarket/rates?{alone}").get_json()
    assert "<b>40</b> visits" in page


@pytest.mark.parametrize(
    ("query", "why"),
    [("device=Phone", "one of desktop, phone, tablet"), ("device=mobile", "one of"), ("country=AZE", "two letters")],
)
def test_a_part_that_there_is_not_is_refused_and_not_answered_with_noughts(query, why, busy, cli, marketer):
    problem = marketer.get(f"/v1/smartmarket/rates?{query}").get_json()
    assert (problem["type"], why in problem["detail"]) == ("/problems/bad-question", True)
    assert cli(f"--{query}")[0] == 2
    page = marketer.get(f"/?{query}&lang=en")
    assert (page.status_code, "There is no such device or country." in page.text) == (400, True)


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("how=refuse", "no parameter 'how' here, but these: from, to, by, language, "),
        ("devices=phone", "no parameter 'devices'"),
        ("rule=nope", "smartmarket has no rules by place, so there is none called 'nope'"),
        ("language=xx", "`language` must be one of az, en, ru, tr, not 'xx'."),
        ("language=xx&device=phone&by=language", "`language` must be one of"),
        ("variant=nope", "`variant` must be one of old, not 'nope'."),
    ],
)
def test_what_is_not_known_is_refused_and_not_answered_as_if_it_had_not_been_asked(
    query, why, busy, site, cli, marketer
):
    where = {"language": "az", "variant": "old", "device": "phone", "country": "AZ"}
    busy.counters.shown(site, now=int(datetime.now(UTC).timestamp() * 1000), **where)
    for kind in ("rates", "rates.csv"):
        answer = marketer.get(f"/v1/smartmarket/{kind}?{query}")
        assert answer.status_code == 400
        assert why in answer.get_json()["detail"]
    if "parameter" not in why:
        assert cli(*(f"--{each}" for each in query.split("&"))) == (2, "")
    last = marketer.get("/v1/smartmarket/rates?variant=old&from=2026-01-01&to=2026-01-31")
    assert (last.status_code, last.get_json()["total"]["counts"]["shown"]) == (200, 0)


def test_the_strictest_rule_is_one_too_also_before_anybody_was_asked_by_it(busy, site, app, marketer):
    app.extensions["consent"].sites[site.id] = replace(site, rules=(Rule("cn", ("CN",), {"marketing": "off"}),))
    for rule, status in (("unknown", 200), ("cn", 200), ("gb", 400)):
        assert marketer.get(f"/v1/smartmarket/rates?rule={rule}").status_code == status


@pytest.mark.parametrize("query", ["language=xx", "variant=nope", "rule=nope"])
def test_nor_does_the_page_answer_of_what_nobody_was_asked(query, busy, site, marketer):
    where = {"language": "az", "variant": "old", "device": "phone", "country": "AZ"}
    busy.counters.shown(site, now=int((datetime.now(UTC) - timedelta(days=99)).timestamp() * 1000), **where)
    page = marketer.get(f"/?{query}&lang=en")
    assert (page.status_code, "Nobody was asked in such a language" in page.text) == (400, True)
    assert marketer.get("/?variant=old").status_code == 200  # somebody was, if not in these days


def test_what_the_address_of_the_page_has_goes_for_machines_too(busy, marketer):
    page = "site=smartmarket&lang=en&target=40&was_site=smartmarket&was_against=before&against=before&goal=answer&_=1"
    for kind in ("rates", "rates.csv"):
        assert marketer.get(f"/v1/smartmarket/{kind}?{page}").status_code == 200


@pytest.mark.parametrize("junk", ["kind", "text"])
def test_notes_that_somebody_else_wrote_hide_no_rate(junk, busy, site, marketer, caplog):
    redis, key = busy.connection.client, notes_key(site)
    redis.set(key, "x") if junk == "kind" else redis.hset(key, "x", "{")
    assert marketer.get("/v1/smartmarket/rates").get_json()["total"]["counts"]["shown"] == 120
    assert marketer.get("/").status_code == 200
    assert "the notes of smartmarket are left out: " in caplog.text


def test_a_country_is_written_large_or_small(busy, marketer):
    for country in ("AZ", "az"):
        found = marketer.get(f"/v1/smartmarket/rates?country={country}").get_json()
        assert (found["only"], found["total"]["counts"]["shown"]) == ({"country": "AZ"}, 120)


@pytest.mark.parametrize("form", ["text", "json", "csv"])
def test_a_recount_says_in_every_format_whether_the_log_agrees(form, busy, cli, site, redis_url):
    status, said = cli("--recount", "--format", form)
    assert status == 0
    if form == "json":
        assert json.loads(said)["agree"] is True
    today = datetime.now(UTC).date()
    with redis.Redis.from_url(redis_url) as client:
        at = (today.day - 1) * len(COLUMNS) + COLUMNS.index("changes")
        client.bitfield(buckets(site)[0].count(f"{today:%Y-%m}")).set("u32", f"#{at}", 7).execute()
    status, said = cli("--recount", "--format", form)
    assert status == 1
    if form == "json":
        [found] = json.loads(said)["differences"]
        assert (found["by"], found["value"], found["counted"]["changes"]) == ("day", today.isoformat(), 7)
    elif form == "csv":
        counters, log = csv.DictReader(io.StringIO(said))
        assert (counters["changes"], log["changes"]) == ("7", "0")
    else:
        assert said.startswith(f"day {today}: counted (")


def answer(store, site, n, allow=1, words=0):
    """Have a shopper answer now; ``words``: which of the notices."""
    notice = [each for notices in build_scripts(site).notices.values() for each in notices][words]
    now = int(datetime.now(UTC).timestamp() * 1000)
    decision = Decision(f"meanwhile-number-{n:05}", allow, notice, "save", None)
    store.decisions.record(site, decision, now=now, sign=SIGN, device="phone", country="AZ")


def test_a_recount_agrees_though_shoppers_answer_while_it_reads_and_new_words_come(busy, site, monkeypatch):
    today, read_day, n = read.today(), type(busy.log).day, 0
    period = Period(today - timedelta(days=1), today)
    new = replace(site, revision=site.revision + 1)

    def meanwhile(log, *asked):
        nonlocal n
        for words in (0, 1):  # before the log is read, and after
            n += 1
            busy.notices.serve(new, [each for notices in build_scripts(new).notices.values() for each in notices])
            answer(busy, new, n, words=words)
            if words == 0:
                yield from read_day(log, *asked)

    monkeypatch.setattr(type(busy.log), "day", meanwhile)
    assert read.recount(busy, site, period).differences == []
    assert n >= 4
    monkeypatch.undo()
    at = (today.day - 1) * len(COLUMNS) + COLUMNS.index("first1")  # of which none is left, and shoppers go on
    for bucket in buckets(site):
        busy.connection.client.bitfield(bucket.count(f"{today:%Y-%m}")).set("u32", f"#{at}", 0).execute()
    monkeypatch.setattr(type(busy.log), "day", meanwhile)
    assert [(it.by, it.value) for it in read.recount(busy, site, period).differences] == [("day", f"{today}")]


def test_a_recount_of_an_answer_to_words_that_are_nowhere_says_so_in_a_sentence(busy, site, cli):
    answer(busy, site, 1)
    busy.connection.client.delete(notices_key(site))
    with pytest.raises(Unreadable, match=r"has an answer of \S+ to words that the store does not have \(\S+\), so"):
        read.recount(busy, site, Period(read.today(), read.today()))
    assert cli("--recount") == (2, "")


@pytest.mark.parametrize(
    "option", ["--by=day", "--device=phone", "--rule=uk", "--against=year", "--against-to=2026-01-01"]
)
def test_a_recount_of_a_part_is_refused_in_one_sentence(option, busy, cli):
    assert cli("--recount", option) == (2, "")


def test_a_recount_leaves_out_only_the_days_on_which_nothing_was_counted_together(busy, site, redis_url):
    today = datetime.now(UTC).date()
    with redis.Redis.from_url(redis_url) as client:

        def parts(day, value=None):
            """Set the answers of every combination on a day, as far as it has any."""
            for bucket in buckets(site):
                for name, number in client.hgetall(bucket.values).items():
                    if name.startswith(b"parts="):
                        at = (int(number) * 31 + day.day - 1) * len(COLUMNS)
                        bits = client.bitfield(bucket.count(f"{day:%Y-%m}"))
                        for n in range(value is not None, len(COLUMNS)):
                            bits.set("u32", f"#{at + n}", value or 0)
                        bits.execute()

        def told(first):
            period = Period(today - timedelta(days=first), today)
            return {difference.by for difference in read.recount(busy, site, period).differences}

        assert told(33) == set()
        parts(today - timedelta(days=32))  # an older version counted none
        assert told(33) == set()
        parts(today - timedelta(days=31), 0)  # and another one from some hour of the day after on
        assert told(33) == set()
        parts(today - timedelta(days=1), 0)  # this one is wrong
        assert told(33) == told(5) == {"parts"}


# At a glance


def ask(store, site, ago, *variants, words="x", revision=1):
    """Write down that these variants are asked since so many days."""
    at = int((datetime.now(UTC) - timedelta(days=ago)).timestamp() * 1000)
    store.notices.note(site, BannerVersion(at, revision, words, f"{ago}", variants))


def count(store, site, ago, shown, accepted, **where):
    """Write the counters of a day, of all and of some values, as the script would."""
    day, client, bucket = read.today() - timedelta(days=ago), store.connection.client, buckets(site)[0]
    for name, value in {"": "", **where}.items():
        number = 0
        if name:
            field = f"{name}={value}"
            number = int(client.hget(bucket.values, field) or client.hlen(bucket.values) + 1)
            client.hset(bucket.values, field, number)
        row = (number * 31 + day.day - 1) * len(COLUMNS)
        bits = client.bitfield(bucket.count(f"{day:%Y-%m}"))
        bits.incrby("u32", f"#{row}", shown).incrby("u32", f"#{row + COLUMNS.index('first7')}", accepted).execute()


@pytest.fixture
def tried(redis_url, site):
    """A store, and a shop in it that asks in two ways."""
    shop = replace(site, id="tried", variants=(Variant("a", 1, None, {}), Variant("c", 1, None, {})))
    opened = Store(redis_url, 5)
    yield opened, shop
    opened.close()


def glance(store, site, days=30, ago=0, only=read.EVERYTHING, **more):
    today = read.today()
    end = today - timedelta(days=ago)
    return read.overview(store, site, Period(end - timedelta(days=days - 1), end), today, only, **more)


def test_variants_are_compared_since_both_of_them_are_asked(tried):
    store, site = tried
    ask(store, site, 100, "a", "b")
    ask(store, site, 30, "a", "c")
    for ago in range(90, -1, -1):
        for name in ("a", "b") if ago > 30 else ("a", "c"):
            count(store, site, ago, 300, 120 if ago > 30 else 150, variant=name)
    found = glance(store, site)
    assert (read.today() - found.experiment.trial.first).days == 29
    assert {name: counts.shown for name, counts in found.experiment.counts.items()} == {"a": 9000, "c": 9000}
    assert [verdict.kind for verdict in found.verdicts("answer")] == ["early"]
    assert found.experiment.pace(found.verdicts("answer")[0]) == Pace(14 * 300, 14)


@pytest.mark.parametrize(("ago", "last"), [(0, None), (1, f"{read.today()}")])
def test_machines_are_told_no_last_day_of_a_trial_before_it_has_a_whole_one(tried, ago, last):
    store, site = tried
    ask(store, site, 100, "a", "b")
    ask(store, site, ago, "a", "c")
    count(store, site, 0, 300, 120, variant="c")
    told = glance(store, site).as_json()["variants"]
    assert (told["from"], told["to"]) == (f"{read.today() + timedelta(days=1 - ago)}", last)


def test_an_experiment_that_ends_by_keeping_the_winner_keeps_its_result(tried):
    store, site = tried
    site = replace(site, variants=(Variant("c", 1, None, {}),))
    ask(store, site, 60, "a", "c")
    ask(store, site, 20, "c")
    for ago in range(60, -1, -1):
        for name in ("a", "c") if ago > 20 else ("c",):
            count(store, site, ago, 1000, {"a": 400, "c": 500}[name], variant=name)
    found = glance(store, site)
    assert [str(verdict).split(",")[0] for verdict in found.verdicts("answer")] == ["c is better"]
    assert {name: counts.shown for name, counts in found.experiment.counts.items()} == {"a": 40000, "c": 40000}
    assert advice_of(found, "answer") == []  # everybody sees it


def test_words_or_a_look_that_change_while_variants_are_compared_are_told(tried):
    store, site = tried
    for ago in range(20, -1, -1):
        for name in "ac":
            count(store, site, ago, 100, 30, variant=name)
    ask(store, site, 15, "a", "c")
    assert glance(store, site).experiment.changed is None
    ask(store, site, 9, "a", "c")  # another cookie list, which nobody sees
    assert glance(store, site).experiment.changed is None
    ask(store, site, 4, "a", "c", words="y")
    assert glance(store, site).experiment.changed == read.today() - timedelta(days=4)
    ask(store, site, 2, "a", "c", words="z", revision=2)
    assert glance(store, site).experiment.changed == read.today() - timedelta(days=2)
    ask(store, site, 1, "a", "c", words="z", revision=3)
    assert glance(store, site).experiment.changed == read.today() - timedelta(days=2)


def test_what_a_young_shop_could_gain_is_that_of_a_month(tried):
    store, site = tried
    for ago in range(4, -1, -1):
        count(store, site, ago, 1000, 300, device="phone")
        count(store, site, ago, 1000, 500, device="desktop")
    for days in (5, 30, 365):
        found = glance(store, site, days)
        assert found.counted.days == 5
        assert advice_of(found, "answer")[0].more == 6000  # 1,000 visits a day, 20 points, 30 days
    count(store, site, 31, 20, 5)
    assert glance(store, site, 30).counted.days == 30
    assert advice_of(glance(store, site, 30), "answer")[0].more == 6000  # phones are as young as they were


def test_a_part_that_was_seen_on_one_day_is_held_against_all_days_unless_it_began_then(tried):
    store, site = tried
    for ago in range(29, -1, -1):
        count(store, site, ago, 1000, 500, language="az")
    count(store, site, 4, 1000, 100, language="tr")
    [advised] = advice_of(glance(store, site), "answer")
    assert (advised.value, advised.more) == ("tr", 410)  # in 29 whole days
    ask(store, site, 20, "a", "c")
    ask(store, site, 4, "a", "c", words="with Turkish")
    assert advice_of(glance(store, site), "answer")[0].more == 3000  # 40 points of 1,000 in four


def test_a_day_that_is_still_going_on_is_no_whole_day_of_an_advice(tried):
    store, site = tried
    for ago in range(10, -1, -1):
        count(store, site, ago, 1000 if ago else 40, 300 if ago else 12, device="phone")
        count(store, site, ago, 1000 if ago else 40, 500 if ago else 20, device="desktop")
    assert advice_of(glance(store, site, 11), "answer")[0].more == 6000
    assert advice_of(glance(store, site, 10, ago=1), "answer")[0].more == 6000  # days that are all over
    assert advice_of(glance(store, site, 1), "answer") == []  # 40 of each are too few
    assert glance(store, site, 1).days_of("device", "phone") == 1


def test_devices_are_compared_within_the_languages_that_they_were_counted_with(tried):
    store, site = tried
    for language, device, shown, accepted in (
        ("ru", "phone", 900, 450),
        ("ru", "desktop", 100, 50),
        ("az", "phone", 500, 400),
        ("az", "desktop", 500, 400),
    ):
        cell = SEPARATOR.join((language, "", device))
        count(store, site, 1, shown, accepted, language=language, device=device, parts=cell)
    found = glance(store, site)
    assert {one.by for one in advice_of(found, "answer")} == {"language"}
    assert not any(part.worse for part in segments_of(found, "answer")["device"])
    phones = glance(store, site, only=Filters(device="phone"))
    assert phones.cells.keys() == {("ru", "", "phone"), ("az", "", "phone")}


def test_the_pace_of_a_young_shop_is_that_of_its_days(tried):
    store, site = tried
    for ago in (2, 1, 0):
        for name in "ac":
            count(store, site, ago, 90, 30, variant=name)
    found = glance(store, site)
    assert found.experiment.pace(found.verdicts("answer")[0]) == Pace(180, 3)


def test_under_several_rules_nobody_is_behind_and_under_one_of_them_somebody_is(tried):
    store, site = tried
    ruled = replace(site, rules=(Rule("uk", ("GB",), {"analytics": "objection"}),))
    for device, accepted in (("phone", 300), ("desktop", 500)):
        cell = SEPARATOR.join(("en", "", device))
        for rule in ("", "uk"):
            placed = f"{cell}{SEPARATOR}{rule}"
            count(store, ruled, 0, 1000, accepted, device=device, parts=cell, rule=rule, placed=placed)
    found = glance(store, ruled)
    assert (found.is_mixed, advice_of(found, "answer")) == (True, [])
    assert [part.value for part in segments_of(found, "answer")["device"]] == ["desktop", "phone"]
    alone = glance(store, ruled, only=Filters(rule="uk"))
    assert not alone.is_mixed
    assert [(one.value, one.model) for one in advice_of(alone, "answer")] == [("phone", "desktop")]
    # Rules that are configured and that nobody came under, or that were there lately, are looked at in the counts.
    other = replace(ruled, id="other")
    for device, accepted in (("phone", 300), ("desktop", 500)):
        count(store, other, 0, 1000, accepted, device=device, rule="")
    assert not glance(store, other).is_mixed
    count(store, other, 0, 1, 0, device="phone", rule="uk")
    assert not glance(store, other).is_mixed  # one visit takes nobody's advice away
    count(store, other, 0, 99, 0, device="phone", rule="uk")
    assert glance(store, replace(other, rules=())).is_mixed


def test_periods_under_several_rules_are_no_contest_and_under_one_of_them_they_are(tried):
    store, site = tried
    ruled = replace(site, rules=(Rule("uk", ("GB",), {"analytics": "objection"}),))
    for ago, rule, accepted in ((8, "", 300), (1, "uk", 900)):  # all came under the rule only lately
        cell = SEPARATOR.join(("en", "", "phone"))
        count(
            store, ruled, ago, 1000, accepted, device="phone", parts=cell, rule=rule, placed=f"{cell}{SEPARATOR}{rule}"
        )
    period = Period(read.today() - timedelta(days=6), read.today())
    found = read.overview(store, ruled, period, read.today())
    assert (found.is_mixed, found.is_unlike) == (False, True)
    told = read.report(store, ruled, period, "day")
    assert told.trend == "ruled"
    assert told.as_json()["trend"] == {"says": "mixed", "rates": dict.fromkeys(LINES, "unknown")}
    assert not any(told.as_json()["change"].values())
    assert "not compared" in told.as_text(moved=True)
    alone = read.report(store, ruled, period, "day", Filters(rule="uk"))
    assert not alone.is_unlike
    count(store, ruled, 0, 1, 0, device="phone", rule="")
    lately = Period(read.today() - timedelta(days=2), read.today())
    assert not read.report(store, ruled, lately, "day", against=lately).is_unlike  # one visit makes them no other ones


def test_an_outage_on_the_last_day_of_a_period_is_marked_for_who_looks_later(tried):
    store, site = tried
    for ago in range(30, -1, -1):
        if ago not in (8, 9):
            count(store, site, ago, 100, 40)

    def told(**more):
        return [(mark.kind, (read.today() - mark.last).days) for mark in glance(store, site, 7, 8, **more).marks]

    assert told() == [("silent", 8)]
    past = read.today() - timedelta(days=8)  # as a link shows it, of whose days nothing later is said
    found = read.overview(store, site, Period(past - timedelta(days=6), past), past, today=read.today())
    assert [(mark.kind, mark.first, mark.last) for mark in found.marks] == [("silent", past - timedelta(days=1), past)]


def test_whoever_shows_rates_reads_no_counters_by_itself():
    package = ROOT / "consent_server"
    texts = {str(path.relative_to(package)): path.read_text("utf-8") for path in package.rglob("*.py")}
    shows_rates = {
        name for name, text in texts.items() if re.search(r"^from \.+(rates|read|counts)\b", text, re.MULTILINE)
    }
    assert {"web/health.py", "cli/rates.py", "check/store.py", "chores/housekeeping.py"} <= shows_rates
    by_themselves = {name for name in shows_rates if re.search(r"\bcounters\.(counts|daily)\(", texts[name])}
    assert by_themselves == {"rates/counted.py"}
