"""A key that holds another kind of value is named in one sentence, and stops nothing that does not need it."""

import json
import re
import secrets
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from conftest import ROOT, SECRET, Shopper, closing

from consent_server import create_app
from consent_server.check.store import alarms, storage
from consent_server.chores.housekeeping import close_days
from consent_server.proof import log as proof
from consent_server.proof.archive import archive
from consent_server.proof.erasure import erase
from consent_server.settings.environment import Settings
from consent_server.site import ConsentError
from consent_server.store import Unreadable, keys
from consent_server.store.keys import buckets, kinds, place, single

TODAY = datetime.now(UTC).date()
WORD = " holds another kind of value than this server writes."
NEEDED = {
    "log": "an answer",
    "seen": "an answer",
    "values": "an answer",
    "count": "an answer",
    "refused": "a refusal",
    "notices": "a first answer",
    "buckets": "a first answer",
    "zones": "a first answer",
}
"""By which keys an answer is kept; of the others none stops one."""

NAMED_BY = {
    **dict.fromkeys(["log", "notices", "seals", "erased", "erasures"], frozenset({"seal", "export", "archive"})),
    "archives": frozenset({"export", "archive"}),
    **dict.fromkeys(["cosigned", "count", "refused", "restored", "stamps", "values", "zones"], frozenset({"export"})),
}
"""Which work says so, by the keys that it reads; what it does without them, it does."""

ELSEWHERE = {"layout", "alarm", "older", "account", "linked", "session"}
"""Of one thing each that is told, or of one shopper, account or marketer each."""

SUBJECT = "s" * 22


def test_each_key_of_the_table_has_its_type_and_no_other():
    table = re.findall(
        r"^consent:(?:\{[A-Z]+\}:)?([a-z-]+)\S*\s+(\w+)\s", f"{keys.__doc__}\n{single.__doc__}", re.MULTILINE
    )
    assert dict(table) | {"old": "stream"} == kinds.TYPES


def key(site, part):
    """Return a key of which this is the name: of the first bucket, where each has one."""
    (bucket, *_) = buckets(site)
    rest = {
        "seen": place(site, SUBJECT).seen,
        "count": bucket.count(f"{TODAY:%Y-%m}"),
        "leaks": single.leaks(site, TODAY),
        "buckets": single.bucket_count(site),
        "endorsements": single.ENDORSEMENTS,
        "keys": single.PUBLIC_KEYS,
        "sample": single.SAMPLE,
        "marketers": single.MARKETERS,
    }
    if part in rest:
        return rest[part]
    return getattr(bucket, part, None) or getattr(single, part.replace("-", "_"))(site)


def subject_in(site, bucket):
    """Return a decision's id whose place is in a bucket."""
    while True:
        name = secrets.token_urlsafe(16)
        if place(site, name).bucket is bucket:
            return name


def answer(shopper, site, bucket, *allow):
    shopper.token = None
    return shopper.decide(*allow, id=subject_in(site, bucket))


def put(client, name):
    """Write another kind of value than ours there."""
    client.delete(name)
    if kinds.type_of(name) == "string":
        client.rpush(name, "of another kind")
    else:
        client.set(name, "of another kind")


@pytest.fixture
def site(site):
    return replace(site, buckets=2)


@pytest.fixture
def settings(valkey):
    return Settings(secret=(SECRET,), redis_url=valkey.url, config=ROOT / "consent.toml", client_limit=1_000_000)


@pytest.fixture
def one(valkey, settings, site, monkeypatch):
    """A server that has just started, on a store with answers of it, of which one was erased."""
    monkeypatch.setattr(proof, "GRACE", timedelta(0))
    with valkey.client() as client:
        client.flushall()
    with closing(create_app(settings, {site.id: site}).extensions["consent"].store) as first:
        first.must_fit(site)
    app = create_app(settings, {site.id: site})
    with closing(app.extensions["consent"].store):
        shopper = Shopper(app.test_client(use_cookies=False), site)
        bucket = buckets(site)[0]
        for allow in (["analytics"], []):
            assert answer(shopper, site, bucket, *allow).status_code == 201
        yield app, shopper


@pytest.fixture(params=sorted({*kinds.TYPES} - ELSEWHERE))
def wrong(one, site, request):
    app, _ = one
    name = key(site, request.param)
    put(app.extensions["consent"].store.connection.client, name)
    return name


def test_what_does_not_need_it_goes_on_and_what_does_says_its_name(one, wrong, site, settings, tmp_path):
    app, shopper = one
    behind, part = app.extensions["consent"], re.split("}:|consent:", wrong)[-1].partition(":")[0]
    bucket, other = buckets(site)
    before = length(behind.store, bucket)
    for allow in (["analytics"], []):
        needs = NEEDED.get(part) == "an answer" or (not allow and NEEDED.get(part) == "a refusal")
        shopper.token = None
        said = shopper.decide(*allow, id=SUBJECT if part == "seen" else subject_in(site, bucket))
        assert (said.status_code, wrong in said.text) == ((503, True) if needs else (201, False)), said.text
        assert answer(shopper, site, other, *allow).status_code == 201
    if part in NEEDED and part != "log":
        refused = 1 if NEEDED[part] == "a refusal" else 2 if NEEDED[part] == "an answer" else 0
        assert length(behind.store, bucket) == before + 2 - refused, "nothing is half done"
    # A server that starts now.
    again = create_app(settings, {site.id: site})
    with closing(again.extensions["consent"].store):
        newcomer = Shopper(again.test_client(use_cookies=False), site)
        with suppress(LookupError):  # of its notice, where nothing is served
            said = answer(newcomer, site, other, "analytics")
            needs = NEEDED.get(part) == "a first answer"
            assert (said.status_code, wrong in said.text) == ((503, True) if needs else (201, False)), said.text
        assert newcomer.client.get("/healthz").status_code == 200
        # Those by which each shopper is found are hundreds: check looks at them, and readyz is asked all the time.
        assert (wrong in newcomer.client.get("/readyz").text) == (part != "seen")
    work = {
        "seal": lambda: proof.seal(behind.store, site, behind.keys, datetime.now(UTC)),
        "export": lambda: [*proof.export(behind.store, site, behind.keys, None, TODAY, datetime.now(UTC))],
        "archive": lambda: archive(behind.store, site, behind.keys, tmp_path, datetime.now(UTC)),
        "erase": lambda: erase(behind.store, site, behind.keys, subject_in(site, bucket), 5),
    }
    said = {name: text for name, do in work.items() if (text := sentence(do))}
    assert said.keys() == NAMED_BY.get(part, frozenset())
    assert all(wrong in text for text in said.values()), "its own name, and no other"
    faults = close_days(behind.store, site, behind.keys, datetime.now(UTC))[1]
    assert [wrong in fault for fault in faults] == [True] * ("seal" in said)
    if part in ("sealed", "torn", "copy", "old"):  # which were written anew
        return
    found = {each.fault: each.cure for each in [*storage(settings), *alarms(settings, [site])]}
    assert "renamenx" in found[wrong + WORD]


def sentence(do):
    try:
        do()
    except ConsentError as error:
        return str(error)
    return ""


def length(store, bucket):
    with suppress(Exception):
        return store.connection.client.xlen(bucket.log)
    return 0


@pytest.mark.parametrize("number", ["x", "0", "-1", "1e9", "4000000000", "9" * 30, ""])
def test_a_value_whose_number_is_none_of_ours_is_named_and_no_answer_is_kept_by_half(one, site, settings, number):
    """A large one would take all memory, and any came after the entry."""
    app, shopper = one
    store, (bucket, other) = app.extensions["consent"].store, buckets(site)
    before, memory = length(store, bucket), store.connection.client.info("memory")["used_memory"]
    store.connection.client.hset(bucket.values, "how=save", number)
    name = subject_in(site, bucket)
    for _ in range(2):  # also when it is sent again
        shopper.token = None
        said = shopper.decide("analytics", id=name, how="save")
        assert said.status_code == 503
        assert said.get_json()["detail"] == f"In {bucket.values} stands what this server did not write."
    assert length(store, bucket) == before
    assert store.connection.client.info("memory")["used_memory"] < memory + 2**20
    assert answer(shopper, site, other, "analytics").status_code == 201
    assert f"In {bucket.values} stands what this server did not write." in {
        each.fault for each in alarms(settings, [site])
    }


def test_counters_that_are_larger_than_any_are_named_and_end_in_no_error_of_the_server(one, site, settings):
    app, shopper = one
    store = app.extensions["consent"].store
    for bucket in buckets(site):
        store.connection.client.set(bucket.count(f"{TODAY:%Y-%m}"), b"\xff" * 10_000)
    with pytest.raises(Unreadable, match=f"In the counters of {site.id} stands what this server did not write"):
        store.counters.counts(site, TODAY.replace(day=1), TODAY, "day")
    assert shopper.client.get("/metrics", environ_base={"REMOTE_ADDR": "127.0.0.1"}).status_code == 200
    assert [each for each in alarms(settings, [site]) if f"the counters of {site.id}" in each.fault]
    assert answer(shopper, site, buckets(site)[0], "analytics").status_code == 201


def test_a_layout_of_another_kind_is_named_and_redis_is_not_called_away(one, site, settings):
    app, shopper = one
    put(app.extensions["consent"].store.connection.client, keys.LAYOUT)
    assert answer(shopper, site, buckets(site)[0], "analytics").status_code == 201
    assert keys.LAYOUT + WORD in shopper.client.get("/readyz").text
    (found,) = [each for each in storage(settings) if keys.LAYOUT in each.fault]
    assert found.fault == keys.LAYOUT + WORD
    assert "renamenx" in found.cure
    assert json.loads(shopper.client.get("/healthz").text)
