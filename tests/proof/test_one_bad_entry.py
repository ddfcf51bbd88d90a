"""An entry that nobody signed holds up the seal of its own day and those after it, and nothing else."""

import secrets
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from click.testing import CliRunner
from conftest import SECRET, closing

from consent_server.cli.log import log as log_command
from consent_server.decision import Decision
from consent_server.proof import log as proof
from consent_server.proof.archive import archive
from consent_server.proof.entries import Unproven
from consent_server.proof.erasure import erase
from consent_server.settings.shops import read_sites
from consent_server.site import Notice
from consent_server.store import ClocksApart, Store
from consent_server.store.connection import clock
from consent_server.tokens import Keys
from consent_server.verify import opened, verify

KEYS = Keys([SECRET])
TODAY = datetime.now(UTC).date()
SHOP = """
[sites.{0}]
name = "{0}"
origins = ["https://{0}.example"]
policy_url = "https://{0}.example/privacy"
policy_updated = 2025-12-20
"""


@pytest.fixture(autouse=True)
def yesterday_is_sealed(monkeypatch):
    """In the first hour of a day too."""
    monkeypatch.setattr(proof, "GRACE", timedelta(0))


@pytest.fixture
def shops(tmp_path, monkeypatch, valkey):
    """Three shops, of which the first has an answer of the day before yesterday that nobody signed."""
    config = tmp_path / "consent.toml"
    config.write_text("".join(map(SHOP.format, ["bad", "good", "other"])))
    monkeypatch.setenv("CONSENT_CONFIG", str(config))
    monkeypatch.setenv("CONSENT_SECRET", SECRET)
    monkeypatch.setenv("REDIS_URL", valkey.url)
    return read_sites(config)


@pytest.fixture
def store(valkey, shops):
    with valkey.client() as client, closing(Store(valkey.url, 5)) as store:
        client.flushall()
        for shop in shops.values():
            for ago in (5, 4, 3, 2):
                answer(store, shop, TODAY - timedelta(ago))
        answer(store, shops["bad"], TODAY - timedelta(2), sign=lambda _: b"x" * 64)
        yield store


def answer(store, shop, day, sign=KEYS.sign):
    notice = Notice.of({"site": shop.id, "revision": 1, "keep": 86_400, "lang": "az", "variant": "", "words": {}})
    store.notices.serve(shop, [notice])
    decision = Decision(secrets.token_urlsafe(16), 7, notice, "accept", None)
    now = (day - date(1970, 1, 1)).days * 86_400_000 + 3
    store.decisions.record(shop, decision, now=now, sign=sign, device="phone", country="AZ")
    return decision.subject


def run(*arguments):
    return CliRunner().invoke(log_command, [*map(str, arguments)])


def test_other_shops_are_sealed_and_the_command_says_at_last_that_one_is_not(store, shops):
    gone = answer(store, shops["bad"], TODAY)
    assert erase(store, shops["bad"], KEYS, gone, 5) == 1
    done = run("seal")
    assert done.exit_code == 2, done.output
    assert "bad is not sealed: The entry in bucket" in done.output
    assert done.output.rstrip().endswith("Not all was done: bad.")
    assert {shop.id: len(store.log.seals(shop)) for shop in shops.values()} == {"bad": 3, "good": 5, "other": 5}
    assert not store.log.is_rewrite_due(shops["bad"]), "what was erased there goes all the same"


def test_days_that_were_sealed_before_are_exported_and_others_are_not(store, shops, tmp_path):
    out = tmp_path / "log.jsonl.gz"
    done = run("export", "bad", "--out", out, "--to", TODAY - timedelta(3))
    assert done.exit_code == 0, done.output
    assert "is signed by none of the keys" in done.stderr
    with opened(out) as lines:
        assert verify(lines, KEYS.jwks()).unsealed == []
    for last in (TODAY - timedelta(2), TODAY):
        refused = run("export", "bad", "--out", tmp_path / "other.jsonl", "--to", last)
        assert refused.exit_code == 2
        assert "is signed by none of the keys" in refused.output


def test_old_days_are_archived_all_the_same(store, shops, tmp_path):
    shop, folder = replace(shops["bad"], keep=86_400, prove=0), tmp_path / "archive"
    folder.mkdir()
    noon = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC)
    [made] = archive(store, shop, KEYS, folder, noon - timedelta(1))
    assert (made.last, made.entries) == (TODAY - timedelta(3), 3)
    with pytest.raises(Unproven, match="is signed by none of the keys"):
        archive(store, shop, KEYS, folder, datetime.now(UTC) + timedelta(1))
    assert len([*store.log.day(shop, TODAY - timedelta(2))]) == 2
    with pytest.raises(Unproven):
        proof.seal(store, shop, KEYS, datetime.now(UTC))


def test_old_days_are_archived_also_where_days_to_come_are_sealed_and_none_that_only_this_machine_calls_old(
    store, shops, tmp_path, monkeypatch
):
    shop, now = replace(shops["good"], keep=86_400, prove=0), datetime.now(UTC)
    proof.seal(store, shop, KEYS, now + timedelta(20))
    monkeypatch.setattr(clock, "LEEWAY", 60_000)
    with closing(Store(store.url, 5)) as right:
        with pytest.raises(ClocksApart, match="until they agree"):
            archive(right, shop, KEYS, tmp_path, now + timedelta(10))
        assert right.log.archives(shop) == []
        [made] = archive(right, shop, KEYS, tmp_path, now)
    assert (made.last, made.entries) == (TODAY - timedelta(2), 4)
