"""Seals are time-stamped by an authority that is not ours, and nothing that it does holds one up."""

from __future__ import annotations

import json
import logging
import secrets
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from unittest.mock import Mock

import pytest
from authority import Authority as Running
from authority import running
from click.testing import CliRunner
from conftest import ROOT, EndsAtRest, closing
from test_proof import shop

from consent_server import verify as stand_alone
from consent_server.check.store import alarms
from consent_server.chores import housekeeping
from consent_server.chores.housekeeping import stamp_seals, work_on
from consent_server.cli.log import log as log_command
from consent_server.decision import Decision
from consent_server.proof import archive as proof_archive
from consent_server.proof import log as proof
from consent_server.proof.attested import stamps
from consent_server.proof.attested.stamps import Authority, NotStamped, stamp
from consent_server.settings.environment import Settings, read_environment
from consent_server.settings.rows import SettingsError
from consent_server.settings.shops import read_sites
from consent_server.site import Notice
from consent_server.store import Store
from consent_server.tokens import Keys
from consent_server.verify import Failed, NoCertificate, read_certificates, verify

assert shop

SECRET = "the secret that the stamped log is signed with"
KEYS = Keys([SECRET])
DAY = 86_400_000
FIRST = datetime.now(UTC).date() - timedelta(4)
NOW = datetime.combine(FIRST + timedelta(3), time(2), UTC)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("authority") / "one") as found:
        yield found


@pytest.fixture
def tsa(authority: Running) -> Iterator[Authority]:
    authority.way = "well"
    yield Authority(authority.url, read_certificates(authority.root))
    authority.way = "well"


def answer(store, shop, day: date, many: int = 3, keys: Keys = KEYS) -> None:
    notice = Notice.of({"site": shop.id, "revision": 1, "keep": 15_811_200, "lang": "az", "variant": "", "words": {}})
    store.notices.serve(shop, [notice])
    midnight = (day - date(1970, 1, 1)).days * DAY
    for n in range(many):
        decision = Decision(secrets.token_urlsafe(16), 2, notice, "accept", None)
        store.decisions.record(shop, decision, now=midnight + n, sign=keys.sign, device="phone", country="AZ")


@pytest.fixture
def store(valkey, shop) -> Iterator[Store]:
    """Three days of answers, none of them sealed."""
    with valkey.client() as client:
        client.flushall()
    with closing(Store(valkey.url, 5)) as opened:
        for n in range(3):
            answer(opened, shop, FIRST + timedelta(n))
        yield opened


@pytest.fixture
def sealed(store, shop) -> Store:
    assert len(proof.seal(store, shop, KEYS, NOW)) == 3
    return store


def export(store, shop) -> list[bytes]:
    return list(proof.export(store, shop, KEYS, None, FIRST + timedelta(2), NOW))


def check(lines, tsa, **options):
    return verify(lines, KEYS.jwks(), authority=tsa.certificates, **options)


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


NONSENSE = ["with nonsense", "with nothing", "without end", "cut off", "with an odd certificate"]


@pytest.mark.parametrize("way", [*NONSENSE, "refusing", "failing"])
def test_an_authority_that_answers_nonsense_holds_up_no_seal_and_is_asked_again(
    store, shop, tsa, authority, caplog, way
):
    authority.way = way
    with caplog.at_level(logging.WARNING, "consent_server"):
        work_on(store, shop, KEYS, None, NOW, tsa)
    assert len(store.log.seals(shop)) == 3
    assert store.attestations.stamps(shop) == {}
    (said,) = [record.getMessage() for record in caplog.records if "time-stamp" in record.getMessage()]
    assert said.startswith("seals of shop lack a time-stamp: The time-stamp authority 127.0.0.1 ")
    assert said.endswith(".")
    assert "\n" not in said
    assert "0 of 3 seals were time-stamped" in str(check(export(store, shop), tsa))
    authority.way = "well"
    work_on(store, shop, KEYS, None, NOW, tsa)
    assert "3 of 3 seals were time-stamped" in str(check(export(store, shop), tsa))


def test_an_authority_that_is_away_or_slow_holds_up_no_seal(store, shop, tsa, authority, monkeypatch):
    monkeypatch.setattr(stamps, "SECONDS", 0.4)
    work_on(store, shop, KEYS, None, NOW, Authority("http://127.0.0.1:1/stamp"))
    assert len(store.log.seals(shop)) == 3
    authority.way = "slowly"  # a byte at a time, for ever
    with pytest.raises(NotStamped, match="does not answer"):
        stamp(store, shop, tsa)


def test_a_stamp_of_another_seal_is_not_kept(sealed, shop, tsa, authority):
    authority.openssl("ts -query -data ca.pem -sha256 -out another")
    authority.way = "of another seal"
    with pytest.raises(NotStamped, match="answers what it was not asked"):
        stamp(sealed, shop, tsa)
    assert sealed.attestations.stamps(shop) == {}


@pytest.mark.parametrize("knows_certificate", [True, False])
def test_an_authority_whose_certificate_expired_is_told_of(sealed, shop, tmp_path, knows_certificate):
    with running(tmp_path / "old", until="20210101000000Z") as old:
        known = read_certificates(old.root) if knows_certificate else ()
        with pytest.raises(NotStamped, match="certificate that was valid until 2021-01-01"):
            stamp(sealed, shop, Authority(old.url, known))
    assert sealed.attestations.stamps(shop) == {}


def test_another_authority_than_the_one_whose_certificate_is_known_is_refused(sealed, shop, tsa, tmp_path):
    with running(tmp_path / "another") as another, pytest.raises(NotStamped, match="is none of the authority"):
        stamp(sealed, shop, Authority(another.url, tsa.certificates))
    assert sealed.attestations.stamps(shop) == {}
    with running(tmp_path / "third") as third:
        stamp(sealed, shop, Authority(third.url))  # whose certificate nobody named: the auditor finds it
    with pytest.raises(Failed, match=r"the time-stamp of the seal of \S+ is none of the authority"):
        check(export(sealed, shop), tsa)


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


def test_a_slow_authority_has_a_minute_of_each_round_for_all_shops_together(
    sealed, shop, tsa, authority, monkeypatch, caplog
):
    passed = iter(range(0, 10_000, 25))
    monkeypatch.setattr(housekeeping.time, "monotonic", lambda: float(next(passed)))
    asked, shops = authority.asked, [replace(shop, id=f"shop-{n}") for n in range(9)]
    monkeypatch.setattr(housekeeping, "stamp", Mock(side_effect=NotStamped("It takes 25 s.")))
    assert stamp_seals(sealed, shops, tsa) == {}
    assert housekeeping.stamp.call_count == 2
    assert authority.asked == asked
    monkeypatch.undo()
    monkeypatch.setattr(stamps, "monotonic", iter([0, 1, 61]).__next__)
    assert stamp(sealed, shop, tsa) == [FIRST + timedelta(2)]


def test_all_shops_are_sealed_before_any_seal_is_stamped(sealed, shop, tsa, monkeypatch):
    order = []
    monkeypatch.setattr(housekeeping, "seal", lambda store, site, *_: order.append(site.id))
    monkeypatch.setattr(housekeeping, "stamp", lambda store, site, *_: order.append(f"{site.id} stamped"))
    shops = {name: replace(shop, id=name) for name in ("one", "two", "three")}
    housekeeping.keep(sealed, shops, KEYS, {}, tsa, ending=EndsAtRest())
    assert order[:3] == ["one", "two", "three"]
    assert sorted(order[3:]) == ["one stamped", "three stamped", "two stamped"]


class PanicException(BaseException):
    """What a library in Rust raises where it panics."""


def test_a_panic_of_the_library_is_an_answer_that_is_none(sealed, shop, tsa, monkeypatch):
    stamp(sealed, shop, tsa)
    lines = export(sealed, shop)
    monkeypatch.setattr(stamps.rfc3161, "decode_timestamp_response", Mock(side_effect=PanicException("index 7 of 3")))
    with pytest.raises(NotStamped, match="answers what is no time-stamp"):
        tsa.stamp(sealed.log.seals(shop)[FIRST], NOW - timedelta(9))
    with pytest.raises(Failed, match="the library gave up: index 7 of 3"):
        check(lines, tsa)


def test_whatever_a_library_raises_the_next_shop_and_the_next_day_have_their_turn(sealed, shop, monkeypatch, caplog):
    done = Mock(side_effect=[PanicException("index 7 of 3"), None])
    monkeypatch.setattr(housekeeping, "work_on", done)
    housekeeping.keep(sealed, {"one": shop, "two": shop}, KEYS, {}, ending=EndsAtRest())
    assert done.call_count == 2
    assert "what is due at shop could not be done" in caplog.text


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


def test_an_auditor_without_the_library_is_told_what_to_type(sealed, shop, tsa, monkeypatch):
    stamp(sealed, shop, tsa)
    lines = export(sealed, shop)
    monkeypatch.setattr(stand_alone, "rfc3161", None)
    assert verify(lines, KEYS.jwks()).days == 3
    with pytest.raises(NoCertificate, match="pip install rfc3161-client"):
        check(lines, tsa)


@pytest.mark.parametrize(
    "url",
    ["http://tsa.example/", "ftp://tsa.example/", "tsa.example", "http://127.0.0.1.example/", "https://tsa.example/ö"],
)
def test_only_an_authority_behind_tls_is_asked(url):
    with pytest.raises(SettingsError, match="CONSENT_TSA"):
        read_environment({"CONSENT_TSA": url})
    assert read_environment({"CONSENT_TSA": "http://127.0.0.1:80/"}).tsa
