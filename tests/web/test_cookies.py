"""What the server reads of the answer's cookies on the shop's own host, and the little that it sets there."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import quote

import pytest
from conftest import Shopper
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from consent_server.decision import Consent, Decision
from consent_server.site import mask_of
from consent_server.tokens import token

HOST = "https://smartmarket.az"
NOON = 1_772_452_800
HOUR = 3600


def issued(app: Flask, *allow: str, at: int, site: str = "smartmarket") -> str:
    """Return the token of an answer given at a moment in seconds."""
    names = {"sub": "s" * 22, "jti": f"decided-at-{at}-" + "-".join(allow)} if allow else {}
    consent = Consent(site=site, allow=sorted(allow), rev=1, notice="n" * 22, at=at, exp=at + 10**7, **names)
    return token(consent, app.extensions["consent"].keys.sign(consent))


def kept(app: Flask, *allow: str, at: int) -> str:
    """Return the token of an answer that the log holds too."""
    if not allow:
        return issued(app, at=at)
    services = app.extensions["consent"]
    notice = services.scripts["smartmarket"].notices["az"][0]
    decision = Decision(f"decided-at-{at}-" + "-".join(allow), mask_of(allow), notice, "save", None)
    site = services.sites["smartmarket"]
    found = services.store.decisions.record(site, decision, now=at * 1000, sign=services.keys.sign)
    return token(found.consent, found.signature)


def ask(
    client: FlaskClient, method: str, path: str, cookies: list[tuple[str, str]], origin: str = HOST
) -> TestResponse:
    sent = {"Origin": origin, "Cookie": "; ".join(f"{name}={value}" for name, value in cookies)}
    return client.open(f"/v1/smartmarket/{path}", method=method, headers=sent, base_url=HOST)


@pytest.fixture
def own(app: Flask) -> FlaskClient:
    """A browser whose cookies are what the test says."""
    return app.test_client(use_cookies=False)


def test_no_answer_to_a_decision_sets_a_cookie_not_even_on_the_shops_own_host(
    shopper: Shopper, own: FlaskClient
) -> None:
    own.environ_base["HTTP_HOST"] = "smartmarket.az"
    for allow in ((), ("analytics",)):
        answered = Shopper(own, shopper.site).decide(*allow)
        assert answered.status_code == 201
        assert "Set-Cookie" not in answered.headers
    assert "Set-Cookie" not in Shopper(own, shopper.site).post(b"nonsense").headers


@pytest.mark.parametrize(
    "waiting",
    [f'[{{"at":1,"x":{"[" * 3000}{"]" * 3000}}}]', f'[{{"at":{"9" * 400}}}]', '[{"at":-1}]', "[", "\xff", "[1]"],
)
def test_a_cookie_of_any_text_is_no_hindrance_to_a_decision(shopper: Shopper, own: FlaskClient, waiting: str) -> None:
    own.environ_base["HTTP_COOKIE"] = f"consent=~{quote(waiting)}"
    assert Shopper(own, shopper.site).decide("analytics").status_code == 201


def test_erasing_sets_none_either_as_it_may_come_after_the_next_answer(app: Flask, own: FlaskClient) -> None:
    erased = ask(own, "DELETE", "me", [("consent", issued(app, "analytics", at=NOON + 60))])
    assert (erased.status_code, "Set-Cookie" in erased.headers) in {(200, False), (401, False)}


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ([((), 0), (("analytics",), HOUR)], True),
        ([(("analytics",), HOUR), ((), 0)], True),
        ([(("analytics",), 0), ((), HOUR)], False),
        ([((), 0), (("analytics",), 0)], False),
        ([(("analytics",), HOUR - 1), ((), 0)], False),
        ([(("analytics", "marketing"), 5), (("marketing",), 5)], False),
        ([(("marketing",), 5), (("analytics",), 6)], True),
    ],
)
def test_of_several_answers_the_newest_counts_and_of_two_without_an_order_the_stricter(
    app: Flask, own: FlaskClient, clock: object, given: list[tuple[tuple[str, ...], int]], allowed: bool
) -> None:
    hour = NOON - 5 * HOUR
    cookies = [("consent", kept(app, *allow, at=hour + after)) for allow, after in given]
    for sent in (cookies, cookies[::-1], [("consent", "1"), *cookies, ("consent", "~null")]):
        assert ask(own, "GET", "allows/analytics", sent).status_code == (204 if allowed else 403)


def test_an_answer_that_waits_in_another_scope_is_newer_than_any_signed_one(
    app: Flask, own: FlaskClient, clock: object
) -> None:
    yes = kept(app, "analytics", at=NOON - HOUR)
    waits = quote('[{"allow":[],"site":"smartmarket"}]', safe="")
    for value, status in (("~" + waits, 403), ("~" + waits.replace("smartmarket", "kitab"), 204)):
        for sent in ([("consent", yes), ("consent", value)], [("consent", value), ("consent", yes)]):
            assert ask(own, "GET", "allows/analytics", sent).status_code == status
            assert ask(own, "GET", "allows/necessary", sent).status_code == 204


def test_what_lasts_is_set_in_two_steps_which_say_nothing_alone(app: Flask, own: FlaskClient, clock: object) -> None:
    held = ("consent", issued(app, "analytics", at=NOON - 60))
    first = ask(own, "POST", "keep", [held])
    found = re.fullmatch(r"ask-guard=([A-Za-z0-9_-]{11}); (.*)", first.headers["Set-Cookie"])
    assert first.status_code == 204
    assert found
    assert {"Secure", "Path=/", "SameSite=Lax", f"Max-Age={10**7 - 60 + 90 * 86400}"} <= set(found[2].split("; "))
    assert "HttpOnly" not in found[2]  # a page that records another answer removes it
    again = ask(own, "POST", "keep", [held])
    assert again.headers["Set-Cookie"] != first.headers["Set-Cookie"], "a guard that came once never comes again"

    second = ask(own, "POST", "keep", [held, ("ask-guard", found[1])])
    assert second.headers["Set-Cookie"].startswith(f"ask-kept={found[1]}.{held[1]};")


def test_nobody_is_numbered_for_refusing_by_what_lasts(app: Flask, own: FlaskClient, clock: object) -> None:
    held = ("consent", issued(app, at=NOON - HOUR))
    assert ask(own, "POST", "keep", [held]).headers["Set-Cookie"].startswith("ask-guard=0;")
    assert (
        ask(own, "POST", "keep", [held, ("ask-guard", "abcdefghijk")]).headers["Set-Cookie"].startswith("ask-guard=0;")
    )
    assert (
        ask(own, "POST", "keep", [held, ("ask-guard", "0")]).headers["Set-Cookie"].startswith(f"ask-kept=0.{held[1]};")
    )
    yes = ("consent", issued(app, "analytics", at=NOON - HOUR))
    assert re.match(r"ask-guard=[\w-]{11};", ask(own, "POST", "keep", [yes, ("ask-guard", "0")]).headers["Set-Cookie"])


def test_what_lasts_is_for_the_shops_own_host_and_needs_a_token(app: Flask, own: FlaskClient, clock: object) -> None:
    held = ("consent", issued(app, "analytics", at=NOON - 60))
    site = app.extensions["consent"].sites["smartmarket"]
    other = next(origin for origin in site.origins if origin != HOST)
    assert "Set-Cookie" not in ask(own, "POST", "keep", [held], other).headers
    assert ask(own, "POST", "keep", [held], "https://evil.example").status_code == 403
    for value in ("", "1", "~null", issued(app, "analytics", at=NOON - 60, site="kitab")):
        assert ask(own, "POST", "keep", [("consent", value)]).status_code == 401


def test_a_shop_may_take_the_name_that_no_other_host_can_set(app: Flask, own: FlaskClient, clock: object) -> None:
    behind = app.extensions["consent"]
    site = replace(behind.sites["smartmarket"], host_cookie=True, cookie_domain=None)
    app.extensions["consent"] = replace(behind, sites={**behind.sites, site.id: site})
    text = kept(app, "analytics", at=NOON - 60)
    assert site.cookie == "__Host-consent"
    assert ask(own, "GET", "allows/analytics", [("consent", text)]).status_code == 403
    assert ask(own, "GET", "allows/analytics", [("__Host-consent", text)]).status_code == 204
    # A pair that another host may set counts for nothing.
    assert "Set-Cookie" not in ask(own, "POST", "keep", [("__Host-consent", text)]).headers
