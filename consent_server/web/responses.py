"""What answers have in common."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, cast

import msgspec
from flask import Response, request
from werkzeug.http import parse_accept_header

from ..banner.scripts import Script


class Answer(Response):
    """A response of ours. It goes out as it is, where Werkzeug would copy its headers and look through them."""

    constant: tuple[tuple[str, str], ...] = ()
    """Headers besides, of which it is known that they are right and that nobody reads or changes them."""

    def get_wsgi_response(self, environ: dict[str, Any]) -> tuple[Iterable[bytes], str, list[tuple[str, str]]]:
        """Return body, status and headers as WSGI takes them."""
        if self.status_code in (200, 201) and self.response and environ["REQUEST_METHOD"] != "HEAD":
            return cast(list[bytes], self.response), self.status, [*self.headers, *self.constant]
        body, status, headers = super().get_wsgi_response(environ)
        return body, status, [*headers, *self.constant]


def answer(content: object, status: int = 200, mimetype: str = "application/json") -> Answer:
    """Return a JSON response that nobody keeps."""
    return Answer(msgspec.json.encode(content), status, [("Cache-Control", "no-store")], content_type=mimetype)


def nothing() -> Answer:
    """Return a response without content, which nobody keeps either: it is this caller's."""
    return Answer(status=204, headers=[("Cache-Control", "no-store")])


@lru_cache(maxsize=256)
def _encoding(accepted: str) -> str:
    """Return the best encoding of a script for an Accept-Encoding, of which browsers have but a few."""
    encodings = parse_accept_header(accepted)
    return next((name for name in ("br", "gzip") if encodings[name] > 0), "plain")


def gzipped(response: Response) -> Response:
    """Return a page in fewer bytes, where its reader takes gzip. No secret of it may be the same on the next page."""
    if parse_accept_header(request.environ.get("HTTP_ACCEPT_ENCODING", ""))["gzip"] > 0:
        response.set_data(gzip.compress(response.get_data(), 6, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    return response


def answer_script(script: Script, cache: str, mimetype: str = "text/javascript") -> Answer:
    """Return a script or style in the best encoding that the client takes, with a strong ETag for exactly these bytes.

    ``cache`` is its Cache-Control.
    """
    name = _encoding(request.environ.get("HTTP_ACCEPT_ENCODING", ""))
    headers = [("Cache-Control", cache), ("Vary", "Accept-Encoding")]
    response = Answer(getattr(script, name), headers=headers, mimetype=mimetype)
    if name != "plain":
        response.headers["Content-Encoding"] = name
    response.set_etag(f"{script.hash}-{name}")
    response.make_conditional(request)
    return response
