"""Anyone may have the chain of seals, and whoever has a part of it sees whether the past is ever another one."""

from __future__ import annotations

import hashlib
import json
import subprocess
from base64 import b64decode
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sealed_shop import get, sealed, yesterday_is_sealed
from test_merkle import is_beginning

from consent_server.proof import seals as proof_seals
from consent_server.verify import seal_hash

__all__ = ["sealed", "yesterday_is_sealed"]


def test_anyone_gets_the_chain(sealed, client, app, site):
    answer = get(client, "seals", Origin="https://an.auditor.example")
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    found = answer.get_json()["seals"]
    kept = app.extensions["consent"].store.log.seals(site)
    assert [(each["day"], each["token"]) for each in found] == [(day.isoformat(), text) for day, text in kept.items()]
    keys = app.extensions["consent"].keys
    previous = ""
    for each in found:
        said = json.loads(keys.payload(each["token"]))
        assert said["prev"] == previous
        previous = seal_hash(each["token"])


def test_what_is_over_may_be_kept_for_ever_and_never_changes(sealed, client, app, site):
    days = [*app.extensions["consent"].store.log.seals(site)]
    first = get(client, f"seals?from={days[0]}&to={days[1]}")
    assert "immutable" in first.headers["Cache-Control"]
    assert [each["day"] for each in first.get_json()["seals"]] == [day.isoformat() for day in days[:2]]
    for query in ("", f"?to={datetime.now(UTC).date()}", f"?from={days[1]}"):
        assert "immutable" not in get(client, f"seals{query}").headers["Cache-Control"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        *(("from=x", 400), ("from=20261101", 400), ("to=2026-W44-1", 400)),
        *(("format=xml", 400), ("format=checkpoint&old=-1", 400), ("format=checkpoint&old=99", 404)),
    ],
)
def test_odd_questions_are_refused(sealed, client, query, status):
    answer = get(client, f"seals?{query}")
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"


def note_of(client, query=""):
    answer = get(client, f"seals?format=checkpoint{query}")
    assert answer.status_code == 200
    return answer.text


def test_a_checkpoint_verifies_with_openssl(sealed, client, app, site, tmp_path):
    """By the format's own words (C2SP signed-note, tlog-checkpoint) and a tool that is not ours."""
    text, _, signatures = note_of(client).partition("\n\n")
    origin, size, root = text.split("\n")
    dash, name, signature = signatures.removesuffix("\n").split(" ")
    assert (dash, name) == ("—", origin)
    assert int(size) == len(app.extensions["consent"].store.log.seals(site))
    assert len(b64decode(root)) == 32
    named, hashed, key = get(client, "seals?format=key").text.strip().split("+")
    assert named == origin
    assert b64decode(key)[:1] == b"\1"
    assert hashlib.sha256(name.encode() + b"\n" + b64decode(key)).digest()[:4].hex() == hashed
    assert b64decode(signature)[:4].hex() == hashed
    public, said, by = (tmp_path / name for name in ("key.pem", "text", "signature"))
    raw = Ed25519PublicKey.from_public_bytes(b64decode(key)[1:])
    public.write_bytes(raw.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    by.write_bytes(b64decode(signature)[4:])

    def verified(content):
        said.write_text(content, "utf-8")
        checking = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", "-in", said, "-sigfile", by]
        return subprocess.run(checking, capture_output=True, check=False).returncode == 0

    assert verified(text + "\n")
    assert not verified(text.replace(f"\n{size}\n", f"\n{int(size) + 1}\n") + "\n")


def test_a_witness_gets_the_proof_that_the_log_only_grew(sealed, client, app, site):
    tokens = [*app.extensions["consent"].store.log.seals(site).values()]
    _, size, root = note_of(client).split("\n")[:3]
    for old in range(1, len(tokens) + 1):
        head, _, note = note_of(client, f"&old={old}").partition("\n\n")
        first, *hashes = head.split("\n")
        assert first == f"old {old}"
        assert note == note_of(client)
        before = proof_seals._over(tuple(tokens[:old])).root
        assert is_beginning(old, int(size), before, b64decode(root), [b64decode(each) for each in hashes])
    assert note_of(client, "&old=0").startswith("old 0\n\n")


def test_a_log_without_seals_has_a_checkpoint_too(client):
    text = note_of(client)
    assert text.split("\n")[1] == "0"
    assert b64decode(text.split("\n")[2]) == hashlib.sha256().digest()
