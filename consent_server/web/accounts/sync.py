"""One answer for an account of a shop: which of several counts, and what the pages of a device are to do about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, NamedTuple

from ...proof.standing import standing
from ...site import Site
from ...store import Store
from ...tokens import BadToken, ExpiredToken, Keys, current, unexpired
from .held import ERASED, NOTHING, Device, Held, Synced, mark, without_what
from .linked import link, unlink

UNLINKED = "The account has no answer any more."
WAITING = "This answer waits for its delivery; it counts once the cookie holds the server's token."


def sync_account(store: Store, keys: Keys, site: Site, account: str | None, device: Device, now: int) -> Synced:
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
        return Synced(refused=WAITING)
    bound, _, own = (device.own or "").partition(".")
    own_token = own if own != NOTHING else ""
    if account is None:
        return _leave(store, keys, site, device, own_token, now)
    is_bound = device.own is not None and keys.accounts.is_marked(bound, site.id, account, own)
    if device.state == ERASED:
        if is_bound or device.own is None:
            unlink(store, keys, site, account)
            return Synced(own="", state="")
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
    theirs, best = link(store, keys, site, account, mine, synced, now, is_known)
    # One that has expired stays, for the gate to ask again and know what it was; a no stays, and is linked anew.
    if is_known and mine and not best and mine.consent.allow:
        is_void, refused = True, refused or UNLINKED
    kept = own if not arrives else brought if brought and not is_void else NOTHING
    return _told(
        keys, site, account, device, _Found(mine, theirs, best, arrives, brought, kept, is_another_s, is_void, refused)
    )


class _Found(NamedTuple):
    """What was found of a login: the answers of the device and of the account, and the best of them.

    ``arrives``: the device is new to the account, and has ``brought`` an answer, if any; ``kept``: what lies beside the
    account's from now on; ``is_another_s``: another account was logged in until now; ``is_void``: what the device had
    does not hold any more, and ``refused`` why.
    """

    mine: Held | None
    theirs: Held | None
    best: Held | None
    arrives: bool
    brought: str | None
    kept: str
    is_another_s: bool
    is_void: bool
    refused: str | None


def _told(keys: Keys, site: Site, account: str, device: Device, found: _Found) -> Synced:
    """Return what a device is told after a login: its answer, and what its page is to do."""
    mine, theirs, best, arrives, brought, kept, is_another_s, is_void, refused = found
    text, has = best.token if best else "", device.token or ""
    differs = bool(mine and theirs and mine.consent.allow != theirs.consent.allow)
    conflict = arrives and differs
    is_from_account = bool(best and text != brought)
    is_news = is_from_account and (arrives or not mine or differs)
    what = "conflict" if conflict else "applied" if is_news else "in"
    is_to_change = text != has and bool(best or is_another_s or is_void)
    state = f"{what}.{mark(has)}.{mark(text)}.{text}" if is_to_change else f"{what}.{mark(text)}"
    changes = arrives or without_what(state) != without_what(device.state)
    # Marked anew, and as long-lived, with each change: a secret goes, and a login may outlive the cookie.
    beside = f"{keys.accounts.mark(site.id, account, kept)}.{kept}"
    return Synced(
        best,
        "none" if best is None else "account" if is_from_account else "device",
        conflict,
        refused,
        beside if changes or beside != device.own else None,
        state if changes else None,  # nor is said again, or forgotten to be said, what is to be done already
    )


def _leave(store: Store, keys: Keys, site: Site, device: Device, own: str, now: int) -> Synced:
    """Have the device go back to its own answer, if that is still what its shopper says; else it is asked again."""
    there, refused, _ = _of_device(store, keys, site, device.token, now)
    if device.own is None or device.state in (None, ERASED):  # nobody was logged in, or the page has done it
        gone = [None if value is None else "" for value in (device.own, device.state)]
        return Synced(there, "device" if there else "none", refused=refused, own=gone[0], state=gone[1])
    held, refused, is_void = _of_own(store, keys, site, own, now)
    before = {*held.consent.allow} if held else set()
    if there and device.synced not in ("", mark(device.token)) and {*there.consent.allow} <= before:
        # It may have been given after a logout that was not told here, and is never made more of.
        return Synced(there, "device", own="", state="")
    text = held.token if held else "" if is_void else own
    applied: Literal["device", "none"] = "device" if held else "none"
    if text == (device.token or ""):
        return Synced(held, applied, refused=refused, own="", state="")
    state = f"out.{mark(device.token)}.{mark(text)}.{text}"
    return Synced(held, applied, refused=refused, state=None if state == device.state else state)


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
