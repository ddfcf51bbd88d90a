"""`GET /v1/SITE/cookies`: the cookie list as a piece of HTML, for pages that include it."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from beside import nginx, up
from conftest import Live, free_port
from examples import example
from flask.testing import FlaskClient
from test_slow_clients import running

from consent_server.banner.cookie_list import cookie_list, facts, fragment, with_storage
from consent_server.banner.regional import country_name, day
from consent_server.catalogue import for_site, services
from consent_server.catalogue.spans import time_span
from consent_server.settings.rows import duration
from consent_server.settings.shops import snippet_words
from consent_server.site import Cookie, Site

AT = "/v1/smartmarket/cookies"


@pytest.mark.parametrize(
    ("lang", "says"), [("az", "Zəruri"), ("ru", "Необходимые"), ("en", "Necessary"), ("tr", "Zorunlu")]
)
def test_it_speaks_the_language_that_is_asked_for(client: FlaskClient, lang: str, says: str) -> None:
    said = client.get(f"{AT}?lang={lang}")
    assert said.status_code == 200
    assert said.mimetype == "text/html"
    assert said.headers["Content-Language"] == lang
    assert f'<div lang="{lang}" dir="auto">' in said.text
    assert f"<caption>{says}: " in said.text
    assert "_sm_analytics_pages" in said.text


def test_without_a_language_it_speaks_the_callers_and_else_the_shops_first(client: FlaskClient) -> None:
    said = client.get(AT, headers={"Accept-Language": "de, tr;q=0.8"})
    assert said.headers["Content-Language"] == "tr"
    assert "Accept-Language" in said.headers["Vary"]
    assert client.get(f"{AT}?lang=").headers["Content-Language"] == "az"
    for said in ("tr-TR", "TR", "tr_TR"):
        assert client.get(f"{AT}?lang={said}").headers["Content-Language"] == "tr"
    assert "Accept-Language" not in client.get(f"{AT}?lang=en").headers["Vary"]


def test_another_language_and_another_site_are_refused(client: FlaskClient) -> None:
    for lang in ("-AZ", "_az", "-", "de"):  # by none of them the caller's own, which caches do not tell apart
        refused = client.get(f"{AT}?lang={lang}", headers={"Accept-Language": "tr"})
        assert refused.status_code == 404
    assert refused.get_json()["type"] == "/problems/no-such-notice"
    assert client.get("/v1/nobody/cookies").status_code == 404


def test_any_page_may_read_and_caches_may_keep_it(client: FlaskClient) -> None:
    said = client.get(f"{AT}?lang=en")
    assert said.headers["Access-Control-Allow-Origin"] == "*"
    assert "max-age=300" in said.headers["Cache-Control"]
    again = client.get(f"{AT}?lang=en", headers={"If-None-Match": said.headers["ETag"]})
    assert again.status_code == 304


def listed(site: Site, *cookies: Cookie) -> str:
    words: Mapping[str, str] = snippet_words()["en"]
    return fragment(cookie_list(replace(site, cookies={"marketing": cookies}), "en", words))


def test_what_the_shop_wrote_is_text_and_no_markup(site: Site) -> None:
    odd = Cookie("<img src=x>", 'A & "B"', {"en": "</td><script>alert(1)</script>"}, {"en": "1 day"})
    html = listed(site, odd)
    assert "&lt;img src=x&gt;" in html
    assert "A &amp; &quot;B&quot;" in html
    assert "<script" not in html


def test_countries_are_named_where_the_list_has_some(site: Site) -> None:
    near = Cookie("a", "Shop", {"en": "A"}, {"en": "1 day"})
    assert "Country" not in listed(site, near)
    far = replace(near, name="b", country="US")
    labelled = listed(site, near, far)
    assert '<td data-label="Country">United States</td>' in labelled
    html = re.sub(r' data-label="[^"]*"', "", labelled)
    assert "Countries to which data goes: United States." in html
    assert '<th scope="row">a</th><td>Shop</td><td></td><td>A</td>' in html
    assert '<th scope="row">b</th><td>Shop</td><td>United States</td><td>A</td>' in html


def test_a_name_in_two_places_says_which_as_it_lives_there_for_another_time(site: Site) -> None:
    cookies = for_site(["criteo"], ["en"]).cookies["marketing"]
    html = listed(site, *cookies)
    assert '<th scope="row">cto_bundle</th>' in html
    assert '<th scope="row">cto_bundle (localStorage)</th>' in html
    for rows in for_site(services(), ["en"]).cookies.values():
        lives: dict[tuple[str, str, str | None], set[str]] = {}
        for row in rows:
            shown = with_storage(row.name, row.kind), row.provider, row.host
            lives.setdefault(shown, set()).add(row.life["en"])
        assert [shown for shown, said in lives.items() if len(said) > 1] == []


@pytest.mark.parametrize(
    ("keep", "says"), [("6 months", "6 ay"), ("1 year", "1 il"), ("13 months", "13 ay"), ("45 days", "45 gün")]
)
def test_how_long_an_answer_holds_is_said_as_it_is_written(site: Site, keep: str, says: str) -> None:
    assert time_span(duration(keep), "az") == says
    assert says in facts(replace(site, keep=duration(keep)), "az", snippet_words()["az"])[0]


def test_days_and_countries_are_said_as_the_language_does() -> None:
    assert day(date(2025, 12, 20), "en") == "20 December 2025"
    assert day(date(2025, 12, 20), "az") == "20 dekabr 2025"
    assert country_name("RU", "tr") == "Rusya"
    assert country_name("XX", "tr") == "XX"
    assert country_name("RU", "qqq") == "Russia"


def test_the_documented_nginx_includes_it_whatever_the_browser_takes(
    demo: Live, short_folder: Callable[[], Path]
) -> None:
    folder, port = short_folder(), free_port()
    (folder / "privacy.html").write_text(f"<!doctype html><h1>Privacy</h1>{example('list included')}", "utf-8")
    locations = example("list nginx").replace("http://127.0.0.1:8000/v1/shop/", f"{demo.url}/v1/smartmarket/")
    page = f"http://127.0.0.1:{port}/privacy.html"
    with running(*nginx(folder, f"server {{ listen 127.0.0.1:{port}; root {folder}; {locations} }}")):
        up(page)
        asked = urllib.request.Request(page, headers={"Accept-Encoding": "br, gzip"})
        with urllib.request.urlopen(asked) as said:
            text = said.read().decode()
    assert '<div data-consent-list><div lang="az" dir="auto">' in text
    assert '<th scope="row">_sm_ads</th>' in text
