"""Consent tokens: Ed25519 (RFC 8032) under itsdangerous. Only the server can make one, anybody can check one.

In a shop's own back end, with the public keys alone::

    from consent_server.tokens import Verifier

    consents = Verifier.from_url("https://consent.example/v1/keys.json", site="smartmarket")
    consents.newest(request.headers.get("Cookie")).allows("analytics")
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from itsdangerous.encoding import base64_encode

from ..decision import Consent
from ..site import base64url
from .accounts import AccountNames
from .errors import BadToken, ExpiredToken, ForeignToken, ForgedToken, NoKeys, OutdatedToken
from .reader import Ed25519, Reader
from .verifier import Verifier, current, unexpired

__all__ = [
    "BadToken",
    "ExpiredToken",
    "ForeignToken",
    "ForgedToken",
    "Keys",
    "NoKeys",
    "OutdatedToken",
    "Verifier",
    "current",
    "key_id",
    "token",
    "unexpired",
]

_json = msgspec.json.Encoder(order="sorted")


class Keys(Reader):
    """Makes and checks tokens. ``secrets`` are texts, the newest first: the newest signs, all verify."""

    def __init__(self, secrets: Sequence[str]) -> None:
        private = [_derive(secret) for secret in secrets]
        self.public = tuple(key.public_key().public_bytes_raw() for key in private)
        super().__init__(self.public, Ed25519(private))
        self.accounts = AccountNames(secrets)
        self._signed = lru_cache(maxsize=256)(self._signer.algorithm.get_signature)

    def sign(self, payload: msgspec.Struct | dict[str, Any], by: int = 0) -> bytes:
        """Return the 64 bytes that sign this payload, always the same ones; ``by``: the key's place in ``public``."""
        # Refusals of one hour share their payload, so what was signed just now is often asked for again.
        return self._signed(self.public[by], _text(payload))

    def sign_note(self, text: bytes, by: int = 0) -> bytes:
        """Return the 64 bytes that sign a text with line breaks, which no payload has; ``by`` as in ``sign``."""
        return self._signed(self.public[by], text)

    def jwks(self) -> dict[str, Any]:
        """Return the public keys as a JWK set (RFC 8037), newest first."""
        return {
            "keys": [
                {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": key_id(raw), "x": base64url(raw)}
                for raw in self.public
            ]
        }

    def verify(self, token: str, site: str, now: float) -> Consent:
        """Return what a token of ``site`` allows at ``now`` (seconds since 1970).

        Raises:
            BadToken: forged, changed, of another site, or expired.
        """
        return unexpired(self.read(token, site), now)


def token(payload: msgspec.Struct | dict[str, Any], signature: bytes) -> str:
    """Return the text ``PAYLOAD.SIGNATURE`` of a signed payload."""
    return f"{_text(payload).decode()}.{base64url(signature)}"


def key_id(raw: bytes) -> str:
    """Return the short public name of a public key of 32 bytes."""
    return base64url(hashlib.sha256(raw).digest()[:8])


def _text(payload: msgspec.Struct | dict[str, Any]) -> bytes:
    return base64_encode(_json.encode(payload))


def _derive(secret: str) -> Ed25519PrivateKey:
    """Return the signing key of a secret text, by HKDF (RFC 5869)."""
    seed = HKDF(SHA256(), 32, salt=None, info=b"consent-server token key 1").derive(secret.encode())
    return Ed25519PrivateKey.from_private_bytes(seed)
