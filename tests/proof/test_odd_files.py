"""Files that somebody made to mislead: what they say is quoted, what they lack named, and none ends in a traceback."""

import contextlib
import gzip
import io
import json
import os
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from authority import running
from click.testing import CliRunner
from conftest import ROOT
from cryptography.hazmat.primitives.serialization import Encoding
from filled_log import KEYS, NOW, SIGNED_WITH, shop
from small_log import export, lines, store

from consent_server import verify as stand_alone
from consent_server.check.store import restorations
from consent_server.cli.backups.rehearse import rehearse
from consent_server.cli.keys import keys as keys_command
from consent_server.cli.log import log as log_command
from consent_server.proof import log as proof
from consent_server.proof.attested import restored
from consent_server.proof.entries import Unproven
from consent_server.proof.keys import published
from consent_server.tokens import Keys, token
from consent_server.verify import Failed, NoCertificate, NoKeys, Witness, read_certificates, verify

__all__ = ["lines", "shop", "store"]

TODAY = Keys(["the secret of today", SIGNED_WITH])
DEEP = b"[" * 200_000


def kinds(lines):
    return [json.loads(line)["type"] for line in lines]


# ---- What it prints ----

EVIL = "x\x1b[2K\rshop: 30 entries of 3 days are whole and unchanged, 0 of them erased.\n\x1b[8m\u202e"


@pytest.mark.parametrize("field", ["type", "hash", "day", "n", "version", "site", "made", "bucket", "at", "odd"])
def test_nothing_in_an_export_reaches_the_terminal_as_it_is(lines, tmp_path, field):
    if field == "odd":
        number, content = 1, {**json.loads(lines[1]), EVIL: 1}
    else:
        number, content = next((n, json.loads(each)) for n, each in enumerate(lines) if f'"{field}":'.encode() in each)
        content[field] = EVIL
    changed = [*lines[:number], json.dumps(content).encode() + b"\n", *lines[number + 1 :]]
    assert_plain(*checked(tmp_path, changed))
    assert_plain(*checked(tmp_path, lines, older=changed))


def checked(tmp_path, lines, older=None):
    paths = {name: tmp_path / name for name in ("keys.json", "log.jsonl", "older.jsonl")}
    paths["keys.json"].write_text(json.dumps(KEYS.jwks()))
    paths["log.jsonl"].write_bytes(b"".join(lines))
    paths["older.jsonl"].write_bytes(b"".join(older or []))
    arguments = [str(paths["log.jsonl"]), "--keys", str(paths["keys.json"])]
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        status = stand_alone.main([*arguments, *(["--after", str(paths["older.jsonl"])] if older else [])])
    return status, said.getvalue()


def assert_plain(status, said):
    assert status in (1, 2)
    assert said.removesuffix("\n").isprintable(), said
    assert "0 of them erased" not in said, "it is cut"


def test_the_names_of_keys_in_the_store_do_not_either(store, monkeypatch, valkey):
    store.connection.client.hset("consent:keys", "\x1b[2Jevil", "{}")
    monkeypatch.setenv("CONSENT_SECRET", SIGNED_WITH)
    monkeypatch.setenv("REDIS_URL", valkey.url)
    monkeypatch.setenv("CONSENT_CONFIG", str(ROOT / "consent.toml"))
    said = CliRunner().invoke(keys_command, ["--all"], color=True)
    assert "evil" in said.stderr
    assert "\x1b" not in said.stderr


def test_it_says_so_where_no_newer_key_is_known(lines):
    assert "No newer key than that of its end is known here." in str(verify(lines, KEYS.jwks()))
    newer = published(TODAY)
    assert "is known here" not in str(verify(lines, newer))


# ---- Files that are cut, deep, piped, or begin with a mark ----


def test_the_file_that_is_cut_off_is_named_and_not_the_other(lines, tmp_path):
    whole, cut, keys = tmp_path / "whole.gz", tmp_path / "cut.gz", tmp_path / "keys.json"
    whole.write_bytes(gzip.compress(b"".join(lines)))
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    keys.write_text(json.dumps(KEYS.jwks()))
    for file, older in ((cut, whole), (whole, cut)):
        with pytest.raises(Failed, match=r"^\S+/cut\.gz is cut off or damaged: "):
            stand_alone.check(file, keys, older)


def test_an_export_may_come_through_a_pipe_and_keys_begin_with_a_byte_order_mark(lines, tmp_path):
    keys = tmp_path / "keys.json"
    keys.write_bytes(b"\xef\xbb\xbf" + json.dumps(KEYS.jwks()).encode())
    for content in (b"".join(lines), gzip.compress(b"".join(lines))):
        pipe = tmp_path / f"pipe-{len(content)}"
        os.mkfifo(pipe)
        writer = threading.Thread(target=pipe.write_bytes, args=[content])
        writer.start()
        assert stand_alone.check(pipe, keys).entries == 8
        writer.join()


def test_a_name_that_no_file_can_have_is_told_in_a_sentence():
    with pytest.raises(stand_alone.NoExport, match="cannot be read"), stand_alone.opened(Path("a\0b")):
        pass


@pytest.mark.parametrize(
    "what",
    [DEEP, gzip.compress(b'{"type":"log","site":"shop"}\n' * 1000, mtime=0)[:40], b"", b"[]"],
    ids=["deep", "gzip cut off", "empty", "a list"],
)
def test_what_is_no_export_is_told_in_a_sentence_by_whoever_takes_one(what, tmp_path, monkeypatch, valkey):
    monkeypatch.setenv("CONSENT_SECRET", SIGNED_WITH)
    monkeypatch.setenv("REDIS_URL", valkey.url)
    monkeypatch.setenv("CONSENT_CONFIG", str(ROOT / "consent.toml"))
    path = tmp_path / "export"
    path.write_bytes(what)
    for command, arguments in (
        (log_command, ["restored", "--erased", str(path)]),
        (rehearse, [str(tmp_path), "--after", str(path)]),
    ):
        done = CliRunner().invoke(command, arguments)
        assert done.exit_code == 2, done.output
        assert f"{path} is no export of a consent log." in done.output


def test_a_certificate_of_a_version_that_nobody_knows_is_none(tmp_path):
    with running(tmp_path / "authority") as authority:
        (certificate,) = read_certificates(authority.root)
    body = certificate.public_bytes(Encoding.DER).replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020109"), 1)
    path = tmp_path / "odd.pem"
    path.write_text(stand_alone_pem(body))
    with pytest.raises(NoCertificate, match="holds no certificate"):
        read_certificates(path)


def stand_alone_pem(body):
    return f"-----BEGIN CERTIFICATE-----\n{stand_alone.b64encode(body).decode()}\n-----END CERTIFICATE-----\n"


def test_a_witness_key_that_is_no_text_is_none(lines, tmp_path):
    with pytest.raises(NoKeys, match="is no key of a witness"):
        Witness.of("\udcff+aa+bb")
    (tmp_path / "keys.json").write_text(json.dumps(KEYS.jwks()))
    (tmp_path / "log.jsonl").write_bytes(b"".join(lines))
    done = subprocess.run(
        [sys.executable, stand_alone.__file__, "log.jsonl", "--keys", "keys.json", "--witness", b"\xff+aa+bb"],
        cwd=tmp_path,
        capture_output=True,
    )
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1), done.stderr


# ---- That a backup was put back ----


def test_an_old_secret_does_not_say_that_a_backup_was_put_back_since_it_is_out_of_use(store, shop):
    proof.seal(store, shop, TODAY, NOW + timedelta(1))
    said = {"typ": "restored", "site": "shop", "at": int(NOW.timestamp()) + 200_000, "head": ""}
    forged = token(said, KEYS.sign(said))
    store.attestations.keep_restored(shop, forged)
    for keys in (TODAY, Keys(["the secret of today"])):
        assert restorations(store, shop, keys) == []
        lines = list(proof.export(store, shop, keys, None, (NOW + timedelta(1)).date(), NOW + timedelta(1)))
        assert verify(lines, published(keys)).restored == []
        head = {**json.loads(lines[0]), "restored": [forged]}
        with pytest.raises(Failed, match=r"put back at .* is signed by .*, which was out of use"):
            verify([json.dumps(head).encode(), *lines[1:]], published(keys))
    with pytest.raises(Unproven, match="is by a newer key"):
        restored(store, shop, KEYS)


def test_what_it_said_while_it_was_in_use_holds(store, shop):
    said = {"typ": "restored", "site": "shop", "at": int(NOW.timestamp()) - 86_400, "head": ""}
    store.attestations.keep_restored(shop, token(said, KEYS.sign(said)))
    proof.seal(store, shop, TODAY, NOW + timedelta(1))
    assert len(restorations(store, shop, TODAY)) == 1
    assert restored(store, shop, TODAY)
    assert len(verify(export(store, shop, TODAY), published(TODAY)).restored) == 2


@pytest.mark.parametrize("at", [10**18, -1, 2**63, 253_402_300_800, 1e300, True, "1"])
def test_a_backup_that_was_put_back_at_no_time_is_none(store, shop, at):
    said = {"typ": "restored", "site": "shop", "at": at, "head": ""}
    forged = token(said, KEYS.sign(said))
    store.attestations.keep_restored(shop, forged)
    assert [each.timestamp() for each in restorations(store, shop, KEYS)] == ([1] if at is True else [])
    lines = export(store, shop)
    if at is not True:
        head = {**json.loads(lines[0]), "restored": [forged]}
        with pytest.raises(Failed, match=r"impossible time|missing or wrong"):
            verify([json.dumps(head).encode(), *lines[1:]], KEYS.jwks())


def test_an_export_of_a_version_before_is_no_list_of_who_is_to_be_erased_again(tmp_path, monkeypatch, valkey):
    """It has no statement of an erasure: it said 0 entries, and had everybody back."""
    config = tmp_path / "consent.toml"
    config.write_text(
        '[sites.shop]\nname = "Shop"\norigins = ["https://shop.example"]\npolicy_url = "/p"\n'
        "policy_updated = 2025-12-20\nbuckets = 3\n"
    )
    monkeypatch.setenv("CONSENT_CONFIG", str(config))
    monkeypatch.setenv("CONSENT_SECRET", SIGNED_WITH)
    monkeypatch.setenv("REDIS_URL", valkey.url)
    with valkey.client() as client:
        client.flushall()
        done = CliRunner().invoke(log_command, ["restored", "--erased", str(Path(__file__).parent / "version_1.jsonl")])
        assert done.exit_code == 2, done.output
        assert "is of a version before, and has no statement of its 2 erasures" in " ".join(done.output.split())
        assert not client.exists("consent:{shop}:restored")
