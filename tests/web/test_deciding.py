"""A decision is acknowledged with a token once, or refused in words."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from problem_shape import ORIGIN, problem

from consent_server.tokens import Verifier

# Decisions


def test_a_decision_is_acknowledged_with_a_token(shopper, client):
    response = shopper.decide("analytics")
    assert response.status_code == 201
    answer = response.get_json()
    assert set(answer) == {"token", "allow", "at", "expires"}
    assert answer["allow"] == ["analytics"]
    assert answer["expires"] - answer["at"] == shopper.site.keep
    consent = Verifier(client.get("/v1/keys.json").get_json(), "smartmarket").verify(answer["token"])
    assert consent.allows("analytics")
    assert not consent.allows("marketing")


def test_sixteen_at_once_are_one(app, shopper):
    notice = shopper.client.get("/v1/smartmarket/notice?lang=az").get_json()["notice"]
    body = json.dumps({"id": "sixteen-times-at-once", "allow": ["marketing"], "notice": notice})

    def post(_):
        return app.test_client().post("/v1/smartmarket/decisions", data=body, headers=ORIGIN)

    with ThreadPoolExecutor(16) as threads:
        responses = list(threads.map(post, range(16)))
    assert sorted(r.status_code for r in responses) == [200] * 15 + [201]
    assert len({r.get_json()["token"] for r in responses}) == 1


def test_the_same_id_with_another_answer_is_a_conflict(shopper):
    assert shopper.decide("analytics", id="one-decision-only").status_code == 201
    shopper.token = None
    problem(shopper.decide("marketing", id="one-decision-only"), 409, "other-content")


def test_a_change_names_the_token_it_follows(shopper):
    shopper.decide("analytics", "marketing")
    assert shopper.decide("analytics").status_code == 201
    history = shopper.get("me").get_json()["history"]
    assert [(entry["kind"], entry["allow"]) for entry in history] == [
        ("first", ["analytics", "marketing"]),
        ("change", ["analytics"]),
    ]


def test_a_replayed_token_cannot_be_followed(shopper):
    shopper.decide("analytics")
    old = shopper.token
    shopper.decide("marketing")
    problem(shopper.decide("functional", previous=old), 409, "previous-replaced")


@pytest.mark.parametrize(
    "forge", [lambda t: t[:-5] + "AAAAA", lambda t: "x" + t, lambda t: t.split(".")[0], lambda t: ""]
)
def test_a_forged_token_cannot_be_followed(shopper, forge):
    shopper.decide("analytics")
    problem(shopper.decide("functional", previous=forge(shopper.token)), 422, "previous-refused")


def test_a_token_of_another_shop_cannot_be_followed(shopper, app, other_site):
    elsewhere = type(shopper)(app.test_client(use_cookies=False), other_site)
    elsewhere.decide("analytics")
    problem(shopper.decide("functional", previous=elsewhere.token), 422, "previous-refused")


@pytest.mark.parametrize(
    ("fields", "status", "kind"),
    [
        ({"allow": "analytics"}, 400, "malformed"),
        ({"id": 5}, 400, "malformed"),
        ({"at": 1}, 400, "malformed"),
        ({"date": "2026-01-01"}, 400, "malformed"),
        ({"allow": ["statistics"]}, 422, "unknown-category"),
        ({"notice": "no-such-notice"}, 422, "unknown-notice"),
    ],
)
def test_it_refuses_in_words(shopper, fields, status, kind):
    problem(shopper.decide(**fields), status, kind)


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [(b"", 400, "malformed"), (b"not json", 400, "malformed"), (b"{}" + b" " * 4095, 413, "too-large")],
)
def test_it_refuses_a_body_that_is_none(shopper, body, status, kind):
    problem(shopper.post(body), status, kind)


def test_an_unknown_site_is_not_found(client):
    problem(client.post("/v1/nobody/decisions", data="{}"), 404, "unknown-site")
    problem(client.get("/v1/nobody/consent.js"), 404, "unknown-site")


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://smartmarket.az.evil.example", "http://smartmarket.az", ""]
)
def test_a_foreign_origin_is_refused_and_not_told_it_may_read(client, origin):
    response = client.post("/v1/smartmarket/decisions", data="{}", headers={"Origin": origin})
    problem(response, 403, "foreign-origin")
    assert "Access-Control-Allow-Origin" not in response.headers


def test_a_page_of_the_shop_may_read_the_answer(shopper):
    response = shopper.decide()
    assert response.headers["Access-Control-Allow-Origin"] == "https://smartmarket.az"
    assert "Origin" in response.headers["Vary"]


def test_other_methods_and_paths_have_the_same_shape_of_error(client):
    problem(client.get("/v1/smartmarket/decisions"), 405, "method-not-allowed")
    problem(client.get("/nowhere"), 404, "not-found")


def test_too_many_from_one_address_are_told_to_wait(app, shopper, monkeypatch):
    services = app.extensions["consent"]
    app.extensions["consent"] = type(services)(
        **{**vars(services), "settings": type(services.settings)(**{**vars(services.settings), "client_limit": 2})}
    )
    assert [shopper.decide().status_code for _ in range(3)] == [201, 201, 429]
    assert shopper.decide().headers["Retry-After"] == "60"


def _notice(shopper):
    return shopper.client.get("/v1/smartmarket/notice?lang=az").get_json()["notice"]


def test_a_repeat_gives_its_token_for_ten_minutes_only(shopper, clock):
    """Whoever reads the log knows the id of each decision."""
    first = shopper.decide("analytics", id="known-to-a-stranger-too").get_json()
    for seconds, has_token in ((599, True), (2, False), (86400, False)):
        clock.pass_by(seconds)
        shopper.token = None
        said = shopper.post(
            json.dumps({"id": "known-to-a-stranger-too", "allow": ["analytics"], "notice": _notice(shopper)})
        )
        assert said.status_code == 200
        assert said.get_json() == (first if has_token else {k: v for k, v in first.items() if k != "token"})


def test_a_refusal_that_is_sent_again_gets_the_token_that_names_nobody_at_any_time(shopper, clock):
    first = shopper.decide(id="known-to-a-stranger-too").get_json()
    clock.pass_by(86400)
    shopper.token = None
    assert shopper.decide(id="known-to-a-stranger-too").get_json() == first


@pytest.mark.parametrize(
    ("agent", "status"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", 403),
        ("Mozilla/5.0 (Linux; Android 11; moto g) Chrome/125.0 Mobile Safari/537.36 Chrome-Lighthouse", 403),
        ("Mozilla/5.0 (Linux; Android 10; CUBOT NOTE 20) Chrome/125.0 Mobile Safari/537.36", 201),
        ("python-requests/2.32.5", 201),
    ],
)
def test_what_a_known_bot_decides_is_neither_kept_nor_counted(shopper, marketer, agent, status):
    shopper.client.environ_base["HTTP_USER_AGENT"] = agent
    answer = shopper.decide("analytics")
    assert answer.status_code == status
    if status == 403:
        problem(answer, 403, "known-bot")
    counts = marketer.get("/v1/smartmarket/rates").get_json()["total"]["counts"]
    assert counts["answered"] == (status == 201)
