"""The numbers of the page and of its exports are those of the decisions, and odd questions are refused."""

import csv
import html
import io
import re
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from conftest import closing
from three_answers import TODAY, log_in, three_answers

from consent_server import create_app
from consent_server.rates.compare import GOALS
from consent_server.site import OPTIONAL, Variant
from consent_server.site.rules import Rule
from consent_server.web.marketer.session import hash_password
from consent_server.web.marketer.words import LANGUAGES, Words

# What the exports say


def test_the_numbers_are_those_of_the_decisions(marketer, shopper, site):
    three_answers(shopper)
    answer = marketer.get(f"/v1/{site.id}/rates").get_json()
    assert (answer["from"], answer["to"]) == ((TODAY - timedelta(days=29)).isoformat(), TODAY.isoformat())
    assert len(answer["rows"]) == 30
    today = answer["rows"][-1]
    assert today["day"] == TODAY.isoformat()
    assert today["counts"] == answer["total"]["counts"]
    assert today["counts"] == {
        "shown": 5, "answered": 3, "ignored": 2, "all": 1, "some": 1, "none": 1,
        "allowed_functional": 1, "allowed_analytics": 2, "allowed_marketing": 1,
        "renewals": 0, "changes": 1, "withdrawals": 1,
        "withdrawn_functional": 0, "withdrawn_analytics": 1, "withdrawn_marketing": 0,
    }  # fmt: skip
    grant = today["rates"]["grant_analytics"]
    assert (grant["numerator"], grant["denominator"], grant["too_few"]) == (2, 3, True)
    assert grant["low"] < grant["value"] < grant["high"]


@pytest.mark.parametrize("by", ["day", "language", "variant", "device", "country", "how"])
def test_page_json_and_csv_agree(marketer, shopper, site, by):
    three_answers(shopper)
    rows = marketer.get(f"/v1/{site.id}/rates?by={by}").get_json()["rows"]
    sheet = marketer.get(f"/v1/{site.id}/rates.csv?by={by}")
    assert sheet.mimetype == "text/csv"
    assert f'filename="{site.id}-by-{by}-' in sheet.headers["Content-Disposition"]
    lines = list(csv.DictReader(io.StringIO(sheet.text)))
    assert [line[by] for line in lines] == [row[by] for row in rows]
    assert sum(int(line["answered"]) for line in lines) == 3
    for line, row in zip(lines, rows, strict=True):
        assert {name: int(line[name]) for name in row["counts"]} == row["counts"]
    page = marketer.get("/").text
    assert "Marketing was allowed in <b>20.0%</b> of the <b>5</b> visits in which the banner was shown" in page
    assert "<b>60.0%</b> of the visits were answered, and <b>33.3%</b> of the answers allow it" in page


def test_each_rate_comes_with_the_two_counts_that_it_is_made_of_the_goal_of_a_part_too(marketer, shopper):
    three_answers(shopper)
    page = marketer.get("/?goal=reach_marketing&lang=en").text
    devices = re.search(r'aria-labelledby="by-device">.*?</table>', page, re.S)[0]
    assert re.findall(r'columnheader">([^<]*)', devices)[2:] == [
        "Reach of marketing", "Answer rate", "Functional", "Analytics", "Marketing",
    ]  # fmt: skip
    assert re.findall(r"\d of \d", devices) == ["1 of 5", "3 of 5", "1 of 3", "2 of 3", "1 of 3"]
    categories = re.search(r'<h2 id="categories">.*?</table>', page, re.S)[0]
    assert re.findall(r"\d of \d", categories)[-2:] == ["1 of 3", "1 of 5"]
    # What is withdrawn may have been given before these days, and be more than was given in them.
    assert re.findall(r"\d withdrawn, \d given", categories)[-1] == "0 withdrawn, 1 given"
    assert "1 withdrawn, 2 given" in re.search(r'<dl class="after">.*?</dl>', page, re.S)[0]


def test_the_headline_is_the_goal_that_was_chosen(marketer, shopper):
    three_answers(shopper)
    page = marketer.get("/?goal=answer").text
    assert "shown in <b>5</b> visits; <b>60.0%</b> of them were answered" in page
    assert "<b>33.3%</b> of the answers allow marketing, <b>66.7%</b> analytics" in page
    assert "Analytics was allowed in <b>40.0%</b> of the <b>5</b> visits" in marketer.get("/?goal=reach_analytics").text


def test_a_target_is_reached_or_missed_by_so_many_points(marketer, shopper):
    three_answers(shopper)
    assert "Target reached: the answer rate is 50.0 points above 10%." in marketer.get("/?goal=answer&target=10").text
    page = marketer.get("/?goal=answer&target=92,5%25").text
    assert "Target missed: the answer rate is 32.5 points below 92.5%." in page
    refused = marketer.get("/?target=many")
    assert refused.status_code == 400
    assert "A target is a percentage from 0 to 100." in refused.text


def test_any_days_are_compared(marketer, shopper, site):
    three_answers(shopper)
    year = marketer.get(f"/v1/{site.id}/rates?from=2026-03-01&to=2026-03-31&against=year").get_json()
    assert year["against"] == {"from": "2025-03-01", "to": "2025-03-31"}
    own = marketer.get(f"/v1/{site.id}/rates?against_from=2026-01-01&against_to=2026-01-09").get_json()
    assert own["against"] == {"from": "2026-01-01", "to": "2026-01-09"}
    assert "1 Jan – 9 Jan 2026" in marketer.get("/?against_from=1+Jan+2026&against_to=9+Jan+2026").text
    assert "two days: the first and the last" in marketer.get("/?against_from=1+Jan+2026").text


def test_a_day_may_be_written_as_the_page_writes_it(marketer, shopper, site):
    three_answers(shopper)
    for lang in LANGUAGES:
        words = Words.of(lang)
        first, last = TODAY - timedelta(days=40), TODAY
        asked = {"from": words.day(first, year=True), "to": words.day(last, year=True), "lang": lang}
        answer = marketer.get("/", query_string=asked)
        assert answer.status_code == 200
        assert f'value="{asked["from"]}"' in answer.text
        assert f'value="{asked["to"]}"' in answer.text
        assert words.days(first, last) in answer.text


def test_ways_of_answering_have_the_names_of_the_buttons(app, marketer, shopper, site):
    three_answers(shopper)
    banner = app.extensions["consent"].scripts[site.id].notices
    for lang in LANGUAGES:
        page = marketer.get(f"/?lang={lang}").text
        said = next(notice for notices in banner.values() for notice in notices if notice.lang == lang)
        assert str(said.content["words"]["accept"]) in page


def test_the_four_rates_have_one_verdict_together(marketer, shopper, site):
    three_answers(shopper)
    trend = marketer.get(f"/v1/{site.id}/rates").get_json()["trend"]
    assert trend["says"] == "unknown"
    assert set(trend["rates"]) == {"answer", "grant_functional", "grant_analytics", "grant_marketing"}


def test_ways_of_answering_know_the_displays_of_their_total_only(marketer, shopper, site):
    three_answers(shopper)
    answer = marketer.get(f"/v1/{site.id}/rates?by=how").get_json()
    assert answer["total"]["counts"]["shown"] == 5
    assert {row["how"]: row["counts"]["answered"] for row in answer["rows"]} == {
        "accept": 1,
        "save": 2,
        "preferences": 0,
    }
    assert {row["rates"]["answer"]["value"] for row in answer["rows"]} == {None}


BAD = [
    ("from=2026-02-01&to=2026-01-01", "is after"),
    (f"to={TODAY + timedelta(days=2)}", "in the future"),
    ("from=2019-01-01", "over five years"),
    ("from=spring", "must be a day"),
    ("by=browser", "`by` must be one of"),
]


@pytest.mark.parametrize(("query", "words"), BAD)
@pytest.mark.parametrize("path", ["rates", "rates.csv"])
def test_a_question_without_an_answer_is_refused_in_one_sentence(marketer, site, path, query, words):
    answer = marketer.get(f"/v1/{site.id}/{path}?{query}")
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
    problem = answer.get_json()
    assert problem["type"] == "/problems/bad-question"
    assert words in problem["detail"]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    ("query", "kind"),
    [
        *zip([query for query, _ in BAD[:-1]], ["order", "future", "length", "day"], strict=True),
        ("goal=grant_marketing", "goal"),
    ],
)
def test_the_page_says_so_and_shows_what_it_can(marketer, shopper, lang, query, kind):
    three_answers(shopper)
    answer = marketer.get(f"/?{query}&lang={lang}")
    assert answer.status_code == 400
    words = Words.of(lang)
    assert str(words(f"bad_{kind}", example=words.day(TODAY, year=True))) in answer.text
    answer = marketer.get(f"/?{query}&lang=en")
    assert "<b>60.0%</b> of the visits were answered" in answer.text


def test_variants_get_a_verdict_in_one_sentence(settings, site, shopper):
    tried = replace(site, id="tried", variants=(Variant("calm", 1, None, {}), Variant("short", 1, None, {})))
    app = create_app(settings, {"tried": tried})
    app.extensions["consent"].store.marketers.add("leyla", hash_password("x"), ["tried"])
    window = app.test_client()
    log_in(window, "leyla", "x")
    visitor = replace(shopper, client=app.test_client(use_cookies=False), site=tried)
    for _ in range(3):
        visitor.client.post("/v1/tried/shown")
    assert "Too early to tell on reach of marketing: it has only begun." in window.get("/").text
    assert visitor.decide(*OPTIONAL, variant="calm", how="accept").status_code == 201
    # When it will be known.
    assert re.search(r"Too early to tell on reach of marketing: about [1-9][\d,]* more days?\.", window.get("/").text)
    for goal in ("answer", "reach_functional"):
        assert f'<option value="{goal}" selected>' in window.get(f"/?goal={goal}").text
    told = window.get("/v1/tried/rates").get_json()
    assert {mark["kind"] for mark in told["marks"]} <= {"words", "look", "variant-began"}
    assert told["variants"]["counts"]["calm"]["answered"] == 1
    assert [(each["goal"], each["a"], each["b"], each["says"]) for each in told["variants"]["verdicts"]] == [
        (goal, "calm", "short", "early") for goal in GOALS
    ]
    app.extensions["consent"].store.connection.client.close()


def test_a_rule_on_the_page_leads_to_its_part_alone(settings, site):
    ruled = replace(site, id="ruled", rules=(Rule("uk", ("GB",), {"analytics": "objection"}),))
    app = create_app(settings, {"ruled": ruled})
    with closing(app.extensions["consent"].store) as store:
        store.marketers.add("leyla", hash_password("x"), ["ruled"])
        for rule, device in (("uk", "phone"), ("uk", "desktop"), ("", "phone")):
            where = {"language": "en", "variant": "", "country": "GB"}
            store.counters.shown(ruled, now=int(time.time() * 1000), device=device, rule=rule, **where)
        window = app.test_client()
        log_in(window, "leyla", "x")
        rows = window.get("/").text.partition('id="by-rule"')[2]
        [link] = re.findall(r'<a href="([^"]*rule=uk[^"]*)">uk</a>', rows)
        page = window.get(html.unescape(link)).text
        assert "<b>2</b> visits" in page
        assert 'id="by-device"' in page
        assert 'id="by-rule"' not in page
        assert 'id="by-country"' not in page
        phones = window.get("/?device=phone").text.partition('id="by-rule"')[2]
        assert re.findall(r'rowheader">(?:<a[^>]*>)?(\w+)', phones) == ["elsewhere", "uk"]
