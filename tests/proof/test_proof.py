"""The log proves itself: whoever changes anything in an export is found out, by its public keys alone."""

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from click.testing import CliRunner
from filled_log import FORGER, KEYS, NOW, START, check, exported, numbers, shop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consent_server import verify as stand_alone
from consent_server.cli.log import log as log_command
from consent_server.proof.entries import by_hash
from consent_server.tokens import token
from consent_server.verify import Failed, Tree, canonical, verify

__all__ = ["exported", "shop"]


def test_an_untouched_log_with_erasures_passes(exported):
    summary = check(exported)
    assert (summary.site, summary.days, summary.entries) == ("shop", 3, 40)
    assert summary.erased >= 2
    assert summary.unsealed == ["2026-11-22"]


def test_the_keys_within_prove_nothing(exported):
    with pytest.raises(Failed, match="none of the keys"):
        verify(exported, FORGER.jwks())


def signed_anew(contents):
    """Return the lines of an export in which whatever was changed fits, as who has the secret can sign it."""
    (notice,) = [each["content"] for each in contents if each["type"] == "notice"]
    lines, previous, many, statements = [], "", 0, stand_alone.hashlib.sha256()
    for content in contents:
        if content["type"] == "day":
            tree, counts, day = Tree(), stand_alone.Counts(), content["day"]
        elif content["type"] == "entry":
            line = by_hash(content)
            hashed = stand_alone.leaf(line)
            content = {**line, "type": "entry", "n": tree.leaves, "leaf": hashed.hex()}
            if "statement" in content:
                said = stand_alone.unsigned(content["statement"]) | {"leaf": hashed.hex()}
                content["statement"] = token(said, KEYS.sign(said))
                statements.update(content["statement"].encode())
            tree.add(hashed)
            counts.add(line, day, notice)
            many += 1
        elif content["type"] == "counts":
            content = {"type": "counts", "day": day, "counts": counts.by}
            counted = stand_alone.hashlib.sha256(canonical(counts.by)).hexdigest()
        elif content["type"] == "seal":
            said = {"entries": tree.leaves, "root": tree.root(), "counts": counted, "prev": previous}
            said = stand_alone.unsigned(content["token"]) | said
            content = {**content, "token": token(said, KEYS.sign(said))}
            previous = stand_alone.seal_hash(content["token"])
        elif content["type"] == "end":
            said = {"entries": many, "head": previous, "signed": 0, "statements": statements.hexdigest()}
            said = stand_alone.unsigned(content["token"]) | said
            said["erased"] = sum("erased" in each for each in map(json.loads, lines))
            content = {"type": "end", "token": token(said, KEYS.sign(said))}
        lines.append(json.dumps(content).encode())
    return lines


@pytest.mark.parametrize("exported", ["by hash"], indirect=True)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_two_exports_that_differ_are_told_apart_though_each_verifies(exported, data):
    """The operator's attack: whatever is changed in the newer one is signed with the genuine secret."""
    contents = [*map(json.loads, exported)]
    older = signed_anew(contents)
    assert verify(older, KEYS.jwks(), older).entries == 40
    number = data.draw(st.sampled_from(numbers(exported, "entry")))
    entry = contents[number]
    bare = {name: entry[name] for name in stand_alone.LEAF}
    change = data.draw(st.sampled_from(["dropped", "twice", "later", "how", "erased", "another"]))
    changed = {
        "dropped": [],
        "twice": [entry, {**entry, "seq": entry["seq"] + 1}],
        "later": [{**entry, "at": entry["at"] + 1}],
        "how": [{**entry, "how": "another way"}],
        "another": [{**entry, "country": "TR"}],
        "erased": [{**bare, "type": "entry", "erased": "00" * 32, "statement": statement_at(NOW)}],
    }[change]
    newer = signed_anew([*contents[:number], *changed, *contents[number + 1 :]])
    check(newer)
    with pytest.raises(Failed, match="older export"):
        verify(newer, KEYS.jwks(), older)


def statement_at(moment):
    said = {"typ": "erased", "site": "shop", "leaf": "", "at": int(moment.timestamp()) + 60}
    return token(said, KEYS.sign(said))


def test_the_tree_is_that_of_rfc_9162():
    """The root of the first leaves of the Certificate Transparency test vectors (RFC 9162, 2.1)."""
    leaves = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
    tree = Tree()
    for content in leaves:
        tree.add(stand_alone.hashlib.sha256(b"\0" + content).digest())
    assert tree.root() == "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"


def test_export_and_verify_in_flat_memory(exported):
    """A day of 50,000 entries is checked in hardly more memory than one of a thousand."""
    head = [line for line in exported if json.loads(line)["type"] in ("log", "notice")]
    first = json.loads(exported[numbers(exported, "entry")[0]])

    def lines(many):
        yield from head
        yield b'{"type":"day","day":"2026-11-20"}'
        for n in range(many):
            entry = {name: first[name] for name in stand_alone.LEAF}
            entry |= {"type": "entry", "n": n, "at": START + n, "identity": "00" * 32, "bucket": 0}
            entry["leaf"] = stand_alone.leaf(entry).hex()
            yield json.dumps(entry).encode()

    def peak(many):
        tracemalloc.start()
        with pytest.raises(Failed, match="cut off"):
            check(lines(many))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(20_000) < 1.5 * peak(1_000) + 200_000


def test_the_module_stands_alone(exported, tmp_path):
    """An auditor needs the one file and `cryptography`, not the server."""
    where = Path(stand_alone.__file__)
    copy = tmp_path / where.name
    copy.write_text(where.read_text("utf-8"), "utf-8")
    file, keys = tmp_path / "log.jsonl", tmp_path / "keys.json"
    file.write_bytes(b"".join(exported))
    keys.write_text(json.dumps(KEYS.jwks()))
    run = [sys.executable, "-I", str(copy), str(file), "--keys", str(keys)]
    good = subprocess.run(run, capture_output=True, text=True, check=False)
    assert (good.returncode, good.stderr) == (0, "")
    assert "40 entries of 3 days are whole and unchanged" in good.stdout
    in_place = [sys.executable, str(where), *run[3:]]  # beside the server's modules, which then come first
    assert subprocess.run(in_place, capture_output=True, text=True, check=False).stdout == good.stdout
    file.write_bytes(b"".join(exported[:-1]))
    assert subprocess.run(run, capture_output=True, check=False).returncode == 1
    file.write_bytes(b"something else")
    assert subprocess.run(run, capture_output=True, check=False).returncode == 2


@pytest.mark.parametrize(
    ("content", "status", "says"),
    [
        (b"\x1f\x8b\x08\x00broken", 1, "cut off or damaged"),
        (b"hello\n", 2, "no consent log"),
        (None, 2, "cannot be read"),
    ],
)
def test_verify_says_what_is_wrong_with_a_file(tmp_path, content, status, says):
    file = tmp_path / "log.jsonl.gz"
    if content is not None:
        file.write_bytes(content)
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(KEYS.jwks()))
    result = CliRunner().invoke(log_command, ["verify", str(file), "--keys", str(keys)])
    assert result.exit_code == status
    assert says in result.output
