"""What is no cosignature is refused, and stands in nobody's way."""

from __future__ import annotations

import time
from base64 import b64encode

import pytest
from click.testing import CliRunner
from cosigners import AT, ONE, TWO, Cosigner, check, export, noted, prepared
from filled_log import shop
from stamped_shop import KEYS, sealed, store

from consent_server.cli.log import log as log_command
from consent_server.proof.attested.witnesses import NotCosigned, cosign, with_cosignatures
from consent_server.proof.seals import checkpoint
from consent_server.verify import Failed, NoKeys, Witness

__all__ = ["sealed", "shop", "store"]


def test_what_is_written_into_redis_as_a_cosignature_is_none(sealed, shop):
    forged = Cosigner(ONE.name, 9)
    assert forged.hash != ONE.hash
    sealed.attestations.keep_cosigned(shop, 3, forged.cosign(noted(sealed, shop)))
    with pytest.raises(Failed, match="no checkpoint over what is in it was cosigned"):
        check(export(sealed, shop), ONE)
    forged.hash = ONE.hash
    sealed.attestations.keep_cosigned(shop, 3, forged.cosign(noted(sealed, shop)))
    with pytest.raises(Failed, match=r"what stands there as a cosignature of .*one is none"):
        check(export(sealed, shop), ONE)


@pytest.mark.parametrize("at", [2**63, 2**64 - 1, 253_402_300_800, 0, "tomorrow"])
def test_a_witness_that_dates_ahead_is_refused_and_in_nobody_s_way(sealed, shop, at):
    """Kept, it would be the newest cosignature of that witness for good, and no export would be verified by it."""
    at = int(time.time()) + 86_400 if at == "tomorrow" else at
    with pytest.raises(NotCosigned, match="It is not cosigned"):
        cosign(sealed, shop, KEYS, ONE.cosign(noted(sealed, shop), at), ONE.known)
    assert sealed.attestations.cosigned(shop) == {}
    cosign(sealed, shop, KEYS, ONE.cosign(noted(sealed, shop, 2)), ONE.known)
    sealed.attestations.keep_cosigned(shop, 3, ONE.cosign(noted(sealed, shop), at))  # as a version before kept it
    assert "cosigned the first 2 seals" in str(check(export(sealed, shop), ONE))


def test_the_command_refuses_a_witness_of_another_time_in_a_sentence(store, tmp_path, monkeypatch):
    site = prepared(store, monkeypatch)
    (file := tmp_path / "note").write_text(ONE.cosign(checkpoint(site, KEYS, store.log.seals(site)), 2**63), "utf-8")
    result = CliRunner().invoke(log_command, ["cosign", site.id, "--file", str(file), "--witness", ONE.key])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: It is not cosigned: ")
    assert store.attestations.cosigned(site) == {}


JUNK = {
    "no note": lambda note: "x",
    "no lines": lambda note: "\n\n\n\n",
    "of another log": lambda note: ONE.cosign(note.replace("/consent/shop", "/consent/other")),
    "over other seals": lambda note: ONE.cosign(note.replace("\n3\n", "\n2\n")),
    "with another root": lambda note: ONE.cosign(note.replace(note.split("\n")[2], b64encode(bytes(32)).decode())),
    "no number": lambda note: ONE.cosign(note.replace("\n3\n", "\nthree\n")),
    "no base64": lambda note: ONE.cosign(note.replace(note.split("\n")[2], "é")),
    "not by us": lambda note: ONE.cosign(note.partition("\n\n")[0] + "\n\n"),
    "by nobody": lambda note: note,
    "too long": lambda note: ONE.cosign(note) + f"— x {b64encode(bytes(11) + bytes([1]) + bytes(64)).decode()}\n" * 300,
}


@pytest.mark.parametrize("kind", JUNK)
def test_what_somebody_wrote_as_a_cosigned_checkpoint_makes_no_export_fail(sealed, shop, kind):
    cosign(sealed, shop, KEYS, ONE.cosign(noted(sealed, shop, 2)), ONE.known)
    sealed.attestations.keep_cosigned(shop, 3, JUNK[kind](noted(sealed, shop)))
    sealed.attestations.keep_cosigned(shop, 1, JUNK[kind](noted(sealed, shop)))
    lines = export(sealed, shop)
    assert check(lines)
    assert "cosigned the first 2 seals" in str(check(lines, ONE))


def test_a_line_that_somebody_wrote_under_a_witness_name_is_not_in_its_way(sealed, shop):
    """Name and hash of a witness are known to everybody: what is signed by nobody stands before what is."""
    note, forger = noted(sealed, shop), Cosigner(ONE.name, 9)
    forger.hash = ONE.hash
    sealed.attestations.keep_cosigned(shop, 3, ONE.cosign(forger.cosign(note)))
    assert "cosigned the first 3 seals" in str(check(export(sealed, shop), ONE))


@pytest.mark.parametrize("line", ["", " ", "x", "—", "— ", "— witness.example/two", "a b c", "\x85", "— a b c d"])
def test_what_is_no_signature_is_neither_given_on_nor_in_the_way(sealed, shop, line):
    sealed.attestations.keep_cosigned(shop, 3, f"{noted(sealed, shop)}{line}\n")
    assert with_cosignatures(sealed, shop, 3, noted(sealed, shop)) == noted(sealed, shop) + f"{line}\n" * ("d" in line)
    assert cosign(sealed, shop, KEYS, ONE.cosign(noted(sealed, shop)), ONE.known) == (3, AT)
    assert "cosigned the first 3 seals" in str(check(export(sealed, shop), ONE))


@pytest.mark.parametrize(
    ("note", "says"),
    [
        (lambda note: note, "not cosigned by witness.example/one"),
        (lambda note: TWO.cosign(note), "not cosigned by witness.example/one"),
        (lambda note: ONE.cosign(note.replace("/consent/shop", "/consent/other")), "a checkpoint of"),
        (lambda note: ONE.cosign(note.replace("\n3\n", "\n4\n")), "has 3"),
        (lambda note: ONE.cosign(note.replace("\n3\n", "\n0\n")), "has 3"),
        (lambda note: ONE.cosign(note.replace("\n3\n", f"\n{3:09}{'9' * 5_000}\n")), "has 3"),
        (lambda note: ONE.cosign(note.replace("\n3\n", "\nthree\n")), "has 3"),
        (lambda note: ONE.cosign(note.replace("\n3\n", "\n2\n")), "other seals"),
        (lambda note: ONE.cosign(note.replace("\n\n", "\nmore\n\n")), "other seals"),
        (lambda note: ONE.cosign(note)[:-20] + "AAAAAAAAAAAAAAAAAA==\n", "cosigned"),
        (lambda note: "", "a checkpoint of ''"),
        (lambda note: "\n\n\n— — —", "a checkpoint of ''"),
    ],
)
def test_what_is_no_cosignature_of_this_log_is_refused_in_a_sentence(sealed, shop, note, says):
    with pytest.raises(NotCosigned, match=says):
        cosign(sealed, shop, KEYS, note(noted(sealed, shop)), ONE.known)
    assert sealed.attestations.cosigned(shop) == {}


@pytest.mark.parametrize(
    "key",
    [
        "",
        "x",
        "a+b+c",
        ONE.key[:-4],
        ONE.key.replace(ONE.name, "else"),
        ONE.key.replace(ONE.hash.hex(), "00000000"),
        f"{ONE.name}+{ONE.hash.hex()}+{b64encode(b'1' + ONE.public[1:]).decode()}",
    ],
)
def test_what_is_no_key_of_a_witness_is_refused(key):
    with pytest.raises(NoKeys, match=r"NAME\+HASH\+KEY"):
        Witness.of(key)
