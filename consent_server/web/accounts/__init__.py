"""What a shop's back end asks, with a key of its own: to link an account to an answer, and to forget that."""

from __future__ import annotations

import time
from collections.abc import Iterator

import msgspec
from flask import Blueprint, Response, request

from ...decision import Malformed
from ...site import GRACE, ConsentError, Site
from ..marketer.session import NotKnown, digest
from ..request import bearer, read_body
from ..responses import answer, nothing
from ..services import known_site, services
from .held import Device, Synced
from .linked import unlink
from .sync import sync_account

blueprint = Blueprint("accounts", __name__)

KIND = "account-key"
"""What the digests of these keys begin with, so that no key of another kind is one."""

LONGEST_ACCOUNT = 200
LONGEST_COOKIE = 4096
LONGEST_BODY = 16_384


class NoAccounts(ConsentError):
    """This shop does not link accounts."""

    problem = "no-accounts"


class NotForPages(ConsentError):
    """A page calls what only a back end may, and so has its key in it."""

    problem = "not-for-pages"


class _Request(msgspec.Struct, forbid_unknown_fields=True):
    """The body of either call."""

    account: str | None
    token: str | None = None
    ask_own: str | None = None
    ask_account: str | None = None


_request = msgspec.json.Decoder(_Request)


def _site(site_id: str) -> Site:
    """Return the shop whose back end calls.

    Raises:
        UnknownSite: there is none of that id.
        NoAccounts: it does not link accounts.
        NotForPages: a page calls.
        NotKnown: the key is not one for that.
        TooMany: too often.
    """
    site, behind = known_site(site_id), services()
    if not site.accounts:
        raise NoAccounts(f"{site.id} links no accounts; `accounts = true` in consent.toml has it do so.")
    if "HTTP_ORIGIN" in request.environ:
        raise NotForPages("This is for the shop's back end alone: a page that knows the key has given it to everybody.")
    key = bearer(request.environ)
    if key is None or not behind.store.account_keys.knows(site, digest(KIND, key)):
        behind.limits.spend_client(behind.settings.client_limit, "account-key")
        raise NotKnown(f"No key that links accounts of {site.id}; `consent-server accounts add {site.id}` makes one.")
    behind.limits.spend(behind.settings.site_limit, "account", site.id)
    return site


def _body() -> _Request:
    """Return what is asked.

    Raises:
        Malformed: it is not what the contract says.
        TooLarge: it has too many bytes.
    """
    try:
        asked = _request.decode(read_body(request.environ, LONGEST_BODY))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        # Without the value: an account is somebody.
        raise Malformed(f"The body names no account: {str(error).rstrip('.')}.") from None
    if asked.account is not None and not 1 <= len(asked.account) <= LONGEST_ACCOUNT:
        raise Malformed(f"`account` takes 1 to {LONGEST_ACCOUNT} characters, or null where nobody is logged in.")
    if any(len(value or "") > LONGEST_COOKIE for value in (asked.token, asked.ask_own, asked.ask_account)):
        raise Malformed(f"A cookie has {LONGEST_COOKIE} characters at most.")
    return asked


@blueprint.post("/v1/<site_id>/account")
def link(site_id: str) -> Response:
    """Link what a device has answered to an account, or tell what the account's answer is."""
    site = _site(site_id)
    asked = _body()
    behind = services()
    now = time.time()
    behind.store.clock.must_agree(site, int(now * 1000))  # or what has not ended would be taken for what has
    device = Device(asked.token or None, asked.ask_own or None, asked.ask_account or None)
    synced = sync_account(behind.store, behind.keys, site, asked.account, device, int(now))
    held = synced.held
    return answer(
        {
            "token": held and held.token,
            "allow": held and held.consent.allow,
            "at": held and held.consent.at,
            "expires": held and held.consent.exp,
            "applied": synced.applied,
            "conflict": synced.conflict,
            "refused": synced.refused,
            "set_cookies": [*_set_cookies(site, synced)],
        }
    )


@blueprint.delete("/v1/<site_id>/account")
def forget(site_id: str) -> Response:
    """Forget the answer of an account, as when it is closed. The answers of its devices stay."""
    site = _site(site_id)
    account = _body().account
    if account is None:
        raise Malformed("`account` names the account that is to be forgotten.")
    unlink(services().store, services().keys, site, account)
    return nothing()


def _set_cookies(site: Site, synced: Synced) -> Iterator[str]:
    """Yield what the back end sends on, a value of ``Set-Cookie`` each."""
    scope = "; Path=/; SameSite=Lax"
    if site.cookie_domain:
        scope += f"; Domain={site.cookie_domain}"
    if all(origin.startswith("https:") for origin in site.origins):
        scope += "; Secure"
    for name, value, more in (("ask-own", synced.own, "; HttpOnly"), ("ask-account", synced.state, "")):
        if value is not None:
            life = site.keep + GRACE if value else 0
            yield f"{site.cookie.replace('consent', name)}={value}{scope}; Max-Age={life}{more}"
