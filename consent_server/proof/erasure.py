"""Erasing a shopper: of each entry stays its leaf, with a statement of when it was erased, signed at that moment."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from ..decision import consent_of
from ..site import Site
from ..store import Store
from ..tokens import Keys
from .entries import ERASED, FOUND, erased_at, statement


def erase(store: Store, site: Site, keys: Keys, subject: str, at: int) -> int:
    """Erase one shopper, with a statement for each entry. ``at``: seconds since 1970.

    Returns:
        How many entries were erased.
    """
    return store.history.erase(site, subject, lambda entry: statement(entry, site, keys, ERASED, at))


def erased_before(store: Store, site: Site, keys: Keys, subject: str) -> int | None:
    """Return when a shopper was erased whom nothing names any more, in seconds since 1970; None if that is not known.

    Their first decision has the name that all of theirs share, so that the hash which its erasure left can be made
    again from that name alone, with the signature that the token had.
    """
    notices = {name[:8]: notice for name, notice in store.notices.all(site).items()}
    for left in store.erasures.of(site, subject):
        if notice := notices.get(left.notice):
            consent = consent_of(notice, left.allow, left.at // 1000, subject, subject)
            for key in range(len(keys.public) if left.allow else 1):
                own = replace(left, id=subject, subject=subject, signature=keys.sign(consent, key), erased=b"")
                if own.identity() == left.erased:
                    return erased_at(left)
    return None


def carry_over(
    store: Store, site: Site, keys: Keys, at: int, progress: Callable[[int], None] = lambda done: None
) -> int:
    """Sign, for each entry that a version before statements has erased, that it was found so. Returns how many.

    Nothing proves that somebody erased these who may: whoever calls this believes the store, once.
    ``progress`` is told how many are done.
    """
    done = 0
    for entry in store.erasures.unstated(site):
        store.erasures.state(site, entry, statement(entry, site, keys, FOUND, at))
        done += 1
        progress(done)
    return done
