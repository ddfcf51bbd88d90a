"""Reads a signed text: Ed25519 (RFC 8032) under itsdangerous, which is what makes and checks tokens alike."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from itsdangerous import BadData, Signer
from itsdangerous.encoding import base64_decode, base64_encode
from itsdangerous.signer import SigningAlgorithm

from ..decision import Consent
from .errors import BadToken, ForeignToken, ForgedToken

LONGEST = 2048
"""Characters of the longest text that is looked at as a token."""

SIGNATURE = 86
"""Characters of a signature: 64 bytes as base64url."""

_consent = msgspec.json.Decoder(Consent)


class Ed25519(SigningAlgorithm):
    """Ed25519 as an algorithm for itsdangerous; a key is its 32 raw public bytes, whether or not it can sign."""

    def __init__(self, private: Iterable[Ed25519PrivateKey] = (), public: Iterable[bytes] = ()) -> None:
        self._private = {key.public_key().public_bytes_raw(): key for key in private}
        self._public = {raw: Ed25519PublicKey.from_public_bytes(raw) for raw in (*self._private, *public)}

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        """Return what signs ``value``."""
        return self._private[key].sign(value)

    def verify_signature(self, key: bytes, value: bytes, sig: bytes) -> bool:
        """Return whether ``sig`` is what signs ``value``."""
        own = self._private.get(key)
        if own is not None:  # it always makes the same one (RFC 8032), in a third of the time that checking takes
            return hmac.compare_digest(own.sign(value), sig)
        try:
            self._public[key].verify(sig, value)
        except InvalidSignature:
            return False
        return True


class Reader:
    """What whoever checks and whoever makes tokens have in common. ``keys``: raw public keys, newest first."""

    def __init__(self, keys: Sequence[bytes], algorithm: Ed25519) -> None:
        if not keys:
            raise BadToken("No public key was given; the server publishes its keys at /v1/keys.json.")
        # itsdangerous has the newest last. The salt would separate nothing without derivation: payloads say `typ`.
        self._signer = Signer([*reversed(keys)], sep=".", key_derivation="none", algorithm=algorithm)

    def payload(self, token: str | None) -> bytes:
        """Return the signed JSON text of a token of any type.

        Raises:
            ForgedToken: no key of ours signed exactly this text.
        """
        text = shaped(token)
        try:
            payload = self._signer.unsign(text)
            signature = text.rpartition(".")[2].encode()
            # Base64 has several spellings of the same bytes; only the one that we wrote counts.
            if base64_encode(base64_decode(signature)) != signature:
                raise ForgedToken("The token was changed.")
            return base64_decode(payload)
        except BadData:
            raise _forged() from None

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


def waits(text: str, site: str) -> bool:
    """Return whether a cookie holds an answer to ``site`` that is on its way to the server, unsigned yet.

    It is newer than any that the server has signed for that browser, and may take back what such a one allows.
    """
    return text.startswith("~") and f"%22site%22%3A%22{site}%22" in text


def shaped(token: str | None) -> str:
    """Return a text that may be a token, by its shape alone.

    Raises:
        ForgedToken: it cannot be one, whatever the keys are.
    """
    if not isinstance(token, str) or len(token) > LONGEST or not token.isascii():
        raise ForgedToken("This is not a token.")
    if len(token.rpartition(".")[2]) != SIGNATURE:
        raise _forged()
    return token


def _forged() -> ForgedToken:
    return ForgedToken("None of the server's keys signed this token, or it was changed.")
