"""An answer by a secret that is out: back ends take it no more, an auditor can check it, and what that shows."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner
from conftest import SECRET, Shopper, closing
from msgspec import structs

from consent_server import create_app
from consent_server.cli.keys import keys as keys_command
from consent_server.proof.keys import remember
from consent_server.settings.environment import Settings
from consent_server.tokens import BadToken, Keys, Verifier, token

NEW = "a newer secret than that of the tests"


@pytest.fixture
def taken_out(valkey, site, monkeypatch):
    """A token of a secret that was changed since and taken out, what the address gives now, and what an audit gets."""
    with valkey.client() as client:
        client.flushall()
    before = Settings(secret=(SECRET,), redis_url=valkey.url)
    with closing(create_app(before, {site.id: site}).extensions["consent"].store) as store:
        app = create_app(before, {site.id: site})
        old = Shopper(app.test_client(use_cookies=False), site).decide("analytics").get_json()["token"]
        remember(store, Keys([NEW, SECRET]))
        remember(store, Keys([NEW]))
        app.extensions["consent"].store.close()
    now = create_app(replace(before, secret=(NEW,)), {site.id: site})
    with closing(now.extensions["consent"].store):
        served = now.test_client().get("/v1/keys.json").get_json()
    monkeypatch.setenv("CONSENT_SECRET", NEW)
    monkeypatch.setenv("REDIS_URL", valkey.url)
    given = CliRunner().invoke(keys_command, ["--all"])
    assert given.exit_code == 0, given.output
    return old, served, json.loads(given.stdout)


def test_back_ends_take_nothing_that_a_retired_key_signed(taken_out, site):
    old, served, _ = taken_out
    assert [key["kid"] for key in served["keys"]] == [Keys([NEW]).jwks()["keys"][0]["kid"]]
    with pytest.raises(BadToken):
        Verifier(served, site.id).verify(old)
    retired = Keys([SECRET])
    assert retired.jwks()["keys"][0]["x"] not in json.dumps(served), "nor does another member bring the key"


def test_an_auditor_checks_it_by_the_keys_that_the_shop_gives_for_that(taken_out, site):
    old, _, given = taken_out
    assert given["root"] == Keys([NEW]).jwks()["keys"][0]["kid"]
    consent = Verifier(given, site.id).verify(old)
    assert consent.allow == ["analytics"]


def test_what_such_a_signature_shows_is_that_somebody_with_that_secret_made_it(taken_out, site):
    """Whoever stole it dates what they like: so the list for an audit is none for a back end."""
    old, served, given = taken_out
    consent = Verifier(given, site.id).verify(old)
    forged = structs.replace(consent, at=consent.at + 60)
    made = token(forged, Keys([SECRET]).sign(forged))
    assert Verifier(given, site.id).verify(made).at == consent.at + 60
    with pytest.raises(BadToken):
        Verifier(served, site.id).verify(made)
