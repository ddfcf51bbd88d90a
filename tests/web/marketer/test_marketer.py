"""The marketers' pages: who gets in, what they see, and what the exports say."""

import csv
import html
import io
import re
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from conftest import closing
from flask import Flask
from flask.testing import FlaskClient
from forms import api_key, form_word, post
from werkzeug.security import generate_password_hash

from consent_server import create_app
from consent_server.decision import COLUMNS
from consent_server.rates.compare import GOALS
from consent_server.settings.environment import Settings
from consent_server.site import OPTIONAL, Variant
from consent_server.site.rules import Rule
from consent_server.store.keys import buckets
from consent_server.web.marketer import api_keys, session
from consent_server.web.marketer.session import hash_password
from consent_server.web.marketer.words import LANGUAGES, Words

TODAY = datetime.now(UTC).date()


def log_in(client: FlaskClient, name: str, password: str, **fields: str):
    return client.post("/login", data={"name": name, "password": password, **fields})


def three_answers(shopper) -> None:
    """One accepts all, one refuses, one allows analytics and takes it back; two more only look."""
    for _ in range(5):
        assert shopper.client.post(f"/v1/{shopper.site.id}/shown").status_code == 204
    for allow in (OPTIONAL, (), ("analytics",)):
        shopper.token = None
        assert shopper.decide(*allow, how="accept" if len(allow) == 3 else "save").status_code == 201
    assert shopper.decide(how="preferences").status_code == 201


# Who gets in


def test_a_stranger_sees_only_the_login(stranger, site, shopper):
    three_answers(shopper)
    page = stranger.get("/")
    assert page.status_code == 200
    assert 'name="password"' in page.text
    assert site.name not in page.text
    assert stranger.get("/keys?site=smartmarket").headers["Location"] == "/"


@pytest.mark.parametrize("path", ["rates", "rates.csv"])
def test_a_stranger_gets_no_rates(stranger, site, path):
    answer = stranger.get(f"/v1/{site.id}/{path}")
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert answer.get_json()["type"] == "/problems/not-known"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_right_password_opens_the_page_that_was_asked_for(app, site):
    app.extensions["consent"].store.marketers.add("ayla", hash_password("a password"), [site.id])
    window = app.test_client()
    wanted = re.search(r'name="wanted" value="([^"]*)"', window.get("/?from=2026-01-01").text)[1]
    answer = log_in(window, "ayla", "a password", wanted=wanted)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/?from=2026-01-01")
    assert site.name in window.get("/").text


def test_a_password_is_kept_as_scrypt(app, site, monkeypatch):
    monkeypatch.setattr(session, "generate_password_hash", generate_password_hash)  # with all the work
    app.extensions["consent"].store.marketers.add("leyla", hash_password("leyla-password"), [site.id])
    assert app.extensions["consent"].store.marketers.find("leyla").password.startswith("scrypt:32768:8:1$")


def test_the_cookie_is_for_this_host_alone_and_out_of_reach_of_scripts(app, marketer):
    plain = log_in(app.test_client(), "leyla", "leyla-password").headers["Set-Cookie"]
    assert "HttpOnly" in plain
    assert "SameSite=Strict" in plain
    assert "Path=/" in plain
    assert "Secure" not in plain
    secure = app.test_client().post(
        "/login", data={"name": "leyla", "password": "leyla-password"}, base_url="https://localhost"
    )
    assert "Secure" in secure.headers["Set-Cookie"]


@pytest.mark.parametrize(("name", "password"), [("leyla", "wrong"), ("nobody", "leyla-password"), ("", "")])
def test_a_wrong_name_and_a_wrong_password_are_refused_in_the_same_words(app, marketer, name, password):
    answer = log_in(app.test_client(), name, password)
    assert answer.status_code == 401
    assert str(Words.of("en")("login_wrong")) in answer.text
    assert "marketer=" not in answer.headers.get("Set-Cookie", "")


def test_twenty_wrong_passwords_are_slowed(clock, app, marketer):
    guesser = app.test_client()
    answers = [log_in(guesser, "leyla", f"guess {n}") for n in range(20)]
    assert [answer.status_code for answer in answers] == [401] * 4 + [429] * 16  # she logged in once herself
    assert answers[-1].headers["Retry-After"] == "60"
    assert log_in(guesser, "leyla", "leyla-password").status_code == 429


def test_guessing_many_names_is_slowed_too(clock, app):
    guesser = app.test_client()
    assert log_in(guesser, "name 20", "x").status_code == 401
    assert {log_in(guesser, f"name {n}", "x").status_code for n in range(25)} == {401, 429}


def test_a_stolen_cookie_ends_with_logout(app, marketer, site):
    thief = app.test_client()
    thief.set_cookie("marketer", marketer.get_cookie("marketer").value)
    assert site.name in thief.get("/").text
    assert post(marketer, "/logout", marketer.get("/").text).status_code == 303
    assert 'name="password"' in thief.get("/").text
    assert thief.get(f"/v1/{site.id}/rates").status_code == 401


def test_a_session_ends_after_twelve_hours(app, marketer):
    store = app.extensions["consent"].store
    [key] = store.connection.client.keys("consent:session:*")
    assert 12 * 3600 - 60 < store.connection.client.ttl(key) <= 12 * 3600
    store.connection.client.delete(key)
    assert 'name="password"' in marketer.get("/").text


def test_a_cookie_is_not_in_the_store(app, marketer):
    cookie = marketer.get_cookie("marketer").value
    keys = app.extensions["consent"].store.connection.client.keys("*")
    assert not [key for key in keys if cookie.encode() in key]


def test_a_session_ends_with_the_password_or_the_marketer(app, marketer, site):
    store = app.extensions["consent"].store
    store.marketers.add("leyla", hash_password("another"), [site.id])
    assert 'name="password"' in marketer.get("/").text
    assert log_in(marketer, "leyla", "another").status_code == 303
    assert site.name in marketer.get("/").text
    assert store.marketers.remove("leyla")
    assert 'name="password"' in marketer.get("/").text


@pytest.mark.parametrize("path", ["/logout", "/keys", "/keys/revoke"])
def test_a_form_from_elsewhere_is_refused(marketer, site, path):
    page = marketer.get("/").text
    fields = {"form": form_word(page), "site": site.id, "name": "x"}
    assert marketer.post(path, data=fields, headers={"Origin": "https://evil.example"}).status_code == 403
    assert marketer.post(path, data=fields, headers={"Origin": "null"}).status_code == 403
    assert marketer.post(path, data=fields, headers={"Origin": "http://["}).status_code == 403
    assert marketer.post(path, data=fields, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert marketer.post(path, data={**fields, "form": "0" * 64}).status_code == 403
    assert marketer.post(path, data={"site": site.id}).status_code == 403
    assert site.name in marketer.get("/").text


@pytest.mark.parametrize("odd", ["ə", "\x00", "a\r\nSet-Cookie: x=1", "%", "//evil.example", "é" * 400])
def test_odd_text_anywhere_is_refused_without_a_stumble(app, marketer, site, odd):
    window = app.test_client()
    assert log_in(window, odd, odd, wanted=odd).status_code == 401
    answer = log_in(window, "leyla", "leyla-password", wanted=odd)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/"
    assert "x=1" not in answer.headers.getlist("Set-Cookie")
    assert marketer.post("/logout", data={"form": odd}).status_code == 403
    for name in ("site", "from", "to", "goal", "lang"):
        assert marketer.get("/", query_string={name: odd}).status_code in (200, 400, 403)
    for name in ("from", "to", "by"):
        assert marketer.get(f"/v1/{site.id}/rates", query_string={name: odd}).status_code == 400
    page = marketer.get("/keys", query_string={"site": site.id}).text
    assert post(marketer, "/keys", page, site=site.id, name=odd).status_code == 201
    assert post(marketer, "/keys/revoke", page, site=site.id, key=odd).status_code == 303
    stranger = app.test_client()
    stranger.set_cookie("marketer", odd.encode("ascii", "ignore").decode().replace("\r\n", "") or "x")
    assert 'name="password"' in stranger.get("/").text


def test_nobody_is_logged_in_by_a_page_of_somebody_else(app, marketer):
    answer = app.test_client().post(
        "/login",
        data={"name": "leyla", "password": "leyla-password"},
        headers={"Origin": "https://evil.example"},
    )
    assert answer.status_code == 403


# Whose rates


@pytest.mark.parametrize("path", ["/?site=kitab", "/keys?site=kitab", "/v1/kitab/rates", "/v1/kitab/rates.csv"])
def test_a_marketer_sees_nothing_of_another_shop(marketer, other_marketer, path):
    answer = marketer.get(path)
    assert answer.status_code == 403
    assert "Kitab" not in answer.text
    assert other_marketer.get(path).status_code == 200


def test_the_site_switch_offers_a_marketers_own_shops_only(app, marketer, other_marketer, site, other_site):
    assert "Kitab" not in marketer.get("/").text
    app.extensions["consent"].store.marketers.add("both", hash_password("both"), [site.id, other_site.id])
    window = app.test_client()
    log_in(window, "both", "both")
    assert '<option value="kitab">Kitab</option>' in window.get("/").text
    assert '<option value="kitab" selected>Kitab</option>' in window.get("/?site=kitab").text


def test_all_shops_of_a_marketer_are_on_one_page_and_no_others(app, marketer, shopper, site, other_site):
    three_answers(shopper)
    app.extensions["consent"].store.marketers.add("both", hash_password("both"), [site.id, other_site.id])
    window = app.test_client()
    assert window.get("/sites").headers["Location"] == "/"
    log_in(window, "both", "both")
    assert 'href="/sites"' in window.get("/").text
    page = window.get("/sites").text
    assert re.findall(r'<h2><a href="([^"]+)">', page) == [f"/?site={site.id}", "/?site=kitab"]
    assert "shown in <b>5</b> visits; <b>60.0%</b> of them were answered" in page
    assert "The banner was shown in no visit" in page
    assert page.count('<p class="figure">20.0%</p>') == 1
    stop_the_answers(app, other_site)  # a shop that needs a look comes first
    page = window.get("/sites").text
    assert re.findall(r'<h2><a href="([^"]+)">', page) == ["/?site=kitab", f"/?site={site.id}"]
    assert page.count("nobody answers any more") == 1
    app.extensions["consent"].store.connection.client.set(buckets(site)[0].values, "of another kind")
    page = window.get("/sites").text  # one that cannot be read hides no other
    assert page.count("Something went wrong here; it has been logged.") == 1
    assert page.count("nobody answers any more") == 1
    assert "/sites" not in marketer.get("/").text
    assert "Kitab" not in marketer.get("/sites").text


def test_a_marketer_of_no_shop_is_told_so(app):
    app.extensions["consent"].store.marketers.add("new", hash_password("new"), ["gone"])
    window = app.test_client()
    log_in(window, "new", "new")
    assert window.get("/").status_code == 403


def test_an_api_key_reads_its_own_shop_until_it_is_revoked(marketer, stranger, site, other_site):
    key = {"Authorization": f"Bearer {api_key(marketer, site)}"}
    assert stranger.get(f"/v1/{site.id}/rates", headers=key).get_json()["site"] == site.id
    assert stranger.get(f"/v1/{site.id}/rates.csv", headers=key).status_code == 200
    assert stranger.get(f"/v1/{other_site.id}/rates", headers=key).status_code == 401
    page = marketer.get(f"/keys?site={site.id}").text
    assert "the dashboard" in page
    assert key["Authorization"].split()[1] not in page  # shown once
    digest = re.search(r'name="key" value="([0-9a-f]+)"', page)[1]
    assert post(marketer, "/keys/revoke", page, site=site.id, key=digest).status_code == 303
    assert stranger.get(f"/v1/{site.id}/rates", headers=key).status_code == 401


def test_an_api_key_is_kept_as_itshash_password(app, marketer, site):
    key = api_key(marketer, site)
    redis = app.extensions["consent"].store.connection.client
    kept = redis.hgetall(f"consent:{{{site.id}}}:api-keys")
    assert kept
    assert key.encode() not in b"".join([*kept, *kept.values()])


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_shop_has_no_more_keys_than_can_be_read(marketer, site, monkeypatch, lang):
    monkeypatch.setattr(api_keys, "MOST", 1)
    api_key(marketer, site)
    page = marketer.get(f"/keys?site={site.id}&lang={lang}").text
    refused = post(marketer, "/keys", page, site=site.id, name="another")
    words = Words.of(lang)
    assert refused.status_code == 400
    assert str(words("keys_full", most=words.number(1))) in refused.text
    assert "another" not in marketer.get(f"/keys?site={site.id}").text


def test_a_key_for_another_shop_cannot_be_made(marketer, other_site):
    page = marketer.get("/").text
    assert post(marketer, "/keys", page, site=other_site.id, name="x").status_code == 403


@pytest.mark.parametrize("key", ["Bearer wrong", "Bearer ", "bearer", "Basic bGV5bGE6"])
def test_a_wrong_api_key_is_refused_in_one_sentence(stranger, site, key):
    answer = stranger.get(f"/v1/{site.id}/rates", headers={"Authorization": key})
    assert answer.status_code == 401
    assert answer.get_json()["detail"].endswith(".")


def test_an_unknown_shop_is_not_found(marketer):
    assert marketer.get("/v1/nowhere/rates").get_json()["type"] == "/problems/unknown-site"


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


# The page


def test_an_empty_shop_shows_what_to_do_first(marketer, site):
    page = marketer.get("/", base_url="http://localhost").text
    assert f"&lt;script async src=&#34;http://localhost/v1/{site.id}/consent.js&#34;&gt;" in page.replace('"', "&#34;")
    assert site.origins[0] in page
    assert "<svg class" not in page


def test_an_empty_shop_whose_tag_has_to_be_first_is_given_that_one(app, marketer, site, monkeypatch):
    trackers = (("t.example", "analytics"),)
    monkeypatch.setitem(app.extensions["consent"].sites, site.id, replace(site, trackers=trackers))
    for lang in LANGUAGES:
        page = html.unescape(marketer.get(f"/?lang={lang}", base_url="http://localhost").text)
        assert f'<script src="http://localhost/v1/{site.id}/consent.js"></script>' in page
        assert str(Words.of(lang)("empty_first", name=site.name)) in page


def test_a_quiet_period_of_a_shop_with_answers_says_so(marketer, shopper):
    three_answers(shopper)
    yesterday = TODAY - timedelta(days=1)
    assert str(Words.of("en")("quiet")) in marketer.get(f"/?from={yesterday}&to={yesterday}").text


def test_few_answers_are_called_too_few(marketer, shopper):
    three_answers(shopper)
    page = marketer.get("/").text
    for key in ("too_few_help", "advice_unknown"):
        assert str(Words.of("en")(key)) in page


def test_the_page_runs_no_script_but_its_own(marketer, shopper):
    three_answers(shopper)
    page = marketer.get("/")
    policy = page.headers["Content-Security-Policy"]
    nonce = re.search(r"'nonce-([\w-]+)'", policy)[1]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert re.findall(r"<script[^>]*nonce=\"([\w-]+)\"", page.text) == [nonce] == [nonce] * page.text.count("<script")
    assert " style=" not in page.text
    assert not re.search(r"\son\w+=", page.text)
    assert nonce not in marketer.get("/").headers["Content-Security-Policy"]


def test_the_page_is_kept_by_nobody_and_its_assets_for_ever(marketer):
    page = marketer.get("/")
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "same-origin"
    paths = re.findall(r'"(/assets/[^"]+)"', page.text)
    assert {path.rpartition(".")[2] for path in paths} == {"css", "js"}
    for path in paths:
        asset = marketer.get(path, headers={"Accept-Encoding": "br"})
        assert "immutable" in asset.headers["Cache-Control"]
        assert asset.headers["Content-Encoding"] == "br"
    assert marketer.get("/assets/consent.0.js").status_code == 404


def test_a_language_is_taken_from_the_browser_then_chosen_then_kept(app, marketer):
    def lang(**options) -> str:
        return re.search(r'<html lang="(\w+)"', marketer.get("/", **options).text)[1]

    assert lang() == "en"
    assert lang(headers={"Accept-Language": "ru-RU,ru;q=0.9,en;q=0.5"}) == "ru"
    assert lang(headers={"Accept-Language": "fr"}) == "en"
    assert lang(query_string={"lang": "az"}) == "az"
    assert lang(headers={"Accept-Language": "ru"}) == "az"
    assert lang(query_string={"lang": "xx"}) == "az"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_language_has_every_word_and_the_same_gaps(lang):
    words, english = Words.of(lang)._table, Words.of("en")._table
    assert [*words] == [*english]
    for key, text in english.items():
        assert set(re.findall(r"\{(\w+)", words[key])) == set(re.findall(r"\{(\w+)", text)), key


@pytest.mark.parametrize(
    ("lang", "number", "percent"),
    [
        ("en", "12,340", "56.3%"),
        ("az", "12\xa0340", "56,3%"),
        ("ru", "12\xa0340", "56,3\xa0%"),
        ("tr", "12.340", "%56,3"),
    ],
)
def test_numbers_are_written_as_the_language_does(lang, number, percent):
    words = Words.of(lang)
    assert (words.number(12340), words.percent(0.5634)) == (number, percent)


def test_what_comes_from_outside_is_escaped(app, marketer, site):
    bold = "<b>bold</b>"
    page = marketer.get("/keys", query_string={"site": site.id}).text
    assert bold not in post(marketer, "/keys", page, site=site.id, name=bold).text
    assert bold not in app.test_client().get("/", query_string={"x": bold}).text
    assert bold not in log_in(app.test_client(), bold, "x", wanted=f'"{bold}').text


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


def put(app, site, day: date, shown: int, accepted: int) -> None:
    """Write a day's counters as the script would after that many displays and answers."""
    row = (day.day - 1) * len(COLUMNS)
    key = buckets(site)[0].count(f"{day:%Y-%m}")
    bits = app.extensions["consent"].store.connection.client.bitfield(key).set("u32", f"#{row}", shown)
    bits.set("u32", f"#{row + COLUMNS.index('first7')}", accepted).execute()


def stop_the_answers(app, site) -> None:
    """Have most answer for four weeks, and nobody today."""
    for n in range(1, 29):
        put(app, site, TODAY - timedelta(days=n), 400, 300 + n % 5)
    put(app, site, TODAY, 60, 0)


def test_an_alarm_is_shown_on_the_page(app, marketer, site):
    stop_the_answers(app, site)
    page = marketer.get("/").text
    assert "banners are shown, but nobody answers any more" in page
    put(app, site, TODAY, 60, 46)
    assert "nobody answers any more" not in marketer.get("/").text


def test_a_sample_is_marked(app, marketer, site):
    words = str(Words.of("en")("sample"))
    assert words not in marketer.get("/").text
    app.extensions["consent"].store.sample.add(site)
    assert words in marketer.get("/").text


def test_below_a_prefix_every_address_stays_below_it(redis_url, site):
    app = create_app(Settings(secret=("s" * 40,), redis_url=redis_url, prefix="/consent"), {site.id: site})
    app.extensions["consent"].store.marketers.add("leyla", hash_password("x"), [site.id])
    window = app.test_client()
    page = window.get("/consent/").text
    paths = re.findall(r'(?:href|src|action)="([^"]+)"', page)
    assert "/consent/login" in paths
    assert [path for path in paths if not path.startswith(("/consent/", "#", "data:"))] == []
    answer = window.post("/consent/login", data={"name": "leyla", "password": "x"})
    assert answer.headers["Location"] == "/consent/"
    assert "Path=/consent/" in answer.headers["Set-Cookie"]
    assert site.name in window.get("/consent/").text
    app.extensions["consent"].store.connection.client.close()


# Redis away


def test_without_redis_the_page_says_so_and_keeps_its_frame(settings: Settings, site, marketer):
    away: Flask = create_app(replace(settings, redis_url="redis://127.0.0.1:1"), {site.id: site})
    window = away.test_client()
    window.set_cookie("marketer", "some-session")
    page = window.get("/")
    assert page.status_code == 503
    assert page.headers["Retry-After"] == "5"
    words = Words.of("en")
    assert str(words("away")) in page.text
    assert str(words("title")) in page.text
    answer = window.get(f"/v1/{site.id}/rates")
    assert (answer.status_code, answer.get_json()["type"]) == (503, "/problems/store-away")
    assert log_in(window, "leyla", "x").status_code == 503


def test_a_number_that_somebody_else_gave_a_value_is_no_internal_error(marketer, shopper, app):
    shopper.decide("analytics")
    client = app.extensions["consent"].store.connection.client
    (values, *_) = client.scan_iter(match="*:values")
    client.hset(values, "language=az", b"\xff")
    assert marketer.get("/v1/smartmarket/rates?by=language").status_code == 503
    assert marketer.get("/").status_code == 503
