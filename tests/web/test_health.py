"""Health, numbers, the description of the calls, headers, and what the log must not say."""

import json
import re
import secrets
from dataclasses import replace
from urllib.parse import quote

import pytest
from conftest import ROOT, RedisServer, binary_of

from consent_server import create_app
from consent_server.rates.happened.alarms import Alarm
from consent_server.store import Unreadable
from consent_server.web import health

ORIGIN = "https://smartmarket.az"


def problem(response, status, kind):
    assert (response.status_code, response.mimetype) == (status, "application/problem+json")
    assert response.get_json()["type"] == f"/problems/{kind}"


def metric(client, name, **labels):
    lines = client.get("/metrics").text.splitlines()
    wanted = "".join(f'{key}="{value}",' for key, value in labels.items()).rstrip(",")
    line = f"{name}{{{wanted}}} " if labels else f"{name} "
    return next((float(found.removeprefix(line)) for found in lines if found.startswith(line)), 0.0)


def test_decisions_are_counted_by_outcome(client, shopper):
    def outcomes():
        return [
            metric(client, "consent_decisions_total", outcome=name, site="smartmarket")
            for name in ("kept", "repeat", "malformed", "foreign-origin")
        ]

    before = outcomes()
    timed = metric(client, "consent_decision_seconds_count")
    asked = metric(client, "consent_store_seconds_count")
    for _ in range(2):
        shopper.token = None
        shopper.decide("analytics", id="counted-by-its-outcome")
    shopper.post(b"nonsense")
    shopper.post(b"{}", origin="https://evil.example")
    assert [now - then for now, then in zip(outcomes(), before, strict=True)] == [1, 1, 1, 1]
    assert metric(client, "consent_decision_seconds_count") - timed == 4
    assert metric(client, "consent_store_seconds_count") - asked == 2


@pytest.mark.parametrize(
    ("cookie", "outcome"),
    [
        ("", "kept"),
        ('~[{"id":"ID","allow":[],"at":NOW}]', "kept"),
        ('~[{"id":"ID","allow":[],"at":AGO}]', "late"),
        ('~[{"id":"another","at":AGO},{"id":"ID","at":AGO}]', "late"),
        ('~[{"id":"another","at":AGO}]', "kept"),
        ('~[{"id":"ID"}]', "kept"),
        ('~[{"allow":[],"at":AGO}]', "kept"),  # a refusal says the hour
        ('~[{"allow":[],"at":LONG}]', "late"),
        ('~[{"allow":["analytics"],"id":"another","at":LONG}]', "kept"),
        ("~%", "kept"),
        ("~", "kept"),
    ],
)
def test_a_decision_that_waited_in_the_shoppers_cookie_is_late(client, app, site, clock, cookie, outcome):
    name, now = secrets.token_urlsafe(16), int(clock.time())
    text = (
        cookie.replace("ID", name)
        .replace("NOW", str(now - 5))
        .replace("AGO", str(now - 3600))
        .replace("LONG", str(now - 7200))
    )
    own = app.test_client(use_cookies=False)
    headers = {"Cookie": f"lang=az; consent={quote(text, safe='~%')}"}
    notice = own.get("/v1/smartmarket/notice?lang=az").get_json()["notice"]
    body = json.dumps({"id": name, "allow": [], "notice": notice})
    before = {each: metric(client, "consent_decisions_total", outcome=each, site=site.id) for each in ("kept", "late")}
    for _ in range(2):  # again it is a repeat, however late
        assert own.post("/v1/smartmarket/decisions", data=body, headers=headers).status_code in (200, 201)
    after = {each: metric(client, "consent_decisions_total", outcome=each, site=site.id) for each in ("kept", "late")}
    assert {each for each in after if after[each] > before[each]} == {outcome}


def test_metrics_are_for_this_machine_only_or_for_the_token(app, client, settings, site):
    assert client.get("/metrics").status_code == 200
    elsewhere = {"REMOTE_ADDR": "192.0.2.1"}
    problem(client.get("/metrics", environ_base=elsewhere), 403, "not-yours")
    problem(client.get("/metrics", headers={"X-Forwarded-For": "192.0.2.1"}), 403, "not-yours")
    guarded = create_app(type(settings)(**{**vars(settings), "metrics_token": "of the operator"}), {site.id: site})
    stranger = guarded.test_client()
    problem(stranger.get("/metrics"), 403, "not-yours")
    problem(stranger.get("/metrics", headers={"Authorization": "Bearer öf"}), 403, "not-yours")
    ours = {"Authorization": "Bearer of the operator"}
    assert stranger.get("/metrics", headers=ours, environ_base=elsewhere).status_code == 200
    guarded.extensions["consent"].store.close()


def test_what_somebody_else_wrote_at_one_shop_hides_the_alarms_of_no_other(app, settings, site, monkeypatch):
    def unusual(store, of, day):
        if of is site:
            raise Unreadable("junk")
        yield Alarm("stopped", "answer", day, 0.0, 0.0, 0.0)

    monkeypatch.setattr(health, "unusual", unusual)
    services = app.extensions["consent"]
    app.extensions["consent"] = replace(services, sites={site.id: site, "kitab": replace(site, id="kitab")})
    text = app.test_client().get("/metrics").text
    assert 'consent_alarm{kind="stopped",rate="answer",site="kitab"} 1.0' in text


def test_every_call_for_machines_is_described_and_no_other(app, client):
    described = {
        (path, method) for path, calls in client.get("/openapi.json").get_json()["paths"].items() for method in calls
    }
    there = {
        (re.sub(r"<(?:any\(.*?\):)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if not rule.endpoint.startswith("marketer.") or rule.rule.startswith("/v1/")  # else it is a page
    }
    assert described == there


@pytest.mark.parametrize(
    "path",
    [
        "/v1/smartmarket/consent.js",
        "/v1/smartmarket/notice",
        "/v1/smartmarket/me",
        "/v1/nobody/me",
        "/v1/keys.json",
        "/nowhere",
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/",
    ],
)
def test_every_answer_is_careful(client, path):
    plain = client.get(path)
    assert plain.headers["X-Content-Type-Options"] == "nosniff"
    assert plain.headers["Referrer-Policy"] in ("no-referrer", "same-origin")
    assert "frame-ancestors 'none'" in plain.headers["Content-Security-Policy"]
    assert "Strict-Transport-Security" not in plain.headers
    assert "max-age=" in client.get(path, base_url="https://consent.example").headers["Strict-Transport-Security"]
    assert ("Permissions-Policy" in plain.headers) == (plain.mimetype == "text/html")


def test_a_decision_is_as_careful(shopper):
    response = shopper.decide("analytics")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("proxies", [0, 1])
def test_a_problem_has_an_id_of_ours_whatever_the_client_calls_it(settings, site, proxies):
    app = create_app(replace(settings, trusted_proxies=proxies), {site.id: site})
    client = app.test_client()
    ids = [
        client.get("/nowhere", headers={"X-Request-ID": "an-id-of-a-strangers"}).headers["X-Request-ID"] for _ in "ab"
    ]
    assert len({*ids, "an-id-of-a-strangers"}) == 3
    app.extensions["consent"].store.close()


@pytest.mark.parametrize(
    ("prefix", "mounted", "host"),
    [("/consent", "", "consent.example"), ("", "/consent", "consent.example"), ("", "", "smartmarket.az")],
)
def test_on_a_shops_host_the_shop_says_how_it_is_reached(settings, site, prefix, mounted, host):
    app = create_app(replace(settings, prefix=prefix), {site.id: replace(site, origins=(ORIGIN,))})
    for path in (f"{prefix}/healthz", f"{prefix}/nowhere", "/nowhere"):
        said = app.test_client().get(path, base_url=f"https://{host}{mounted}")
        assert "Strict-Transport-Security" not in said.headers
    if not prefix:
        own = app.test_client().get("/healthz", base_url="https://consent.example")
        assert "Strict-Transport-Security" in own.headers
    app.extensions["consent"].store.close()


def test_a_redis_that_would_lose_decisions_is_told_of_where_operators_look(
    valkey, client, short_folder, site, settings
):
    assert client.get("/readyz").get_json() == {"status": "ready", "scheme": "http", "warnings": []}
    careless = RedisServer(binary_of("valkey"), short_folder(), options=("--appendonly", "no"))
    careless.options += ("--maxmemory-policy", "allkeys-lru")
    careless.start()
    app = create_app(replace(settings, redis_url=careless.url), {site.id: site})
    said = app.test_client().get("/readyz")
    app.extensions["consent"].store.close()
    careless.stop()
    assert said.status_code == 200
    memory, eviction = said.get_json()["warnings"]
    assert "in memory only" in memory
    assert "allkeys-lru" in eviction


def test_the_server_says_so_at_its_start(run_live, short_folder):
    careless = RedisServer(binary_of("valkey"), short_folder(), options=("--appendonly", "no")).start()
    live = run_live("serve", REDIS_URL=careless.url, CONSENT_CONFIG=str(ROOT / "consent.toml"), CONSENT_SECRET="s" * 40)
    live.stop()
    careless.stop()
    assert "in memory only: a restart loses all of them. To mend it, type: redis-cli config set" in live.words()


def test_the_numbers_are_for_this_machine_however_its_address_is_written(client):
    for address, status in (("::ffff:127.0.0.1", 200), ("::ffff:192.0.2.1", 403)):
        assert client.get("/metrics", environ_base={"REMOTE_ADDR": address}).status_code == status


def test_the_log_of_a_busy_run_says_nothing_sensitive_and_each_line_is_json(run_live, redis_url):
    import urllib.error
    import urllib.request

    from conftest import ROOT, SECRET

    live = run_live(
        "serve",
        CONSENT_SECRET=SECRET,
        CONSENT_CONFIG=str(ROOT / "consent.toml"),
        REDIS_URL=redis_url,
        CLIENT_LIMIT="30",
        WEB_CONCURRENCY="2",
        TRUSTED_PROXIES="1",
    )
    notice = live.get("/v1/smartmarket/notice?lang=az")["notice"]
    agent, address = "Mozilla/5.0 (an agent that nobody else has)", "203.0.113.77"
    tokens, statuses = [], []

    def ask(path, body=None, **headers):
        headers |= {"User-Agent": agent, "X-Forwarded-For": address}
        request = urllib.request.Request(live.url + path, body and body.encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=45) as answer:
                statuses.append(answer.status)
                return json.load(answer) if answer.headers["Content-Type"] == "application/json" else None
        except urllib.error.HTTPError as error:
            statuses.append(error.code)

    import redis

    with redis.Redis.from_url(redis_url) as client:
        for n in range(90):
            body = {"id": f"a-busy-run-{n:011}", "allow": ["analytics"], "notice": notice}
            if n % 10 == 0:
                client.config_set("min-replicas-to-write", 1)  # refuses writes: there is something to log
            said = ask("/v1/smartmarket/decisions", json.dumps(body), Origin=ORIGIN)
            client.config_set("min-replicas-to-write", 0)
            if said:
                tokens.append(said["token"])
                ask("/v1/smartmarket/me", Authorization=f"Bearer {said['token']}")
                ask("/v1/smartmarket/me", Authorization=f"Bearer {said['token'][:-3]}")
    assert {200, 201, 401, 429, 503} <= set(statuses)
    total = sum(
        float(line.split()[1]) for line in live_text(live, "/metrics").splitlines() if "_decisions_total{" in line
    )
    assert total == 90, "both workers' decisions are in the metrics of either"
    live.stop()
    said = live.words()
    ours = [json.loads(line) for line in said.splitlines()]
    told = [line["message"] for line in ours]
    assert any(each.endswith(f"at {live.url}; the rates are at {live.url}/") for each in told)
    assert any(f"{live.url}/v1/smartmarket/consent.js" in each for each in told)
    assert any("decisions are kept in" in each and "@" not in each for each in told)
    assert any("refuses" in line["message"] and line["request"] for line in ours)
    for secret in [SECRET, agent, address, *tokens, *(token.split(".")[1] for token in tokens), "a-busy-run"]:
        assert secret not in said, secret


def live_text(live, path):
    import urllib.request

    with urllib.request.urlopen(live.url + path) as answer:
        return answer.read().decode()
