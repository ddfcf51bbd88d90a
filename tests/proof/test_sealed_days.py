"""A sealed day stays as it is: nothing is added, and it proves itself when secrets and archives have come and gone."""

import json
import secrets
from base64 import urlsafe_b64decode
from datetime import timedelta

import pytest
from click.testing import CliRunner
from conftest import ROOT
from filled_log import FIRST, KEYS, NOW, SIGNED_WITH, START, check, fill, shop

from consent_server import verify as stand_alone
from consent_server.cli.keys import keys as keys_command
from consent_server.decision import Decision
from consent_server.proof import log as proof
from consent_server.proof.archive import archive
from consent_server.proof.erasure import erase
from consent_server.store import Store
from consent_server.tokens import Keys
from consent_server.verify import verify

__all__ = ["shop"]


def test_seals_form_a_chain_and_the_first_seal_of_a_day_stays(shop, valkey):
    with valkey.client() as client:
        client.flushall()
    store = Store(valkey.url, 5)
    fill(store, shop, 10)
    proof.seal(store, shop, KEYS, NOW)
    before = store.log.seals(shop)
    assert proof.seal(store, shop, KEYS, NOW) == []
    assert not store.log.keep_seal(shop, FIRST, "another")
    assert store.log.seals(shop) == before
    store.close()


def test_nothing_is_added_to_a_sealed_day_whatever_the_clock_says(shop, valkey):
    with valkey.client() as client:
        client.flushall()
    store = Store(valkey.url, 5)
    consents = fill(store, shop, 10)
    proof.seal(store, shop, KEYS, NOW)
    sealed = [entry for day in (0, 1) for entry in store.log.day(shop, FIRST + timedelta(day))]
    notice = store.notices.find(shop, consents[0].notice)
    for _ in range(20):  # all buckets, those without an entry too
        late = Decision(secrets.token_urlsafe(16), 2, notice, "save", None)
        kept = store.decisions.record(shop, late, now=START + 5, sign=KEYS.sign)
        assert kept.consent.at >= START // 1000 + 2 * 86_400
        store.counters.shown(shop, now=START + 5, language="az", variant="", device="phone", country="")
    assert [entry for day in (0, 1) for entry in store.log.day(shop, FIRST + timedelta(day))] == sealed
    assert check(list(proof.export(store, shop, KEYS, None, NOW.date(), NOW))).entries == 30
    store.close()


def test_old_entries_prove_themselves_after_the_secret_was_changed(shop, valkey):
    with valkey.client() as client:
        client.flushall()
    store = Store(valkey.url, 5)
    fill(store, shop, 10)
    proof.seal(store, shop, KEYS, NOW)
    proof.seal(store, shop, Keys(["the secret that comes after the first one", SIGNED_WITH]), NOW)
    new = Keys(["the secret that comes after the first one"])
    lines = list(proof.export(store, shop, new, None, NOW.date(), NOW, with_tokens=True))
    for trusted in (KEYS, new):
        assert verify(lines, trusted.jwks()).entries == 10
    store.close()


def test_an_audit_gets_the_keys_of_secrets_that_were_taken_out(shop, valkey, monkeypatch):
    with valkey.client() as client:
        client.flushall()
    store = Store(valkey.url, 5)
    fill(store, shop, 10)
    proof.seal(store, shop, KEYS, NOW)
    monkeypatch.setenv("REDIS_URL", valkey.url)
    monkeypatch.setenv("CONSENT_CONFIG", str(ROOT / "consent.toml"))
    new = "the secret that comes after the first one"
    proof.seal(store, shop, Keys([new, SIGNED_WITH]), NOW)
    monkeypatch.setenv("CONSENT_SECRET", new)
    now, ever = (json.loads(CliRunner().invoke(keys_command, each).stdout) for each in ([], ["--all"]))
    assert KEYS.jwks()["keys"][0] not in now["keys"]
    assert ever["keys"] == [*now["keys"], *KEYS.jwks()["keys"]]
    lines = list(proof.export(store, shop, Keys([new]), None, NOW.date(), NOW, with_tokens=True))
    assert verify(lines, ever).entries == 10
    store.close()


def test_an_archive_is_verified_before_anything_is_trimmed(shop, valkey, tmp_path):
    with valkey.client() as client:
        client.flushall()
    store = Store(valkey.url, 5)
    consents = fill(store, shop)
    years = NOW + timedelta(seconds=shop.keep + shop.prove)
    with pytest.raises(proof.CannotWrite):
        archive(store, shop, KEYS, tmp_path / "nowhere", years)
    assert len(list(store.log.day(shop, FIRST))) > 10
    (done,) = archive(store, shop, KEYS, tmp_path, years)
    path, trimmed = tmp_path / done.file, done.entries
    with stand_alone.opened(path) as lines:
        assert verify(lines, KEYS.jwks()).entries == trimmed
    assert list(store.log.day(shop, FIRST)) == []
    gone = [c.sub for c in consents if c.sub and c.at < START // 1000 + 2 * 86_400]
    assert gone
    assert all(store.history.of(shop, subject) == [] for subject in gone)
    assert len(list(store.log.day(shop, NOW.date()))) == 40 - trimmed
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    store.close()


def test_a_disk_that_fills_leaves_no_half_export(tmp_path):
    def lines():
        yield b"first\n"
        raise OSError(28, "No space left on device")

    with pytest.raises(proof.CannotWrite, match="No space left"):
        proof.write(tmp_path / "log.jsonl.gz", lines())
    assert list(tmp_path.iterdir()) == []


def test_after_an_erasure_nothing_holds_the_subject(shop, valkey):
    with valkey.client() as client:
        client.flushall()
        store = Store(valkey.url, 5)
        consents = fill(store, shop)
        subject = next(c.sub for c in consents if c.sub)
        before = [store.counters.counts(shop, FIRST, NOW.date(), by) for by in ("day", "language", "how")]
        assert erase(store, shop, KEYS, subject, 5) > 0
        log = [entry for day in range(3) for entry in store.log.day(shop, FIRST + timedelta(day))]
        store.log.compact(shop)
        assert [entry for day in range(3) for entry in store.log.day(shop, FIRST + timedelta(day))] == log
        needles = (subject.encode(), urlsafe_b64decode(subject + "=="))
        for key in client.scan_iter("*"):
            assert not any(needle in client.dump(key) for needle in needles), key
        text = b"".join(proof.export(store, shop, KEYS, None, NOW.date(), NOW))
        assert subject.encode() not in text
        assert [store.counters.counts(shop, FIRST, NOW.date(), by) for by in ("day", "language", "how")] == before
        store.close()
