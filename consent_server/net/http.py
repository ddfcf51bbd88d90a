"""An address is fetched over HTTP, within a deadline."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any

from .deadline import Deadline


def fetch(url: str, seconds: float, most: int, headers: Mapping[str, str] = {}) -> bytes:
    """Return the body of what is at an address, after redirects and through the environment's proxy.

    Args:
        url: of http or https.
        seconds: for all of it.
        most: bytes of the body that are read; of a longer one only these.
        headers: what is sent.

    Raises:
        OSError: it cannot be had, as ``urllib.request`` says it, or not in time (TimeoutError).
        HTTPException: what answers does not speak HTTP.
    """
    with Deadline(seconds) as deadline:

        def connected(kind: Callable[..., Any]) -> Callable[..., Any]:
            def made(host: str, **options: Any) -> Any:
                connection = kind(host, **options)
                connection._create_connection = deadline.connect
                return connection

            return made

        plain, safe = urllib.request.HTTPHandler(), urllib.request.HTTPSHandler()
        plain.http_open = lambda req: plain.do_open(connected(HTTPConnection), req)  # type: ignore[method-assign]
        safe.https_open = lambda req: safe.do_open(connected(HTTPSConnection), req)  # type: ignore[method-assign]
        request = urllib.request.Request(url, headers=dict(headers))  # noqa: S310 nothing else has a handler of ours
        try:
            with urllib.request.build_opener(plain, safe).open(request, timeout=seconds) as answer:  # nosec B310
                body: bytes = answer.read(most)
            deadline.left()
        except (OSError, HTTPException) as error:
            if deadline.is_over:
                raise TimeoutError(f"it takes longer than {seconds:g} s") from error
            raise
        return body
