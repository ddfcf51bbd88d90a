"""What shoppers ask: the scripts, decisions, banners shown, and what is held of me."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from flask import Blueprint, Response, request

from ..banner.scripts import LAYERS, Script
from ..decision import Consent, Decision, UnknownNotice, shown_in
from ..proof.erasure import erase as erase_shopper
from ..proof.receipt import SIGNATURE, digest, history, receipt
from ..proof.seals import newest as newest_seal
from ..proof.standing import standing
from ..site import ConsentError, Site, UnknownCategory, best_language
from ..store import Recorded, StoreAway
from ..tokens import BadToken, current, token
from . import metrics
from .cookies import has_waited, is_on_own_host, newest, outlast
from .request import (
    add_cors,
    bearer,
    country,
    device,
    is_bot_or_prefetch,
    let_own_pages_read,
    read_body,
    require_no_bot,
    require_own_origin,
)
from .responses import answer, answer_script, nothing
from .services import known_site, services

blueprint = Blueprint("shopper", __name__)
blueprint.after_request(let_own_pages_read)

SECONDS_TO_REPEAT = 600
"""How long a decision that is sent again gets its token again, for an answer may be lost on its way."""


class PreviousRefused(ConsentError):
    """The token that a decision says it follows is not ours."""

    problem = "previous-refused"


class NotAllowed(ConsentError):
    """The shopper does not allow this category."""

    problem = "not-allowed"


class NoSuchNotice(ConsentError):
    """A language or variant in which this site does not ask."""

    problem = "no-such-notice"


# Scripts


def _script(script: Script, cache: str) -> Response:
    """Return a script that any page may run and read."""
    response = answer_script(script, cache)
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return add_cors(response, "*")


@blueprint.get("/v1/<site_id>/consent.js")
def consent_js(site_id: str) -> Response:
    """The gate with the first layer; the same for everybody, so that any CDN can keep it."""
    scripts = services().scripts[known_site(site_id).id]
    return _script(scripts.consent, "public, max-age=300, stale-while-revalidate=86400")


@blueprint.get(f"/v1/<site_id>/<any({', '.join((*LAYERS, 'watch'))}):name>.<lang>.<digest>.js")
def layer_js(site_id: str, name: str, lang: str, digest: str) -> Response:
    """What consent.js fetches when it is wanted. An outdated address gets today's, but may not keep it."""
    layer = services().scripts[known_site(site_id).id].layers[name]
    script = layer.get(lang) or next(iter(layer.values()))
    current = script.hash == digest
    return _script(script, "public, max-age=31536000, immutable" if current else "public, max-age=60")


@blueprint.get("/v1/<site_id>/notice")
def notice(site_id: str) -> Response:
    """What is asked, for other front ends than our banner."""
    site = known_site(site_id)
    notices = services().scripts[site.id].notices
    lang = _language(site)
    wanted = request.args.get("variant", notices[lang][0].variant), request.args.get("rule", "")
    found = next((notice for notice in notices[lang] if (notice.variant, notice.rule) == wanted), None)
    if found is None:
        rules = "; its rules: " * bool(site.rules) + ", ".join(rule.name for rule in site.all_rules[1:])
        raise NoSuchNotice(f"This site's variants are {', '.join(way.name for way in site.all_variants)}{rules}.")
    return answer({"notice": found.hash, **found.content})


@blueprint.get("/v1/<site_id>/cookies")
def cookie_list(site_id: str) -> Response:
    """The cookie list as a piece of HTML, for a page of the shop to include on its server."""
    site = known_site(site_id)
    lang = _language(site)
    fragment = services().scripts[site.id].fragments[lang]
    response = answer_script(fragment, "public, max-age=300, stale-while-revalidate=86400", "text/html")
    response.headers["Content-Language"] = lang
    if not request.args.get("lang"):
        response.vary.add("Accept-Language")
    return add_cors(response, "*")


def _language(site: Site) -> str:
    """Return the language that is asked for, else the best for who asks.

    Raises:
        NoSuchNotice: the site does not speak it.
    """
    lang = request.args.get("lang") or best_language([*request.accept_languages.values()], site.languages)
    if lang not in site.languages:
        raise NoSuchNotice(f"This site asks in {', '.join(site.languages)}.")
    return lang


# Decisions


@blueprint.post("/v1/<site_id>/decisions")
def decisions(site_id: str) -> Response:
    """Take a decision, keep it, and acknowledge it with a token."""
    site = known_site(site_id)
    with metrics.Outcome(site.id) as outcome:
        require_own_origin(site)
        require_no_bot()
        behind = services()
        behind.limits.spend_client(behind.settings.client_limit, "client")
        behind.limits.spend(behind.settings.site_limit, "site", site.id)
        find = partial(behind.store.notices.find, site)
        decision = Decision.parse(read_body(), find, lambda text: _followed(text, site))
        with metrics.STORE.time():
            kept = behind.store.decisions.record(
                site,
                decision,
                now=time.time_ns() // 1_000_000,
                sign=behind.keys.sign,
                device=device(),
                country=country(behind.settings.country_header),
            )
        outcome.name = "repeat" if kept.repeat else "late" if has_waited(site, decision) else "kept"
        return _acknowledged(kept)


def _followed(text: str, site: Site) -> Consent:
    try:
        return services().keys.read(text, site.id)
    except BadToken as error:
        raise PreviousRefused(f"`previous` is refused. {error}") from None


def _acknowledged(kept: Recorded) -> Response:
    """Acknowledge a decision. One of long ago gets no token that names somebody, whoever knows its id."""
    late = kept.repeat and bool(kept.consent.sub) and time.time() > kept.at / 1000 + SECONDS_TO_REPEAT
    content = {
        **({} if late else {"token": token(kept.consent, kept.signature)}),
        "allow": kept.consent.allow,
        "at": kept.consent.at,
        "expires": kept.consent.exp,
    }
    return answer(content, 200 if kept.repeat else 201)


@blueprint.post("/v1/<site_id>/keep")
def keep(site_id: str) -> Response:
    """Have the browser keep the answer that it holds, where a script's cookie would not last."""
    site = known_site(site_id)
    origin = require_own_origin(site)
    text, consent = token_of_caller(site)
    response = Response(status=204, headers={"Cache-Control": "no-store"})
    if is_on_own_host(origin):
        outlast(response, site, text, consent)
    return response


@blueprint.post("/v1/<site_id>/shown")
def shown(site_id: str) -> Response:
    """Count a banner that an undecided shopper sees. Nothing about the shopper is kept."""
    site = known_site(site_id)
    require_own_origin(site)
    behind = services()
    seen = shown_in(read_body(), site, partial(behind.store.notices.find, site))
    if not is_bot_or_prefetch():
        behind.limits.spend_client(behind.settings.client_limit, "shown")
        behind.store.counters.shown(
            site,
            now=time.time_ns() // 1_000_000,
            device=device(),
            country=country(behind.settings.country_header),
            **seen._asdict(),
        )
    return nothing()


# Me


def token_of_caller(site: Site) -> tuple[str, Consent]:
    """Return the caller's token, from the header or the cookie, and what it says.

    Raises:
        BadToken: there is none, or it is not valid here and now.
    """
    text = bearer()
    if text:
        return text, verified(site, text)
    return newest(site, partial(verified, site))


def verified(site: Site, text: str) -> Consent:
    """Return what a token of the site says that holds now.

    Raises:
        BadToken: it does not.
    """
    return services().keys.verify(text, site.id, time.time())


def _history(site: Site, consent: Consent) -> list[dict[str, Any]]:
    store = services().store
    entries = store.decisions.history(site, consent.sub) if consent.sub else []
    return history(entries, {entry.notice: store.notices.starting_with(site, entry.notice) for entry in entries})


@blueprint.get("/v1/<site_id>/me")
def me(site_id: str) -> Response:
    """All that is held about the caller."""
    site = known_site(site_id)
    require_own_origin(site)
    text, consent = token_of_caller(site)
    stands = standing(services().store, site, consent, text)
    return answer({"site": site.id, "token": consent, "standing": stands, "history": _history(site, consent)})


@blueprint.get("/v1/<site_id>/me/receipt")
def my_receipt(site_id: str) -> Response:
    """The caller's consent receipt, signed; JSON-LD."""
    site = known_site(site_id)
    require_own_origin(site)
    text, consent = token_of_caller(site)
    asked = services().store.notices.find(site, consent.notice)
    if asked is None:
        raise UnknownNotice(f"The notice {consent.notice} that this token answers is not held here.")
    behind, now = services(), int(time.time())
    seal = newest_seal(behind.store, site, behind.keys)
    stands = standing(behind.store, site, consent, text)
    content = receipt(
        site, asked, consent, _history(site, consent), text, now, seal, stands, request.root_url.rstrip("/")
    )
    signed = {"typ": "receipt", "site": site.id, "at": now, "sha256": digest(content)}
    return answer({**content, SIGNATURE: token(signed, behind.keys.sign(signed))}, mimetype="application/ld+json")


@blueprint.delete("/v1/<site_id>/me")
def erase(site_id: str) -> Response:
    """Erase all that is held about the caller; what was counted stays counted. The receipt names nobody.

    Where nothing was held the answer is no erasure, and there is no receipt but of an earlier one: a call may be
    answered 503 although it was done.
    """
    site = known_site(site_id)
    require_own_origin(site)
    text, consent = token_of_caller(site)
    behind, now = services(), int(time.time())
    erased = erase_shopper(behind.store, site, behind.keys, consent.sub, now) if consent.sub else 0
    if erased:
        done = {"typ": "erasure", "site": site.id, "erased": erased, "at": now}
        return answer({**done, "receipt": token(done, behind.keys.sign(done))})
    nothing = {"typ": "nothing-held", "site": site.id, "erased": 0}
    if at := standing(behind.store, site, consent, text).erased:
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
            fault = fault or standing(services().store, site, consent, text).fault
    except (BadToken, UnknownCategory, StoreAway) as error:
        raise NotAllowed(str(error)) from None
    if fault:
        raise NotAllowed(fault)
    return nothing()


@blueprint.get("/.well-known/gpc.json")
def gpc() -> Response:
    """Say that Global Privacy Control is heeded."""
    sites = [site for site in services().sites.values() if site.gpc]
    updated = max(site.policy_updated for site in services().sites.values())
    return answer({"gpc": bool(sites), "lastUpdate": updated.isoformat()})
