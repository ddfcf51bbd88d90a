"""Witnesses that sign a log's checkpoint, and the export that has their signatures."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from datetime import timedelta

from conftest import ROOT
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from stamped_shop import FIRST, KEYS, NOW, SECRET, answer

from consent_server.proof import log as proof
from consent_server.proof.attested.witnesses import first
from consent_server.proof.seals import checkpoint
from consent_server.settings.shops import read_sites
from consent_server.verify import Witness, verify

AT = 1_795_600_000


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


def prepared(store, monkeypatch):
    site = read_sites(ROOT / "consent.toml")["smartmarket"]
    monkeypatch.setenv("REDIS_URL", store.url)
    monkeypatch.setenv("CONSENT_SECRET", SECRET)
    monkeypatch.setenv("CONSENT_CONFIG", str(ROOT / "consent.toml"))
    answer(store, site, FIRST)
    proof.seal(store, site, KEYS, NOW)
    return site
