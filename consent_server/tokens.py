"""Consent tokens: Ed25519 (RFC 8032) under itsdangerous. Only the server can make one, anybody can check one.

In a shop's own back end, with the public keys alone::

    from consent_server.tokens import Verifier

    consents = Verifier.from_url("https://consent.example/v1/keys.json", site="smartmarket")
    consents.verify(request.cookies.get("consent")).allows("analytics")
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib import import_module
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

LONGEST_KEYS = 65_536
"""Bytes of the longest document that is read as published keys."""

SECONDS_BETWEEN = 5
"""How long keys are not asked for again that could not be fetched, or had nothing new."""

log = logging.getLogger(__name__)

_json = msgspec.json.Encoder(order="sorted")
_consent = msgspec.json.Decoder(Consent)


class BadToken(ConsentError):
    """This text is no valid token here."""

    problem = "bad-token"


class ForgedToken(BadToken):
    """Signed by none of the keys, changed since, or no token at all."""


class NoKeys(BadToken):
    """The server's public keys could not be fetched yet, so that nothing can be checked."""


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
        self.public = tuple(raw)
        super().__init__(raw, _Ed25519(public=raw))

    @classmethod
    def from_url(cls, url: str, site: str, *, timeout: float = 2, refresh: float = 3600) -> Verifier:
        """Return a verifier with the keys that a server publishes, which may be away: a shop starts and serves without.

        Nothing is fetched before there is a token to check. Later on keys are fetched anew in the background, or at
        once for a token that none of them signed, as after a new secret; until that succeeds the last good ones hold.

        Args:
            url: where the keys are, ``https://HOST/v1/keys.json``.
            site: the site's id; tokens of other sites are refused.
            timeout: seconds that a check waits for keys at most. Without any it then raises NoKeys, a BadToken.
            refresh: seconds after which keys are fetched anew.

        Raises:
            ValueError: the address is not one of http or https.
        """
        return _Published(url, site, timeout, refresh)

    def verify(self, token: str | None, now: float | None = None) -> Consent:
        """Return what the shopper allows. ``now``: seconds since 1970, the clock's time if left out.

        Raises:
            BadToken: none (there is no cookie), forged, changed, of another site, or expired.
        """
        return unexpired(self.read(token, self.site), time.time() if now is None else now)


class _Published(Verifier):
    """Checks tokens with the keys that a server publishes at the moment."""

    def __init__(self, url: str, site: str, timeout: float, refresh: float) -> None:
        if not url.startswith(("https://", "http://")):
            raise ValueError(f"The address of the keys starts with https:// or http://, unlike {url!r}.")
        self.site = site
        self._url, self._timeout, self._refresh = url, timeout, refresh
        self._known: Verifier | None = None
        self._fetching: threading.Thread | None = None
        self._began = self._due = self._not_before = float("-inf")

    def payload(self, token: str | None) -> bytes:
        known = self._known
        if time.monotonic() >= self._due:
            known = self._fetched(wait=not known)
        if not known:
            raise NoKeys("The server's public keys could not be fetched yet.")
        try:
            return known.payload(token)
        except ForgedToken:
            if not isinstance(token, str) or len(token.rpartition(".")[2]) != 86:  # 64 bytes, as a signature has
                raise
            newer = self._fetched(wait=True)
            if not newer or newer is known:
                raise
            return newer.payload(token)

    def _fetched(self, wait: bool) -> Verifier | None:
        """Have the keys fetched, unless that was tried a moment ago, and return what is known then.

        A thread does it, so that nobody waits for longer than the time-out, however slowly a server answers.
        """
        now = time.monotonic()
        if now >= self._not_before and not (self._fetching and self._fetching.is_alive()):
            thread = threading.Thread(target=self._fetch, name="consent keys", daemon=True)
            thread.start()
            self._fetching, self._began, self._not_before = thread, now, now + SECONDS_BETWEEN
        if wait and self._fetching:
            self._fetching.join(max(0, self._began + self._timeout - now))
        return self._known

    def _fetch(self) -> None:
        try:
            found = Verifier(msgspec.json.decode(_get(self._url, self._timeout)), self.site)
        except Exception as error:  # whatever it is that answers there, a shop goes on with the keys that it has
            log.warning("the public keys for %s cannot be fetched: %s", self.site, error)
            return
        if not self._known or found.public != self._known.public:
            self._known, self._not_before = found, float("-inf")
        self._due = time.monotonic() + self._refresh


def _get(url: str, timeout: float) -> bytes:
    until = time.monotonic() + timeout
    text = b""
    # Whoever has the keys at hand needs no HTTP, which takes half as long to load as all the rest.
    with import_module("urllib.request").urlopen(url, timeout=timeout) as answer:
        while part := answer.read1(LONGEST_KEYS):
            text += part
            if len(text) > LONGEST_KEYS or time.monotonic() > until:
                raise ValueError("the answer is too long, or too slow")
    return text


class Keys(_Reader):
    """Makes and checks tokens. ``secrets`` are texts, the newest first: the newest signs, all verify."""

    def __init__(self, secrets: Sequence[str]) -> None:
        private = [_derive(secret) for secret in secrets]
        self.public = tuple(key.public_key().public_bytes_raw() for key in private)
        super().__init__(self.public, _Ed25519(private))
        self._signed = lru_cache(maxsize=256)(self._signer.algorithm.get_signature)

    def sign(self, payload: msgspec.Struct | dict[str, Any], by: int = 0) -> bytes:
        """Return the 64 bytes that sign this payload, always the same ones; ``by``: the key's place in ``public``."""
        # Refusals of one hour share their payload, so what was signed just now is often asked for again.
        return self._signed(self.public[by], _text(payload))

    def sign_note(self, text: bytes) -> bytes:
        """Return the 64 bytes by which the newest key signs a text that has line breaks, which no payload has."""
        return self._signed(self.public[0], text)

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
