"""The description of all calls that are for machines (OpenAPI 3.1)."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version

import msgspec
from flask import Blueprint, Response, request

from ..request import add_cors
from ..responses import Answer
from .components import PARAMETERS, RESPONSES, SCHEMAS
from .headers import HEADERS, of_calls
from .paths import PATHS
from .webhooks import WEBHOOKS

blueprint = Blueprint("openapi", __name__)


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """The description of all calls that are for machines (OpenAPI 3.1)."""
    text = description(request.root_path)  # a prefix of ours, or where somebody has mounted us
    response = Answer(text, headers={"Cache-Control": "public, max-age=300"}, mimetype="application/json")
    return add_cors(response, "*")


@lru_cache(maxsize=8)
def description(prefix: str = "") -> bytes:
    """Return the description of all calls, as JSON text; ``prefix`` is the path under which the server is reached."""
    return msgspec.json.format(
        msgspec.json.encode(
            {
                "openapi": "3.1.0",
                "info": {
                    "title": "consent-server",
                    "version": version("consent-server"),
                    "description": (
                        "Cookie consent that can be proven. Errors are problem details (RFC 9457); each kind has a "
                        "type of its own. An empty part of a query counts as left out."
                    ),
                },
                "servers": [{"url": prefix or "/"}],
                "paths": of_calls(PATHS),
                "webhooks": WEBHOOKS,
                "components": {
                    "securitySchemes": {
                        "bearer": {
                            "type": "http",
                            "scheme": "bearer",
                            "description": (
                                "A consent token for what is the shopper's; an API key for rates, or another for "
                                "accounts; CONSENT_METRICS_TOKEN for /metrics."
                            ),
                        },
                        "cookie": {"type": "apiKey", "in": "cookie", "name": "consent"},
                        "session": {"type": "apiKey", "in": "cookie", "name": "marketer"},
                    },
                    "parameters": PARAMETERS,
                    "headers": HEADERS,
                    "responses": RESPONSES,
                    "schemas": SCHEMAS,
                },
            }
        ),
        indent=1,
    )
