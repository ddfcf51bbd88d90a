"""An erasure leaves a statement over the leaf that it blanks, signed at that moment; nothing else is an erasure."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from conftest import ROOT, SECRET
from erased_log import entries, export, lines, store
from filled_log import KEYS, NOW, fill, shop
from msgspec import structs

from consent_server import verify as stand_alone
from consent_server.cli.log import log as log_command
from consent_server.proof import log as proof
from consent_server.proof.entries import ERASED, Unproven, erased_at, statement
from consent_server.proof.erasure import carry_over, erase
from consent_server.store import keys
from consent_server.store.packing import pack_erased
from consent_server.tokens import Keys
from consent_server.verify import Failed, verify

__all__ = ["lines", "shop", "store"]

OTHER = Keys(["the secret of another server altogether"])


def blank(store, shop, entry, said=b"", **changes):
    """Move an entry to the erased ones, as somebody does who can write to Redis."""
    bucket = next(bucket for bucket in keys.buckets(shop) if bucket.number == entry.bucket)
    redis = store.connection.client
    redis.xdel(bucket.log, f"{entry.at}-{entry.seq}")
    redis.hset(bucket.erased, f"{entry.at}-{entry.seq}", pack_erased(structs.replace(entry, **changes), said))


def test_an_erasure_says_when_and_by_whom_and_names_nobody(store, shop):
    consents = fill(store, shop)
    subject = next(consent.sub for consent in consents if consent.sub)
    at = int(time.time())
    many = erase(store, shop, KEYS, subject, at)
    proof.seal(store, shop, KEYS, NOW)
    lines = export(store, shop)
    erased = [line for line in map(json.loads, lines) if "erased" in line]
    assert len(erased) == many > 0
    for line in erased:
        said = stand_alone.Keys(KEYS.jwks()["keys"]).read(line["statement"], "erased")
        assert said == {"typ": "erased", "site": "shop", "leaf": line["leaf"], "at": at}
    assert verify(lines, KEYS.jwks()).erased == many


@pytest.mark.parametrize("at", [-5, 0, 2**32 - 1, 2**32, 2**40])
def test_an_erasure_is_stated_whatever_the_clock_says(store, shop, at):
    subject = next(consent.sub for consent in fill(store, shop) if consent.sub)
    many = erase(store, shop, KEYS, subject, at)
    proof.seal(store, shop, KEYS, NOW)
    lines = export(store, shop)
    assert verify(lines, KEYS.jwks()).erased == many > 0
    said = [stand_alone.unsigned(line["statement"])["at"] for line in map(json.loads, lines) if "statement" in line]
    assert said == [at] * many


def test_an_erasure_is_dated_by_the_clock_of_the_store(shopper, app, site, clock):
    """This machine's may be any: here it stands still in March."""
    shopper.decide("analytics")
    store = app.extensions["consent"].store
    before = store.attestations.time(site) // 1000
    answer = shopper.client.delete(f"/v1/{site.id}/me", headers={"Authorization": f"Bearer {shopper.token}"}).get_json()
    assert before <= answer["at"] <= before + 60
    (left,) = store.erasures.between(site, *[datetime.fromtimestamp(clock.at, UTC).date()] * 2)
    assert erased_at(left) == answer["at"]


def test_refusals_moved_to_the_erased_ones_with_another_mask_are_not_sealed(store, shop):
    """The attack: three of four refusals become erased consents, and the honest server seals them."""
    fill(store, shop)
    refusals = [entry for entry in entries(store, shop) if not entry.allow]
    for entry in refusals[: len(refusals) * 3 // 4]:
        blank(store, shop, entry, allow=7)
    first = min(refusals, key=lambda entry: (entry.at // 86_400_000, entry.bucket, entry.at))
    says = rf"in bucket {first.bucket} at {first.at}-{first.seq} is erased, but no statement says so"
    with pytest.raises(Unproven, match=says):
        proof.seal(store, shop, KEYS, NOW)
    with pytest.raises(Unproven, match=says):
        export(store, shop)
    assert store.log.seals(shop) == {}


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (lambda entry, other, shop: statement(entry, shop, OTHER, ERASED, 5), "signed by none of the keys"),
        (lambda entry, other, shop: statement(other, shop, KEYS, ERASED, 5), "signed by none of the keys"),
        (lambda entry, other, shop: bytes(69), "signed by none of the keys"),
        (lambda entry, other, shop: b"\1" * 68, "no statement says so"),
        (lambda entry, other, shop: b"\1" * 9000, "no statement says so"),
        (lambda entry, other, shop: b"", "no statement says so"),
    ],
)
@pytest.mark.parametrize("sealed", [False, True])
def test_a_statement_that_is_anothers_or_a_strangers_is_none(store, shop, said, says, sealed):
    fill(store, shop)
    if sealed:
        proof.seal(store, shop, KEYS, NOW)
    entry, other = [entry for entry in entries(store, shop, 1) if entry.allow][:2]
    blank(store, shop, entry, said(entry, other, shop))
    if sealed:
        with pytest.raises(Failed, match=says):
            verify(export(store, shop), KEYS.jwks())
    else:
        with pytest.raises(Unproven, match=says):
            proof.seal(store, shop, KEYS, NOW)


def unstated(store, shop, many=2):
    """Erase as versions before did, which left no statement."""
    consents = fill(store, shop)
    for subject in [consent.sub for consent in consents if consent.sub][:many]:
        assert store.history.erase(shop, subject, lambda entry: b"")


@pytest.mark.parametrize("sealed", [False, True])
def test_what_versions_before_erased_is_carried_over_once(store, shop, sealed):
    if sealed:
        fill(store, shop)
        proof.seal(store, shop, KEYS, NOW)
        for entry in [entry for entry in entries(store, shop, 2) if entry.allow][:3]:
            blank(store, shop, entry)
        with pytest.raises(Failed, match="no statement says so"):
            verify(export(store, shop), KEYS.jwks())
    else:
        unstated(store, shop)
        with pytest.raises(Unproven, match="no statement says so"):
            proof.seal(store, shop, KEYS, NOW)
    before = [(entry.identity(), entry.allow, entry.at) for entry in entries(store, shop)]
    told = []
    many = carry_over(store, shop, KEYS, 5, told.append)
    assert many > 0
    assert told == [*range(1, many + 1)]
    assert [(entry.identity(), entry.allow, entry.at) for entry in entries(store, shop)] == before
    assert carry_over(store, shop, KEYS, 6) == 0
    proof.seal(store, shop, KEYS, NOW)
    summary = verify(export(store, shop), KEYS.jwks())
    assert (summary.erased, summary.unstated) == (many, many)
    assert f"Of {many} erased ones no statement says when" in str(summary)


def test_the_command_carries_a_store_over(store, site, app, shopper, redis_url, monkeypatch):
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("CONSENT_CONFIG", str(ROOT / "consent.toml"))
    monkeypatch.setenv("CONSENT_SECRET", SECRET)
    shopper.decide("analytics")
    subject = app.extensions["consent"].keys.read(shopper.token, site.id).sub
    assert app.extensions["consent"].store.history.erase(site, subject, lambda entry: b"") == 1
    said = [CliRunner().invoke(log_command, ["carry-over", site.id]).stdout for _ in range(2)]
    assert "1 entries that were erased without a statement" in said[0]
    assert "0 entries" in said[1]


def test_what_a_shopper_erases_is_stated(shopper, app, site):
    shopper.decide("analytics")
    assert (
        shopper.client.delete(f"/v1/{site.id}/me", headers={"Authorization": f"Bearer {shopper.token}"}).get_json()[
            "erased"
        ]
        == 1
    )
    services = app.extensions["consent"]
    today = NOW.fromtimestamp(time.time(), NOW.tzinfo)
    lines = list(proof.export(services.store, site, services.keys, None, today.date(), today))
    summary = verify(lines, services.keys.jwks())
    assert (summary.erased, summary.unstated) == (1, 0)
