"""The marketers' pages: who gets in, what they see, and what the exports say."""

import html
import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from flask import Flask
from forms import post
from three_answers import TODAY, log_in, three_answers

from consent_server import create_app
from consent_server.decision import COLUMNS
from consent_server.settings.environment import Settings
from consent_server.store.keys import buckets
from consent_server.web.marketer.session import hash_password
from consent_server.web.marketer.words import LANGUAGES, Words

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
