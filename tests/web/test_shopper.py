"""What shoppers ask, as browsers, back ends and strangers meet it."""

import json
import time
from dataclasses import replace

import brotli
import pytest
import redis
from conftest import closing
from problem_shape import ORIGIN, problem

from consent_server.store import Store, StoreAway

# Scripts and notices


@pytest.mark.parametrize(("path", "part"), [("smartmarket/consent.js", b'"smartmarket"'), ("consent.d.ts", b"Window")])
@pytest.mark.parametrize(("encoding", "read"), [("br", brotli.decompress), ("identity", bytes)])
def test_the_script_and_the_types_are_the_same_for_everybody_and_cached(client, path, part, encoding, read):
    response = client.get(f"/v1/{path}", headers={"Accept-Encoding": encoding})
    assert response.headers["Cache-Control"].startswith("public, max-age=300, stale-while-revalidate")
    assert "Accept-Encoding" in response.headers["Vary"]
    assert "Set-Cookie" not in response.headers
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert part in read(response.data)
    again = client.get(
        f"/v1/{path}",
        headers={"Accept-Encoding": encoding, "If-None-Match": response.headers["ETag"]},
    )
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("layer", ["details", "mine"])
def test_what_consent_js_fetches_is_immutable_by_its_hash_only(client, app, layer):
    script = app.extensions["consent"].scripts["smartmarket"].layers[layer]["ru"]
    assert f'"{script.hash}"' in client.get("/v1/smartmarket/consent.js").text
    exact = client.get(f"/v1/smartmarket/{layer}.ru.{script.hash}.js")
    assert exact.data == script.plain
    assert "immutable" in exact.headers["Cache-Control"]
    outdated = client.get(f"/v1/smartmarket/{layer}.ru.0123456789abcdef.js")
    assert outdated.data == exact.data
    assert outdated.headers["Cache-Control"] == "public, max-age=60"


def test_a_notice_tells_what_is_asked(client):
    notice = client.get("/v1/smartmarket/notice?lang=az").get_json()
    assert {"notice", "revision", "lang", "categories", "cookies", "words"} <= set(notice)
    assert notice["categories"] == ["necessary", "functional", "analytics", "marketing"]
    assert {"name", "provider", "country", "purpose", "life"} == set(notice["cookies"]["analytics"][0])


def test_a_notice_comes_in_the_callers_language(client):
    found = client.get("/v1/smartmarket/notice", headers={"Accept-Language": "de, tr;q=0.8, en;q=0.5"}).get_json()
    assert found["lang"] == "tr"
    problem(client.get("/v1/smartmarket/notice?lang=xx"), 404, "no-such-notice")


def test_back_ends_hear_of_a_raised_revision(app, shopper, site):
    shopper.decide("analytics")
    assert shopper.get("allows/analytics").status_code == 204
    services = app.extensions["consent"]
    raised = {site.id: replace(site, revision=site.revision + 1)}
    app.extensions["consent"] = replace(services, sites=raised)
    problem(shopper.get("allows/analytics"), 403, "not-allowed")


# Shown


def test_a_banner_shown_counts_once_and_bots_do_not(client, marketer):
    people = {"User-Agent": "Mozilla/5.0 (iPhone; Mobile)", **ORIGIN}
    bots = {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)", **ORIGIN}
    ahead = {"Sec-Purpose": "prefetch;prerender", **ORIGIN}
    front_end = {"User-Agent": "python-requests/2.32.5"}  # with a banner of its own
    for headers in (people, bots, ahead, front_end):
        response = client.post("/v1/smartmarket/shown", data="", headers=headers)
        assert (response.status_code, response.data) == (204, b"")
    assert marketer.get("/v1/smartmarket/rates").get_json()["total"]["counts"]["shown"] == 2


# Me


def test_me_shows_all_that_is_held_and_only_to_the_bearer(shopper, client):
    shopper.decide("analytics")
    mine = shopper.get("me").get_json()
    assert mine["token"]["allow"] == ["analytics"]
    assert len(mine["history"]) == 1
    problem(client.get("/v1/smartmarket/me"), 401, "bad-token")
    problem(client.get("/v1/smartmarket/me", headers={"Authorization": "Bearer x.y"}), 401, "bad-token")


def test_me_of_a_refusal_holds_nobody(shopper):
    shopper.decide()
    mine = shopper.get("me").get_json()
    assert "sub" not in mine["token"]
    assert mine["history"] == []


def test_erasing_is_final_and_the_counts_stay(shopper, marketer):
    shopper.decide("analytics")
    before = marketer.get("/v1/smartmarket/rates").get_json()
    gone = shopper.client.delete("/v1/smartmarket/me", headers={"Authorization": f"Bearer {shopper.token}"})
    assert gone.get_json()["erased"] == 1
    assert shopper.get("me").get_json()["history"] == []
    problem(shopper.decide("marketing"), 409, "previous-replaced")
    assert marketer.get("/v1/smartmarket/rates").get_json()["days"] == before["days"] if "days" in before else True


def test_what_erases_nothing_does_not_read_as_an_erasure(shopper):
    """A refusal's token names nobody."""
    shopper.decide()
    bearer = {"Authorization": f"Bearer {shopper.token}"}
    nothing = shopper.client.delete("/v1/smartmarket/me", headers=bearer).get_json()
    assert (nothing["typ"], nothing["erased"]) == ("nothing-held", 0)
    assert "nothing was erased" in nothing["detail"]
    assert not {"receipt", "at"} & {*nothing}


def test_an_erasure_whose_answer_was_lost_is_told_of_when_it_is_asked_for_again(shopper, app, monkeypatch):
    """As where the replica that was waited for was away: it was done, and answered 503."""
    shopper.decide("analytics")
    shopper.decide("marketing")
    services, bearer = app.extensions["consent"], {"Authorization": f"Bearer {shopper.token}"}
    erase, at = services.store.history.erase, int(time.time())

    def lose(*arguments):
        assert erase(*arguments) == 2
        raise StoreAway("The store takes nothing at the moment; try again shortly.")

    with monkeypatch.context() as patch:
        patch.setattr(services.store.history, "erase", lose)
        problem(shopper.client.delete("/v1/smartmarket/me", headers=bearer), 503, "store-away")
    for _ in range(2):
        again = shopper.client.delete("/v1/smartmarket/me", headers=bearer).get_json()
        assert (again["typ"], again["erased"]) == ("nothing-held", 0)
        assert at <= again["at"] <= time.time()
        assert "was erased before" in again["detail"]
        said = services.keys.payload(again["receipt"])
        assert json.loads(said) == {"typ": "erasure", "site": "smartmarket", "erased": 1, "at": again["at"]}


def test_an_old_token_allows_nothing_any_more_and_its_receipt_says_since_when(shopper, clock):
    """Whoever kept it, a back end or a tab of yesterday, hears what became of it."""
    shopper.decide("analytics", "marketing")
    first = shopper.token
    assert shopper.get("me").get_json()["standing"] == {"now": "newest", "at": None}
    assert "dcterms:valid" not in shopper.get("me/receipt").get_json()
    for allowed, became, status in (
        (("analytics",), "changed", "ConsentInvalidated"),
        ((), "withdrawn", "ConsentWithdrawn"),
    ):
        clock.pass_by(60)
        assert shopper.decide(*allowed).status_code == 201
        newest, shopper.token = shopper.token, first
        problem(shopper.get("allows/analytics"), 403, "not-allowed")
        assert shopper.get("allows/necessary").status_code == 204
        assert shopper.get("me").get_json()["standing"] == {"now": became, "at": int(clock.at)}
        receipt = shopper.get("me/receipt").get_json()
        assert receipt["dpv:hasConsentStatus"] == {"@id": f"dpv:{status}"}
        of_categories = [each.get("dpv:hasConsentStatus", {}).get("@id") for each in receipt["dpv:hasProcess"]]
        assert of_categories == [None, "dpv:ConsentRefused", f"dpv:{status}", f"dpv:{status}"], "as the whole of it"
        assert receipt["dcterms:valid"].startswith(f"{became}: 2026-03-02T12:00:00Z/2026-03-02T12:0")
        shopper.token = newest
        assert shopper.get("me").get_json()["standing"]["now"] == "newest"
        assert shopper.get("allows/analytics").status_code == (204 if allowed else 403)


def test_an_erased_answer_allows_nothing_any_more_and_its_receipt_says_since_when(shopper, clock, app, monkeypatch):
    shopper.decide("analytics")
    clock.pass_by(3600)
    monkeypatch.setattr(app.extensions["consent"].store.attestations, "time", lambda _: int(clock.at) * 1000)
    shopper.client.delete("/v1/smartmarket/me", headers={"Authorization": f"Bearer {shopper.token}"})
    clock.pass_by(3600)
    problem(shopper.get("allows/analytics"), 403, "not-allowed")
    assert shopper.get("me").get_json()["standing"] == {"now": "erased", "at": int(clock.at) - 3600}
    receipt = shopper.get("me/receipt").get_json()
    assert receipt["dpv:hasConsentStatus"] == {"@id": "dpv:ConsentRevoked"}
    assert receipt["dcterms:valid"] == "erased: 2026-03-02T12:00:00Z/2026-03-02T13:00:00Z"


def test_an_answer_that_the_log_does_not_hold_allows_nothing(shopper, app):
    """As that of somebody who answered after a backup was made that was put back."""
    shopper.decide("analytics")
    app.extensions["consent"].store.connection.client.flushall()
    problem(shopper.get("allows/analytics"), 403, "not-allowed")
    assert shopper.get("me").get_json()["standing"] == {"now": "unknown", "at": None}


def test_nothing_is_allowed_while_it_cannot_be_looked_up(shopper, app):
    shopper.decide("analytics")
    services = app.extensions["consent"]
    with closing(Store("redis://127.0.0.1:1", 0.2)) as away:
        app.extensions["consent"] = replace(services, store=away)
        problem(shopper.get("allows/analytics"), 403, "not-allowed")
        assert shopper.get("allows/necessary").status_code == 204
        app.extensions["consent"] = services
    assert shopper.get("allows/analytics").status_code == 204


@pytest.mark.parametrize(
    ("category", "status"), [("necessary", 204), ("analytics", 204), ("marketing", 403), ("statistics", 403)]
)
def test_back_ends_learn_by_the_status_alone(shopper, category, status):
    shopper.decide("analytics")
    assert shopper.get(f"allows/{category}").status_code == status


def test_nothing_is_allowed_without_a_token(client):
    problem(client.get("/v1/smartmarket/allows/analytics"), 403, "not-allowed")


def test_an_expired_token_is_refused_everywhere_but_in_a_renewal(clock, shopper):
    shopper.decide("analytics")
    clock.pass_by(shopper.site.keep + 1)
    problem(shopper.get("me"), 401, "expired-token")
    problem(shopper.get("allows/analytics"), 403, "not-allowed")
    assert shopper.decide("analytics").status_code == 201
    assert [entry["kind"] for entry in shopper.get("me").get_json()["history"]] == ["first", "renewal"]


# Keys, health


def test_the_public_keys_are_a_jwk_set(client):
    (key,) = client.get("/v1/keys.json").get_json()["keys"]
    assert (key["kty"], key["crv"], key["alg"]) == ("OKP", "Ed25519", "EdDSA")
    assert set(key) == {"kty", "crv", "alg", "use", "kid", "x"}


def test_health_and_readiness(client):
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200


def test_gpc_is_announced(client):
    assert client.get("/.well-known/gpc.json").get_json() == {"gpc": True, "lastUpdate": "2025-12-20"}


def test_while_redis_is_away_decisions_wait_and_scripts_do_not(tmp_path, site):
    from consent_server import create_app
    from consent_server.settings.environment import Settings

    settings = Settings(secret=("s" * 32,), redis_url=f"unix://{tmp_path}/nobody", redis_timeout=200)
    client = create_app(settings, {site.id: site}).test_client()
    notice = client.get("/v1/smartmarket/notice?lang=az").get_json()["notice"]
    body = json.dumps({"id": "while-redis-is-away", "allow": [], "notice": notice})
    away = client.post("/v1/smartmarket/decisions", data=body, headers=ORIGIN)
    problem(away, 503, "store-away")
    assert away.headers["Retry-After"] == "5"
    assert client.get("/v1/smartmarket/consent.js").status_code == 200
    assert client.get("/v1/keys.json").status_code == 200
    assert client.get("/healthz").status_code == 200
    problem(client.get("/readyz"), 503, "store-away")


def test_what_somebody_else_wrote_into_the_index_is_no_internal_error(shopper, app, redis_url):
    """And allows nothing: nginx makes a broken page of any other answer."""
    shopper.decide("analytics")
    with redis.Redis.from_url(redis_url) as client:
        (seen,) = client.scan_iter(match="*:seen:*")
        for field, places in client.hgetall(seen).items():
            client.hset(seen, field, places + b"odd")
    bearer = {"Authorization": f"Bearer {shopper.token}"}
    problem(shopper.client.get("/v1/smartmarket/me", headers=bearer), 503, "unproven")
    problem(shopper.client.get("/v1/smartmarket/allows/analytics", headers=bearer), 403, "not-allowed")
