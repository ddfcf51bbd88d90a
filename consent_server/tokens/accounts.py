"""What an account of a shop is known by here: keyed hashes of it, of keys that nobody has who reads the store."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ..site import base64url

_MARK_BYTES = 9
"""Of a mark, which is checked here and never looked up."""


class AccountNames:
    """Names accounts, by HMAC-SHA256 (RFC 2104) with keys derived from the secrets by HKDF (RFC 5869).

    Args:
        secrets: texts, the newest first, as ``Keys`` has them.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        info = b"consent-server account key 1"
        self._keys = [HKDF(SHA256(), 32, salt=None, info=info).derive(secret.encode()) for secret in secrets]

    def names(self, site: str, account: str) -> list[str]:
        """Return what an account may be kept under, a name by each secret, the newest secret's first."""
        return [base64url(raw) for raw in self._all("name", site, account)]

    def mark(self, site: str, account: str, text: str, what: str = "own") -> str:
        """Return what binds a text to an account: ``own``, a device's, kept beside the account's; or ``link``, its."""
        return base64url(self._all(what, site, text, account)[0][:_MARK_BYTES])

    def is_marked(self, mark: str, site: str, account: str, text: str, what: str = "own") -> bool:
        """Return whether a mark is that of this account and text."""
        marks = [base64url(raw[:_MARK_BYTES]) for raw in self._all(what, site, text, account)]
        return any(hmac.compare_digest(mark.encode(), each.encode()) for each in marks)

    def _all(self, *parts: str) -> list[bytes]:
        # The account comes last, as it alone may have the separator in it.
        text = "\0".join(parts).encode()
        return [hmac.digest(key, text, "sha256") for key in self._keys]
