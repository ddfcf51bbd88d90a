"""What somebody else wrote into the store, of whatever kind, ends in one sentence and stops nobody but its own shop."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from conftest import SECRET, closing
from filled_log import KEYS, NOW, START, fill, shop
from test_one_bad_entry import TODAY, answer, run, shops
from test_one_bad_entry import store as three_shops

from consent_server.check.store import alarms, restorations
from consent_server.chores.housekeeping import stamp_seals, work_on
from consent_server.proof import log as proof
from consent_server.proof.archive import archive
from consent_server.proof.attested.stamps import Authority
from consent_server.proof.erasure import carry_over, erase, erased_before
from consent_server.proof.seals import chain
from consent_server.settings.environment import Settings
from consent_server.site import ConsentError, Notice
from consent_server.store import Store, Unreadable
from consent_server.store.keys import buckets, single
from consent_server.tokens import Keys
from consent_server.verify import verify

assert shop
assert shops
assert three_shops


@pytest.fixture(autouse=True)
def yesterday_is_sealed(monkeypatch):
    """In the first hour of a day too."""
    monkeypatch.setattr(proof, "GRACE", timedelta(0))


@pytest.fixture
def store(valkey, shop):
    with valkey.client() as client, closing(Store(valkey.url, 5, any_clock=True)) as store:
        client.flushall()
        fill(store, shop, 12)
        yield store


def archived(last: str, file: str = "f", first: str = "2020-01-01") -> str:
    return json.dumps({"first": first, "last": last, "file": file, "sha256": "", "entries": 1, "trimmed": False})


JUNK: dict[str, Callable] = {
    "zones": lambda r, shop, b: r.rpush(single.zones(shop), "{"),
    "zones-name": lambda r, shop, b: r.rpush(single.zones(shop), '[0,"No/Where"]'),
    "zones-path": lambda r, shop, b: r.rpush(single.zones(shop), '[0,"../../etc/passwd"]'),
    "zones-deep": lambda r, shop, b: r.rpush(single.zones(shop), "[" * 100_000),
    "erased": lambda r, shop, b: (r.hset(b.erased, "abc", "x"), r.zadd(b.erasures, {"abc": START + 5})),
    "erased-short": lambda r, shop, b: r.hset(b.erased, f"{START + 3}-0", "x"),
    "erased-negative": lambda r, shop, b: r.hset(b.erased, "-5-0", "x"),
    "archives-late": lambda r, shop, b: r.hset(single.archives(shop), "9999-12-31", archived("9999-12-31")),
    "archives-nul": lambda r, shop, b: r.hset(single.archives(shop), "2026-11-20", archived("2026-11-20", "f\0")),
    "archives-screen": lambda r, shop, b: r.hset(
        single.archives(shop), "2026-11-20", archived("2026-11-20", "\x1b[2J")
    ),
    "archives-back": lambda r, shop, b: r.hset(single.archives(shop), "2019-11-20", archived("2019-11-20")),
    "seals-early": lambda r, shop, b: r.hset(single.seals(shop), "0001-01-01", "x.y"),
    "seals-late": lambda r, shop, b: r.hset(single.seals(shop), "9999-12-31", "x.y"),
    "sealed-long": lambda r, shop, b: (
        r.set(b.sealed, "9" * 5_000),
        [r.delete(each.log) for each in buckets(shop)],
        r.xadd(b.log, {"e": "x"}, id=f"{2**63}-0"),
    ),
    "log-late": lambda r, shop, b: (
        [r.delete(each.log) for each in buckets(shop)],
        r.xadd(b.log, {"e": "x"}, id=f"{2**63}-0"),
    ),
}
DOES: dict[str, Callable] = {
    "seal": lambda store, shop, folder: proof.seal(store, shop, KEYS, NOW),
    "export": lambda store, shop, folder: list(proof.export(store, shop, KEYS, None, NOW.date(), NOW)),
    "first day": lambda store, shop, folder: store.log.first_day(shop),
    "archive": lambda store, shop, folder: archive(store, replace(shop, prove=0), KEYS, folder, NOW),
    "carry over": lambda store, shop, folder: carry_over(store, shop, KEYS, 5),
    "erased before": lambda store, shop, folder: erased_before(store, shop, KEYS, "n" * 22),
    "chain": lambda store, shop, folder: chain(store, shop, KEYS),
    "restorations": lambda store, shop, folder: restorations(store, shop, KEYS),
    "ahead": lambda store, shop, folder: store.clock.must_be_past_log(shop),
    "day": lambda store, shop, folder: fill(store, shop, 1),
}


@pytest.mark.parametrize("what", JUNK)
def test_whatever_reads_it_says_in_one_sentence_what_is_not_ours(store, shop, tmp_path, what):
    JUNK[what](store.connection.client, shop, buckets(shop)[0])
    store.zones._known.clear()  # as in a server that starts now
    said = [sentence(do, store, shop, tmp_path) for do in DOES.values()]
    assert any("what this server did not write" in each for each in said)
    assert "\x1b" not in "".join(said)


def sentence(do, *arguments):
    try:
        do(*arguments)
    except ConsentError as error:
        return str(error)
    return ""


def test_an_answer_is_refused_with_503_and_not_with_an_error_of_the_server(client, app, site):
    store = app.extensions["consent"].store
    store.connection.client.rpush(single.zones(site), "{")
    store.zones._known.clear()
    assert decided(client, site, "n").status_code == 503


def decided(client, site, name):
    headers = {"Origin": site.origins[0], "User-Agent": "Mozilla/5.0 Firefox/130.0", "Content-Type": "text/plain"}
    served = client.get(f"/v1/{site.id}/notice?lang=az", headers=headers).get_json()["notice"]
    body = {"id": "i" * 22, "allow": [], "notice": served if name == "n" else name, "lang": "az", "variant": ""}
    return client.post(f"/v1/{site.id}/decisions", data=json.dumps({**body, "how": "save"}), headers=headers)


def test_a_notice_that_lacks_what_a_receipt_shows_is_not_answered(client, app, site):
    """Its hash is its own, so whoever writes to Redis can put it there."""
    thin = Notice.of({"site": site.id, "lang": "az", "variant": "", "revision": 1, "keep": 100})
    for content in (thin.content, {**thin.content, "categories": ["marketing"], "cookies": {}, "words": {}}):
        notice = Notice.of({**content, "name": "x", "policy_url": "/", "policy_updated": "2026-01-01"})
        text = json.dumps(notice.content, sort_keys=True, separators=(",", ":"))
        app.extensions["consent"].store.connection.client.hset(single.notices(site), notice.hash, text)
        refused = decided(client, site, notice.hash)
        assert (refused.status_code, refused.get_json()["type"]) == (503, "/problems/forged-notice")


@pytest.mark.parametrize(
    ("key", "field", "value"),
    [(single.cosigned, "abc", "x"), (single.cosigned, "1", b"\xff"), (single.cosigned, "9" * 5000, "x")]
    + [(single.stamps, day, "x") for day in ("abc", b"\xff", "0001-01-01", "9999-12-31")],
)
def test_what_others_attest_is_left_out_where_it_has_no_number_day_or_text(store, shop, caplog, key, field, value):
    proof.seal(store, shop, KEYS, NOW)
    store.connection.client.hset(key(shop), field, value)
    with caplog.at_level(logging.WARNING):
        assert list(proof.export(store, shop, KEYS, None, NOW.date(), NOW))
    assert f"In {key(shop)} stands what this server did not write." in caplog.text
    assert "It is left out." in caplog.text


@pytest.mark.parametrize(
    "junk",
    [
        lambda r, shop: r.hset(single.seals(shop), "9999-12-31", "x.y"),
        lambda r, shop: (r.delete(single.seals(shop)), r.set(single.seals(shop), "of another kind")),
    ],
    ids=["late", "of another kind"],
)
def test_one_shop_s_junk_stops_no_other_shop(three_shops, shops, monkeypatch, junk):
    """Neither a seal, nor a time-stamp, nor what was erased from going, here or there."""
    store = three_shops
    gone = answer(store, shops["bad"], TODAY)
    assert erase(store, shops["bad"], Keys([SECRET]), gone, 5) == 1
    store.connection.client.rpush(single.zones(shops["bad"]), "{")
    junk(store.connection.client, shops["good"])
    done = run("seal")
    assert done.exit_code == 2
    assert done.output.rstrip().endswith("Not all was done: bad, good.")
    assert len(store.log.seals(shops["other"])) == 5
    assert not store.log.is_rewrite_due(shops["bad"])
    stamped = []
    monkeypatch.setattr(Authority, "stamp", lambda self, seal, over: stamped.append(seal) or b"stamp")
    assert stamp_seals(store, [*shops.values()], Authority("http://127.0.0.1:1")).keys() == {"bad", "other"}
    assert len(stamped) == 5


def test_junk_among_those_who_come_in_is_named(store, shop):
    redis, api_keys = store.connection.client, single.api_keys(shop)
    for key in (single.MARKETERS, single.links(shop), single.notes(shop), api_keys):
        redis.hset(key, "x", "{")
    redis.set(single.session("x"), "{")
    for read in (
        lambda: store.marketers.find("x"),
        lambda: store.marketers.all(),
        lambda: store.marketers.links(shop),
        lambda: store.marketers.link(shop, "x"),
        lambda: store.marketers.session("x"),
        lambda: store.notes.all(shop),
        lambda: store.rates_keys.all(shop),
    ):
        with pytest.raises(Unreadable, match="stands what this server did not write"):
            read()


def test_a_key_of_all_shops_that_holds_another_kind_stops_none(store, shop, caplog):
    """Who needs no other key than those of the secret goes on as before."""
    store.connection.client.set(single.ENDORSEMENTS, "of another kind")
    assert len(proof.seal(store, shop, KEYS, NOW)) == 2
    assert verify(proof.export(store, shop, KEYS, None, NOW.date(), NOW), KEYS.jwks()).entries
    assert f"{single.ENDORSEMENTS} holds another kind of value than this server writes. No other key" in caplog.text


def test_the_daily_work_goes_on_to_what_was_erased(three_shops, shops):
    shop = shops["bad"]
    erase(three_shops, shop, Keys([SECRET]), answer(three_shops, shop, TODAY), 5)
    three_shops.connection.client.rpush(single.zones(shop), '[0,"No/Where"]')
    three_shops.zones._known.clear()
    work_on(three_shops, shop, Keys([SECRET]), None, NOW)
    assert not three_shops.log.is_rewrite_due(shop)


def test_check_names_what_is_not_ours_at_each_shop(three_shops, shops):
    client = three_shops.connection.client
    client.hset(single.seals(shops["bad"]), "x", "x.y")
    client.set(single.restored(shops["good"]), "of another kind")
    client.hset(single.seals(shops["other"]), "0001-01-01", "x.y")
    settings = Settings(secret=(SECRET,), redis_url=three_shops.url)
    said = {each.fault for each in alarms(settings, shops.values())}
    assert {fault for fault in said if "write" in fault} == {
        "In consent:{bad}:seals stands what this server did not write.",
        "consent:{good}:restored holds another kind of value than this server writes.",
        "In consent:{other}:seals stands what this server did not write.",
    }
