"""One answer for an account of a shop: which of several counts, and what the pages of a device are to do about it.

While an account's answer stands in a device's cookie ``consent``, the device has two cookies more. ``ask-own``, which
no script can read, is its own answer from before, to be put back at the logout. ``ask-account`` says what is to do:

=======================  =====================================================================================
``in.MARK``              an account's answer is in place; MARK: which one this device was given or has brought
``applied.MARK``         the same, and the shopper is to be told so; ``conflict.MARK``: that there were two
``WHAT.SEEN.MARK.TOKEN`` first put this token into the cookie, or nothing where there is none, if what is there
                         is still SEEN; then go on with ``WHAT.MARK``
``out.SEEN.MARK.TOKEN``  the same at a logout; then there is nothing more
``erased``               the shopper has erased what is held
=======================  =====================================================================================

So pages alone write the cookie with the answer, here as everywhere: a response may come when a later answer is in it. A
mark is the end of a token's signature: so little of one that names somebody that many share it; of a refusal's, which
all who refuse in an hour share, enough that it is taken for no other.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from dataclasses import dataclass, replace
from typing import Literal

from ...decision import Consent, consent_of
from ...proof.proven import Proven
from ...proof.standing import standing
from ...site import Site
from ...store import Store, StoreAway
from ...tokens import BadToken, ExpiredToken, Keys, current, token, unexpired

TRIES = 5
"""How often it is looked again when somebody else links the same account meanwhile."""

NOTHING = "0"
"""Stands for no answer, as a mark and as a device's own. No signature ends in it."""

LENGTHS = {True: 9, False: 3}
"""Characters of a mark, of a refusal and of a token that names somebody; the last has but two bits in it."""

ERASED = "erased"

UNLINKED = "The account has no answer any more."
WAITING = "This answer waits for its delivery; it counts once the cookie holds the server's token."


@dataclass(frozen=True, slots=True)
class Device:
    """What a browser has sent to the shop: the values of ``consent``, ``ask-own`` and ``ask-account``."""

    token: str | None = None
    own: str | None = None
    state: str | None = None

    @property
    def synced(self) -> str:
        """The mark of the account's answer that the device has had; empty while it is still to take one."""
        rest = _without_what(self.state)
        return "" if "." in rest else rest


@dataclass(frozen=True, slots=True)
class Held:
    """An answer that holds: its token, what it says, and what the newest of several has most of."""

    token: str
    consent: Consent
    order: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Settled:
    """What counts, and what to tell the browser; of ``own`` and ``state``, None: they stay, empty: they go.

    Attributes:
        held: the answer; None if there is none.
        applied: whether it is what the device has, or what the account brings.
        conflict: whether both had an answer when they met, and not the same.
        refused: why the token that came counts as none, a sentence.
        own: the value of ``ask-own``.
        state: the value of ``ask-account``.
    """

    held: Held | None = None
    applied: Literal["device", "account", "none"] = "none"
    conflict: bool = False
    refused: str | None = None
    own: str | None = None
    state: str | None = None


def mark(text: str | None) -> str:
    """Return what a page knows a token by."""
    if not text:
        return NOTHING
    payload, _, signature = text.partition(".")
    return signature[-LENGTHS[b'"allow":[]' in urlsafe_b64decode(payload + "==")] :]


def settle(store: Store, keys: Keys, site: Site, account: str | None, device: Device, now: int) -> Settled:
    """Link what a device has answered to the account that is logged in on it, or take what the account has.

    Args:
        store: where answers are.
        keys: make and check tokens, and name accounts.
        site: the shop.
        account: whose login it is, as the shop names it; None: nobody is logged in.
        device: what the browser has.
        now: seconds since 1970.

    Raises:
        BadToken: the device's token is forged, or another site's.
        StoreAway: nothing was linked, or it is not known; the same call may be made again.
    """
    if (device.token or "").startswith("~"):
        return Settled(refused=WAITING)
    bound, _, own = (device.own or "").partition(".")
    own_token = own if own != NOTHING else ""
    if account is None:
        return _leave(store, keys, site, device, own_token, now)
    is_bound = device.own is not None and keys.accounts.is_marked(bound, site.id, account, own)
    if device.state == ERASED:
        if is_bound or device.own is None:
            unlink(store, keys, site, account)
            return Settled(own="", state="")
        device = replace(device, state=None)  # that was another account's
    is_within = device.own is not None and device.state is not None
    is_another_s = is_within and not is_bound
    arrives = is_another_s or not is_within
    # Where another account was logged in just now, its answer is in the cookie, and says nothing of this one.
    brought = own_token if is_another_s else device.token
    if is_another_s:
        _of_device(store, keys, site, device.token, now)
        mine, refused, is_void = _of_own(store, keys, site, brought, now)
    else:
        mine, refused, is_void = _of_device(store, keys, site, brought, now)
    # What the device has had from the account, or given to it, is no news of it.
    is_known = not arrives and bool(device.token) and mark(device.token) == device.synced
    synced = "" if arrives else device.synced
    theirs, best = _link(store, keys, site, account, mine, synced, now, is_known)
    # One that has expired stays, for the gate to ask again and know what it was; a no stays, and is linked anew.
    if is_known and mine and not best and mine.consent.allow:
        is_void, refused = True, refused or UNLINKED

    text, has = best.token if best else "", device.token or ""
    differs = bool(mine and theirs and mine.consent.allow != theirs.consent.allow)
    conflict = arrives and differs
    is_from_account = bool(best and text != brought)
    is_news = is_from_account and (arrives or not mine or differs)
    what = "conflict" if conflict else "applied" if is_news else "in"
    is_to_change = text != has and bool(best or is_another_s or is_void)
    state = f"{what}.{mark(has)}.{mark(text)}.{text}" if is_to_change else f"{what}.{mark(text)}"
    changes = arrives or _without_what(state) != _without_what(device.state)
    kept = own if not arrives else brought if brought and not is_void else NOTHING
    # Marked anew, and as long-lived, with each change: a secret goes, and a login may outlive the cookie.
    beside = f"{keys.accounts.mark(site.id, account, kept)}.{kept}"
    return Settled(
        best,
        "none" if best is None else "account" if is_from_account else "device",
        conflict,
        refused,
        beside if changes or beside != device.own else None,
        state if changes else None,  # nor is said again, or forgotten to be said, what is to be done already
    )


def _without_what(state: str | None) -> str:
    return (state or "").partition(".")[2]


def unlink(store: Store, keys: Keys, site: Site, account: str) -> bool:
    """Forget the answer of an account, and return whether there was one."""
    return store.accounts.remove(site, keys.accounts.names(site.id, account))


def _leave(store: Store, keys: Keys, site: Site, device: Device, own: str, now: int) -> Settled:
    """Have the device go back to its own answer, if that is still what its shopper says; else it is asked again."""
    there, refused, _ = _of_device(store, keys, site, device.token, now)
    if device.own is None or device.state in (None, ERASED):  # nobody was logged in, or the page has done it
        gone = [None if value is None else "" for value in (device.own, device.state)]
        return Settled(there, "device" if there else "none", refused=refused, own=gone[0], state=gone[1])
    held, refused, is_void = _of_own(store, keys, site, own, now)
    before = {*held.consent.allow} if held else set()
    if there and device.synced not in ("", mark(device.token)) and {*there.consent.allow} <= before:
        # It may have been given after a logout that was not told here, and is never made more of.
        return Settled(there, "device", own="", state="")
    text = held.token if held else "" if is_void else own
    applied: Literal["device", "none"] = "device" if held else "none"
    if text == (device.token or ""):
        return Settled(held, applied, refused=refused, own="", state="")
    state = f"out.{mark(device.token)}.{mark(text)}.{text}"
    return Settled(held, applied, refused=refused, state=None if state == device.state else state)


def _of_device(
    store: Store, keys: Keys, site: Site, text: str | None, now: int
) -> tuple[Held | None, str | None, bool]:
    """Return a device's answer; else why it is none, and whether that is because it was taken back or erased.

    Raises:
        BadToken: it is forged, or another site's.
    """
    if not text:
        return None, None, False
    consent = keys.read(text, site.id)
    try:
        current(unexpired(consent, now), site.revision)
    except ExpiredToken as error:
        return None, str(error), False
    if fault := standing(store, site, keys, consent, text).fault:
        return None, fault, True
    return Held(text, consent, consent.order), None, False


def _of_own(store: Store, keys: Keys, site: Site, text: str | None, now: int) -> tuple[Held | None, str | None, bool]:
    """Return the same of what lay beside an account's answer, where a text that is no token is no answer."""
    try:
        return _of_device(store, keys, site, text, now)
    except BadToken as error:
        return None, str(error), True


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


def _link(
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


def _has_ended(keys: Keys, site: Site, kept: str, now: int) -> bool:
    try:
        current(unexpired(keys.read(".".join(kept.split(".")[-2:]), site.id), now), site.revision)
    except BadToken:
        return True
    return False
