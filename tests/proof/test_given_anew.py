"""An answer that was erased does not hold again, though somebody gives one anew under its id."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace

import pytest
from conftest import closing

from consent_server import create_app
from consent_server.store import ApiKey
from consent_server.verify import unsigned
from consent_server.web.accounts import KIND
from consent_server.web.marketer.session import digest


def erase(shopper, token):
    answered = shopper.client.delete(f"/v1/{shopper.site.id}/me", headers={"Authorization": f"Bearer {token}"})
    assert answered.status_code == 200
    return answered.get_json()


def give_anew(stranger, site, sub, *allow):
    """What a stranger does who has seen the token, and so the id: it names no answer that is held."""
    notice = stranger.get(f"/v1/{site.id}/notice?lang=az").get_json()["notice"]
    body = {"id": sub, "allow": list(allow), "notice": notice, "lang": "az", "variant": "", "how": "save"}
    sent = stranger.post(
        f"/v1/{site.id}/decisions",
        data=json.dumps(body),
        content_type="text/plain",
        headers={"Origin": site.origins[0]},
    )
    assert sent.status_code == 201, "it is a first answer of nobody who is known"
    return sent.get_json()["token"]


@pytest.mark.parametrize("changes", [False, True])
def test_an_erased_token_does_not_hold_again_when_somebody_answers_anew_under_its_id(
    shopper, stranger, site, clock, changes
):
    shopper.decide("analytics")
    erased = shopper.token
    assert erase(shopper, erased)["erased"] == 1
    clock.pass_by(2)
    shopper.token = give_anew(stranger, site, unsigned(erased)["sub"], "analytics")
    if changes:
        clock.pass_by(2)
        shopper.decide("analytics", "marketing")
    assert shopper.get("allows/analytics").status_code == 204, "the stranger's own holds"
    shopper.token = erased
    assert shopper.get("allows/analytics").status_code == 403
    assert shopper.get("me").get_json()["standing"]["now"] == "erased"
    assert shopper.get("me/receipt").get_json()["dpv:hasConsentStatus"] == {"@id": "dpv:ConsentRevoked"}


@pytest.mark.parametrize("changes", [False, True])
def test_nor_does_an_account_take_what_somebody_gave_anew(settings, site, clock, changes):
    linked = replace(site, accounts=True, cookie_domain=None)
    app = create_app(settings, {linked.id: linked})
    with closing(app.extensions["consent"].store) as store:
        key, client = secrets.token_urlsafe(32), app.test_client(use_cookies=False)
        store.account_keys.add(linked, ApiKey(digest(KIND, key), "the back end", 1))

        def ask(token=None):
            body = {"account": "leyla", "token": token}
            return client.post(f"/v1/{site.id}/account", json=body, headers={"Authorization": f"Bearer {key}"})

        yes = give_anew(client, linked, "a" * 22, "analytics")
        assert ask(yes).get_json()["allow"] == ["analytics"]
        kept = {name: store.connection.client.get(name) for name in store.connection.client.keys("consent:account:*")}
        assert client.delete(f"/v1/{site.id}/me", headers={"Authorization": f"Bearer {yes}"}).status_code == 200
        for name, value in kept.items():  # another server was about to link it
            store.connection.client.set(name, value)
        clock.pass_by(2)
        anew = give_anew(client, linked, "a" * 22, "analytics", "marketing")
        if changes:
            clock.pass_by(2)
            notice = client.get(f"/v1/{site.id}/notice?lang=az").get_json()["notice"]
            more = {"id": "b" * 22, "allow": ["marketing"], "notice": notice, "previous": anew}
            origin = {"Origin": site.origins[0]}
            assert client.post(f"/v1/{site.id}/decisions", data=json.dumps(more), headers=origin).status_code == 201
        assert ask().get_json()["allow"] is None
