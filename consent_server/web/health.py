"""What operators' machines ask: is it alive, is it ready, and what it has been doing."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from contextlib import suppress

from flask import Blueprint, Response, request

from ..banner.scripts import types
from ..proof.attested.ends import not_ours
from ..rates.read import today, unusual
from ..site import ConsentError
from ..store import StoreAway, Unreadable
from ..store.connection.away import OtherKind
from . import metrics
from .limits import plain_address
from .request import add_cors, bearer
from .responses import answer, answer_script
from .services import services

blueprint = Blueprint("health", __name__)

THIS_MACHINE = ("127.0.0.1", "::1")
PASSED_ON = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")
"""Headers by which a request says that it came from elsewhere, through a proxy on this machine."""


class NotForYou(ConsentError):
    """The numbers are for operators only."""

    problem = "not-yours"


@blueprint.get("/healthz")
def healthz() -> Response:
    """Say that this process answers, whatever Redis does."""
    return answer({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> Response:
    """Say whether decisions can be taken: Redis answers, and its layout is ours; and by what it would lose them.

    ``scheme`` is how we were called, as far as the proxies in front are believed.
    """
    store = services().store
    store.ping()
    warnings = [*services().warnings]
    with suppress(StoreAway):  # one that does not tell how it runs may be as it should
        warnings += [what for server in store.servers() for what, _ in server.faults()]
    with suppress(StoreAway):
        warnings += not_ours(store, services().sites.values(), services().keys)
    # It is ready all the same: a shop is better served by a Redis that may lose something than by none.
    return answer({"status": "ready", "scheme": request.scheme, "warnings": warnings})


@blueprint.get("/metrics")
def numbers() -> Response:
    """What has been measured, for Prometheus: with the operator's token, or from this machine if there is none."""
    token = services().settings.metrics_token
    if token:
        allowed = hmac.compare_digest((bearer(request.environ) or "").encode(), token.encode())
    else:
        allowed = plain_address(request.remote_addr or "") in THIS_MACHINE and not any(
            name in request.headers for name in PASSED_ON
        )
    if not allowed:
        raise NotForYou("The metrics are for operators: send CONSENT_METRICS_TOKEN as `Authorization: Bearer TOKEN`.")
    text = metrics.text(_alarms())
    return Response(text, headers={"Cache-Control": "no-store"}, mimetype="text/plain; version=0.0.4")


def _alarms() -> Iterator[tuple[str, str, str]]:
    """Yield site, kind and rate of what is unusual today or yesterday; nothing while Redis is away."""
    for site in services().sites.values():
        try:
            for alarm in unusual(services().store, site, today(site)):
                yield site.id, alarm.kind, alarm.rate
        except (Unreadable, OtherKind):  # what somebody else wrote hides the alarms of no other shop
            continue
        except StoreAway:
            return


@blueprint.get("/v1/consent.d.ts")
def types_for_scripts() -> Response:
    """The types of ``window.consent``, its queue and its events, for a shop's TypeScript."""
    cache = "public, max-age=300, stale-while-revalidate=86400"
    return add_cors(answer_script(types(), cache, "application/typescript"), "*")
