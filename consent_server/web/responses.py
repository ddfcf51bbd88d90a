"""What answers have in common."""

from __future__ import annotations

import msgspec
from flask import Response, request

from ..banner.scripts import Script


def answer(content: object, status: int = 200, mimetype: str = "application/json") -> Response:
    """Return a JSON response that nobody keeps."""
    return Response(msgspec.json.encode(content), status, [("Cache-Control", "no-store")], content_type=mimetype)


def answer_script(script: Script, cache: str, mimetype: str = "text/javascript") -> Response:
    """Return a script or style in the best encoding that the client takes, with a strong ETag for exactly these bytes.

    ``cache`` is its Cache-Control.
    """
    encodings = request.accept_encodings
    name = next((name for name in ("br", "gzip") if encodings[name] > 0), "plain")
    response = Response(getattr(script, name), mimetype=mimetype)
    response.headers["Cache-Control"] = cache
    response.headers["Vary"] = "Accept-Encoding"
    if name != "plain":
        response.headers["Content-Encoding"] = name
    response.set_etag(f"{script.hash}-{name}")
    response.make_conditional(request)
    return response
