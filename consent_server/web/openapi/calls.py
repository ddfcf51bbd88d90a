"""How /openapi.json says what a call takes and answers."""

from __future__ import annotations

from typing import Any

from ..problems import STATUS
from .components import REFUSALS
from .schema import Schema


def call(summary: str, answers: dict[str, Any], *refusals: str, takes: str = "", **more: object) -> dict[str, Any]:
    """Return a call.

    Args:
        summary: what it is for.
        answers: what it answers with when it does not refuse, by status.
        refusals: some of REFUSALS, in the order of their statuses.
        takes: names of PARAMETERS.
        more: what else is said of it; its own ``parameters`` follow those that it shares.
    """
    parameters = [{"$ref": f"#/components/parameters/{name}"} for name in takes.split()]
    own = more.pop("parameters", [])
    if isinstance(own, list) and (parameters or own):
        more["parameters"] = parameters + own
    refused = {str(STATUS[REFUSALS[name][1]]): {"$ref": f"#/components/responses/{name}"} for name in refusals}
    return {"summary": summary, **more, "responses": answers | refused}


def says(description: str, schema: Schema, status: str = "200", mimetype: str = "application/json") -> dict[str, Any]:
    """Return an answer of this status with a body."""
    return {status: {"description": description, "content": {mimetype: {"schema": schema}}}}


def body(schema: Schema) -> dict[str, Any]:
    """Return what a page posts, which may call it text so that no preflight is needed."""
    return {"content": {mimetype: {"schema": schema} for mimetype in ("text/plain", "application/json")}}
