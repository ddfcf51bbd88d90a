"""What /openapi.json says of each call is true of the server, whatever is sent (Schemathesis)."""

import json
import os
import secrets
from dataclasses import replace

import pytest
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from schemathesis import Config, GenerationMode
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

import consent_server
from consent_server import create_app
from consent_server.store import ApiKey
from consent_server.web.accounts import KIND
from consent_server.web.marketer.session import digest

CASES = int(os.environ.get("CASES", "150")) // 15
"""How many of each call, in each test."""

OPERATOR = "the token by which operators read the metrics"
WHO = {"account": "back end", "rates": "marketer", "rates.csv": "marketer", "metrics": "operator"}
CHECKS = {
    "max_response_time": 10,
    # What fits the description and is refused all the same: a notice that was never asked, a day that is to come.
    "positive_data_acceptance": {"expected-statuses": ["2xx", 400, 401, 403, 404, 409, 422]},
}
often = hypothesis_settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="session")
def site(site):
    """This shop, with all that it may have."""
    return replace(site, accounts=True)


@pytest.fixture
def settings(settings):
    return replace(settings, client_limit=1_000_000, metrics_token=OPERATOR)


@pytest.fixture
def operations(app):
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app, config=Config.from_dict({"checks": CHECKS}))
    schema.validate()
    return [each.ok() for each in schema.get_all_operations()]


@pytest.fixture
def known(app, site, shopper):
    """A notice that is asked, and what each caller proves by who they are."""
    shopper.decide("functional")
    before = shopper.token
    shopper.token = None
    shopper.decide("functional", "analytics", "marketing")  # of whom nobody sends a later answer
    key = secrets.token_urlsafe(32)
    app.extensions["consent"].store.rates_keys.add(site, ApiKey(digest("api-key", key), "fuzzing", 1))
    back_end = secrets.token_urlsafe(32)
    app.extensions["consent"].store.account_keys.add(site, ApiKey(digest(KIND, back_end), "fuzzing", 1))
    notice = shopper.get("notice?lang=az").get_json()["notice"]
    tokens = {"shopper": shopper.token, "followed": before}
    return tokens | {"notice": notice, "marketer": key, "operator": OPERATOR, "back end": back_end}


def test_it_is_of_this_version_and_names_what_it_repeats(client):
    said = client.get("/openapi.json").get_json()
    assert said["info"]["version"] == consent_server.__version__
    text = json.dumps(said)
    for kind, components in said["components"].items():
        if kind != "securitySchemes":
            assert [name for name in components if f'"#/components/{kind}/{name}"' not in text] == []


def test_under_a_prefix_it_says_where_the_calls_are(settings, site):
    client = create_app(replace(settings, prefix="/consent"), {site.id: site}).test_client()
    (server,) = client.get("/consent/openapi.json").get_json()["servers"]
    assert client.get(f"{server['url']}/healthz").status_code == 200


def test_mounted_it_says_where_the_calls_are(app):
    client = Client(DispatcherMiddleware(NotFound(), {"/shop/consent": app}))
    (server,) = client.get("/shop/consent/openapi.json").get_json()["servers"]
    assert client.get(f"{server['url']}/healthz").status_code == 200


@pytest.fixture
def described(client):
    """Return the headers that are named for an answer to an operation, by what the description says."""
    said = client.get("/openapi.json").get_json()

    def headers(operation, status):
        answers = said["paths"][operation.path][operation.method]["responses"]
        found = answers.get(str(status), {})
        if "$ref" in found:
            found = said["components"]["responses"][found["$ref"].rpartition("/")[2]]
        return {name.lower() for name in found.get("headers", ())}

    return headers


def assert_headers_are_named(described, operation, response):
    """Every header is described, but for those that belong to HTTP itself."""
    named = described(operation, response.status_code) | {"allow", "content-length", "content-type", "date"}
    assert {*response.headers} - named == set(), (operation.label, response.status_code)


def test_each_answer_names_its_headers(client):
    said = client.get("/openapi.json").get_json()
    for path, calls in said["paths"].items():
        for method, call in calls.items():
            for status, answer in call["responses"].items():
                found = (
                    said["components"]["responses"][answer["$ref"].rpartition("/")[2]] if "$ref" in answer else answer
                )
                assert {"Content-Security-Policy", "Cache-Control"} <= {*found["headers"]}, (path, method, status)
                for header in found["headers"].values():
                    assert header["$ref"].rpartition("/")[2] in said["components"]["headers"]


def test_whatever_a_stranger_sends_is_answered_as_described(operations, described):
    def fuzz(operation):
        @often
        @given(st.sampled_from(GenerationMode).flatmap(lambda mode: operation.as_strategy(generation_mode=mode)))
        def ask(case):
            assert_headers_are_named(described, operation, case.call_and_validate())

        ask()

    for operation in operations:
        fuzz(operation)


def test_whoever_knows_what_is_needed_gets_what_is_described(operations, known, described):
    def fuzz(operation):
        who = WHO.get(operation.path.split("/")[-1], "shopper")
        if operation.path.endswith("/me") and operation.method == "delete":
            who = "followed"  # whoever is erased is allowed nothing by what comes after
        proof = {"Authorization": f"Bearer {known[who]}"}
        answered = set()

        @often
        @given(operation.as_strategy(), st.booleans())
        def ask(case, first):
            if "site_id" in case.path_parameters:
                case.path_parameters["site_id"] = "smartmarket"
            if isinstance(case.body, dict) and operation.path.endswith(("decisions", "shown")):
                case.body = {**case.body, "notice": known["notice"], "lang": None}
                if "id" in case.body:
                    case.body["previous"] = None if first else known["followed"]
            case.headers, case.query = proof, {}
            response = case.call_and_validate(headers=proof)
            assert_headers_are_named(described, operation, response)
            answered.add(response.status_code)

        ask()
        assert answered & {200, 201, 204}, (operation.label, answered)

    for operation in operations:
        fuzz(operation)
