"""What witnesses sign of the log's checkpoint is checked, kept, exported, and checked again by whoever trusts them."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from datetime import timedelta

import pytest
from click.testing import CliRunner
from cosigners import AT, ONE, TWO, check, export, noted, prepared
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from filled_log import shop
from stamped_shop import FIRST, KEYS, NOW, SECRET, answer, sealed, store

from consent_server import verify as stand_alone
from consent_server.cli.log import log as log_command
from consent_server.proof import log as proof
from consent_server.proof.attested import restored
from consent_server.proof.attested.witness_notes import newest_of_each
from consent_server.proof.attested.witnesses import cosign, with_cosignatures
from consent_server.proof.seals import checkpoint, origin
from consent_server.tokens import Keys, token
from consent_server.verify import LONGEST_LINE, Failed, Tree, read_checkpoint
from consent_server.verify import Keys as Known

__all__ = ["sealed", "shop", "store"]
LATER = NOW + timedelta(3)


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


def test_a_checkpoint_that_is_asked_for_has_its_cosignatures(app, client, site):
    services = app.extensions["consent"]
    answer(services.store, site, FIRST, keys=services.keys)
    proof.seal(services.store, site, services.keys, NOW)
    plain = client.get(f"/v1/{site.id}/seals?format=checkpoint").text
    cosign(services.store, site, services.keys, ONE.cosign(plain), ONE.known)
    given = client.get(f"/v1/{site.id}/seals?format=checkpoint").text
    assert given == ONE.cosign(plain)
    assert client.get(f"/v1/{site.id}/seals?format=checkpoint&old=1").text.endswith(plain)


def test_the_signature_is_as_the_specification_says():
    """Verified here by its words: two lines, then the whole text with its last newline."""
    note = "log.example/consent/shop\n1\nAAAA\n\n— log.example/consent/shop AAAA\n"
    raw = b64decode(ONE.cosign(note).split(" ")[-1])
    message = f"cosignature/v1\ntime {AT}\nlog.example/consent/shop\n1\nAAAA\n".encode()
    Ed25519PublicKey.from_public_bytes(ONE.known.key).verify(raw[12:], message)
    assert ONE.known.cosigned(ONE.cosign(note)) == AT


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
