"""What shoppers answer: a decision is taken, kept and acknowledged."""

from __future__ import annotations

import time
from functools import partial

from flask import Blueprint, Response

from ..decision import Consent, Decision
from ..site import ConsentError, Site
from ..store import Recorded
from ..tokens import BadToken, token
from . import metrics
from .cookies import has_waited
from .request import (
    country,
    current_request,
    device,
    let_own_pages_read,
    read_body,
    require_no_bot,
    require_own_origin,
)
from .responses import answer
from .services import services

blueprint = Blueprint("shopper", __name__)
blueprint.after_request(let_own_pages_read)

SECONDS_TO_REPEAT = 600
"""How long a decision that is sent again gets its token again, for an answer may be lost on its way."""


class PreviousRefused(ConsentError):
    """The token that a decision says it follows is not ours."""

    problem = "previous-refused"


@blueprint.post("/v1/<site_id>/decisions")
def decisions(site_id: str) -> Response:
    """Take a decision, keep it, and acknowledge it with a token."""
    behind, environ = services(), current_request().environ
    site = behind.site(site_id)
    with metrics.Outcome(site.id) as outcome:
        require_own_origin(site, environ)
        require_no_bot(environ)
        behind.limits.spend_client(behind.settings.client_limit, "client")
        behind.limits.spend(behind.settings.site_limit, "site", site.id)
        find = partial(behind.store.notices.find_whole, site)
        decision = Decision.parse(read_body(environ), find, lambda text: _followed(text, site))
        with metrics.STORE.time():
            kept = behind.store.decisions.record(
                site,
                decision,
                now=time.time_ns() // 1_000_000,
                sign=behind.keys.sign,
                device=device(environ),
                country=country(environ, behind.settings.country_header),
            )
        outcome.name = "repeat" if kept.repeat else "late" if has_waited(site, decision, environ) else "kept"
        return _acknowledged(kept)


def _followed(text: str, site: Site) -> Consent:
    try:
        return services().keys.read(text, site.id)
    except BadToken as error:
        raise PreviousRefused(f"`previous` is refused. {error}") from None


def _acknowledged(kept: Recorded) -> Response:
    """Acknowledge a decision. One of long ago gets no token that names somebody, whoever knows its id."""
    late = kept.repeat and bool(kept.consent.sub) and kept.now > kept.at + SECONDS_TO_REPEAT * 1000
    content = {
        **({} if late else {"token": token(kept.consent, kept.signature)}),
        "allow": kept.consent.allow,
        "at": kept.consent.at,
        "expires": kept.consent.exp,
    }
    return answer(content, 200 if kept.repeat else 201)
