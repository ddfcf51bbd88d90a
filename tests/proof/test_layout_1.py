"""A store of layout 1, as the version before statements of erasures left it, is carried over and loses nothing.

`layout_1.json` has the value of each key as Redis 7 dumps it (`DUMP`, in base64). It was made by commit 6b7a050: with
`fill` of its `tests/proof/test_proof.py` 24 decisions over three days, of which the first two were then sealed
(`proof.seal` at 18:00 of the third); then `store.decisions.erase` of the first and the last shopper with a subject.
"""

from __future__ import annotations

import json
from base64 import b64decode
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from filled_log import FIRST, KEYS, SIGNED_WITH

from consent_server.cli.log import log as log_command
from consent_server.proof import log as proof
from consent_server.proof.entries import Unproven
from consent_server.rates.period import Period
from consent_server.rates.read import recount
from consent_server.settings.shops import read_sites
from consent_server.verify import opened, verify

CONFIG = """
[sites.shop]
name = "Mağaza"
origins = ["https://shop.example"]
policy_url = "/p"
policy_updated = 2025-12-20
languages = ["az"]
buckets = 3
"""


@pytest.fixture
def shop(on_valkey, tmp_path, monkeypatch):
    for name, value in json.loads(Path(__file__).with_name("layout_1.json").read_text("utf-8")).items():
        on_valkey.connection.client.restore(name, 0, b64decode(value))
    config = tmp_path / "consent.toml"
    config.write_text(CONFIG, "utf-8")
    for name, value in {"CONFIG": str(config), "SECRET": SIGNED_WITH}.items():
        monkeypatch.setenv(f"CONSENT_{name}", value)
    monkeypatch.setenv("REDIS_URL", on_valkey.url)
    return read_sites(config)["shop"]


def run(*arguments):
    return CliRunner().invoke(log_command, [*map(str, arguments)])


def test_a_store_of_layout_1_is_carried_over_sealed_exported_and_counted_and_loses_nothing(on_valkey, shop, tmp_path):
    store, client = on_valkey, on_valkey.connection.client

    def logged():
        return [entry for day in range(3) for entry in store.log.day(shop, FIRST + timedelta(day))]

    before, seals = logged(), store.log.seals(shop)
    assert (client.get("consent:layout"), len(before), len(seals)) == (b"1", 24, 2)
    with pytest.raises(Unproven, match="is erased, but no statement says so"):
        proof.seal(store, shop, KEYS, datetime.now(UTC))
    carried = run("carry-over", "shop")
    assert carried.stdout == "shop: 3 entries that were erased without a statement are signed for as they were found.\n"
    assert client.get("consent:layout") == b"2"
    assert run("seal", "shop").exit_code == 0
    out = tmp_path / "log.jsonl.gz"
    assert run("export", "shop", "--out", out, "--with-tokens").exit_code == 0
    with opened(out) as lines:
        summary = verify(lines, KEYS.jwks())
    assert (summary.entries, summary.signed, summary.erased, summary.unstated) == (24, 21, 3, 3)
    assert {day: store.log.seals(shop)[day] for day in seals} == seals
    assert [entry.identity() for entry in logged()] == [entry.identity() for entry in before]
    assert all(store.history.of(shop, entry.subject) for entry in before if entry.subject and entry.allow)
    assert recount(store, shop, Period(FIRST, date(2026, 11, 22))).differences == []
