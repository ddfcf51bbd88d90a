"""A recount says whether counters and log agree, whatever happens while it reads."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import redis
from busy_shop import answer, busy, cli

from consent_server.banner.scripts import build_scripts
from consent_server.decision import COLUMNS
from consent_server.rates import read
from consent_server.rates.period import Period
from consent_server.store import Unreadable
from consent_server.store.keys import buckets
from consent_server.store.keys.single import notices as notices_key

__all__ = ["busy", "cli"]


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
