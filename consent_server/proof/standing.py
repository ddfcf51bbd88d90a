"""Whether a token is still its shopper's newest answer, and if not, since when: withdrawn, changed, erased."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .. import verify
from ..decision import Consent
from ..site import Site
from ..store import Store
from ..tokens import Keys
from .entries import erased_at
from .proven import Proven

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
    if newest is None:
        return _erased(store, site, keys, consent, token)
    if newest.id == consent.jti:
        return Standing("newest")
    if newest not in Proven(store, site, keys):
        return Standing("unknown")  # and allows nothing
    return Standing("changed" if newest.allow else "withdrawn", newest.at // 1000)


def _erased(store: Store, site: Site, keys: Keys, consent: Consent, token: str) -> Standing:
    """Return when an answer was erased, by the hash and the statement that its erasure left."""
    line = {"id": consent.jti, "subject": consent.sub, "allow": consent.allow, "signature": token.rpartition(".")[2]}
    whose = bytes.fromhex(verify.identity(line))
    left = store.erasures.of(site, str(consent.sub), consent.at)
    proven = Proven(store, site, keys)
    found = next((each for each in left if each.erased == whose and each in proven), None)
    return Standing("erased", erased_at(found)) if found else Standing("unknown")
