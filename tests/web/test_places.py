"""The rule for the caller's place over HTTP, and what is counted by rule."""

import re
import subprocess
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest
from beside import nginx
from conftest import Shopper, _logged_in, closing, free_port
from examples import ROOT, example
from flask import request
from placed import PLACES, RULES
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server

from consent_server import create_app
from consent_server.proof.log import export
from consent_server.rates.period import Period
from consent_server.rates.read import recount, report, today
from consent_server.settings.shops import read_sites
from consent_server.site.rules import rule_at
from consent_server.verify import verify
from consent_server.web.request import place as place_of

OWN = "https://smartmarket.az"


@pytest.fixture
def ruled(app, site):
    """The shop with rules by place, behind a proxy that knows where a shopper is."""
    settings = app.extensions["consent"].settings
    headers = {"country_header": "X-Country", "region_header": "X-Region"}
    made = create_app(replace(settings, **headers), {site.id: replace(site, rules=RULES)})
    with closing(made.extensions["consent"].store):
        yield made


def test_each_place_gets_its_rule_and_nobody_keeps_the_answer(ruled):
    client = ruled.test_client()
    for place, rule, kinds in PLACES:
        country, _, region = place.strip().upper().partition("-")
        if country != "UK":  # what people write, and no proxy
            headers = {"X-Country": country, "X-Region": region, "Origin": OWN}
            answer = client.get("/v1/smartmarket/place", headers=headers)
            assert answer.get_json() == {
                "rule": rule,
                "categories": dict(zip(("functional", "analytics", "marketing"), kinds, strict=True)),
            }
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Access-Control-Allow-Origin"] == OWN
    assert client.get("/v1/smartmarket/place").get_json()["rule"] == "unknown"
    assert client.get("/v1/smartmarket/place", headers={"X-Country": "T1"}).get_json()["rule"] == "unknown"
    foreign = client.get("/v1/smartmarket/place", headers={"Origin": "https://kitab.example"})
    assert (foreign.status_code, foreign.get_json()["type"]) == (403, "/problems/foreign-origin")
    assert client.get("/v1/none/place").status_code == 404


def test_a_shop_without_rules_has_everything_asked_for(client):
    asked = {"functional": "ask", "analytics": "ask", "marketing": "ask"}
    assert client.get("/v1/smartmarket/place").get_json() == {"rule": "", "categories": asked}


TABLE = (ROOT / "docs" / "places.md").read_text("utf-8").split("<!-- headers -->")[1].split("<!-- /headers -->")[0]
ROWS = re.findall(r"^\| ([^|]+) \| `([\w-]+)` \| `([\w-]+)` \| `(\w+)`, `([\w-]+)` \|", TABLE, re.MULTILINE)


def test_the_headers_of_each_proxy_in_the_documentation_are_read(app):
    assert len(ROWS) == 5
    for _, country, region, *values in ROWS:
        with app.test_request_context(headers=dict(zip((country, region), values, strict=True))):
            assert place_of(request.environ, country, region) == "US-CA"
            assert place_of(request.environ, country, None) == "US"


def test_the_example_is_read_and_comes_to_what_its_table_says(tmp_path):
    file = tmp_path / "consent.toml"
    file.write_text(
        '[sites.shop]\nname = "Shop"\norigins = ["https://shop.example"]\n'
        'policy_url = "/p"\npolicy_updated = 2026-01-01\n' + example("places"),
        "utf-8",
    )
    assert 'data-place="GB"' in example("places tag")
    rules = read_sites(file)["shop"].rules
    table = (ROOT / "docs" / "places.md").read_text("utf-8").partition("| place | functional")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (.+) \| (\w+) \| (\w+) \| (\w+) \|$", table, re.MULTILINE)
    assert len(rows) == 5
    for places, *kinds in rows:
        for place in places.replace("`", "").split(", "):
            rule = rule_at(rules, place)
            assert [rule.kinds.get(name, "ask") for name in ("functional", "analytics", "marketing")] == kinds, place


def test_nginx_tells_the_server_and_the_page_where_a_shopper_is(ruled, tmp_path):
    """The module and its database are of others: here a header stands for what they find."""
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "index.html").write_text('<script src="x" data-place=""></script>')
    server, port = (
        make_server("127.0.0.1", 0, DispatcherMiddleware(ruled, {"/consent": ruled}), threaded=True),
        free_port(),
    )
    found = """map $http_from $place_country { default ''; ~^(?<c>..) $c; }
    map $http_from $place_region { default ''; ~^..-(?<r>.+) $r; }"""
    text = re.sub(r"geoip2 .*?^}", found, example("places nginx"), flags=re.DOTALL | re.MULTILINE)
    text = text.replace("127.0.0.1:8080", f"127.0.0.1:{port}").replace("127.0.0.1:8000", f"127.0.0.1:{server.port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def get(path, place):
        until = time.monotonic() + 60
        while True:
            try:
                with urlopen(Request(f"http://127.0.0.1:{port}{path}", headers={"From": place})) as answer:
                    return answer.read().decode()
            except URLError as error:
                if process.poll() is not None or time.monotonic() > until:
                    raise AssertionError("nginx is gone or does not answer") from error
                time.sleep(0.02)

    with subprocess.Popen(nginx(tmp_path, text.replace("/usr/share/nginx/html", f"{tmp_path}/www"))) as process:
        try:
            for place, said, rule in (("GB", "GB-", "uk"), ("US-CA", "US-CA", "states"), ("", "-", "unknown")):
                assert f'data-place="{said}"' in get("/", place)
                assert rule_at(RULES, said).name == rule
                assert f'"rule":"{rule}"' in get("/consent/v1/smartmarket/place", place)
        finally:
            process.terminate()
            server.shutdown()
            server.server_close()


def test_what_was_asked_by_rule_is_counted_by_rule_and_again_from_the_log(ruled, site):
    shopper = Shopper(ruled.test_client(use_cookies=False), site)
    for rule, allow in (("uk", "analytics"), ("china", "functional"), ("", "marketing")):
        notice = shopper.client.get(f"/v1/smartmarket/notice?lang=en&rule={rule}").get_json()
        assert notice.get("rule", "") == rule
        body = f'{{"lang":"en","rule":"{rule}"}}'
        assert shopper.client.post("/v1/smartmarket/shown", data=body, headers={"Origin": OWN}).status_code == 204
        shopper.token = None
        assert shopper.decide(allow, notice=notice["notice"], lang="en").status_code == 201
        (held,) = shopper.get("me").get_json()["history"]
        assert held.get("rule", "") == rule
        if rule == "china":
            refused = shopper.decide("marketing", notice=notice["notice"], lang="en")
            assert (refused.status_code, refused.get_json()["type"]) == (422, "/problems/unknown-category")
    unknown = shopper.client.get("/v1/smartmarket/notice?lang=en&rule=ukk")
    assert (unknown.status_code, "its rules: uk, states" in unknown.get_json()["detail"]) == (404, True)
    services = ruled.extensions["consent"]
    shop = services.sites[site.id]
    period = Period(today(shop), today(shop))
    rows = report(services.store, shop, period, "rule").rows
    assert {name: (counts.shown, counts.answered) for name, counts in rows.items()} == dict.fromkeys(
        ("", "uk", "china"), (1, 1)
    )
    assert recount(services.store, shop, period).differences == []
    exported = export(services.store, shop, services.keys, None, period.last, datetime.now(UTC))
    assert verify([*exported], services.keys.jwks()).entries == 3
    page = _logged_in(ruled, "leyla", site).get("/?lang=en").text
    table = page.partition('id="by-rule"')[2].partition("</table>")[0]
    assert re.findall(r'role="rowheader">(?:<a [^>]*>)?([^<]+)<', table) == ["elsewhere", "china", "uk"]
