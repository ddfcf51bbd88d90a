"""The shoppers' door: the scripts, decisions, banners shown, what is held of me, and the keys to check a token by."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from flask import Blueprint, Response, request

from ..banner.scripts import Script
from ..decision import Consent, ConsentError, Decision, Site, UnknownCategory, UnknownNotice, best_language, shown_in
from ..proof.receipt import SIGNATURE, digest, history, receipt
from ..store import Recorded
from ..tokens import BadToken, token
from . import metrics
from .cookies import has_waited, is_on_own_host, newest, outlast
from .request import answer, country, device, known_site, nobody_there, own_origin, parts, readable_by, small_body

door = Blueprint("shopper", __name__)


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
    """Return a script in the best encoding that the client takes, with a strong ETag for exactly these bytes."""
    encodings = request.accept_encodings
    name = next((name for name in ("br", "gzip") if encodings[name] > 0), "plain")
    response = Response(getattr(script, name), mimetype="text/javascript")
    response.headers["Cache-Control"] = cache
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["Access-Control-Allow-Origin"] = "*"
    if name != "plain":
        response.headers["Content-Encoding"] = name
    response.set_etag(f"{script.hash}-{name}")
    response.make_conditional(request)
    return response


@door.get("/v1/<site_id>/consent.js")
def consent_js(site_id: str) -> Response:
    """The gate with the first layer; the same for everybody, so that any CDN can keep it."""
    asked = parts().asked[known_site(site_id).id]
    return _script(asked.consent, "public, max-age=300, stale-while-revalidate=86400")


@door.get("/v1/<site_id>/<any(details, mine, release, delivery, withdraw):name>.<lang>.<digest>.js")
def layer_js(site_id: str, name: str, lang: str, digest: str) -> Response:
    """What consent.js fetches when it is wanted. An outdated address gets today's, but may not keep it."""
    layer = parts().asked[known_site(site_id).id].layers[name]
    script = layer.get(lang) or next(iter(layer.values()))
    current = script.hash == digest
    return _script(script, "public, max-age=31536000, immutable" if current else "public, max-age=60")


@door.get("/v1/<site_id>/notice")
def notice(site_id: str) -> Response:
    """What is asked, for other front ends than our banner."""
    site = known_site(site_id)
    lang = request.args.get("lang") or best_language([*request.accept_languages.values()], site.languages)
    notices = parts().asked[site.id].notices
    if lang not in notices:
        raise NoSuchNotice(f"This site asks in {', '.join(notices)}.")
    wanted = request.args.get("variant", notices[lang][0].variant)
    found = next((notice for notice in notices[lang] if notice.variant == wanted), None)
    if found is None:
        raise NoSuchNotice(f"This site's variants are {', '.join(notice.variant for notice in notices[lang])}.")
    return answer({"notice": found.hash, **found.content})


# Decisions


@door.post("/v1/<site_id>/decisions")
def decisions(site_id: str) -> Response:
    """Take a decision, keep it, and acknowledge it with a token."""
    site = known_site(site_id)
    with metrics.decision(site.id) as outcome:
        origin = own_origin(site)
        behind = parts()
        behind.limits.spend(behind.settings.client_limit, "client", behind.limits.client())
        behind.limits.spend(behind.settings.site_limit, "site", site.id)
        decision = Decision.parse(
            small_body(), site, partial(behind.store.notices.find, site), lambda text: _followed(text, site)
        )
        with metrics.STORE.time():
            kept = behind.store.decisions.record(
                site,
                decision,
                now=time.time_ns() // 1_000_000,
                sign=behind.keys.sign,
                device=device(),
                country=country(),
            )
        outcome.name = "repeat" if kept.repeat else "late" if has_waited(site, decision) else "kept"
        return _acknowledged(kept, origin)


def _followed(text: str, site: Site) -> Consent:
    try:
        return parts().keys.read(text, site.id)
    except BadToken as error:
        raise PreviousRefused(f"`previous` is refused. {error}") from None


def _acknowledged(kept: Recorded, origin: str | None) -> Response:
    text = token(kept.consent, kept.signature)
    content = {"token": text, "allow": kept.consent.allow, "at": kept.consent.at, "expires": kept.consent.exp}
    return readable_by(answer(content, 200 if kept.repeat else 201), origin)


@door.post("/v1/<site_id>/keep")
def keep(site_id: str) -> Response:
    """Have the browser keep the answer that it holds, where a script's cookie would not last."""
    site = known_site(site_id)
    origin = own_origin(site)
    text, consent = _mine(site)
    response = Response(status=204, headers={"Cache-Control": "no-store"})
    if is_on_own_host(origin):
        outlast(response, site, text, consent)
    return response


@door.post("/v1/<site_id>/shown")
def shown(site_id: str) -> tuple[str, int]:
    """Count a banner that an undecided shopper sees. Nothing about the shopper is kept."""
    site = known_site(site_id)
    own_origin(site)
    behind = parts()
    language, variant = shown_in(small_body(), site, partial(behind.store.notices.find, site))
    if not nobody_there():
        behind.limits.spend(behind.settings.client_limit, "shown", behind.limits.client())
        behind.store.counters.shown(
            site,
            now=time.time_ns() // 1_000_000,
            language=language,
            variant=variant,
            device=device(),
            country=country(),
        )
    return "", 204


# Me


def _mine(site: Site) -> tuple[str, Consent]:
    """Return the caller's token, from the header or the cookie, and what it says.

    Raises:
        BadToken: there is none, or it is not valid here and now.
    """
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and (text := text.strip()):
        return text, _verified(site, text)
    return newest(site, partial(_verified, site))


def _verified(site: Site, text: str) -> Consent:
    return parts().keys.verify(text, site.id, time.time())


def _history(site: Site, consent: Consent) -> list[dict[str, Any]]:
    store = parts().store
    entries = store.decisions.history(site, consent.sub) if consent.sub else []
    return history(entries, store.notices.all(site) if entries else {})


@door.get("/v1/<site_id>/me")
def me(site_id: str) -> Response:
    """All that is held about the caller."""
    site = known_site(site_id)
    own_origin(site)
    _, consent = _mine(site)
    return answer({"site": site.id, "token": consent, "history": _history(site, consent)})


@door.get("/v1/<site_id>/me/receipt")
def my_receipt(site_id: str) -> Response:
    """The caller's consent receipt, signed; JSON-LD."""
    site = known_site(site_id)
    own_origin(site)
    text, consent = _mine(site)
    asked = parts().store.notices.find(site, consent.notice)
    if asked is None:
        raise UnknownNotice(f"The notice {consent.notice} that this token answers is not held here.")
    now = int(time.time())
    content = receipt(site, asked, consent, _history(site, consent), text, now)
    signed = {"typ": "receipt", "site": site.id, "at": now, "sha256": digest(content)}
    return answer({**content, SIGNATURE: token(signed, parts().keys.sign(signed))}, mimetype="application/ld+json")


@door.delete("/v1/<site_id>/me")
def erase(site_id: str) -> Response:
    """Erase all that is held about the caller; what was counted stays counted. The receipt names nobody."""
    site = known_site(site_id)
    own_origin(site)
    _, consent = _mine(site)
    erased = parts().store.decisions.erase(site, consent.sub) if consent.sub else 0
    done = {"typ": "erasure", "site": site.id, "erased": erased, "at": int(time.time())}
    return answer({**done, "receipt": token(done, parts().keys.sign(done))})


@door.get("/v1/<site_id>/allows/<category>")
def allows(site_id: str, category: str) -> tuple[str, int]:
    """Say by the status alone whether the token allows a category: 204 or 403, for nginx's ``auth_request``."""
    site = known_site(site_id)
    try:
        allowed = _mine(site)[1].allows(category)
    except (BadToken, UnknownCategory) as error:
        raise NotAllowed(str(error)) from None
    if not allowed:
        raise NotAllowed(f"This shopper does not allow {category}.")
    return "", 204


@door.get("/v1/keys.json")
def keys() -> Response:
    """The public keys (JWK set, newest first) by which anybody can check a token."""
    response = answer(parts().keys.jwks(), mimetype="application/jwk-set+json")
    response.headers["Cache-Control"] = "public, max-age=300"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


@door.get("/.well-known/gpc.json")
def gpc() -> Response:
    """Say that Global Privacy Control is heeded."""
    sites = [site for site in parts().sites.values() if site.gpc]
    updated = max(site.policy_updated for site in parts().sites.values())
    return answer({"gpc": bool(sites), "lastUpdate": updated.isoformat()})
