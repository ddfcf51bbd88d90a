"""Checks tokens with public keys alone: those at hand, or those that a server publishes at the moment."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any

import msgspec
from itsdangerous.encoding import base64_decode

from ..decision import Consent
from .errors import BadToken, ExpiredToken, ForgedToken, NoKeys, OutdatedToken
from .reader import Ed25519, Reader, shaped, waits

LONGEST_KEYS = 65_536
"""Bytes of the longest document that is read as published keys."""

SECONDS_BETWEEN = 5
"""How long keys are not asked for again that could not be fetched, or had nothing new."""

log = logging.getLogger(__name__)


class Verifier(Reader):
    """Checks the tokens of one site with public keys only, offline.

    Args:
        keys: public keys as in ``/v1/keys.json``: that document, its keys, or the members ``x`` of them (base64url
            text, 32 bytes). Of a document, keys of another kind are passed over (RFC 7517, 5).
        site: the site's id; tokens of other sites are refused.
        revision: the site's ``revision``; older answers, to a question that is asked anew, are refused.

    Raises:
        BadToken: none of them is a key of ours.
    """

    def __init__(
        self, keys: Mapping[str, Any] | Iterable[str | Mapping[str, Any]] | str, site: str, *, revision: int = 0
    ) -> None:
        listed = keys.get("keys", [keys]) if isinstance(keys, Mapping) else [keys] if isinstance(keys, str) else keys
        raw = [base64_decode(key if isinstance(key, str) else key["x"]) for key in listed if _is_ours(key)]
        self.site = site
        self.revision = revision
        self.public = tuple(raw)
        super().__init__(raw, Ed25519(public=raw))

    @classmethod
    def from_url(cls, url: str, site: str, *, revision: int = 0, timeout: float = 2, refresh: float = 3600) -> Verifier:
        """Return a verifier with the keys that a server publishes, which may be away: a shop starts and serves without.

        Nothing is fetched before there is a token to check. Later on keys are fetched anew in the background, or at
        once for a token that none of them signed, as after a new secret; until that succeeds the last good ones hold.

        Args:
            url: where the keys are, ``https://HOST/v1/keys.json``.
            site: the site's id; tokens of other sites are refused.
            revision: the site's ``revision``; older answers are refused.
            timeout: seconds that a check waits for keys at most. Without any it then raises NoKeys, a BadToken.
            refresh: seconds after which keys are fetched anew.

        Raises:
            ValueError: the address is not one of http or https.
        """
        return _Published(url, site, revision, timeout, refresh)

    def verify(self, token: str | None, now: float | None = None) -> Consent:
        """Return what the shopper allows. ``now``: seconds since 1970, the clock's time if left out.

        Raises:
            BadToken: none (there is no cookie), forged, changed, of another site, of an older revision, or expired.
        """
        return current(unexpired(self.read(token, self.site), time.time() if now is None else now), self.revision)

    def newest(self, header: str | None, cookie: str = "consent") -> Consent:
        """Return what the newest answer in a request's header ``Cookie`` allows: it may have several of the name.

        Raises:
            BadToken: none holds, or one that no server has signed yet is newer.
        """
        pairs = [pair.strip().partition("=") for pair in (header or "").split(";")]
        return newest([value.strip() for name, _, value in pairs if name.strip() == cookie], self.site, self.verify)


def newest(texts: Iterable[str], site: str, verify: Callable[[str], Consent]) -> Consent:
    """Return what the newest answer says of the cookies of one name, which a browser may hold in several scopes.

    Raises:
        BadToken: none is valid, or one that is on its way to the server is newer.
    """
    valid, wrong = [], BadToken("There is no answer.")
    for text in texts:
        if waits(text, site):
            raise BadToken("A newer answer is on its way to the server.")
        try:
            valid.append(verify(text))
        except BadToken as error:
            wrong = error
    if not valid:
        raise wrong
    return max(valid, key=lambda consent: consent.order)


def _is_ours(key: str | Mapping[str, Any]) -> bool:
    """Return whether a key is of the kind that signs tokens; a text always is meant to be."""
    if isinstance(key, str):
        return True
    return "x" in key and (key.get("kty", "OKP"), key.get("crv", "Ed25519")) == ("OKP", "Ed25519")


class _Published(Verifier):
    """Checks tokens with the keys that a server publishes at the moment."""

    def __init__(self, url: str, site: str, revision: int, timeout: float, refresh: float) -> None:
        if not url.startswith(("https://", "http://")):
            raise ValueError(f"The address of the keys starts with https:// or http://, unlike {url!r}.")
        self.site = site
        self.revision = revision
        self._url, self._timeout, self._refresh = url, timeout, refresh
        self._known: Verifier | None = None
        self._fetching: threading.Thread | None = None
        self._began = self._due = self._not_before = float("-inf")
        self._lock = threading.Lock()

    def payload(self, token: str | None) -> bytes:
        shaped(token)  # most visitors have none, and wait for no keys
        known = self._known
        if time.monotonic() >= self._due:
            known = self._fetched(wait=not known)
        if not known:
            raise NoKeys("The server's public keys could not be fetched yet.")
        try:
            return known.payload(token)
        except ForgedToken:
            newer = self._fetched(wait=True)
            if not newer or newer is known:
                raise
            return newer.payload(token)

    def _fetched(self, wait: bool) -> Verifier | None:
        """Have the keys fetched, unless that was tried a moment ago, and return what is known then.

        A thread does it, so that nobody waits for longer than the time-out, however slowly a server answers.
        """
        now = time.monotonic()
        with self._lock:  # a thread may be done before it is noted here
            if now >= self._not_before and not (self._fetching and self._fetching.is_alive()):
                thread = threading.Thread(target=self._fetch, name="consent keys", daemon=True)
                thread.start()
                self._fetching, self._began, self._not_before = thread, now, now + SECONDS_BETWEEN
        if wait and self._fetching:
            self._fetching.join(max(0, self._began + self._timeout - now))
        return self._known

    def _fetch(self) -> None:
        try:
            found = Verifier(msgspec.json.decode(_get(self._url, self._timeout)), self.site)
        except Exception as error:  # whatever it is that answers there, a shop goes on with the keys that it has
            log.warning("the public keys for %s cannot be fetched: %s", self.site, error)
            return
        with self._lock:
            if not self._known or found.public != self._known.public:
                self._known, self._not_before = found, float("-inf")
        self._due = time.monotonic() + self._refresh


def _get(url: str, timeout: float) -> bytes:
    # Whoever has the keys at hand needs no HTTP, which takes half as long to load as all the rest.
    text: bytes = import_module("..net.http", __package__).fetch(url, timeout, LONGEST_KEYS + 1)
    if len(text) > LONGEST_KEYS:
        raise ValueError("the answer is too long")
    return text


def unexpired(consent: Consent, now: float) -> Consent:
    """Return ``consent``.

    Raises:
        ExpiredToken: it is past its ``exp``.
    """
    if consent.exp <= now:
        raise ExpiredToken("This consent has expired; the shopper has to be asked again.")
    return consent


def current(consent: Consent, revision: int) -> Consent:
    """Return ``consent``.

    Raises:
        OutdatedToken: it answers an older revision of what the shop asks.
    """
    if consent.rev < revision:
        raise OutdatedToken("This consent answers what was asked before; the shopper has to be asked again.")
    return consent
