"""Why a text is no valid token here."""

from __future__ import annotations

from ..site import ConsentError


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


class OutdatedToken(ExpiredToken):
    """Genuine, but the shop asks something new since; the shopper is asked again."""
