"""Who logs in: strangers can neither guess for long nor lock out who has been here."""

import io
from dataclasses import replace

import pytest
from conftest import closing
from forms import form_word, post

from consent_server import create_app
from consent_server.tokens import token
from consent_server.web.marketer import login
from consent_server.web.marketer.login import MOST
from consent_server.web.marketer.session import hash_password
from consent_server.web.marketer.words import Words

PASSWORD = "leyla-password"
EN = Words.of("en")


def log_in(client, name, password, address="192.0.2.1"):
    return client.post("/login", data={"name": name, "password": password}, environ_base={"REMOTE_ADDR": address})


def test_strangers_do_not_lock_out_a_browser_that_the_marketer_has_logged_in_in(clock, app, marketer):
    assert marketer.get("/").status_code == 200
    clock.pass_by(61)
    strangers = [log_in(app.test_client(), "leyla", "wrong", f"198.51.100.{n}").status_code for n in range(40)]
    strangers += [log_in(app.test_client(), "leyla", "wrong").status_code for n in range(30)]
    assert strangers.count(429) > 30
    assert log_in(app.test_client(), "leyla", PASSWORD, "203.0.113.1").status_code == 429, "a stranger as any"
    # From the very address, too, that a stranger tries from.
    assert log_in(marketer, "leyla", PASSWORD).status_code == 303


def test_such_a_browser_guesses_no_faster_and_for_no_other_name(clock, app, marketer):
    clock.pass_by(61)
    assert [log_in(marketer, "leyla", "wrong").status_code for _ in range(8)] == [401] * 5 + [429] * 3
    clock.pass_by(61)
    # For another name it is a stranger.
    assert [log_in(marketer, "murad", "wrong").status_code for _ in range(8)] == [401] * 5 + [429] * 3
    assert {log_in(app.test_client(), "murad", "wrong", f"198.51.100.{n}").status_code for n in range(40)} == {401, 429}


def test_the_cookie_that_says_so_cannot_be_made_up(clock, app, marketer):
    clock.pass_by(61)
    genuine = marketer.get_cookie("known").value
    assert marketer.get_cookie("known").http_only
    services = app.extensions["consent"]
    other = {"typ": "receipt", "name": "leyla", "id": "x"}
    for made_up in ("x.y", "x" + genuine, token(other, services.keys.sign(other))):
        clock.pass_by(61)
        browser = app.test_client()
        browser.set_cookie("known", made_up)
        assert [log_in(browser, "leyla", "wrong").status_code for _ in range(6)] == [401] * 5 + [429]
        browser = app.test_client()
        browser.set_cookie("known", made_up)
        assert log_in(browser, "leyla", PASSWORD).status_code == 429


def test_the_login_takes_a_few_kilobytes(app):
    client, form = app.test_client(), {"content_type": "application/x-www-form-urlencoded"}
    body = b"name=leyla&password=" + b"x" * 20_000
    answer = client.post("/login", data=body, **form)
    assert (answer.status_code, answer.mimetype) == (413, "application/problem+json")
    # Without a length no more than that is read.
    chunks = io.BytesIO(body)
    client.post(
        "/login",
        input_stream=chunks,
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
        **form,
    )
    assert 0 < chunks.tell() <= MOST
    assert client.post("/login", data={"name": "leyla", "password": "x" * 1000}).status_code == 401


# Another password


def change(marketer, old=PASSWORD, new="a new password", again=None):
    page = marketer.get("/password").text
    return post(marketer, "/password", page, old=old, new=new, again=new if again is None else again)


def test_another_password_ends_the_sessions_everywhere_else(app, marketer, site):
    elsewhere, thief = app.test_client(), app.test_client()
    assert log_in(elsewhere, "leyla", PASSWORD).status_code == 303
    thief.set_cookie("marketer", marketer.get_cookie("marketer").value)
    answer = change(marketer)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/password?changed=1")
    assert str(EN("password_changed")) in marketer.get("/password?changed=1").text
    for ended in (elsewhere, thief):
        assert 'name="password"' in ended.get("/").text
    assert site.name in marketer.get("/").text
    assert log_in(elsewhere, "leyla", PASSWORD).status_code == 401
    assert log_in(elsewhere, "leyla", "a new password").status_code == 303


def test_another_password_takes_the_old_one_and_is_long_and_the_same_twice(clock, app, marketer):
    for fields, status, key in (
        ({"old": "wrong"}, 403, "password_wrong"),
        ({"new": "short"}, 400, "password_short"),
        ({"new": "x" * 1001}, 400, "password_short"),
        ({"again": "another one"}, 400, "password_differs"),
    ):
        refused = change(marketer, **fields)
        assert (refused.status_code, str(EN(key)) in refused.text) == (status, True)
    assert [change(marketer, old="guess").status_code for _ in range(3)] == [403, 429, 429]
    assert marketer.get("/").status_code == 200
    assert app.test_client().get("/password").headers["Location"] == "/"
    assert marketer.post("/password", data={"form": "0" * 64}).status_code == 403
    clock.pass_by(61)
    assert log_in(app.test_client(), "leyla", PASSWORD).status_code == 303


def test_who_is_removed_or_let_in_anew_meanwhile_does_not_come_back_by_another_password(
    app, marketer, site, monkeypatch
):
    store = app.extensions["consent"].store.marketers

    def meanwhile(act):
        monkeypatch.setattr(login, "check_password_hash", lambda *_: act() or True)
        return change(marketer)

    assert meanwhile(lambda: store.add("leyla", hash_password("of the operator"), [])).headers["Location"] == "/"
    assert store.find("leyla").sites == ()
    monkeypatch.undo()
    store.add("leyla", hash_password(PASSWORD), [site.id])
    assert log_in(marketer, "leyla", PASSWORD).status_code == 303
    assert meanwhile(lambda: store.remove("leyla")).headers["Location"] == "/"
    assert store.find("leyla") is None


def test_a_form_that_takes_long_is_of_whom_it_is_once_it_is_whole(app, marketer, site):
    store = app.extensions["consent"].store.marketers
    word = form_word(marketer.get(f"/keys?site={site.id}").text)

    class Slow(io.BytesIO):
        def read(self, *size):
            store.remove("leyla")
            return super().read(*size)

        def readinto(self, buffer):
            store.remove("leyla")
            return super().readinto(buffer)

    body = f"form={word}&site={site.id}&name=x".encode()
    answer = marketer.post(
        "/keys", input_stream=Slow(body), content_length=len(body), content_type="application/x-www-form-urlencoded"
    )
    assert (answer.status_code, answer.headers.get("Location")) == (303, "/"), answer.text
    assert app.extensions["consent"].store.rates_keys.all(site) == []


@pytest.mark.parametrize("path", ["/password", "/notes", "/notes/remove", "/links", "/keys", "/logout"])
def test_each_form_takes_a_few_kilobytes(marketer, path):
    assert marketer.post(path, data={"file": (io.BytesIO(b"x" * 20_000), "x")}).status_code == 413


def test_the_page_below_a_prefix_is_where_its_cookies_go(settings, site):
    """They are for `/consent/`, which `/consent` is not."""
    app = create_app(replace(settings, prefix="/consent"), {site.id: site})
    with closing(app.extensions["consent"].store):
        answer = app.test_client().get("/consent")
        assert (answer.status_code, answer.headers["Location"]) == (308, "http://localhost/consent/")
