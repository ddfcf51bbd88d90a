"""The marketers' page answers where the operator says, for on the shop's own host any script could use its session."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from forms import api_key

from consent_server.settings.environment import read_environment
from consent_server.settings.rows import SettingsError
from consent_server.site import Site

PAGES = ("/", "/keys?site=smartmarket", "/v1/smartmarket/rates", "/v1/smartmarket/rates.csv")
SHOP, OWN = "https://smartmarket.az", "https://rates.example"


def bound(app: Flask, where: str | None) -> None:
    services = app.extensions["consent"]
    app.extensions["consent"] = replace(services, settings=replace(services.settings, marketers=where))


def log_in(app: Flask, base: str) -> int:
    fields = {"name": "leyla", "password": "leyla-password"}
    return app.test_client().post("/login", data=fields, base_url=base).status_code


def test_on_any_other_host_it_is_not_there_even_with_a_session(app: Flask, marketer: FlaskClient) -> None:
    bound(app, "rates.example")
    window = app.test_client(use_cookies=False)
    fields = {"name": "leyla", "password": "leyla-password"}
    session = window.post("/login", data=fields, base_url=OWN).headers["Set-Cookie"].partition(";")[0]
    for path in PAGES:
        assert window.get(path, base_url=OWN, headers={"Cookie": session}).status_code == 200, path
        for more in ({}, {"Authorization": "Basic eDp5"}):  # a script may send any header
            asked = window.get(path, base_url=SHOP, headers={"Cookie": session, **more})
            assert asked.status_code == 404, path
    assert (log_in(app, SHOP), log_in(app, OWN)) == (404, 303)
    assert app.test_client().get("/v1/smartmarket/consent.js", base_url=SHOP).status_code == 200


def test_none_leaves_it_out_and_what_shoppers_ask_is_there(app: Flask, marketer: FlaskClient) -> None:
    bound(app, "none")
    for base in (SHOP, OWN, "http://none", "http://localhost"):
        assert {marketer.get(path, base_url=base).status_code for path in PAGES} == {404}
        assert log_in(app, base) == 404
        assert marketer.get("/v1/keys.json", base_url=base).status_code == 200


@pytest.mark.parametrize("where", ["rates.example", "none"])
def test_an_api_key_reads_the_rates_everywhere(app: Flask, marketer: FlaskClient, site: Site, where: str) -> None:
    key = api_key(marketer, site)
    bound(app, where)
    for path in PAGES[2:]:
        for text, status in ((key, 200), ("nobody", 401)):
            asked = app.test_client().get(path, base_url=SHOP, headers={"Authorization": f"Bearer {text}"})
            assert asked.status_code == status
        with_both = marketer.get(path, headers={"Authorization": "Bearer nobody"})
        assert with_both.status_code == 401, "a header beside a session is no way round"


@pytest.mark.parametrize("value", ["https://rates.example", "rates.example/", "*.example", "a b"])
def test_what_is_no_host_is_refused(value: str) -> None:
    with pytest.raises(SettingsError, match="CONSENT_MARKETERS"):
        read_environment({"CONSENT_MARKETERS": value})
