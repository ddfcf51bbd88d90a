"""The file of keys that an audit believes is read, or refused in a sentence."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from filled_log import FORGER, KEYS, NOW, fill, shop
from newer_keys import store

from consent_server.cli.log import log as log_command
from consent_server.proof import log as proof
from consent_server.verify import Failed, NoKeys, key_id, read_keys, verify

__all__ = ["shop", "store"]


JWK = KEYS.jwks()["keys"][0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"keys": []}, "There is no key in it"),
        ({}, "holds no public keys"),
        ([], "holds no public keys"),
        ("text", "holds no public keys"),
        (None, "holds no public keys"),
        ({"keys": {"kid": 1}}, "no public key of a consent server"),
        ({"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB", "x": "AQAB"}]}, "no public key of a consent server"),
        ({"keys": [{**JWK, "x": JWK["x"][:-4]}]}, "no public key of a consent server"),
        ({"keys": [{**JWK, "kid": "AAAAAAAAAAA"}]}, "is not what its name says"),
        ({"keys": [{**JWK, "x": FORGER.jwks()["keys"][0]["x"]}]}, "is not what its name says"),
    ],
)
def test_an_empty_or_foreign_file_of_keys_is_an_error(tmp_path, content, says):
    keys, export = tmp_path / "keys.json", tmp_path / "log.jsonl"
    keys.write_text(json.dumps(content))
    export.write_text("{}")
    result = CliRunner().invoke(log_command, ["verify", str(export), "--keys", str(keys)])
    assert result.exit_code == 2
    assert says in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("text", ["", "[" * 100_000, "no json", "\x00"])
def test_what_is_no_json_is_an_error_too(tmp_path, text):
    keys = tmp_path / "keys.json"
    keys.write_text(text)
    with pytest.raises(NoKeys, match="holds no public keys"):
        read_keys(keys)


def test_keys_have_to_be_named(tmp_path):
    assert CliRunner().invoke(log_command, ["verify", str(tmp_path / "log.jsonl")]).exit_code == 2


def test_the_keys_of_another_server_fail(store, shop, tmp_path):
    fill(store, shop, 10)
    lines = list(proof.export(store, shop, KEYS, None, NOW.date(), NOW))
    with pytest.raises(Failed, match="signed by none of the keys"):
        verify(lines, FORGER.jwks())


def test_a_single_key_may_be_given_as_itself(tmp_path):
    keys = tmp_path / "key.json"
    keys.write_text(json.dumps(JWK))
    assert read_keys(keys)["keys"] == [JWK]
    assert key_id(JWK["x"]) == JWK["kid"]
