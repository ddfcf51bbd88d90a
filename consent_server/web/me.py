"""What is held of whoever asks, here and in the browser, and whether it allows something."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from flask import Blueprint, Response, request

from ..decision import Consent, UnknownNotice
from ..proof.days.proven import Proven
from ..proof.erasure import erase as erase_shopper
from ..proof.receipt import SIGNATURE, digest, history, receipt
from ..proof.seals import newest as newest_seal
from ..proof.standing import standing
from ..site import ConsentError, Site, UnknownCategory
from ..store import ForgedNotice, StoreAway, Unreadable
from ..tokens import BadToken, current, token
from .cookies import is_on_own_host, is_waiting, newest, outlast
from .request import bearer, let_own_pages_read, require_own_origin
from .responses import answer, nothing
from .services import known_site, services

blueprint = Blueprint("me", __name__)
blueprint.after_request(let_own_pages_read)


class NotAllowed(ConsentError):
    """The shopper does not allow this category."""

    problem = "not-allowed"


def token_of_caller(site: Site) -> tuple[str, Consent]:
    """Return the caller's token, from the header or the cookie, and what it says.

    Raises:
        BadToken: there is none, or it is not valid here and now.
    """
    text = bearer(request.environ)
    if text:
        return text, verified(site, text)
    return newest(site, partial(verified, site))


def verified(site: Site, text: str) -> Consent:
    """Return what a token of the site says that holds now.

    Raises:
        BadToken: it does not.
    """
    return services().keys.verify(text, site.id, time.time())


def _asked_for(site_id: str, what: str) -> Site:
    """Return the shop, if its page, or none, asks for ``what``, and not too often.

    Raises:
        UnknownSite: there is none of that id.
        ForeignOrigin: a page of somebody else asks.
        TooMany: this address did so often: the log is read, or written, for it.
    """
    site, behind = known_site(site_id), services()
    require_own_origin(site, request.environ)
    behind.limits.spend_client(behind.settings.client_limit, what)
    return site


def _history(site: Site, consent: Consent) -> list[dict[str, Any]]:
    store, proven = services().store, Proven(services().store, site, services().keys)
    entries = [entry for entry in store.history.of(site, consent.sub) if entry in proven] if consent.sub else []
    return history(entries, {entry.notice: store.notices.starting_with(site, entry.notice) for entry in entries})


@blueprint.get("/v1/<site_id>/me")
def me(site_id: str) -> Response:
    """All that is held about the caller."""
    site = _asked_for(site_id, "me")
    text, consent = token_of_caller(site)
    stands = standing(services().store, site, services().keys, consent, text)
    return answer({"site": site.id, "token": consent, "standing": stands, "history": _history(site, consent)})


@blueprint.get("/v1/<site_id>/me/receipt")
def my_receipt(site_id: str) -> Response:
    """The caller's consent receipt, signed; JSON-LD."""
    site = _asked_for(site_id, "receipt")
    text, consent = token_of_caller(site)
    asked = services().store.notices.find(site, consent.notice)
    if asked is None:
        raise UnknownNotice(f"The notice {consent.notice} that this token answers is not held here.")
    behind, now = services(), int(time.time())
    seal = newest_seal(behind.store, site, behind.keys)
    stands = standing(behind.store, site, behind.keys, consent, text)
    content = receipt(
        site, asked, consent, _history(site, consent), text, now, seal, stands, request.root_url.rstrip("/")
    )
    signed = {"typ": "receipt", "site": site.id, "at": now, "sha256": digest(content)}
    return answer({**content, SIGNATURE: token(signed, behind.keys.sign(signed))}, mimetype="application/ld+json")


@blueprint.post("/v1/<site_id>/keep")
def keep(site_id: str) -> Response:
    """Have the browser keep the answer that it holds, where a script's cookie would not last."""
    site = known_site(site_id)
    origin = require_own_origin(site, request.environ)
    text, consent = token_of_caller(site)
    response = nothing()
    if is_on_own_host(origin):
        outlast(response, site, text, consent)
    return response


@blueprint.delete("/v1/<site_id>/me")
def erase(site_id: str) -> Response:
    """Erase all that is held about the caller; what was counted stays counted. The receipt names nobody.

    Where nothing was held the answer is no erasure, and there is no receipt but of an earlier one: a call may be
    answered 503 although it was done.
    """
    site = _asked_for(site_id, "erase")
    text, consent = token_of_caller(site)
    behind = services()
    now = behind.store.attestations.time(site) // 1000
    erased = erase_shopper(behind.store, site, behind.keys, consent.sub, now) if consent.sub else 0
    if erased:
        done = {"typ": "erasure", "site": site.id, "erased": erased, "at": now}
        return answer({**done, "receipt": token(done, behind.keys.sign(done))})
    nothing = {"typ": "nothing-held", "site": site.id, "erased": 0}
    if at := standing(behind.store, site, behind.keys, consent, text).erased:
        done = {"typ": "erasure", "site": site.id, "erased": 1, "at": at}  # of others no name is left
        detail = f"Nothing is held any more: what this token names was erased before, at {at}."
        return answer({**nothing, "at": at, "detail": detail, "receipt": token(done, behind.keys.sign(done))})
    detail = "Nothing is held that names the holder of this token, so nothing was erased."
    return answer({**nothing, "detail": detail})


@blueprint.get("/v1/<site_id>/allows/<category>")
def allows(site_id: str, category: str) -> Response:
    """Say by the status alone whether the token allows a category: 204 or 403, for nginx's ``auth_request``."""
    site = known_site(site_id)
    try:
        text, consent = token_of_caller(site)
        allowed = current(consent, site.revision).allows(category)
        fault = "" if allowed else f"This shopper does not allow {category}."
        if category in consent.allow:
            newer = (
                "A newer answer of this shopper's is on its way here."
                if is_waiting(site) and not bearer(request.environ)
                else ""
            )
            fault = fault or newer or standing(services().store, site, services().keys, consent, text).fault
    except (BadToken, UnknownCategory, StoreAway, Unreadable, ForgedNotice) as error:
        raise NotAllowed(str(error)) from None
    if fault:
        raise NotAllowed(fault)
    return nothing()
