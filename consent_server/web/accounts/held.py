"""What a device holds of an account, what it sends, and what it is told.

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
from dataclasses import dataclass
from typing import Literal

from ...decision import Consent

NOTHING = "0"
"""Stands for no answer, as a mark and as a device's own. No signature ends in it."""

LENGTHS = {True: 9, False: 3}
"""Characters of a mark, of a refusal and of a token that names somebody; the last has but two bits in it."""

ERASED = "erased"
"""What a device says whose shopper has erased what is held."""


@dataclass(frozen=True, slots=True)
class Device:
    """What a browser has sent to the shop: the values of ``consent``, ``ask-own`` and ``ask-account``."""

    token: str | None = None
    own: str | None = None
    state: str | None = None

    @property
    def synced(self) -> str:
        """The mark of the account's answer that the device has had; empty while it is still to take one."""
        rest = without_what(self.state)
        return "" if "." in rest else rest


@dataclass(frozen=True, slots=True)
class Held:
    """An answer that holds: its token, what it says, and what the newest of several has most of."""

    token: str
    consent: Consent
    order: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Synced:
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


def without_what(state: str | None) -> str:
    """Return a state without what is to be done or said: the marks, and the token."""
    return (state or "").partition(".")[2]
