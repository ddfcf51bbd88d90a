"""Whether a token is still its shopper's newest answer, and if not, since when: withdrawn, changed, erased."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from dataclasses import dataclass
from typing import Literal

from .. import verify
from ..decision import Consent, Entry
from ..site import Site, base64url
from ..store import Store
from ..tokens import Keys
from .days.proven import Proven
from .entries import erased_at

STANDINGS = ("newest", "changed", "withdrawn", "erased", "unknown")
"""What may have become of an answer."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What became of an answer; ``at`` is since when it is not the newest, in seconds since 1970, if that is known.

    ``unknown``: nothing is held of it, as after a backup was put back, or what is held instead proves nothing.
    """

    now: Literal["newest", "changed", "withdrawn", "erased", "unknown"]
    at: int | None = None

    @property
    def fault(self) -> str:
        """Return in a sentence why nothing is allowed by it; empty if it is the newest."""
        if self.now == "newest":
            return ""
        return f"This answer is not the shopper's newest: it is {self.now}{f' since {self.at}' if self.at else ''}."

    @property
    def erased(self) -> int | None:
        """When it was erased, if it was and that is known."""
        return self.at if self.now == "erased" else None


def standing(store: Store, site: Site, keys: Keys, consent: Consent, token: str) -> Standing:
    """Return what became of an answer.

    Args:
        store: where the log is.
        site: the shop.
        keys: those of today, which prove what is said of it.
        consent: what the token says. One that names nobody, as a refusal's, cannot be looked up, and allows nothing.
        token: the text of it.

    Raises:
        StoreAway: it cannot be looked up.
    """
    if not consent.sub:
        return Standing("newest")
    newest = store.history.newest(site, consent.sub)
    if newest and _is(newest, consent, token):
        return Standing("newest")
    # Also where there is a newer one: who knows the id of an answer that was erased can give it anew.
    if found := _erased(store, site, keys, consent, token):
        return found
    if newest is None or newest.id == consent.jti or newest not in Proven(store, site, keys):
        return Standing("unknown")  # and allows nothing
    return Standing("changed" if newest.allow else "withdrawn", newest.at // 1000)


def _is(entry: Entry, consent: Consent, token: str) -> bool:
    """Return whether an entry is the very answer of a token: its id alone may have been given anew."""
    said = (entry.id, entry.at // 1000, entry.allowed(), entry.signature)
    return said == (consent.jti, consent.at, consent.allow, _signature(token))


def _signature(token: str) -> bytes:
    text = token.rpartition(".")[2]
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _erased(store: Store, site: Site, keys: Keys, consent: Consent, token: str) -> Standing | None:
    """Return when an answer was erased, by the hash and the statement that its erasure left; None if it was not."""
    signature = base64url(_signature(token))
    line = {"id": consent.jti, "subject": consent.sub, "allow": consent.allow, "signature": signature}
    whose = bytes.fromhex(verify.identity(line))
    found = [each for each in store.erasures.of(site, str(consent.sub), consent.at) if each.erased == whose]
    proven = Proven(store, site, keys)
    stated = next((each for each in found if each in proven), None)
    return Standing("erased", erased_at(stated)) if stated else Standing("unknown") if found else None
