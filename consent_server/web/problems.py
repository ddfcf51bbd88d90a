"""Every refusal is answered with problem details (RFC 9457)."""

from __future__ import annotations

import logging

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from ..site import ConsentError
from .logs import request_id
from .responses import answer
from .services import services

log = logging.getLogger(__name__)

STATUS = {
    "malformed": 400,
    "bad-question": 400,
    "bad-token": 401,
    "expired-token": 401,
    "foreign-token": 401,
    "not-known": 401,
    "foreign-form": 403,
    "foreign-origin": 403,
    "known-bot": 403,
    "not-allowed": 403,
    "not-for-pages": 403,
    "not-yours": 403,
    "unknown-site": 404,
    "no-accounts": 404,
    "no-such-notice": 404,
    "no-seals": 404,
    "other-content": 409,
    "previous-replaced": 409,
    "too-large": 413,
    "previous-refused": 422,
    "unknown-category": 422,
    "unknown-notice": 422,
    "too-many": 429,
    "forged-notice": 503,
    "unproven": 503,
    "clocks-apart": 503,
    "store-away": 503,
    "wrong-layout": 503,
}
"""The HTTP status of each kind of problem."""

NO_REFUSALS = {"not-allowed", "no-such-notice", "no-seals"}
"""What is asked in earnest and answered with no: nobody was turned away."""

RETRY_SECONDS = {429: "60", 503: "5"}


def problem(kind: str, status: int, title: str, detail: str) -> Response:
    """Return problem details (RFC 9457)."""
    content = {"type": f"/problems/{kind}", "title": title, "status": status, "detail": detail}
    response = answer(content, status, "application/problem+json")
    response.headers["X-Request-ID"] = request_id()
    if status in RETRY_SECONDS:
        response.headers["Retry-After"] = RETRY_SECONDS[status]
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def register_error_handlers(app: Flask) -> None:
    """Have every error of ``app`` answered with problem details."""

    @app.errorhandler(ConsentError)
    def refused(error: ConsentError) -> Response:
        if error.problem not in STATUS:  # of a command; none should get here
            return broken(error)
        if error.problem not in NO_REFUSALS:
            site = str((request.view_args or {}).get("site_id", ""))
            services().refusals.add(site if site in services().sites else "", error.problem)
        title = error.problem.replace("-", " ").capitalize()
        return problem(error.problem, STATUS[error.problem], title, str(error))

    register_http_errors(app)

    @app.errorhandler(Exception)
    def broken(error: Exception) -> Response:
        log.error("unexpected error in %s", request.endpoint, exc_info=error)
        return problem("internal-error", 500, "Internal error", "Something went wrong here; it has been logged.")


def register_http_errors(app: Flask) -> None:
    """Have what ``app`` says by a status alone, such as that there is no such page, answered with problem details."""

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        response = problem(
            error.name.lower().replace(" ", "-"), error.code or 500, error.name, error.description or error.name
        )
        response.headers.extend((k, v) for k, v in error.get_headers() if k in ("Allow", "Location"))
        return response
