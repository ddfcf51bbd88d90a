"""An authority that is away, slow, wrong or somebody else's holds up no seal."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from unittest.mock import Mock

import pytest
from authority import running
from conftest import EndsAtRest
from filled_log import shop
from stamped_shop import FIRST, KEYS, NOW, PanicException, authority, check, export, sealed, store, tsa

from consent_server.chores import housekeeping
from consent_server.chores.housekeeping import stamp_seals, work_on
from consent_server.proof.attested import stamps
from consent_server.proof.attested.stamps import Authority, NotStamped, stamp
from consent_server.settings.environment import read_environment
from consent_server.settings.rows import SettingsError
from consent_server.verify import Failed, read_certificates

__all__ = ["authority", "sealed", "shop", "store", "tsa"]


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


def test_whatever_a_library_raises_the_next_shop_and_the_next_day_have_their_turn(sealed, shop, monkeypatch, caplog):
    done = Mock(side_effect=[PanicException("index 7 of 3"), None])
    monkeypatch.setattr(housekeeping, "work_on", done)
    housekeeping.keep(sealed, {"one": shop, "two": shop}, KEYS, {}, ending=EndsAtRest())
    assert done.call_count == 2
    assert "what is due at shop could not be done" in caplog.text


@pytest.mark.parametrize(
    "url",
    ["http://tsa.example/", "ftp://tsa.example/", "tsa.example", "http://127.0.0.1.example/", "https://tsa.example/ö"],
)
def test_only_an_authority_behind_tls_is_asked(url):
    with pytest.raises(SettingsError, match="CONSENT_TSA"):
        read_environment({"CONSENT_TSA": url})
    assert read_environment({"CONSENT_TSA": "http://127.0.0.1:80/"}).tsa
