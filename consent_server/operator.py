"""The operators' door: is it alive, is it ready, and what it has been doing."""

from __future__ import annotations

from flask import Blueprint, Response

from .door import answer, parts

door = Blueprint("operator", __name__)


@door.get("/healthz")
def healthz() -> Response:
    """Say that this process answers, whatever Redis does."""
    return answer({"status": "ok"})


@door.get("/readyz")
def readyz() -> Response:
    """Say whether decisions can be taken: Redis answers, and its layout is ours."""
    parts().store.ping()
    return answer({"status": "ready"})
