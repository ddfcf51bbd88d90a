"""The receipt: content and not a pointer, in the terms of the W3C vocabulary, and signed."""

import json
import re
from dataclasses import replace
from datetime import date

import pytest
from pyld import jsonld

from consent_server import create_app
from consent_server.decision import Entry, consent_of
from consent_server.proof import receipt as receipts
from consent_server.settings.shops import make_site
from consent_server.site import Notice
from consent_server.tokens import Keys
from consent_server.verify import canonical

DPV = "https://w3id.org/dpv#"
TERMS = {
    *("ConsentRecord", "Process", "DataSubject", "DataController", "ConsentNotice", "PersonalData", "ConsentStatus"),
    *("DataSubjectRight", "hasDataSubject", "hasDataController", "hasContact", "hasNotice", "hasProcess"),
    *("hasPurpose", "hasLegalBasis", "hasConsentStatus", "hasPersonalData", "hasRecipient", "hasStorageCondition"),
    *("isIndicatedAtTime", "isIndicatedBy", "hasDuration", "hasRight", "isExercisedAt", "hasActivityStatus"),
    *("Consent", "ConsentGiven", "ConsentRefused", "ConsentWithdrawn", "ConsentRevoked", "ConsentInvalidated"),
    *("ConsentUnknown", "ServiceProvision", "ServicePersonalisation"),
    *("ServiceUsageAnalytics", "PersonalisedAdvertising"),
}
"""Terms of the Data Privacy Vocabulary 2.3 that a receipt may use."""


@pytest.fixture
def mine(shopper):
    shopper.decide("analytics", "marketing")
    shopper.decide("analytics")
    response = shopper.get("me/receipt")
    assert response.mimetype == "application/ld+json"
    return response.get_json()


def iris(node):
    """Yield every name that a JSON-LD processor finds in an expanded document."""
    if isinstance(node, list):
        for item in node:
            yield from iris(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if not key.startswith("@"):
                yield key
            yield from [value] if key == "@id" else value if key == "@type" and isinstance(value, list) else []
            yield from iris(value)


def test_it_is_json_ld_in_terms_that_the_vocabulary_has(mine):
    expanded = jsonld.expand(mine)
    used = {iri.removeprefix(DPV) for iri in iris(expanded) if iri.startswith(DPV)}
    assert used <= TERMS
    assert {"ConsentRecord", "hasProcess", "hasNotice", "hasDataController", "hasConsentStatus"} <= used
    lost = [key for key in mine if not key.startswith("@") and not key.partition(":")[2]]
    assert lost == []


def test_the_person_gets_the_content(mine, site):
    processes = {process["dpv:hasPurpose"]["@id"]: process for process in mine["dpv:hasProcess"]}
    analytics = processes["dpv:ServiceUsageAnalytics"]
    assert analytics["dpv:hasConsentStatus"] == {"@id": "dpv:ConsentGiven"}
    assert processes["dpv:PersonalisedAdvertising"]["dpv:hasConsentStatus"] == {"@id": "dpv:ConsentRefused"}
    listed = {cookie["dcterms:title"] for cookie in analytics["dpv:hasPersonalData"]}
    assert listed == {cookie.name for cookie in site.cookies["analytics"]}
    assert [event["dcterms:type"] for event in mine["dpv:hasActivityStatus"]] == ["first", "change"]
    assert mine["dpv:hasNotice"]["dcterms:description"]
    assert mine["dcterms:identifier"] == mine["dpv:hasDataSubject"]["dcterms:identifier"]  # what `export` takes
    assert mine["dpv:hasDataController"]["dpv:hasContact"] == site.contact


def test_it_is_signed_as_a_whole(mine, app):
    keys = app.extensions["consent"].keys
    signed = json.loads(keys.payload(mine[receipts.SIGNATURE]))
    assert signed["typ"] == "receipt"
    assert signed["sha256"] == receipts.digest(mine)
    assert receipts.digest({**mine, "dcterms:issued": "2020-01-01T00:00:00Z"}) != signed["sha256"]


def test_its_hash_is_over_the_json_that_every_language_writes(mine):
    plain = {key: value for key, value in mine.items() if key != receipts.SIGNATURE}
    assert receipts.hashlib.sha256(canonical(plain)).hexdigest() == receipts.digest(mine)


def test_a_refusal_has_a_receipt_too(shopper):
    shopper.decide()
    found = shopper.get("me/receipt").get_json()
    assert re.fullmatch(r"[\d-]{10}T\d\d:00:00Z/PT1H", found["dpv:isIndicatedAtTime"]), "its token says no more"
    assert found["dpv:hasConsentStatus"] == {"@id": "dpv:ConsentRefused"}
    assert found["dpv:hasDataSubject"]["dcterms:identifier"] == ""


def test_an_erasure_has_a_receipt_that_names_nobody(shopper, app):
    shopper.decide("analytics")
    gone = shopper.client.delete("/v1/smartmarket/me", headers={"Authorization": f"Bearer {shopper.token}"}).get_json()
    signed = json.loads(app.extensions["consent"].keys.payload(gone.pop("receipt")))
    assert signed == gone
    assert set(gone) == {"typ", "site", "erased", "at"}


def test_nobody_reads_or_changes_what_is_anothers(shopper, app, other_site):
    shopper.decide("analytics")
    other = type(shopper)(app.test_client(use_cookies=False), other_site)
    other.decide("analytics")
    other.client, stolen = shopper.client, other.token
    for path in ("me", "me/receipt"):
        headers = {"Authorization": f"Bearer {stolen}"}
        assert shopper.client.get(f"/v1/smartmarket/{path}", headers=headers).status_code == 401
    assert shopper.client.delete("/v1/smartmarket/me", headers=headers).status_code == 401
    assert len(shopper.get("me").get_json()["history"]) == 1


def test_the_history_names_notice_and_words():
    site = make_site("shop", "Shop", ("https://shop.example",), "/p", date(2025, 12, 20), languages=("az",))
    notice = Notice.of({"site": "shop", "revision": 3, "keep": 10, "lang": "az", "variant": "b"})
    entry = Entry(0, 5000, 0, "first", 2, 0, "save", "phone", "AZ", notice.hash, "i" * 22, "i" * 22, b"")
    (event,) = receipts.history([entry], {notice.hash: notice})
    assert (event["lang"], event["variant"], event["revision"], event["at"]) == ("az", "b", 3, 5)
    assert consent_of(notice, 2, 5, "s", "i").site == site.id
    assert Keys(["x" * 32]).public


def test_its_addresses_are_whole_for_a_receipt_is_read_elsewhere(settings, site):
    prefixed = replace(settings, prefix="/consent", trusted_proxies=1)
    shop = replace(site, contact="/contact", policy_url="/privacy")
    app = create_app(prefixed, {site.id: shop})
    client = app.test_client()
    passed_on = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "shop.example", "X-Forwarded-For": "192.0.2.1"}
    notice = client.get(f"/consent/v1/{site.id}/notice").get_json()["notice"]
    body = json.dumps({"id": "a" * 22, "allow": [], "notice": notice, "how": "refuse"})
    token = client.post(f"/consent/v1/{site.id}/decisions", data=body).get_json()["token"]
    headers = {**passed_on, "Authorization": f"Bearer {token}"}
    found = client.get(f"/consent/v1/{site.id}/me/receipt", headers=headers).get_json()
    rights = {right["dcterms:title"]: right["dpv:isExercisedAt"] for right in found["dpv:hasRight"]}
    assert rights["access"] == rights["erasure"] == f"https://shop.example/consent/v1/{site.id}/me"
    assert rights["complaint to the shop"] == f"{site.origins[0]}/contact"
    assert found["dpv:hasDataController"]["dpv:hasContact"] == f"{site.origins[0]}/contact"
    assert found["dpv:hasNotice"]["dcterms:source"] == f"{site.origins[0]}/privacy"
    app.extensions["consent"].store.close()
