"""Seals are time-stamped by an authority that is not ours, and nothing that it does holds one up."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from authority import running
from click.testing import CliRunner
from conftest import ROOT
from filled_log import shop
from stamped_shop import FIRST, KEYS, NOW, SECRET, answer, authority, check, export, sealed, store, tsa

from consent_server import verify as stand_alone
from consent_server.check.store import alarms
from consent_server.cli.log import log as log_command
from consent_server.proof.attested.stamps import Authority, stamp
from consent_server.settings.environment import Settings
from consent_server.settings.shops import read_sites
from consent_server.verify import verify

__all__ = ["authority", "sealed", "shop", "store", "tsa"]


def test_each_seal_is_stamped_once_and_verified_offline(sealed, shop, tsa, authority):
    before = authority.asked
    assert len(stamp(sealed, shop, tsa)) == 3
    assert stamp(sealed, shop, tsa) == []
    assert authority.asked == before + 3
    lines = export(sealed, shop)
    assert "3 of 3 seals were time-stamped by the authority, the latest" in str(check(lines, tsa))
    assert "3 of 3 seals have a time-stamp, which --tsa-certificate FILE checks." in str(verify(lines, KEYS.jwks()))


def test_openssl_verifies_the_stamps_that_are_kept(sealed, shop, tsa, authority):
    stamp(sealed, shop, tsa)
    for day, kept in sealed.attestations.stamps(shop).items():
        (authority.folder / "kept").write_bytes(kept)
        (authority.folder / "seal").write_text(sealed.log.seals(shop)[day])
        authority.openssl("ts -verify -in kept -data seal -CAfile ca.pem")


@pytest.mark.parametrize("kept", ["another seal's", "another authority's", "nonsense"])
def test_a_stamp_that_does_not_verify_is_asked_for_anew_once_a_certificate_is_known(
    sealed, shop, tsa, authority, tmp_path, kept
):
    seals = sealed.log.seals(shop)
    stamp(sealed, shop, tsa)
    good = sealed.attestations.stamps(shop)
    bad = {"another seal's": good[FIRST + timedelta(1)], "nonsense": b"\x30\x80"}.get(kept, b"")
    if kept == "another authority's":
        with running(tmp_path / "another") as other:
            bad = Authority(other.url).stamp(seals[FIRST], NOW - timedelta(9))
    sealed.connection.client.hset(f"consent:{{{shop.id}}}:stamps", str(FIRST), bad)
    assert stamp(sealed, shop, Authority(authority.url)) == []  # by no certificate nobody can tell
    asked = authority.asked
    assert stamp(sealed, shop, Authority(authority.url, tsa.certificates)) == [FIRST]
    assert authority.asked == asked + 1
    assert "3 of 3 seals were time-stamped" in str(check(export(sealed, shop), tsa))
    assert stamp(sealed, shop, tsa) == []


def test_a_kept_stamp_from_before_its_day_was_over_may_not_stay(sealed, shop, tsa):
    stamp(sealed, shop, tsa)
    seal, kept = sealed.log.seals(shop)[FIRST], sealed.attestations.stamps(shop)[FIRST]
    again = replace(tsa)
    assert not again.keeps(kept, seal, datetime.now(UTC) + timedelta(1))
    assert again.keeps(kept, seal, NOW)


def test_the_command_seals_and_stamps_and_says_one_sentence_of_an_authority_that_is_away(
    store, shop, authority, tsa, tmp_path, monkeypatch
):
    monkeypatch.setenv("REDIS_URL", store.url)
    monkeypatch.setenv("CONSENT_SECRET", SECRET)
    monkeypatch.setenv("CONSENT_CONFIG", str(ROOT / "consent.toml"))
    monkeypatch.setenv("CONSENT_TSA", "http://127.0.0.1:1")
    site_id = "smartmarket"
    answer(store, read_sites(ROOT / "consent.toml")[site_id], FIRST)
    done = CliRunner().invoke(log_command, ["seal", site_id])
    assert done.exit_code == 0, done.output
    assert "days sealed: " in done.stdout
    assert done.stderr.startswith("The time-stamp authority 127.0.0.1 does not answer")
    monkeypatch.setenv("CONSENT_TSA", authority.url)
    monkeypatch.setenv("CONSENT_TSA_CERTIFICATE", str(authority.root))
    done = CliRunner().invoke(log_command, ["seal", site_id])
    assert (done.exit_code, done.stderr) == (0, "")
    assert "days time-stamped: " in done.stdout
    out, keys = tmp_path / "log.jsonl.gz", tmp_path / "keys.json"
    keys.write_text(json.dumps(KEYS.jwks()))
    assert CliRunner().invoke(log_command, ["export", site_id, "--out", str(out)]).exit_code == 0
    arguments = [str(out), "--keys", str(keys), "--tsa-certificate"]
    done = CliRunner().invoke(log_command, ["verify", *arguments, str(authority.root)])
    assert done.exit_code == 0, done.output
    assert "seals were time-stamped by the authority, the latest" in done.stdout
    assert stand_alone.main([*arguments, str(authority.root)]) == 0
    for wrong in (str(keys), str(tmp_path / "none")):
        assert CliRunner().invoke(log_command, ["verify", *arguments, wrong]).exit_code == 2
    monkeypatch.setenv("CONSENT_TSA_CERTIFICATE", str(keys))
    store.connection.client.delete(f"consent:{{{site_id}}}:seals")
    done = CliRunner().invoke(log_command, ["seal", site_id])
    assert done.exit_code == 2
    assert f"days sealed: {FIRST}" in done.stdout, "what seals waits for no certificate"
    assert "holds no certificate (PEM)" in done.stderr
    done = CliRunner().invoke(log_command, ["export", site_id, "--out", str(out)])
    assert done.exit_code == 0, "what proves the log waits for no certificate"
    assert "holds no certificate (PEM). So time-stamps are exported as they are kept, unchecked." in done.stderr
    done = CliRunner().invoke(log_command, ["verify", *arguments, str(authority.root)])
    assert "seals were time-stamped by the authority, the latest" in done.stdout


def test_check_says_how_many_seals_lack_a_stamp(sealed, shop, tsa):
    settings = Settings(secret=(SECRET,), redis_url=sealed.url, tsa=tsa.url)
    said = [finding.fault for finding in alarms(settings, [shop])]
    assert "3 seals of shop lack a time-stamp of CONSENT_TSA." in said
    assert not any("time-stamp" in finding.fault for finding in alarms(replace(settings, tsa=None), [shop]))
    stamp(sealed, shop, tsa)
    assert not any("time-stamp" in finding.fault for finding in alarms(settings, [shop]))
