"""Command line, page and HTTP show the same rates of the same part, and refuse what is not known."""

import json
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from busy_shop import SIGN, busy, cli

from consent_server.decision import DEVICES, DIMENSIONS, SIGNAL, Decision
from consent_server.rates import read
from consent_server.rates.period import Period
from consent_server.site.rules import Rule
from consent_server.store.keys.single import notes as notes_key

__all__ = ["busy", "cli"]


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
