"""What an account has: the newest answer of its devices, kept so that nobody can make one who writes to the store."""

from __future__ import annotations

from dataclasses import replace

from ...decision import consent_of
from ...proof.days.proven import Proven
from ...proof.standing import standing
from ...site import Site
from ...store import Store, StoreAway
from ...tokens import BadToken, Keys, current, token, unexpired
from .held import Held, mark

TRIES = 5
"""How often it is looked again when somebody else links the same account meanwhile."""


def link(
    store: Store, keys: Keys, site: Site, account: str, mine: Held | None, synced: str, now: int, is_known: bool
) -> tuple[Held | None, Held | None]:
    """Keep the newest answer for an account; return what it had, and what it has.

    Where the device knew the account's answer when it was asked, its own came after; else the times say which is newer.
    What the account had already (``is_known``) gives way to what it has since, but not to what is surely older and
    allows more: that came by an erasure, a backup or a server that did not know of it.

    Raises:
        StoreAway: others were always faster.
    """
    names = keys.accounts.names(site.id, account)
    for _ in range(TRIES):
        found = store.accounts.find(site, names)
        all_theirs = [_of_account(store, keys, site, account, kept, mine, now) for kept in found.values()]
        theirs = max(filter(None, all_theirs), key=lambda held: held.order, default=None)
        best = theirs
        if mine and theirs and mine.token == theirs.token:
            theirs = best = replace(mine, order=theirs.order)
        elif mine and is_known:
            is_older = bool(theirs and mine.consent.at > theirs.order[0])
            best = mine if theirs and is_older and {*mine.consent.allow} <= {*theirs.consent.allow} else theirs
        elif mine and (not theirs or synced == mark(theirs.token) or mine.order > theirs.order):
            best = mine
        if best is None and any(_has_ended(keys, site, kept, now) for kept in found.values()):
            return None, None  # Redis has it end too; and a clock may be wrong, or a secret come back
        before, after = found.pop(names[0], ""), _kept(keys, site, account, best)
        life, subject = (best.consent.exp - now, best.consent.sub) if best else (0, None)
        if store.accounts.swap(site, names[0], before, after, life, subject):
            if subject and not store.history.newest(site, subject):  # erased meanwhile
                store.accounts.swap(site, names[0], after, "", 0)
                return None, None
            for name, kept in found.items():  # those of older secrets
                store.accounts.swap(site, name, kept, "", 0)
            return theirs, best
    raise StoreAway("This account was linked again and again meanwhile; try again.")


def unlink(store: Store, keys: Keys, site: Site, account: str) -> bool:
    """Forget the answer of an account, and return whether there was one."""
    return store.accounts.remove(site, keys.accounts.names(site.id, account))


def _kept(keys: Keys, site: Site, account: str, best: Held | None) -> str:
    """Return how an answer is kept for an account: with what nobody can make who writes to the store.

    A refusal names nobody and grants nothing, so whoever had it put there, it is one.
    """
    if best is None or not best.consent.allow:
        return best.token if best else ""
    return f"{keys.accounts.mark(site.id, account, best.token, 'link')}.{best.token}"


def _of_account(
    store: Store, keys: Keys, site: Site, account: str, kept: str, mine: Held | None, now: int
) -> Held | None:
    """Return what an account's answer has become: its shopper may have changed it since, or erased it.

    What was not linked to it here is none, nor what nobody has answered. Versions before linked without a mark: of that
    a refusal holds, and what the device has itself (``mine``).
    """
    bound, _, text = kept.partition(".") if kept.count(".") > 1 else ("", "", kept)
    is_linked = keys.accounts.is_marked(bound, site.id, account, text, "link") or bool(mine and text == mine.token)
    try:
        consent = keys.read(text, site.id)
        held = Held(text, consent, consent.order)
        if consent.sub:
            now_is = standing(store, site, keys, consent, text).now
            if now_is != "newest":
                entry = store.history.newest(site, consent.sub)
                if now_is not in ("changed", "withdrawn") or entry is None or entry not in Proven(store, site, keys):
                    return None
                notice = store.notices.starting_with(site, entry.notice)
                consent = consent_of(notice, entry.allow, entry.at // 1000, entry.subject, entry.id)
                # Only what names nobody is signed again: another token of a decision would not be that of the log.
                text = token(consent, entry.signature if entry.allow else keys.sign(consent))
                # The log knows to the second what a refusal's token says to the hour.
                held = Held(text, keys.read(text, site.id), (entry.at // 1000, -len(consent.allow)))
        current(unexpired(consent, now), site.revision)
    except BadToken:  # expired, of an older question, or of a secret that is no more
        return None
    return held if is_linked or not consent.allow else None


def _has_ended(keys: Keys, site: Site, kept: str, now: int) -> bool:
    try:
        current(unexpired(keys.read(".".join(kept.split(".")[-2:]), site.id), now), site.revision)
    except BadToken:
        return True
    return False
