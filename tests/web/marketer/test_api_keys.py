"""An API key reads the rates of its own shop until it is revoked."""

import re

import pytest
from forms import api_key, post

from consent_server.web.marketer import api_keys
from consent_server.web.marketer.words import LANGUAGES, Words


def test_an_api_key_reads_its_own_shop_until_it_is_revoked(marketer, stranger, site, other_site):
    key = {"Authorization": f"Bearer {api_key(marketer, site)}"}
    assert stranger.get(f"/v1/{site.id}/rates", headers=key).get_json()["site"] == site.id
    assert stranger.get(f"/v1/{site.id}/rates.csv", headers=key).status_code == 200
    assert stranger.get(f"/v1/{other_site.id}/rates", headers=key).status_code == 401
    page = marketer.get(f"/keys?site={site.id}").text
    assert "the dashboard" in page
    assert key["Authorization"].split()[1] not in page  # shown once
    digest = re.search(r'name="key" value="([0-9a-f]+)"', page)[1]
    assert post(marketer, "/keys/revoke", page, site=site.id, key=digest).status_code == 303
    assert stranger.get(f"/v1/{site.id}/rates", headers=key).status_code == 401


def test_an_api_key_is_kept_as_itshash_password(app, marketer, site):
    key = api_key(marketer, site)
    redis = app.extensions["consent"].store.connection.client
    kept = redis.hgetall(f"consent:{{{site.id}}}:api-keys")
    assert kept
    assert key.encode() not in b"".join([*kept, *kept.values()])


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_shop_has_no_more_keys_than_can_be_read(marketer, site, monkeypatch, lang):
    monkeypatch.setattr(api_keys, "MOST", 1)
    api_key(marketer, site)
    page = marketer.get(f"/keys?site={site.id}&lang={lang}").text
    refused = post(marketer, "/keys", page, site=site.id, name="another")
    words = Words.of(lang)
    assert refused.status_code == 400
    assert str(words("keys_full", most=words.number(1))) in refused.text
    assert "another" not in marketer.get(f"/keys?site={site.id}").text


def test_a_key_for_another_shop_cannot_be_made(marketer, other_site):
    page = marketer.get("/").text
    assert post(marketer, "/keys", page, site=other_site.id, name="x").status_code == 403


@pytest.mark.parametrize("key", ["Bearer wrong", "Bearer ", "bearer", "Basic bGV5bGE6"])
def test_a_wrong_api_key_is_refused_in_one_sentence(stranger, site, key):
    answer = stranger.get(f"/v1/{site.id}/rates", headers={"Authorization": key})
    assert answer.status_code == 401
    assert answer.get_json()["detail"].endswith(".")


def test_an_unknown_shop_is_not_found(marketer):
    assert marketer.get("/v1/nowhere/rates").get_json()["type"] == "/problems/unknown-site"
