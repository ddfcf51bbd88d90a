"""An export is no key: it names people by hash alone; and what it says was checked before it was sealed."""

from __future__ import annotations

import json
import os
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import ROOT, SECRET
from filled_log import FIRST, KEYS, NOW, exported, fill, numbers, rewritten, shop

from consent_server import verify as stand_alone
from consent_server.cli.log import log as log_command
from consent_server.proof import log as proof
from consent_server.tokens import Keys
from consent_server.verify import Failed, verify

__all__ = ["exported", "shop"]


@pytest.fixture
def store(on_valkey):
    return on_valkey


@pytest.fixture
def run(valkey, monkeypatch, tmp_path):
    """Run a command on the log that the shopper's decisions are in."""
    monkeypatch.setenv("CONSENT_CONFIG", str(ROOT / "consent.toml"))
    monkeypatch.setenv("CONSENT_SECRET", SECRET)

    def run(*arguments):
        return CliRunner().invoke(log_command, [*map(str, arguments)])

    return run


@pytest.fixture
def old_mask():
    """As most machines have it: whatever says nothing else can be read by everybody."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def tokens_in(export: Path, site: str) -> list[str]:
    """Return every token that a stranger can put together from an export, the way that `verify` does."""
    lines = [json.loads(line) for line in export.read_bytes().splitlines()]
    notices = {line["hash"]: line["content"] for line in lines if line["type"] == "notice"}
    return [
        f"{stand_alone.payload(line, site, notices[line['notice']]).decode()}.{line['signature']}"
        for line in lines
        if line["type"] == "entry" and {"id", "subject", "signature"} <= {*line}
    ]


def erased_with(shopper, token):
    headers = {"Authorization": f"Bearer {token}"}
    return shopper.client.delete(f"/v1/{shopper.site.id}/me", headers=headers)


@pytest.mark.parametrize("options", [[], ["--with-tokens"]])
def test_a_stranger_who_finds_an_export_can_do_nothing_unless_it_holds_tokens(
    shopper, redis_url, monkeypatch, run, tmp_path, options
):
    """The attack: read a file, put its tokens together, and erase somebody with one of them."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    shopper.decide("analytics")
    shopper.decide("analytics", "marketing")
    file = tmp_path / "log.jsonl"
    result = run("export", shopper.site.id, "--out", file, *options)
    assert result.exit_code == 0, result.output
    found = tokens_in(file, shopper.site.id)
    assert [erased_with(shopper, token).status_code for token in found] == ([200, 200] if options else [])
    assert ("It holds everybody's token" in result.stderr) == bool(options)
    payload = json.loads(stand_alone._bytes(shopper.token.partition(".")[0]))
    said = [payload["sub"], payload["jti"], shopper.token.partition(".")[2]]
    assert [text in file.read_text() for text in said] == [bool(options)] * 3


def test_days_to_come_are_not_exported(run, redis_url, monkeypatch, shopper, tmp_path):
    """Each would have a seal that says that it is open, up to the year 9999."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    shopper.decide("analytics")
    done = run("export", shopper.site.id, "--out", tmp_path / "log", "--to", "9999-12-31")
    assert done.exit_code == 2
    assert "--to 9999-12-31 is still to come" in done.stderr
    assert [*tmp_path.iterdir()] == []


def test_an_export_from_before_the_first_day_begins_with_that_and_says_so(
    run, redis_url, monkeypatch, shopper, tmp_path
):
    """Days before would each have an open seal, which the first genuine one does not follow, as if one were forged."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    shopper.decide("analytics")
    today, file, known = datetime.now(UTC).date(), tmp_path / "log.jsonl", tmp_path / "keys.json"
    done = run("export", shopper.site.id, "--out", file, "--from", today - timedelta(9))
    assert (done.exit_code, done.stderr) == (0, "")
    assert f"It begins with {today}: the log has no day before." in done.stdout
    known.write_text(json.dumps(Keys([SECRET]).jwks()))
    assert run("verify", file, "--keys", known).exit_code == 0
    assert run("verify", file).exit_code == 0, "by the keys of its own secret"
    monkeypatch.delenv("CONSENT_SECRET")
    done = run("verify", file)
    assert (done.exit_code, "Say with --keys whose signatures to trust" in done.stderr) == (2, True)


def test_days_from_before_the_first_sealed_one_are_no_part_of_an_export(store, shop):
    fill(store, shop)
    proof.seal(store, shop, KEYS, NOW)
    lines = list(proof.export(store, shop, KEYS, FIRST - timedelta(3), NOW.date(), NOW))
    summary = verify(lines, KEYS.jwks())
    assert (summary.first, summary.days, summary.begins) == (str(FIRST), 3, "")
    with pytest.raises(proof.NothingToExport):
        list(proof.export(store, shop, KEYS, FIRST - timedelta(3), FIRST - timedelta(1), NOW))


def test_what_is_no_text_is_refused_in_a_sentence(run, redis_url, monkeypatch, shopper):
    monkeypatch.setenv("REDIS_URL", redis_url)
    done = run("notice", "\udcff")  # as Python reads an argument that is no UTF-8
    assert (done.exit_code, done.stderr) == (2, "Error: What was typed is no text in UTF-8.\n")


@pytest.mark.parametrize("kind", ["device", "folder", "here", "pipe", "link to nowhere"])
def test_only_a_file_is_replaced_by_an_export(tmp_path, kind, monkeypatch):
    """Replaced by a file, /dev/null would be one from then on, for the whole machine."""
    monkeypatch.chdir(tmp_path)
    path = Path(".") if kind == "here" else tmp_path / "out"
    made = {"folder": path.mkdir, "pipe": lambda: os.mkfifo(path), "link to nowhere": lambda: path.symlink_to("none")}
    if kind == "device":
        path.symlink_to("/dev/null")
    elif kind != "here":
        made[kind]()
    before = path.lstat()
    with pytest.raises(proof.CannotWrite, match="is there and is no file"):
        proof.write(path, iter([b"{}"]))
    assert os.path.samestat(path.lstat(), before)
    assert len([*tmp_path.iterdir()]) == (kind != "here")


def test_of_two_runs_that_write_one_file_none_gives_its_name_to_half_of_the_other(tmp_path):
    path, begun, over = tmp_path / "log.jsonl", threading.Event(), threading.Event()

    def second():
        yield b"whole\n"
        begun.set()
        assert over.wait(45)

    later = threading.Thread(target=proof.write, args=(path, second()))

    def first():
        yield b"one\n"
        later.start()
        assert begun.wait(45)

    with pytest.raises(proof.CannotWrite, match="written by another run too"):
        proof.write(path, first())
    assert not path.exists()
    over.set()
    later.join()
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("log.jsonl", b"whole\n")]


def test_both_kinds_of_export_prove_the_same(store, shop):
    fill(store, shop)
    proof.seal(store, shop, KEYS, NOW)
    by_hash, with_tokens = (
        [*proof.export(store, shop, KEYS, None, NOW.date(), NOW, with_tokens=tokens)] for tokens in (False, True)
    )
    one, other = verify(by_hash, KEYS.jwks()), verify(with_tokens, KEYS.jwks())
    assert (one.entries, one.last_seal) == (other.entries, other.last_seal)
    assert (one.signed, other.signed) == (0, 40)
    assert "40 name people by hash alone" in str(one)
    leaves = [[json.loads(lines[n])["leaf"] for n in numbers(lines, "entry")] for lines in (by_hash, with_tokens)]
    assert leaves[0] == leaves[1]
    # Each shows all that the other does, so that an auditor may be given either.
    verify(by_hash, KEYS.jwks(), with_tokens)
    verify(with_tokens, KEYS.jwks(), by_hash)


def test_the_hash_of_an_entry_fits_the_token_of_whoever_shows_it(store, shop):
    """A shopper who shows a token is found in an export that names nobody."""
    fill(store, shop)
    lines = [*proof.export(store, shop, KEYS, None, NOW.date(), NOW)]
    hashes = {json.loads(lines[n])["identity"] for n in numbers(lines, "entry")}
    own = [json.loads(line) for line in proof.export(store, shop, KEYS, None, NOW.date(), NOW, with_tokens=True)]
    assert hashes == {stand_alone.identity(line) for line in own if line["type"] == "entry"}


@pytest.mark.parametrize("name", ["log.jsonl", "log.jsonl.gz"])
@pytest.mark.parametrize("options", [[], ["--with-tokens"]])
@pytest.mark.usefixtures("old_mask")
def test_nobody_else_on_the_machine_reads_an_export(redis_url, monkeypatch, run, shopper, tmp_path, name, options):
    monkeypatch.setenv("REDIS_URL", redis_url)
    shopper.decide("analytics")
    file = tmp_path / name
    for left_over in (file, file.with_name(f"{name}.unfinished")):
        left_over.write_text("of a run that was killed")
        assert stat.S_IMODE(left_over.stat().st_mode) == 0o644
    assert run("export", shopper.site.id, "--out", file, *options).exit_code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == [name]


HEAD = b'{"type":"log","version":2,"site":"shop","from":"2026-11-20",%b}'


@pytest.mark.parametrize(
    "lines",
    [
        [HEAD % b'"to":"9999-12-31","keys":{}'],
        [b'{"type":"log","version":2,"site":"shop","from":"yesterday","to":5,"keys":[]}'],
        [b'{"type":"log","version":2}', b"[" * 100_000],
        [b'{"type":"log","version":1e999}'],
        [
            b'{"type":"log","version":2,"site":"shop","from":"2026-11-20","to":"2026-11-20","keys":{"endorsements":[{}]}}'
        ],
        [b'{"type":"log","version":2,"site":"shop","from":"2026-11-20","to":"2026-11-20","keys":{"endorsements":7}}'],
        [
            b'{"type":"log","version":2,"site":"\\ud800","from":"2026-11-20","to":"2026-11-20","keys":{}}',
            b'{"type":"end"}',
        ],
        [b'{"type":"log"' + b" " * 5_000_000 + b"}"],
    ],
)
def test_an_odd_export_is_refused_in_a_sentence(tmp_path, lines):
    file, trusted = tmp_path / "log.jsonl", tmp_path / "keys.json"
    file.write_bytes(b"\n".join(lines))
    trusted.write_text(json.dumps(KEYS.jwks()))
    result = CliRunner().invoke(log_command, ["verify", str(file), "--keys", str(trusted)])
    assert result.exit_code in (1, 2)
    assert isinstance(result.exception, SystemExit)
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["at", "seq", "bucket", "allow", "kind", "leaf", "identity", "notice"])
@pytest.mark.parametrize("value", [None, [], {}, "x", 1.5, -1, 10**400, True, ["analytics"] * 3])
def test_an_odd_field_is_refused_in_a_sentence(exported, name, value):
    number = next(n for n in numbers(exported, "entry") if json.loads(exported[n])["allow"])
    with pytest.raises(Failed, match=rf"^Line {number + 1}"):
        verify(rewritten(exported, number, **{name: value}), KEYS.jwks())


def test_a_line_that_says_who_and_a_hash_too_is_refused(store, shop):
    fill(store, shop)
    lines = list(proof.export(store, shop, KEYS, None, NOW.date(), NOW, with_tokens=True))
    number = numbers(lines, "entry")[0]
    line = json.loads(lines[number])
    forged = {"identity": stand_alone.identity(line), "signature": "A" * 86}
    with pytest.raises(Failed, match="was changed"):
        verify(rewritten(lines, number, **forged), KEYS.jwks())
