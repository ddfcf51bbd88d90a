"""A link shows one report without a login, and nothing else; altered, expired or revoked it shows nothing."""

import html
import logging
import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import msgspec
import pytest
from conftest import closing
from forms import post
from three_answers import TODAY, log_in, three_answers

from consent_server import create_app
from consent_server.decision import COLUMNS
from consent_server.site import Variant, base64url
from consent_server.store.keys import buckets
from consent_server.tokens import token
from consent_server.web.marketer import api_keys, links
from consent_server.web.marketer.session import hash_password
from consent_server.web.marketer.words import LANGUAGES, Words


def share(marketer, site, query="") -> str:
    """Make a link as the page does, and return its path."""
    page = marketer.get(f"/links?site={site.id}&{query}").text
    asked = html.unescape(re.search(r'name="asked" value="([^"]*)"', page)[1])
    made = post(marketer, "/links", page, site=site.id, name="the board", days="7", asked=asked)
    assert made.status_code == 201, made.text
    return re.search(r"<code>http://localhost(/shared/[^<]+)</code>", made.text)[1]


def test_a_link_shows_the_report_that_was_on_the_page_and_nothing_else(marketer, stranger, shopper, site):
    three_answers(shopper)
    day = TODAY - timedelta(days=3)
    path = share(marketer, site, f"from={day}&to={TODAY}&device=desktop&goal=reach_analytics&target=30")
    answer = stranger.get(path)
    assert answer.status_code == 200
    words = Words.of("en")
    assert words.days(day, TODAY) in answer.text
    assert "Analytics was allowed in <b>40.0%</b> of the <b>5</b> visits" in answer.text
    assert "the target 30%" in answer.text
    assert str(words("link_shared", day=words.day(TODAY + timedelta(days=7), year=True))) in answer.text
    # It leads nowhere but to itself in another language, its style and its script, and nothing on it is sent.
    leads = {*re.findall(r'(?:href|src|action)="([^"#]+)', answer.text)}
    assert {each for each in leads if not each.startswith(("/assets/", "data:", f"{path}?lang="))} == set()
    assert "<form" not in answer.text
    # What is asked beside the link changes nothing.
    assert words.days(day, TODAY) in stranger.get(f"{path}?from=2026-01-01&site=kitab&device=phone").text
    for other in ("/", f"/v1/{site.id}/rates", f"/links?site={site.id}", f"/keys?site={site.id}"):
        assert site.name not in stranger.get(other, headers={"Authorization": f"Bearer {path[8:]}"}).text


@pytest.mark.parametrize("query", ["", "&device=tablet"])
def test_of_quiet_days_who_has_a_link_is_not_told_to_choose_others(marketer, stranger, shopper, site, query):
    three_answers(shopper)
    day, key = TODAY - timedelta(days=3), "quiet_part" if query else "quiet"
    asked = f"from={day}&to={day}{query}"
    for page, told in ((marketer.get(f"/?{asked}"), True), (stranger.get(share(marketer, site, asked)), False)):
        assert str(Words.of("en")(key)) in page.text
        assert (str(Words.of("en")("quiet_drop" if query else "quiet_other")) in page.text) is told


def test_a_link_without_days_shows_the_last_thirty_at_any_time(marketer, stranger, shopper, site):
    three_answers(shopper)
    path = share(marketer, site)
    assert Words.of("en").days(TODAY - timedelta(days=29), TODAY) in stranger.get(path).text
    assert "the last 30 days, whenever it is opened" in marketer.get(f"/links?site={site.id}").text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_lists_of_links_and_keys_say_who_made_each(marketer, site, lang):
    share(marketer, site)
    post(marketer, "/keys", marketer.get(f"/keys?site={site.id}").text, site=site.id, name="a sheet")
    for page in ("links", "keys"):
        said = Words.of(lang)("made_by", name="leyla")
        assert marketer.get(f"/{page}?site={site.id}&lang={lang}").text.count(f"{said}</span>") == 1


def test_a_link_is_told_to_nobody(marketer, stranger, shopper, site, caplog):
    caplog.set_level(logging.DEBUG)
    path = share(marketer, site)
    answer = stranger.get(path)
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Robots-Tag"].startswith("noindex")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "'unsafe" not in answer.headers["Content-Security-Policy"]
    assert '<meta name="robots" content="noindex">' in answer.text
    assert path[8:30] not in caplog.text


def test_a_store_that_is_read_gives_no_link(app, marketer, site):
    path = share(marketer, site)
    redis = app.extensions["consent"].store.connection.client
    kept = redis.hgetall(f"consent:{{{site.id}}}:links")
    assert kept
    assert path[8:].encode() not in b"".join([*kept, *kept.values()])


@pytest.mark.parametrize("lang", LANGUAGES)
def test_an_altered_expired_or_revoked_link_is_refused_in_one_sentence(app, monkeypatch, marketer, site, lang):
    stranger, words = app.test_client(), Words.of(lang)
    path = share(marketer, site)

    def refused(path, status, key):
        answer = stranger.get(path, query_string={"lang": lang})
        assert (answer.status_code, answer.headers["Referrer-Policy"]) == (status, "no-referrer")
        assert f"<p>{words(key)}</p>" in answer.text
        assert site.name not in answer.text

    payload, _, signature = path[8:].partition(".")
    keys = app.extensions["consent"].keys
    other = {"typ": "known", "site": site.id, "id": "x", "exp": 9_999_999_999}
    for altered in (
        path[:-1] + ("B" if path[-1] == "A" else "A"),
        path[:-20],
        f"/shared/{payload[:-2]}AA.{signature}",
        f"/shared/{payload}.{base64url(bytes(64))}",
        "/shared/x",
        "/shared/%C9%99",
        f"/shared/{token(other, keys.sign(other))}",
    ):
        refused(altered, 404, "link_altered")
    page = marketer.get(f"/links?site={site.id}").text
    with monkeypatch.context() as patch:
        patch.setattr(links, "time", SimpleNamespace(time=lambda: time.time() + 7 * 86400))
        refused(path, 410, "link_expired")
    link = re.search(r'name="link" value="([0-9a-f]+)"', page)[1]
    assert post(marketer, "/links/revoke", page, site=site.id, link=link).status_code == 303
    refused(path, 410, "link_revoked")


def test_a_link_ends_with_its_shop_and_with_the_secret_that_signed_it(app, marketer, stranger, site, monkeypatch):
    path = share(marketer, site)
    services = app.extensions["consent"]
    with monkeypatch.context() as patch:
        patch.delitem(services.sites, site.id)
        assert stranger.get(path).status_code == 410
    assert stranger.get(path).status_code == 200


def test_only_a_marketer_of_the_shop_makes_and_revokes_links(marketer, other_marketer, stranger, site):
    path = share(marketer, site)
    assert stranger.get(f"/links?site={site.id}").headers["Location"] == "/"
    page = other_marketer.get("/links?site=kitab").text
    assert other_marketer.get(f"/links?site={site.id}").status_code == 403
    for target in ("/links", "/links/revoke"):
        assert post(other_marketer, target, page, site=site.id, name="x", link="x").status_code == 403
        fields = {"site": site.id, "name": "x", "form": "0" * 64}
        assert marketer.post(target, data=fields).status_code == 403
    assert stranger.get(path).status_code == 200


@pytest.mark.parametrize(
    "query",
    ["from=spring", "goal=grant_marketing", "country=AZ&device=phone", "target=many", "device=Phone", "country=AZE"],
)
def test_a_question_without_an_answer_gets_no_link(marketer, site, query):
    page = marketer.get(f"/links?site={site.id}").text
    for answer in (
        marketer.get(f"/links?site={site.id}&{query}"),
        post(marketer, "/links", page, site=site.id, name="x", asked=query),
    ):
        assert (answer.status_code, answer.mimetype) == (400, "text/html")
        assert 'class="alone"' in answer.text


def test_links_that_expired_are_forgotten(app, marketer, site):
    store = app.extensions["consent"].store
    old = links.make_link(site, "old", -1, {})
    store.marketers.add_link(site, old)
    assert "old" not in marketer.get(f"/links?site={site.id}").text
    share(marketer, site)
    assert [link.name for link in store.marketers.links(site)] == ["the board"]


def put_variant(store, site, day, variant: str, shown: int, accepted: int) -> None:
    """Write what a day's counters of a variant are, and of all, as the script would after many displays and answers."""
    client, bucket = store.connection.client, buckets(site)[0]
    client.hset(bucket.values, f"variant={variant}", number := {"calm": 1, "short": 2}[variant])
    for start in (0, number * 31):
        row = (start + day.day - 1) * len(COLUMNS)
        bits = client.bitfield(bucket.count(f"{day:%Y-%m}")).set("u32", f"#{row}", shown)
        bits.set("u32", f"#{row + COLUMNS.index('first7')}", accepted).execute()


def test_a_link_to_past_days_shows_variants_as_they_were_then_and_goes_on_to(settings, site):
    tried = replace(site, id="tried", variants=(Variant("calm", 1, None, {}), Variant("short", 1, None, {})))
    app = create_app(settings, {"tried": tried})
    services = app.extensions["consent"]
    with closing(services.store) as store:
        end = TODAY - timedelta(days=10)
        put_variant(store, tried, end, "calm", 2000, 400)
        put_variant(store, tried, end, "short", 2000, 1200)
        link = links.make_link(tried, "the board", 7, {"from": f"{end - timedelta(6)}", "to": f"{end}"})
        now = links.make_link(tried, "everybody", 7, {})
        for each in (link, now):
            store.marketers.add_link(tried, each)
        read = lambda each: app.test_client().get(links.path_of(tried, each, services.keys)).text  # noqa: E731
        then = read(link)
        assert "short is better than calm" in re.sub("<[^>]*>", "", then)
        words = Words.of("en")
        span = words.days(end - timedelta(days=365), end)
        assert str(words("verdict_between", days=span)) in then
        # Since then the other one has won by far, and from today on it is tried against a third.
        put_variant(store, tried, TODAY, "calm", 90_000, 80_000)
        put_variant(store, tried, TODAY, "short", 90_000, 10_000)
        asked = store.notices.asked(tried)[-1]
        store.notices.note(tried, msgspec.structs.replace(asked, at=asked.at + 1, variants=("calm", "third")))
        assert re.findall(r"<section aria-labelledby=.variants.*?</section>", read(link), re.S) == re.findall(
            r"<section aria-labelledby=.variants.*?</section>", then, re.S
        )
        assert str(words("verdict_next", day=words.day(TODAY + timedelta(days=1), year=True))) in read(now)
        assert ">third</th>" in read(now)
        assert "short is better" not in re.sub("<[^>]*>", "", read(now))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_sixty_a_minute_are_opened_from_one_address(clock, marketer, stranger, lang):
    answers = [stranger.get(f"/shared/x?lang={lang}") for _ in range(61)]
    assert [answer.status_code for answer in answers] == [404] * 60 + [429]
    assert str(Words.of(lang)("link_slow")) in answers[-1].text
    assert (answers[-1].headers["Retry-After"], answers[-1].headers["Referrer-Policy"]) == ("60", "no-referrer")


def test_a_question_that_cannot_be_answered_any_more_shows_no_other_report(app, marketer, stranger, site):
    services = app.extensions["consent"]
    link = links.make_link(site, "\x1b[2Jthe agency", 7, {"from": "2001-01-01", "device": "phone"})
    services.store.marketers.add_link(site, link)
    answer = stranger.get(links.path_of(site, link, services.keys))
    assert (answer.status_code, site.name in answer.text) == (410, False)
    page = marketer.get(f"/links?site={site.id}")
    assert page.status_code == 200
    assert f'value="{link.id}"' in page.text  # it can be revoked
    assert link.name == "[2Jthe agency"
    day = TODAY - timedelta(days=3)
    share(marketer, site, f"from={day}")
    said = Words.of("en")("links_since", day=Words.of("en").day(day, year=True))
    assert str(said) in marketer.get(f"/links?site={site.id}").text


def test_the_last_day_of_a_link_and_the_first_of_a_key_are_days_of_the_shop(settings, site, shopper, monkeypatch):
    late = int(datetime(2026, 3, 2, 21, 30, tzinfo=UTC).timestamp())  # half past one of the third, in Baku
    for module in (links, api_keys):
        monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: late))
    app = create_app(settings, {site.id: replace(site, timezone="Asia/Baku")})
    with closing(app.extensions["consent"].store) as store:
        store.marketers.add("leyla", hash_password("x"), [site.id])
        window = app.test_client()
        log_in(window, "leyla", "x")
        path = share(window, site)
        assert "until 10 Mar 2026" in window.get(f"/links?site={site.id}").text
        assert "works until 10 Mar 2026" in window.get(path).text
        page = window.get(f"/keys?site={site.id}").text
        assert "3 Mar 2026" in post(window, "/keys", page, site=site.id, name="x").text


def test_a_shop_has_no_more_links_than_can_be_read(app, marketer, site, monkeypatch):
    monkeypatch.setattr(links, "MOST", 1)
    page = marketer.get(f"/links?site={site.id}").text
    app.extensions["consent"].store.marketers.add_link(site, links.make_link(site, "over", -1, {}))
    assert post(marketer, "/links", page, site=site.id, name="x", days="7", asked="").status_code == 201
    assert post(marketer, "/links", page, site=site.id, name="x", days="7", asked="").status_code == 400
