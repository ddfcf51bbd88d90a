"""What witnesses sign of the log's checkpoint is checked, kept, exported, and checked again by whoever trusts them."""

from __future__ import annotations

import hashlib
import json
import time
from base64 import b64decode, b64encode
from datetime import timedelta

import pytest
from click.testing import CliRunner
from conftest import ROOT
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from test_proof import shop
from test_stamps import FIRST, KEYS, NOW, SECRET, answer, sealed, store

from consent_server import verify as stand_alone
from consent_server.cli.log import log as log_command
from consent_server.proof import log as proof
from consent_server.proof.attested import restored
from consent_server.proof.attested.witness_notes import newest_of_each
from consent_server.proof.attested.witnesses import NotCosigned, cosign, first, with_cosignatures
from consent_server.proof.seals import checkpoint, origin
from consent_server.settings.shops import read_sites
from consent_server.tokens import Keys, token
from consent_server.verify import LONGEST_LINE, Failed, NoKeys, Tree, Witness, read_checkpoint, verify
from consent_server.verify import Keys as Known

assert shop
assert sealed
assert store

AT = 1_795_600_000
LATER = NOW + timedelta(3)


class Cosigner:
    """A witness, by the words of C2SP tlog-cosignature."""

    def __init__(self, name: str, seed: int = 1) -> None:
        self.name = name
        self.private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.public = b"\4" + self.private.public_key().public_bytes_raw()
        self.hash = hashlib.sha256(name.encode() + b"\n" + self.public).digest()[:4]
        self.key = f"{name}+{self.hash.hex()}+{b64encode(self.public).decode()}"
        self.known = Witness.of(self.key)

    def cosign(self, note: str, at: int = AT) -> str:
        text = note.partition("\n\n")[0] + "\n"
        signature = self.private.sign(f"cosignature/v1\ntime {at}\n{text}".encode())
        packed = b64encode(self.hash + at.to_bytes(8) + signature).decode()
        return f"{note}— {self.name} {packed}\n"


ONE = Cosigner("witness.example/one")
TWO = Cosigner("witness.example/two", 2)


def noted(store, shop, many=None):
    seals = store.log.seals(shop)
    return checkpoint(shop, KEYS, first(seals, many or len(seals)))


def export(store, shop, start=None, now=NOW, last=2):
    return list(proof.export(store, shop, KEYS, start, FIRST + timedelta(last), now))


def check(lines, *witnesses):
    return verify(lines, KEYS.jwks(), witnesses=[witness.known for witness in witnesses])


def test_the_key_of_the_specification_s_example_is_read_and_a_cosignature_is_as_long_as_there():
    """https://c2sp.org/tlog-cosignature shows this line; its key is not told."""
    packed = "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA=="
    raw = b64decode(packed)
    assert int.from_bytes(raw[4:12]) == 1679315147
    assert len(raw) == len(b64decode(ONE.cosign("x\n1\n\n\n").split(" ")[-1]))


def test_cosignatures_are_kept_exported_given_on_and_checked(sealed, shop):
    assert cosign(sealed, shop, KEYS, ONE.cosign(noted(sealed, shop)), ONE.known) == (3, AT)
    assert cosign(sealed, shop, KEYS, TWO.cosign(noted(sealed, shop), AT + 5), TWO.known) == (3, AT + 5)
    given = with_cosignatures(sealed, shop, 3, noted(sealed, shop))
    assert given.startswith(noted(sealed, shop))
    assert [ONE.known.cosigned(given), TWO.known.cosigned(given)] == [AT, AT + 5]
    lines = export(sealed, shop)
    said = str(check(lines, ONE, TWO))
    assert f"{ONE.name} cosigned the first 3 seals of shop.example/consent/shop at 2026-11-25 09:46:40 UTC." in said
    assert "witness.example/two cosigned the first 3 seals" in said
    assert "Checkpoints of it were cosigned, which --witness KEY checks." in str(check(lines))


def test_the_newest_cosignature_of_a_witness_takes_the_place_of_its_last_one(sealed, shop):
    for at in (AT, AT + 60):
        cosign(sealed, shop, KEYS, ONE.cosign(noted(sealed, shop), at), ONE.known)
    (note,) = sealed.attestations.cosigned(shop).values()
    assert note.count(f"— {ONE.name} ") == 1
    assert ONE.known.cosigned(note) == AT + 60


def test_a_witness_of_some_days_ago_still_counts_when_the_log_has_grown(sealed, shop):
    cosign(sealed, shop, KEYS, ONE.cosign(noted(sealed, shop, 2)), ONE.known)
    answer(sealed, shop, FIRST + timedelta(3))
    proof.seal(sealed, shop, KEYS, LATER)
    assert "cosigned the first 2 seals" in str(check(export(sealed, shop, now=LATER, last=3), ONE))
    # An export that begins later brings what it takes to compute the root over all.
    assert "cosigned the first 2 seals" in str(check(export(sealed, shop, FIRST + timedelta(1), LATER, 3), ONE))
    for start in (2, 3):  # of which it has seen none
        with pytest.raises(Failed, match="no checkpoint over what is in it was cosigned by"):
            check(export(sealed, shop, FIRST + timedelta(start), LATER, 3), ONE)


def test_a_log_that_was_sealed_anew_with_the_genuine_secret_does_not_fit_what_a_witness_signed(sealed, shop):
    """The operator can sign everything else anew; not what somebody else has signed."""
    cosign(sealed, shop, KEYS, ONE.cosign(noted(sealed, shop)), ONE.known)
    note = sealed.attestations.cosigned(shop)[3]
    sealed.connection.client.flushall()
    for n in range(3):
        answer(sealed, shop, FIRST + timedelta(n), many=2)
    proof.seal(sealed, shop, KEYS, NOW)
    with pytest.raises(Failed, match="no checkpoint over what is in it was cosigned"):
        check(export(sealed, shop), ONE)
    sealed.attestations.keep_cosigned(shop, 3, note)
    for witnesses in ((ONE,), ()):
        with pytest.raises(Failed, match="the checkpoint over 3 seals that witnesses cosigned is not over these"):
            check(export(sealed, shop), *witnesses)


@pytest.mark.parametrize("before", ["what was there", "more than there was"])
def test_a_history_made_anew_is_not_passed_off_as_what_follows_the_one_that_was_cosigned(sealed, shop, before):
    cosign(sealed, shop, KEYS, ONE.cosign(noted(sealed, shop)), ONE.known)
    note, tree = sealed.attestations.cosigned(shop)[3], Tree()
    for seal in sealed.log.seals(shop).values():
        tree.add(hashlib.sha256(b"\0" + seal.encode()).digest())
    sealed.connection.client.flushall()
    for n in range(3):
        answer(sealed, shop, FIRST + timedelta(n), many=2)
    proof.seal(sealed, shop, KEYS, NOW)
    ways = {"what was there": [3, tree.peaks()], "more than there was": [8, ["00" * 32]]}
    forged = changed(export(sealed, shop), lambda head: head.update(cosigned=[note], before=ways[before]))
    end = json.loads(forged[-1])
    attested = hashlib.sha256(hashlib.sha256(note.encode()).digest()).hexdigest()
    said = json.loads(KEYS.payload(end["token"])) | {"attested": attested}
    forged[-1] = json.dumps({**end, "token": token(said, KEYS.sign(said))}).encode()
    assert "cosigned" not in str(check(forged))
    with pytest.raises(Failed, match="no checkpoint over what is in it was cosigned by"):
        check(forged, ONE)


def test_who_writes_to_redis_can_take_away_what_others_attest_and_whoever_asks_for_it_misses_it(sealed, shop):
    cosign(sealed, shop, KEYS, ONE.cosign(noted(sealed, shop)), ONE.known)
    restored(sealed, shop, KEYS)
    for kind in ("cosigned", "stamps", "restored"):
        sealed.connection.client.delete(f"consent:{{shop}}:{kind}")
    said = str(check(export(sealed, shop)))
    assert "cosigned" not in said
    assert "put back" not in said
    with pytest.raises(Failed, match="no checkpoint over what is in it was cosigned by witness"):
        check(export(sealed, shop), ONE)


def changed(lines, change):
    head = json.loads(lines[0])
    change(head)
    return [json.dumps(head).encode(), *lines[1:]]


@pytest.mark.parametrize(
    "change",
    [
        lambda head: head.pop("cosigned"),
        lambda head: head.update(cosigned=[]),
        lambda head: head.update(cosigned=[head["cosigned"][0].replace("\n3\n", "\n2\n")]),
        lambda head: head.update(cosigned=[head["cosigned"][0].replace("/consent/shop", "/consent/other")]),
        lambda head: head.update(cosigned=[head["cosigned"][0].replace("\n3\n", "\n4\n")]),
        lambda head: head.update(cosigned=["", 5]),
        lambda head: head.update(before=[1, ["00" * 32]]),
        lambda head: head.update(before=[3, ["00" * 32]]),
        lambda head: head.update(before=5),
        lambda head: head["cosigned"].append(ONE.cosign(head["cosigned"][0], AT + 99)),
    ],
)
def test_a_cosigned_checkpoint_that_was_changed_in_an_export_is_found(sealed, shop, change):
    cosign(sealed, shop, KEYS, ONE.cosign(noted(sealed, shop)), ONE.known)
    with pytest.raises(Failed):
        check(changed(export(sealed, shop), change), ONE)


def test_how_many_seals_are_before_an_export_is_signed_too(sealed, shop):
    """The attack: with more before than there are, no checkpoint is over what is in it, and nobody asks for one."""
    cosign(sealed, shop, KEYS, ONE.cosign(noted(sealed, shop)), ONE.known)
    lines = export(sealed, shop)
    assert "Checkpoints of it were cosigned" in str(check(lines))
    with pytest.raises(Failed, match="the seals before it are not those that were exported"):
        check(changed(lines, lambda head: head.update(before=[4, ["00" * 32]])))
    end = json.loads(lines[-1])
    said = json.loads(KEYS.payload(end["token"]))
    del said["before"]  # as one from before has it
    assert "Checkpoints of it" in str(check([*lines[:-1], json.dumps({**end, "token": token(said, KEYS.sign(said))})]))


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


def test_of_two_witnesses_at_once_both_are_kept(sealed, shop, monkeypatch):
    note, read, others = noted(sealed, shop), sealed.attestations.cosigned, [TWO]

    def cosigned(site):
        found = read(site)
        if others:  # comes in between
            other = others.pop()
            cosign(sealed, shop, KEYS, other.cosign(note), other.known)
        return found

    monkeypatch.setattr(sealed.attestations, "cosigned", cosigned)
    assert cosign(sealed, shop, KEYS, ONE.cosign(note), ONE.known) == (3, AT)
    said = str(check(export(sealed, shop), ONE, TWO))
    assert f"{ONE.name} cosigned the first 3 seals" in said
    assert f"{TWO.name} cosigned the first 3 seals" in said


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


def test_the_first_line_of_an_export_stays_short_however_many_witnesses_there_are():
    """Twenty that cosigned daily for three years; one of them at the beginning alone."""
    line = "— {} " + b64encode(bytes(76)).decode()
    names = [f"witness-{n}.example/of-this-log" for n in range(24)]
    notes = {
        size: "shop.example/consent/shop\n{size}\n{root}\n\n" + "".join(f"{line.format(name)}\n" for name in names)
        for size in range(1, 1096)
    }
    notes[5] += line.format("early.example") + "\n"
    assert len(json.dumps([*notes.values()], ensure_ascii=False).encode()) > 3_000_000
    chosen = newest_of_each(notes)
    assert [*chosen] == sorted(chosen)
    assert {5, 1095, 1094} <= {*chosen}
    assert len(json.dumps([*chosen.values()], ensure_ascii=False).encode()) < LONGEST_LINE * 0.6


def test_each_configured_key_signs_the_checkpoint_so_that_a_witness_of_the_one_before_takes_it(sealed, shop):
    both = Keys(["the secret that comes after it", SECRET])
    note = checkpoint(shop, both, sealed.log.seals(shop))
    lines = note.partition("\n\n")[2].splitlines()
    assert len(lines) == 2
    for public in both.jwks()["keys"]:
        assert read_checkpoint(note, Known([public]))[0] == 3
    raw = [b64decode(line.split(" ")[2]) for line in lines]
    for (key_hash, signature), public in zip(((each[:4], each[4:]) for each in raw), both.public, strict=True):
        assert key_hash == hashlib.sha256(origin(shop).encode() + b"\n\1" + public).digest()[:4]
        Ed25519PublicKey.from_public_bytes(public).verify(signature, f"{note.partition(chr(10) * 2)[0]}\n".encode())
    assert cosign(sealed, shop, both, ONE.cosign(note), ONE.known) == (3, AT)
    given = with_cosignatures(sealed, shop, 3, note)
    assert given == ONE.cosign(note)


@pytest.mark.parametrize("line", ["", " ", "x", "—", "— ", "— witness.example/two", "a b c", "\x85", "— a b c d"])
def test_what_is_no_signature_is_neither_given_on_nor_in_the_way(sealed, shop, line):
    sealed.attestations.keep_cosigned(shop, 3, f"{noted(sealed, shop)}{line}\n")
    assert with_cosignatures(sealed, shop, 3, noted(sealed, shop)) == noted(sealed, shop) + f"{line}\n" * ("d" in line)
    assert cosign(sealed, shop, KEYS, ONE.cosign(noted(sealed, shop)), ONE.known) == (3, AT)
    assert "cosigned the first 3 seals" in str(check(export(sealed, shop), ONE))


def test_a_checkpoint_that_is_asked_for_has_its_cosignatures(app, client, site):
    services = app.extensions["consent"]
    answer(services.store, site, FIRST, keys=services.keys)
    proof.seal(services.store, site, services.keys, NOW)
    plain = client.get(f"/v1/{site.id}/seals?format=checkpoint").text
    cosign(services.store, site, services.keys, ONE.cosign(plain), ONE.known)
    given = client.get(f"/v1/{site.id}/seals?format=checkpoint").text
    assert given == ONE.cosign(plain)
    assert client.get(f"/v1/{site.id}/seals?format=checkpoint&old=1").text.endswith(plain)


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


def test_the_signature_is_as_the_specification_says():
    """Verified here by its words: two lines, then the whole text with its last newline."""
    note = "log.example/consent/shop\n1\nAAAA\n\n— log.example/consent/shop AAAA\n"
    raw = b64decode(ONE.cosign(note).split(" ")[-1])
    message = f"cosignature/v1\ntime {AT}\nlog.example/consent/shop\n1\nAAAA\n".encode()
    Ed25519PublicKey.from_public_bytes(ONE.known.key).verify(raw[12:], message)
    assert ONE.known.cosigned(ONE.cosign(note)) == AT


def prepared(store, monkeypatch):
    site = read_sites(ROOT / "consent.toml")["smartmarket"]
    monkeypatch.setenv("REDIS_URL", store.url)
    monkeypatch.setenv("CONSENT_SECRET", SECRET)
    monkeypatch.setenv("CONSENT_CONFIG", str(ROOT / "consent.toml"))
    answer(store, site, FIRST)
    proof.seal(store, site, KEYS, NOW)
    return site


def test_the_commands(store, tmp_path, monkeypatch):
    site = prepared(store, monkeypatch)
    note, out, keys = (tmp_path / name for name in ("note", "log.jsonl", "keys.json"))
    note.write_text(ONE.cosign(noted(store, site)))

    def run(*arguments):
        return CliRunner().invoke(log_command, [str(each) for each in arguments])

    done = run("cosign", site.id, "--file", note, "--witness", ONE.key)
    assert done.exit_code == 0, done.output
    assert "witness.example/one cosigned the first 3 seals of smartmarket on 2026-11-25." in done.stdout
    keys.write_text(json.dumps(KEYS.jwks()))
    assert run("export", site.id, "--out", out).exit_code == 0
    done = run("verify", out, "--keys", keys, "--witness", ONE.key)
    assert done.exit_code == 0, done.output
    assert "witness.example/one cosigned" in done.stdout
    assert stand_alone.main([str(out), "--keys", str(keys), "--witness", ONE.key]) == 0
    assert run("verify", out, "--keys", keys, "--witness", TWO.key).exit_code == 1
    assert run("verify", out, "--keys", keys, "--witness", "nobody").exit_code == 2
    for wrong in (("--file", keys, "--witness", ONE.key), ("--file", note, "--witness", "nobody")):
        done = run("cosign", site.id, *wrong)
        assert done.exit_code == 2
        assert done.stderr.startswith("Error: ")
    note.write_bytes(b"\xff\xfe")
    assert run("cosign", site.id, "--file", note, "--witness", ONE.key).exit_code == 2
