"""The checker for Node and edge workers: the public keys alone are enough."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from consent_server.tokens import Keys, token

SNIPPET = Path(__file__).parents[2] / "snippet"
NODE = shutil.which("node")

ASK = """
import { verify, BadToken } from './verify.js';
const { token, keys, now } = JSON.parse(process.argv[1]);
try {
  console.log(JSON.stringify(await verify(token, keys, { site: 'shop', now })));
} catch (error) {
  console.log(JSON.stringify({ refused: error instanceof BadToken, why: error.message }));
}
"""

PAYLOAD = {
    "allow": ["analytics"],
    "at": 1_800_000_000,
    "exp": 1_900_000_000,
    "notice": "n",
    "rev": 1,
    "site": "shop",
    "typ": "consent",
}

pytestmark = pytest.mark.skipif(NODE is None, reason="Node is not installed")


def ask(text: str, keys: Keys, now: float = 1_850_000_000) -> dict[str, object]:
    assert NODE
    question = json.dumps({"token": text, "keys": keys.jwks(), "now": now})
    asked = subprocess.run(
        [NODE, "--input-type=module", "-e", ASK, question], cwd=SNIPPET, capture_output=True, text=True, timeout=30
    )
    assert asked.returncode == 0, asked.stderr
    return json.loads(asked.stdout)


def signed(keys: Keys, **changes: object) -> str:
    payload = {**PAYLOAD, **changes}
    return token(payload, keys.sign(payload))


def test_it_reads_a_token_with_the_public_keys_also_one_of_a_retired_key() -> None:
    old, both = Keys(["a" * 32]), Keys(["b" * 32, "a" * 32])
    assert ask(signed(old), both)["allow"] == ["analytics"]
    assert ask(signed(both), both)["allow"] == ["analytics"]


@pytest.mark.parametrize("change", [{"site": "another"}, {"typ": "session"}, {"exp": 1_850_000_000}])
def test_it_refuses_a_token_of_another_site_or_type_or_time(change: dict[str, object]) -> None:
    keys = Keys(["a" * 32])
    assert ask(signed(keys, **change), keys)["refused"] is True


def test_it_refuses_a_forged_token_and_other_spellings_of_a_genuine_one() -> None:
    keys, theirs = Keys(["a" * 32]), Keys(["c" * 32])
    genuine = signed(keys)
    payload, signature = genuine.split(".")
    last = "AQgw"[("AQgw".index(signature[-1]) + 1) % 4]
    respelt = signature[:-1] + chr(ord(signature[-1]) + 1)
    for text in (
        signed(theirs),
        f"{payload}.{signature[:-1]}{last}",
        f"{payload}.{respelt}",
        f"{genuine}.x",
        f"{genuine}=",
        payload,
        "",
    ):
        assert ask(text, keys)["refused"] is True, text
