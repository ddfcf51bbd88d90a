"""A backup that was put back, and recorded as such, is told apart from a log that somebody has cut."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from click.testing import CliRunner
from conftest import ROOT
from filled_log import FORGER, shop
from stamped_shop import DAY, FIRST, KEYS, NOW, SECRET, answer, store

from consent_server.check.store import alarms
from consent_server.cli.log import log as log_command
from consent_server.decision import Decision
from consent_server.proof import erasure
from consent_server.proof import log as proof
from consent_server.proof.attested import restorations, restored
from consent_server.proof.entries import erased_at
from consent_server.proof.erasure import erase, erase_again, erased_before
from consent_server.settings.environment import Settings
from consent_server.settings.shops import read_sites
from consent_server.store.keys import place
from consent_server.tokens import token
from consent_server.verify import Failed, verify

assert shop
assert store


def export(store, shop):
    return list(proof.export(store, shop, KEYS, None, FIRST + timedelta(2), NOW))


def put_back(store, shop):
    """Have the store as it was two days before the export that is returned."""
    proof.seal(store, shop, KEYS, NOW)
    older = export(store, shop)
    store.connection.client.flushall()
    answer(store, shop, FIRST, many=2)
    return older


def test_what_a_restored_backup_lost_fails_and_says_that_it_was_restored(store, shop):
    older = put_back(store, shop)
    with pytest.raises(Failed) as silent:
        verify(export(store, shop), KEYS.jwks(), older)
    assert "put back" not in str(silent.value)
    at = restored(store, shop, KEYS)
    assert abs(at - datetime.now(UTC)) < timedelta(hours=1), "by the store's clock"
    said = f"The operator recorded that a backup of the log was put back at {at:%Y-%m-%d %H:%M:%S} UTC."
    with pytest.raises(Failed) as told:
        verify(export(store, shop), KEYS.jwks(), older)
    assert str(told.value) == f"{silent.value} {said}"
    assert said in str(verify(export(store, shop), KEYS.jwks()))


def test_what_an_older_export_knew_of_is_no_excuse_for_what_was_lost_since(store, shop):
    restored(store, shop, KEYS)
    older = put_back(store, shop)
    record = json.loads(older[0])["restored"][0]
    store.attestations.keep_restored(shop, record)
    with pytest.raises(Failed) as told:
        verify(export(store, shop), KEYS.jwks(), older)
    assert "put back" not in str(told.value)


def test_who_writes_to_redis_cannot_record_it(store, shop):
    for said in (
        {"typ": "restored", "site": "shop", "at": 5, "head": ""},
        {"typ": "restored", "site": "shop", "at": "x", "head": ""},
    ):
        store.attestations.keep_restored(shop, token(said, FORGER.sign(said)))
    other = {"typ": "restored", "site": "other", "at": 5, "head": ""}
    store.attestations.keep_restored(shop, token(other, KEYS.sign(other)))
    store.attestations.keep_restored(shop, "nonsense")
    assert restorations(store, shop, KEYS) == []
    assert "put back" not in str(verify(export(store, shop), KEYS.jwks()))


@pytest.mark.parametrize("change", ["dropped", "forged", "another site's"])
def test_a_record_that_was_changed_in_an_export_is_found(store, shop, change):
    restored(store, shop, KEYS)
    lines = export(store, shop)
    head = json.loads(lines[0])
    said = {"typ": "restored", "site": "other" if "other" in change else "shop", "at": 5, "head": ""}
    signer = FORGER if change == "forged" else KEYS
    head["restored"] = [] if change == "dropped" else [token(said, signer.sign(said))]
    with pytest.raises(Failed):
        verify([json.dumps(head).encode(), *lines[1:]], KEYS.jwks())


def as_it_was(client):
    return {name: client.dump(name) for name in client.scan_iter(count=1000)}


def put_in(client, backup):
    client.flushall()
    for name, value in backup.items():
        client.restore(name, 0, value)


@pytest.fixture
def put_back_whole(store, shop):
    """The subjects whom a backup has whole again, and the export by which all but the last were erased."""
    proof.seal(store, shop, KEYS, NOW)
    client = store.connection.client
    subjects = [entry.subject for day in range(3) for entry in store.log.day(shop, FIRST + timedelta(day))]
    backup = as_it_was(client)
    for n, subject in enumerate(subjects[:-1]):
        assert erase(store, shop, KEYS, subject, 1_000 + n) == 1
    exported = export(store, shop)
    put_in(client, backup)
    assert all(store.history.of(shop, subject) for subject in subjects)
    return subjects, exported


def test_who_was_erased_since_is_erased_again_as_it_was(store, shop, put_back_whole):
    subjects, exported = put_back_whole
    assert erase_again(store, shop, KEYS, exported, 9_000) == len(subjects) - 1
    assert [bool(store.history.of(shop, subject)) for subject in subjects] == [False] * 8 + [True]
    assert erased_before(store, shop, KEYS, subjects[2]) == 1_002
    assert verify(export(store, shop), KEYS.jwks(), exported).erased == len(subjects) - 1
    assert erase_again(store, shop, KEYS, exported, 9_000) == 0


@pytest.mark.parametrize("most", [1, 3, 8, 9])
def test_no_more_shoppers_are_held_in_memory_than_may_be_however_many_are_erased_again(
    store, shop, put_back_whole, monkeypatch, most
):
    subjects, exported = put_back_whole
    held, found = [], erasure._whole_again

    def counted(*arguments):
        said = found(*arguments)
        held.append(len(said[0]))
        return said

    monkeypatch.setattr(erasure, "_whole_again", counted)
    monkeypatch.setattr(erasure, "PIECE", 2)
    assert erase_again(store, shop, KEYS, exported, 9_000, most) == len(subjects) - 1
    assert max(held) <= most
    assert sum(held) == len(subjects) - 1
    assert verify(export(store, shop), KEYS.jwks(), exported).erased == len(subjects) - 1


def test_those_behind_shoppers_whom_the_index_does_not_lead_to_are_erased_again_too(
    store, shop, put_back_whole, caplog
):
    subjects, exported = put_back_whole
    for subject in subjects[:3]:
        assert store.connection.client.hdel(place(shop, subject).seen, place(shop, subject).digest)
    assert erase_again(store, shop, KEYS, exported, 9_000, most=1) == len(subjects) - 4
    assert [bool(store.history.of(shop, subject)) for subject in subjects[3:]] == [False] * 5 + [True]
    assert "3 shoppers of shop are not erased again: nothing leads to their entries." in caplog.text


def test_a_day_of_a_bucket_is_read_once_however_many_are_erased_in_it(store, shop, monkeypatch):
    one, client, days, read = replace(shop, buckets=1), store.connection.client, [FIRST, FIRST + timedelta(1)], []
    client.flushall()
    for day in days:
        answer(store, one, day)
    backup, entries = as_it_was(client), store.log.day
    for subject in [entry.subject for day in days for entry in entries(one, day)]:
        assert erase(store, one, KEYS, subject, 1_000) == 1
    exported = export(store, one)
    put_in(client, backup)

    def counted(site, day, *between):
        read.append(day)
        return entries(site, day, *between)

    monkeypatch.setattr(store.log, "day", counted)
    assert erase_again(store, one, KEYS, exported, 9_000) == 6
    assert read == days


def test_another_answer_at_a_place_of_the_export_stays(store, shop, put_back_whole):
    subjects, exported = put_back_whole
    lines = [json.loads(line) for line in exported]
    for line in lines:
        if "statement" in line:
            line["leaf"] = "0" * 64
    assert erase_again(store, shop, KEYS, (json.dumps(line).encode() for line in lines), 9_000) == 0
    assert all(store.history.of(shop, subject) for subject in subjects)


def test_what_the_export_does_not_reach_of_somebody_erased_goes_with_the_rest(store, shop):
    notice = next(iter(store.notices.all(shop).values()))
    midnight = (FIRST - date(1970, 1, 1)).days * DAY

    def decide(allow, day, previous=None):
        decision = Decision(secrets.token_urlsafe(16), allow, notice, "save", previous)
        return store.decisions.record(shop, decision, now=midnight + day * DAY + 9, sign=KEYS.sign).consent

    store.connection.client.flushall()
    store.notices.serve(shop, [notice])
    changed = decide(3, 1, decide(7, 0))
    backup = as_it_was(store.connection.client)
    assert erase(store, shop, KEYS, changed.sub, 1_000) == 2
    second = list(proof.export(store, shop, KEYS, FIRST + timedelta(1), FIRST + timedelta(2), NOW))
    put_in(store.connection.client, backup)
    assert erase_again(store, shop, KEYS, second, 9_000) == 2
    left = [entry for day in range(2) for entry in store.log.day(shop, FIRST + timedelta(day))]
    assert [erased_at(entry) for entry in left] == [9_000, 1_000]
    verify(export(store, shop), KEYS.jwks())


def test_the_commands_say_so(store, monkeypatch):
    site = read_sites(ROOT / "consent.toml")["smartmarket"]
    monkeypatch.setenv("REDIS_URL", store.url)
    monkeypatch.setenv("CONSENT_SECRET", SECRET)
    monkeypatch.setenv("CONSENT_CONFIG", str(ROOT / "consent.toml"))
    settings = Settings(secret=(SECRET,), redis_url=store.url)
    assert not any("put back" in finding.fault for finding in alarms(settings, [site]))
    done = CliRunner().invoke(log_command, ["restored"])
    assert done.exit_code == 0, done.output
    (at,) = restorations(store, site, KEYS)
    assert done.stdout == f"smartmarket: recorded that a backup was put back at {at:%Y-%m-%d %H:%M:%S} UTC.\n"
    (finding,) = [finding for finding in alarms(settings, [site]) if "put back" in finding.fault]
    assert f"{at:%Y-%m-%d %H:%M:%S} UTC" in finding.fault
    assert not finding.grave
    assert CliRunner().invoke(log_command, ["restored", "nobody"]).exit_code == 2
