"""Erasing a shopper: of each entry stays its leaf, with a statement of when it was erased, signed at that moment."""

from __future__ import annotations

from collections.abc import Callable

from ..site import Site
from ..store import Store
from ..tokens import Keys
from .entries import ERASED, FOUND, statement


def erase(store: Store, site: Site, keys: Keys, subject: str, at: int) -> int:
    """Erase one shopper, with a statement for each entry. ``at``: seconds since 1970.

    Returns:
        How many entries were erased.
    """
    return store.decisions.erase(site, subject, lambda entry: statement(entry, site, keys, ERASED, at))


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
