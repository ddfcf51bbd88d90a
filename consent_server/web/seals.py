"""What anyone may check by: the keys, the chain of seals, and for shoppers the way up to it from their answers."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Response, request

from ..proof.attested.witnesses import with_cosignatures
from ..proof.keys import published
from ..proof.seals import chain, checkpoint, proofs, verifier_key
from ..rates.period import BadQuestion, read_day
from .me import token_of_caller
from .request import add_cors, let_own_pages_read, require_own_origin
from .responses import Answer, answer
from .services import known_site, services

blueprint = Blueprint("seals", __name__)
blueprint.after_request(let_own_pages_read)

FOR_EVER = "public, max-age=31536000, immutable"
FOR_A_WHILE = "public, max-age=300"

PROOFS = 20
"""How often a minute an address may ask for its way up: a part of each day is read again for it."""


@blueprint.get("/v1/keys.json")
def keys() -> Response:
    """The public keys (JWK set, newest first) by which anybody can check a token, and what they sign of each other."""
    response = answer(published(services().keys), mimetype="application/jwk-set+json")
    response.headers["Cache-Control"] = FOR_A_WHILE
    return add_cors(response, "*")


@blueprint.get("/v1/<site_id>/me/proof")
def my_proof(site_id: str) -> Response:
    """The way from the caller's sealed decisions, the newest, to their days' seals, and on to the log's checkpoint."""
    site = known_site(site_id)
    require_own_origin(site, request.environ)
    _, consent = token_of_caller(site)
    behind = services()
    behind.limits.spend_client(min(PROOFS, behind.settings.client_limit), "proof")
    return answer(proofs(behind.store, site, behind.keys, consent.sub, _day("to") or date.max))


@blueprint.get("/v1/<site_id>/seals")
def seals(site_id: str) -> Response:
    """The seals from day ``from`` to day ``to``; a checkpoint over all of them; or the key that signs it."""
    site = known_site(site_id)
    behind = services()
    behind.limits.spend_client(behind.settings.client_limit, "seals")
    found = chain(behind.store, site, behind.keys)
    form = request.args.get("format") or "json"
    if form == "key":
        return _text(verifier_key(site, behind.keys) + "\n")
    if form == "checkpoint":
        old = request.args.get("old") or None
        if old is not None and not (old.isascii() and old.isdigit() and len(old) < 10):
            raise BadQuestion("old", "`old` is how many seals are known already.")
        note = checkpoint(site, behind.keys, found, int(old) if old else None)
        return _text(note if old else with_cosignatures(behind.store, site, len(found), note))
    if form != "json":
        raise BadQuestion("format", "`format` is json, checkpoint or key.")
    first, last = _day("from"), _day("to")
    wanted = [
        {"day": day, "token": token}
        for day, token in found.items()
        if (not first or first <= day) and (not last or day <= last)
    ]
    response = answer({"site": site.id, "seals": wanted})
    # A sealed day never changes, and none comes in before it.
    is_over = last is not None and bool(found) and last <= max(found)
    response.headers["Cache-Control"] = FOR_EVER if is_over else FOR_A_WHILE
    return add_cors(response, "*")


def _day(name: str) -> date | None:
    text = request.args.get(name)
    return read_day(text, name) if text else None


def _text(text: str) -> Response:
    response = Answer(text, content_type="text/plain; charset=utf-8")
    response.headers["Cache-Control"] = FOR_A_WHILE
    return add_cors(response, "*")
