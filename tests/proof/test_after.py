"""Two exports of one log: all that the older one has is in the newer one, or the first that is not is named."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from filled_log import FIRST, KEYS, NOW, SIGNED_WITH, START, check, fill, numbers, shop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from two_exports import LATER, export, follows, store, two

from consent_server import verify as stand_alone
from consent_server.cli.log import log as log_command
from consent_server.proof import log as proof
from consent_server.store import Archive
from consent_server.store.keys import buckets
from consent_server.tokens import Keys, token
from consent_server.verify import Failed, NoExport, unsigned, verify

__all__ = ["shop", "store", "two"]


def test_a_log_that_only_grew_follows_its_older_export(two):
    older, newer = two
    assert follows(newer, older).entries == 46
    assert follows(newer, newer).entries == 46
    assert follows(older, older).entries == 40


def test_an_export_of_before_the_secret_was_changed_is_followed_by_whoever_trusts_today_s_key_alone(two, store, shop):
    older, _ = two
    keys = Keys(["the secret that comes after the first one", SIGNED_WITH])
    proof.seal(store, shop, keys, LATER + timedelta(1))
    now = LATER + timedelta(1)
    newer = list(proof.export(store, shop, keys, None, now.date(), now))
    alone = {"keys": keys.jwks()["keys"][:1]}
    assert verify(newer, alone, older).entries == 46
    with pytest.raises(Failed, match=r"^The older export, line .* none of the keys"):
        verify(newer, alone, forged_end(older))


def forged_end(lines):
    """Return an export whose end a stranger has signed."""
    end = unsigned(json.loads(lines[-1])["token"])
    forger = Keys(["a secret of somebody else altogether"])
    return [*lines[:-1], json.dumps({"type": "end", "token": token(end, forger.sign(end))}).encode()]


def test_the_older_one_does_not_follow_the_newer_one(two):
    older, newer = two
    with pytest.raises(Failed, match=r"older export .*2026-11-22"):
        follows(older, newer)


@pytest.mark.parametrize("many", [39, 40, 41])
def test_a_history_that_was_made_anew_with_the_genuine_secret_is_found(two, store, shop, many):
    """The operator's own attack: nothing but an older export, kept by somebody else, tells."""
    older, _ = two
    store.connection.client.flushall()
    fill(store, shop, many)
    proof.seal(store, shop, KEYS, LATER)
    anew = export(store, shop, LATER)
    assert check(anew).entries == many
    with pytest.raises(Failed, match=r"the entry of 2026-11-20 at .*(is another one|which is missing)"):
        follows(anew, older)


def test_a_dropped_seal_that_was_made_again_is_found(two, store, shop):
    """Who can write to Redis drops a seal and a decision of that day; the honest server seals it again."""
    older, _ = two
    redis = store.connection.client
    days = sorted(redis.hkeys("consent:{shop}:seals"))
    redis.hdel("consent:{shop}:seals", *days[1:])
    entry = next(entry for entry in store.log.day(shop, FIRST + timedelta(1)) if entry.allow)
    bucket = next(bucket for bucket in buckets(shop) if bucket.number == entry.bucket)
    redis.xdel(bucket.log, f"{entry.at}-{entry.seq}")
    proof.seal(store, shop, KEYS, LATER)
    place = f"{entry.bucket}, {entry.at}-{entry.seq}"
    with pytest.raises(Failed, match=f"^The older export has the entry of 2026-11-21 at {place}, which is missing"):
        follows(export(store, shop, LATER), older)


def statement_of(lines):
    return "".join(json.loads(line).get("statement", "") for line in lines)


def test_an_erasure_that_was_taken_back_is_found(two, store, shop):
    """A restored copy of the store has somebody again who was erased."""
    older, newer = two
    number = next(n for n in numbers(older, "entry") if b'"erased"' in older[n])
    place = {name: json.loads(older[number])[name] for name in ("bucket", "at", "seq")}
    at = next(n for n in numbers(newer, "entry") if place.items() <= json.loads(newer[n]).items())
    line = json.loads(newer[at])
    back = {name: value for name, value in line.items() if name not in ("erased", "statement")}
    changed = [*newer[:at], json.dumps(back | {"identity": line["erased"]}).encode(), *newer[at + 1 :]]
    end = unsigned(json.loads(newer[-1])["token"])
    end |= {"erased": end["erased"] - 1, "statements": hashlib.sha256(statement_of(changed).encode()).hexdigest()}
    changed[-1] = json.dumps({"type": "end", "token": token(end, KEYS.sign(end))}).encode()
    assert check(changed).entries == 46, "by itself it looks right"
    with pytest.raises(Failed, match="was erased; its statement is missing"):
        follows(changed, older)


def test_a_newer_export_that_begins_later_names_the_first_day_that_is_missing(two, store, shop):
    older, _ = two
    with pytest.raises(Failed, match=r"^The older export has the entry of 2026-11-20 at .*, which is missing"):
        follows(export(store, shop, LATER, first=FIRST + timedelta(3)), older)  # the older one ends with an open day
    assert follows(export(store, shop, LATER), export(store, shop, first=FIRST + timedelta(1)))


@pytest.mark.parametrize("days", [1, 2])
def test_a_newer_export_of_a_log_whose_older_days_were_archived_follows_by_its_first_seal(two, store, shop, days):
    older, _ = two
    last = FIRST + timedelta(days - 1)
    store.log.trim(shop, made := Archive(FIRST, last, "shop.jsonl.gz", "", 0))
    store.log.keep_archive(shop, made)
    newer = export(store, shop, LATER)
    summary = follows(newer, older)
    assert summary.archived == f"{last}"
    assert f"So nothing but their seals was compared up to {last}: their archive shows the rest." in str(summary)
    for number in numbers(older, "entry"):  # what is in both is compared as ever
        if json.loads(older[number])["at"] >= START + days * 86_400_000:
            changed = without_entry(newer, json.loads(older[number])["leaf"])
            with pytest.raises(Failed):
                follows(changed, older)


def without_entry(lines, leaf):
    return [line for line in lines if f'"leaf":"{leaf}"'.encode() not in line]


def test_a_newer_export_that_follows_other_days_than_the_older_one_has_is_found(two, store, shop):
    """The operator's attack: a history made anew, of which the days that differ are said to be in an archive."""
    older, _ = two
    store.connection.client.flushall()
    fill(store, shop, 41)
    proof.seal(store, shop, KEYS, LATER)
    for first in (1, 2, 3):
        anew = export(store, shop, LATER, first=FIRST + timedelta(first))
        with pytest.raises(Failed, match=r"which is missing|is another one"):
            follows(anew, older)


def test_an_older_export_whose_time_was_moved_is_none(two):
    older, newer = two
    head = json.loads(older[0]) | {"made": "2026-11-20T00:00:00+00:00"}
    with pytest.raises(Failed, match=r"it was made at .*2026-11-22T18"):
        follows(newer, [json.dumps(head).encode(), *older[1:]])


def test_an_export_of_version_1_follows_none_of_version_2(two):
    """The operator's attack: in version 1 an erasure needs no statement, so that anything is written as erased."""
    older, newer = two
    end = unsigned(json.loads(newer[-1])["token"])
    end = {name: value for name, value in end.items() if name not in ("version", "signed", "erased", "statements")}
    head = {**json.loads(newer[0]), "version": 1}
    old_way = [
        json.dumps(head).encode(),
        *newer[1:-1],
        json.dumps({"type": "end", "token": token(end, KEYS.sign(end))}),
    ]
    blanked = []
    for line in old_way:
        content = json.loads(line)
        if "identity" in content:
            content["erased"] = content.pop("identity")
        blanked.append(json.dumps(content).encode())
    assert check(blanked).unstated > 40
    with pytest.raises(Failed, match="The older export has version 2, and in 1 nothing proves erasures"):
        follows(blanked, older)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_an_older_export_that_was_changed_is_told_apart(two, data):
    older, newer = two
    at = data.draw(st.integers(0, len(older) - 1))
    changed = older[:at] + older[at + 1 :]
    with pytest.raises((Failed, NoExport)) as refused:
        follows(newer, changed)
    if isinstance(refused.value, Failed):
        assert str(refused.value).startswith("The older export, line ")


def test_exports_of_two_shops_are_told_apart(two, store, shop):
    other = replace(shop, id="other")
    store.notices.serve(other, [])
    older, newer = two
    lines = list(proof.export(store, other, KEYS, FIRST, NOW.date(), NOW))
    with pytest.raises(Failed, match="of another site, 'other'"):
        follows(newer, lines)
    assert older


def test_the_command_compares_two_files(two, tmp_path):
    older, newer = two
    files = {name: tmp_path / name for name in ("older.jsonl", "newer.jsonl", "keys.json")}
    files["older.jsonl"].write_bytes(b"".join(older))
    files["newer.jsonl"].write_bytes(b"".join(newer))
    files["keys.json"].write_text(json.dumps(KEYS.jwks()))

    def run(new, old):
        options = ["--keys", str(files["keys.json"]), "--after", str(old)]
        return CliRunner().invoke(log_command, ["verify", str(new), *options])

    assert run(files["newer.jsonl"], files["older.jsonl"]).exit_code == 0
    refused = run(files["older.jsonl"], files["newer.jsonl"])
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "older export" in refused.stderr
    assert run(files["newer.jsonl"], tmp_path / "nothing").exit_code == 2


def test_an_export_of_version_1_is_compared_too():
    lines = Path(__file__).with_name("version_1.jsonl").read_bytes().splitlines(keepends=True)
    assert verify(lines, KEYS.jwks(), lines).entries == 8


def test_two_exports_are_compared_in_flat_memory(two):
    """Eight thousand entries are compared in hardly more memory than a thousand."""
    older, newer = two
    head = [line for line in newer if json.loads(line)["type"] in ("log", "notice")]
    first = json.loads(newer[numbers(newer, "entry")[0]])

    def lines(many):
        yield from head
        yield b'{"type":"day","day":"2026-11-20"}'
        for n in range(many):
            entry = {name: first[name] for name in stand_alone.LEAF}
            entry |= {"type": "entry", "n": n, "at": START + n, "identity": "00" * 32, "bucket": 0}
            yield json.dumps(entry | {"leaf": stand_alone.leaf(entry).hex()}).encode()

    def peak(many):
        tracemalloc.start()
        with pytest.raises(Failed, match="cut off"):
            follows(lines(many), lines(many))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert older
    assert peak(8_000) < 1.5 * peak(1_000) + 200_000
