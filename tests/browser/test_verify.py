"""The checker for Node and edge workers: the public keys alone are enough."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from consent_server.proof.days.merkle import Levels
from consent_server.tokens import Keys, token
from consent_server.verify import leaf

SNIPPET = Path(__file__).parents[2] / "snippet"
NODE = shutil.which("node")
DAY = 86_400

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
        [NODE, "--input-type=module", "-e", ASK, question], cwd=SNIPPET, capture_output=True, text=True, timeout=120
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


PLACE = """
import { verifyProof, BadToken } from './verify.js';
import { readFileSync } from 'node:fs';
const { keys, cases, now } = JSON.parse(readFileSync(0, 'utf8'));
const found = [];
for (const { proof, token } of cases) {
  try {
    await verifyProof(proof, token, keys, { site: 'shop', now });
    found.push(await verifyProof(proof, token, keys, { site: 'shop', now })); // what is given stays as it is
  } catch (error) {
    found.push(error instanceof BadToken ? 'refused' : `${error}`);
  }
}
console.log(JSON.stringify(found));
"""


def places(cases: list[dict[str, object]], keys: Keys, now: float = 1_800_000_060) -> list[object]:
    assert NODE
    asked = subprocess.run(
        [NODE, "--input-type=module", "-e", PLACE],
        cwd=SNIPPET,
        input=json.dumps({"keys": keys.jwks(), "cases": cases, "now": now}),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert asked.returncode == 0, asked.stderr
    return json.loads(asked.stdout)


def placed(
    keys: Keys, index: int, size: int, *, logged: dict[str, object] | None = None, **seal: object
) -> dict[str, Any]:
    """Return a token, and the proof that its decision is one of so many of a sealed day; ``logged`` is other there."""
    payload = {**PAYLOAD, "sub": "subject", "jti": "decision"}
    text = signed(keys, **payload)
    at = PAYLOAD["at"] * 1000 + 7  # type: ignore[operator]
    said = {"bucket": 1, "at": at, "seq": 0, "kind": "first", "allow": ["analytics"], "before": [], "how": "save"}
    entry = {**said, "device": "phone", "country": "AZ", "notice": "n", "id": "decision", "subject": "subject"}
    entry |= logged or {}
    entry["signature"] = text.partition(".")[2]
    tree = Levels(leaf(entry) if n == index else bytes([n]) * 32 for n in range(size))
    content = {"typ": "seal", "site": "shop", "day": "2027-01-15", "entries": size, "root": tree.root.hex(), **seal}
    path = [each.hex() for each in tree.path(index)]
    way = {"entry": entry, "number": index, "path": path, "seal": token(content, keys.sign(content))}
    return {"token": text, "proof": {"sealed": [way], "unsealed": []}}


def test_it_finds_the_place_of_an_answer_in_trees_of_every_shape() -> None:
    keys = Keys(["a" * 32])
    shapes = [(index, size) for size in range(1, 18) for index in range(size)]
    found = places([placed(keys, *shape) for shape in shapes], keys)
    assert found == [{"number": index + 1, "day": "2027-01-15"} for index, _ in shapes]


def test_it_refuses_a_path_that_goes_on_above_the_root() -> None:
    """RFC 9162, 2.1.3.2: as `verify.py` does."""
    keys = Keys(["a" * 32])
    cases = [placed(keys, 3, 9), placed(keys, 0, 1)]
    for case in cases:
        case["proof"]["sealed"][0]["path"].insert(0, "00" * 32)
    assert places(cases, keys) == ["refused"] * 2


def test_it_refuses_a_place_in_what_was_not_sealed() -> None:
    keys, theirs = Keys(["a" * 32]), Keys(["c" * 32])
    cases = [placed(keys, 3, 9, **change) for change in ({"site": "another"}, {"typ": "export"}, {"open": True})]
    cases += [placed(keys, 3, 9, **change) for change in ({"entries": 8}, {"root": "00" * 32})]
    forged = placed(keys, 3, 9)
    forged["proof"] = placed(theirs, 3, 9)["proof"]
    assert places([*cases, forged], keys) == ["refused"] * 6


def test_another_answer_is_not_passed_off_as_the_shopper_s_by_the_order_in_which_it_is_told() -> None:
    """The log has one that allows more; what is told of it has the token's answer in another field's place."""
    keys = Keys(["a" * 32])
    forged = placed(keys, 3, 9, logged={"allow": ["analytics", "marketing"], "before": ["analytics"]})
    told = {}
    for name, value in forged["proof"]["sealed"][0]["entry"].items():
        told[{"allow": "more", "before": "allow"}.get(name, name)] = value
    forged["proof"]["sealed"][0]["entry"] = told
    assert places([forged], keys) == ["refused"]


def test_an_answer_of_another_time_or_in_another_day_s_seal_is_refused() -> None:
    keys = Keys(["a" * 32])
    at = PAYLOAD["at"] * 1000  # type: ignore[operator]
    cases = [placed(keys, 3, 9, logged={"at": other}) for other in (at - 1, at + 1000, at + DAY * 1000)]
    cases += [placed(keys, 3, 9, day=day) for day in ("2027-01-16", "2027-01", "")]
    assert places(cases, keys) == ["refused"] * 6
    as_text = placed(keys, 3, 9)
    as_text["proof"]["sealed"][0]["number"] = "3"
    assert places([as_text], keys) == [{"number": 4, "day": "2027-01-15"}]


def test_an_answer_may_wait_for_its_seal_until_a_day_after_its_own() -> None:
    keys = Keys(["a" * 32])
    later = placed(keys, 3, 9)
    later["proof"] = {"sealed": [], "unsealed": ["decision"]}
    over = 1_799_971_200 + 2 * DAY
    assert places([later], keys, over - 1) == [None]
    assert places([later], keys, over) == ["RangeError: This should have been sealed."]


def test_an_answer_that_is_not_shown_is_no_forgery() -> None:
    """It was erased since, or is older than what one call shows: nobody is accused of that."""
    keys = Keys(["a" * 32])
    gone = placed(keys, 3, 9)
    gone["proof"] = {"sealed": [], "unsealed": []}
    others = placed(keys, 3, 9)
    others["proof"]["sealed"][0]["entry"]["id"] = "another one"
    assert places([gone, others], keys) == ["RangeError: This one is not shown."] * 2
