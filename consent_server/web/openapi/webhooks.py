"""What webhooks are posted, and what they answer."""

from __future__ import annotations

from typing import Any

from ...decision import KINDS
from .components import parameter
from .schema import ALLOWED, SECONDS, TEXT, WHOLE, Schema, nullable, one, thing

_HEADERS = [
    parameter("header", "webhook-id", TEXT, required=True, description="Names the event, the same at each attempt."),
    parameter("header", "webhook-timestamp", WHOLE, required=True, description="Of the attempt, seconds since 1970."),
    parameter(
        "header",
        "webhook-signature",
        TEXT,
        description="`v1,` and the base64 of HMAC-SHA256 over id, timestamp and body with full stops between; several, "
        "with spaces between, while a secret is changed. Only without CONSENT_WEBHOOK_SECRET there is none.",
    ),
]


def _posted(summary: str, body: Schema) -> dict[str, Any]:
    return {
        "post": {
            "summary": summary,
            "parameters": _HEADERS,
            "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
            "responses": {
                "2XX": {"description": "It was taken."},
                "default": {"description": "It was not, and is posted again. Redirects are not followed."},
            },
        }
    }


WEBHOOKS: dict[str, Any] = {
    "decision": _posted(
        "A shopper has decided; in order for each shopper, at least once",
        thing(
            {
                "kind": one(*KINDS, "test"),
                "allow": ALLOWED,
                "at": SECONDS,
                "jti": nullable("string"),
                "sub": nullable("string"),
                "site": TEXT,
                "text": TEXT,
            },
            "text",  # of a test that nothing signs, for a chat
        ),
    ),
    "alarm": _posted(
        "A rate left its usual range, nobody answers any more, or something leaks",
        thing({"site": TEXT, "kind": one("range", "stopped", "leak"), "text": TEXT}, closed=False),
    ),
    "digest": _posted(
        "How the last week was, each Monday: the report of its days, and a text in English",
        thing({"site": TEXT, "kind": one("digest"), "text": TEXT}, closed=False),
    ),
}
"""By name; the address of each is CONSENT_WEBHOOK, or the site's ``webhook``."""
