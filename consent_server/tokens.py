"""Consent tokens: Ed25519 (RFC 8032) under itsdangerous. Only the server can make one, anybody can check one.

In a shop's own back end, with the public key alone::

    from consent_server.tokens import Verifier

    consents = Verifier(["11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"], site="smartmarket")
    consents.verify(request.cookies["consent"]).allows("analytics")
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from itsdangerous import BadData, Signer
from itsdangerous.encoding import base64_decode, base64_encode
from itsdangerous.signer import SigningAlgorithm

from .decision import Consent
from .site import ConsentError, base64url

LONGEST = 2048
"""Characters of the longest text that is looked at as a token."""

_json = msgspec.json.Encoder(order="sorted")
_consent = msgspec.json.Decoder(Consent)


class BadToken(ConsentError):
    """This text is no valid token here."""

    problem = "bad-token"


class ForgedToken(BadToken):
    """Signed by none of the keys, changed since, or no token at all."""


class ForeignToken(BadToken):
    """Genuine, but of another site or of another type."""

    problem = "foreign-token"


class ExpiredToken(BadToken):
    """Genuine, but older than the shop said it would keep the answer."""

    problem = "expired-token"


class _Ed25519(SigningAlgorithm):
    """Ed25519 as an algorithm for itsdangerous; a key is its 32 raw public bytes, whether or not it can sign."""

    def __init__(self, private: Iterable[Ed25519PrivateKey] = (), public: Iterable[bytes] = ()) -> None:
        self._private = {key.public_key().public_bytes_raw(): key for key in private}
        self._public = {raw: Ed25519PublicKey.from_public_bytes(raw) for raw in (*self._private, *public)}

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return self._private[key].sign(value)

    def verify_signature(self, key: bytes, value: bytes, sig: bytes) -> bool:
        try:
            self._public[key].verify(sig, value)
        except InvalidSignature:
            return False
        return True


class _Reader:
    """What whoever checks and whoever makes tokens have in common. ``keys``: raw public keys, newest first."""

    def __init__(self, keys: Sequence[bytes], algorithm: _Ed25519) -> None:
        if not keys:
            raise BadToken("No public key was given; the server publishes its keys at /v1/keys.json.")
        # itsdangerous has the newest last. The salt would separate nothing without derivation: payloads say `typ`.
        self._signer = Signer([*reversed(keys)], sep=".", key_derivation="none", algorithm=algorithm)

    def payload(self, token: str | None) -> bytes:
        """Return the signed JSON text of a token of any type.

        Raises:
            ForgedToken: no key of ours signed exactly this text.
        """
        if not isinstance(token, str) or len(token) > LONGEST or not token.isascii():
            raise ForgedToken("This is not a token.")
        try:
            payload = self._signer.unsign(token)
            signature = token.rpartition(".")[2].encode()
            # Base64 has several spellings of the same bytes; only the one that we wrote counts.
            if base64_encode(base64_decode(signature)) != signature:
                raise ForgedToken("The token was changed.")
            return base64_decode(payload)
        except BadData:
            raise ForgedToken("None of the server's keys signed this token, or it was changed.") from None

    def read(self, token: str | None, site: str) -> Consent:
        """Return what a token of ``site`` says, expired or not.

        Raises:
            ForgedToken: no key of ours signed exactly this text.
            ForeignToken: it is genuine but not a consent, or not this site's.
        """
        payload = self.payload(token)
        try:
            consent = _consent.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ForeignToken("This is a signed text of another type than a consent.") from None
        if consent.site != site:
            raise ForeignToken(f"This token is not a consent for {site!r}.")
        return consent


class Verifier(_Reader):
    """Checks the tokens of one site with public keys only, offline.

    Args:
        keys: public keys as in ``/v1/keys.json``: that document, its keys, or the members ``x`` of them (base64url
            text, 32 bytes).
        site: the site's id; tokens of other sites are refused.
    """

    def __init__(self, keys: Mapping[str, Any] | Iterable[str | Mapping[str, Any]] | str, site: str) -> None:
        listed = keys.get("keys", [keys]) if isinstance(keys, Mapping) else [keys] if isinstance(keys, str) else keys
        raw = [base64_decode(key if isinstance(key, str) else key["x"]) for key in listed]
        self.site = site
        super().__init__(raw, _Ed25519(public=raw))

    def verify(self, token: str | None, now: float | None = None) -> Consent:
        """Return what the shopper allows. ``now``: seconds since 1970, the clock's time if left out.

        Raises:
            BadToken: none (there is no cookie), forged, changed, of another site, or expired.
        """
        return unexpired(self.read(token, self.site), time.time() if now is None else now)


class Keys(_Reader):
    """Makes and checks tokens. ``secrets`` are texts, the newest first: the newest signs, all verify."""

    def __init__(self, secrets: Sequence[str]) -> None:
        private = [_derive(secret) for secret in secrets]
        self.public = tuple(key.public_key().public_bytes_raw() for key in private)
        super().__init__(self.public, _Ed25519(private))
        self._signed = lru_cache(maxsize=256)(partial(self._signer.algorithm.get_signature, self.public[0]))

    def sign(self, payload: msgspec.Struct | dict[str, Any]) -> bytes:
        """Return the 64 bytes that sign this payload. Ed25519 is deterministic: the same payload, the same bytes."""
        # Refusals of one hour share their payload, so what was signed just now is often asked for again.
        return self._signed(_text(payload))

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


def unexpired(consent: Consent, now: float) -> Consent:
    """Return ``consent``.

    Raises:
        ExpiredToken: it is past its ``exp``.
    """
    if consent.exp <= now:
        raise ExpiredToken("This consent has expired; the shopper has to be asked again.")
    return consent


def key_id(raw: bytes) -> str:
    """Return the short public name of a public key of 32 bytes."""
    return base64url(hashlib.sha256(raw).digest()[:8])


def _text(payload: msgspec.Struct | dict[str, Any]) -> bytes:
    return base64_encode(_json.encode(payload))


def _derive(secret: str) -> Ed25519PrivateKey:
    """Return the signing key of a secret text, by HKDF (RFC 5869)."""
    seed = HKDF(SHA256(), 32, salt=None, info=b"consent-server token key 1").derive(secret.encode())
    return Ed25519PrivateKey.from_private_bytes(seed)
