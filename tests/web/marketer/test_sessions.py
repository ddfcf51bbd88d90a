"""Who gets in to the marketers' pages, for how long, and what keeps strangers out."""

import re

import pytest
from forms import form_word, post
from three_answers import log_in, three_answers
from werkzeug.security import generate_password_hash

from consent_server.web.marketer import session
from consent_server.web.marketer.session import hash_password
from consent_server.web.marketer.words import Words

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
