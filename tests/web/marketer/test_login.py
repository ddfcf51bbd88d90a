"""Who logs in: strangers can neither guess for long nor lock out who has been here."""

import io

from consent_server.tokens import token
from consent_server.web.marketer.login import MOST

PASSWORD = "leyla-password"


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
