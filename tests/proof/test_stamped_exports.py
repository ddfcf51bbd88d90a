"""What the stamps of an export show: which seals were there in time, and that none was changed."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import pytest
from authority import running
from filled_log import shop
from stamped_shop import FIRST, KEYS, NOW, PanicException, answer, authority, check, export, sealed, store, tsa

from consent_server import verify as stand_alone
from consent_server.proof import archive as proof_archive
from consent_server.proof import log as proof
from consent_server.proof.attested import stamps
from consent_server.proof.attested.stamps import Authority, NotStamped, stamp
from consent_server.verify import Failed, NoCertificate, verify

__all__ = ["authority", "sealed", "shop", "store", "tsa"]


@pytest.mark.parametrize("change", ["exchanged", "nonsense", "dropped", "all dropped"])
def test_stamps_that_were_changed_in_an_export_are_found(sealed, shop, tsa, change):
    stamp(sealed, shop, tsa)
    lines = [json.loads(line) for line in export(sealed, shop)]
    seals = [line for line in lines if line["type"] == "seal"]
    if change == "exchanged":
        seals[0]["stamp"], seals[1]["stamp"] = seals[1]["stamp"], seals[0]["stamp"]
    elif change == "nonsense":
        seals[0]["stamp"] = "AAAA"
    else:
        for line in seals if change == "all dropped" else seals[:1]:
            del line["stamp"]
    changed = [json.dumps(line).encode() for line in lines]
    with pytest.raises(Failed, match=r"time-stamp|what others attest"):
        check(changed, tsa)
    with pytest.raises(Failed, match="what others attest"):
        verify(changed, KEYS.jwks())


@pytest.mark.parametrize("kept", ["another seal's", "nonsense", "too much", "nothing", "another authority's"])
def test_a_stamp_that_somebody_wrote_into_redis_makes_no_export_fail(sealed, shop, tsa, tmp_path, monkeypatch, kept):
    stamp(sealed, shop, tsa)
    client, key = sealed.connection.client, "consent:{shop}:stamps"
    good, other = client.hget(key, str(FIRST)), client.hget(key, str(FIRST + timedelta(1)))
    written = {"another seal's": other, "nonsense": b"\x30\x80", "too much": good + bytes(3_100_000), "nothing": b""}
    if kept == "another authority's":
        with running(tmp_path / "another") as another:
            written[kept] = Authority(another.url).stamp(sealed.log.seals(shop)[FIRST], NOW - timedelta(9))
    client.hset(key, str(FIRST), written[kept])
    lines = list(proof.export(sealed, shop, KEYS, None, FIRST + timedelta(2), NOW, authority=tsa))
    assert verify(lines, KEYS.jwks()).entries == 9
    assert "2 of 3 seals were time-stamped by the authority, the latest " in str(check(lines, tsa))
    if kept != "another authority's":  # which nobody knows from its own certificate alone
        assert "2 of 3 seals were" in str(check(export(sealed, shop), tsa))
    monkeypatch.setattr(proof_archive, "_last", lambda *_: FIRST + timedelta(2))
    (made,) = proof_archive.archive(sealed, shop, KEYS, tmp_path, NOW, authority=tsa)
    with stand_alone.opened(tmp_path / made.file) as lines:
        assert "2 of 3 seals were time-stamped by the authority, the latest " in str(check(lines, tsa))


def test_a_panic_of_the_library_is_an_answer_that_is_none(sealed, shop, tsa, monkeypatch):
    stamp(sealed, shop, tsa)
    lines = export(sealed, shop)
    monkeypatch.setattr(stamps.rfc3161, "decode_timestamp_response", Mock(side_effect=PanicException("index 7 of 3")))
    with pytest.raises(NotStamped, match="answers what is no time-stamp"):
        tsa.stamp(sealed.log.seals(shop)[FIRST], NOW - timedelta(9))
    with pytest.raises(Failed, match="the library gave up: index 7 of 3"):
        check(lines, tsa)


def test_the_operator_cannot_write_a_history_anew_that_was_stamped_in_time(store, shop, tsa, monkeypatch):
    """With the secret everything else fits. A stamp says when the new seals were first seen."""
    store.connection.client.flushall()
    answer(store, shop, FIRST - timedelta(90))
    proof.seal(store, shop, KEYS, NOW)
    monkeypatch.setattr(stamps, "AT_ONCE", 200)
    stamp(store, shop, tsa)
    said = str(check(export(store, shop), tsa))
    late = (datetime.now(UTC).date() - FIRST).days + 89
    assert f", the latest {late} days after its day, {FIRST - timedelta(90)}." in said


def test_one_timely_stamp_says_nothing_of_a_history_that_was_made_anew_before_it(store, shop, tsa, monkeypatch):
    """The operator's attack: of the days made anew the stamps are left out, and the newest one's alone is in time."""
    store.connection.client.flushall()
    answer(store, shop, FIRST - timedelta(90))
    proof.seal(store, shop, KEYS, NOW)
    monkeypatch.setattr(stamps, "AT_ONCE", 1)
    assert stamp(store, shop, tsa) == [FIRST + timedelta(2)]
    said, late = str(check(export(store, shop), tsa)), (datetime.now(UTC).date() - FIRST).days + 89
    assert f"1 of 93 seals were time-stamped by the authority, the latest {late} days after its day, " in said


def test_seals_that_no_stamp_shows_are_named(sealed, shop, tsa):
    stamp(sealed, shop, tsa)
    sealed.connection.client.hdel("consent:{shop}:stamps", *(str(FIRST + timedelta(n)) for n in (1, 2)))
    said = str(check(export(sealed, shop), tsa))
    assert "1 of 3 seals were time-stamped by the authority, the latest " in said
    assert f"; none shows those from {FIRST + timedelta(1)} on." in said


def test_a_day_that_is_not_sealed_has_no_stamp(store, shop, tsa):
    store.connection.client.flushall()
    answer(store, shop, FIRST)
    lines = [json.loads(line) for line in export(store, shop)]
    seal = next(line for line in lines if line["type"] == "seal")
    seal["stamp"] = b64encode(tsa.stamp(seal["token"], NOW - timedelta(9))).decode()
    with pytest.raises(Failed, match="has a time-stamp, and is not sealed"):
        verify([json.dumps(line).encode() for line in lines], KEYS.jwks())


def test_a_seal_of_a_day_that_was_not_over_is_found(store, shop, tsa):
    """A stamp from before a day's end shows that its seal was made up ahead."""
    ahead = datetime.now(UTC).date() + timedelta(3)
    answer(store, shop, ahead)
    later = datetime.now(UTC) + timedelta(9)
    proof.seal(store, shop, KEYS, later)
    with pytest.raises(NotStamped, match="the day of the seal not over"):
        stamp(store, shop, tsa)
    assert store.attestations.stamps(shop) == {}
    seal = store.log.seals(shop)[ahead]
    made_up = tsa.stamp(seal, datetime.now(UTC) - timedelta(1))  # as one who wants to would keep it
    store.attestations.keep_stamp(shop, ahead, made_up)
    lines = list(proof.export(store, shop, KEYS, None, ahead, later))
    with pytest.raises(Failed, match="before its day was over"):
        check(lines, tsa)


def test_an_auditor_without_the_library_is_told_what_to_type(sealed, shop, tsa, monkeypatch):
    stamp(sealed, shop, tsa)
    lines = export(sealed, shop)
    monkeypatch.setattr(stand_alone, "rfc3161", None)
    assert verify(lines, KEYS.jwks()).days == 3
    with pytest.raises(NoCertificate, match="pip install rfc3161-client"):
        check(lines, tsa)
